import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import '../elements/badge/badge.ts';
import { define } from '../elements/define.ts';
import { Watch } from '../session/observable.ts';
import type { Desk } from './desk.ts';

/**
 * In the header: whether the console is connected, and the switch between available and away.
 *
 * @fires availability-set - the person switched; `detail` is whether calls may ring
 */
export class ConsoleStatus extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s3);
      }
      button {
        display: inline-flex;
        align-items: center;
        gap: var(--v-s2);
        min-block-size: var(--v-target);
        padding: var(--v-s1) var(--v-s3) var(--v-s1) var(--v-s2);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius-full);
        background: var(--v-surface);
        color: inherit;
        font: 600 var(--v-text-sm) / 1.25 var(--v-font);
        cursor: pointer;
      }
      button:hover:not(:disabled) {
        background: var(--v-hover);
      }
      button:disabled {
        cursor: not-allowed;
        opacity: 0.65;
      }
      .track {
        position: relative;
        inline-size: 40px;
        block-size: 24px;
        border-radius: 12px;
        background: var(--v-line-strong);
        transition: background-color var(--v-fast);
      }
      .thumb {
        position: absolute;
        inset-block-start: 3px;
        inset-inline-start: 3px;
        inline-size: 18px;
        block-size: 18px;
        border-radius: 50%;
        background: var(--v-surface);
        transition: inset-inline-start var(--v-fast) var(--v-ease);
      }
      [aria-checked='true'] .track {
        background: var(--v-ok);
      }
      [aria-checked='true'] .thumb {
        inset-inline-start: 19px;
      }
      @media (forced-colors: active) {
        .track {
          border: 1px solid ButtonText;
        }
        .thumb {
          background: ButtonText;
        }
      }
    `,
  ];

  declare desk: Desk | undefined;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.desk = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
  }

  override render() {
    const desk = this.desk;
    if (!desk) return nothing;
    const { availability } = desk;
    const busy = availability === 'busy';
    const words = { available: 'Available', away: 'Away', busy: 'Busy' }[availability];
    return html`${this.#connection(desk)}
      <button
        type="button"
        role="switch"
        aria-checked=${availability === 'away' ? 'false' : 'true'}
        aria-label="Available for calls"
        title=${busy ? 'Busy with a call until it is wrapped up' : 'Available for calls (A)'}
        data-testid="availability"
        data-state=${availability}
        ?disabled=${busy || !desk.connected}
        @click=${() => this.#set(availability === 'away')}
      >
        <span class="track"><span class="thumb"></span></span>
        <span role="status">${words}</span>
      </button>`;
  }

  #connection(desk: Desk) {
    switch (desk.store.linkState) {
      case 'open':
        return desk.media.state === 'interrupted'
          ? html`<vt-badge tone="warn" dot pulse role="status">Repairing sound and picture</vt-badge>`
          : html`<vt-badge tone="ok" dot title="Connected to the server" data-testid="connection">Online</vt-badge>`;
      case 'retrying':
        return html`<vt-badge tone="warn" dot pulse role="status" data-testid="connection">Reconnecting</vt-badge>`;
      case 'connecting':
        return html`<vt-badge dot pulse data-testid="connection">Connecting</vt-badge>`;
      case 'refused':
      case 'closed':
        return html`<vt-badge tone="danger" dot data-testid="connection">Offline</vt-badge>`;
    }
  }

  #set(available: boolean) {
    this.dispatchEvent(new CustomEvent<boolean>('availability-set', { detail: available }));
  }
}

define('console-status', ConsoleStatus);

declare global {
  interface HTMLElementTagNameMap {
    'console-status': ConsoleStatus;
  }
}
