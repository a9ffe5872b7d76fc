import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { FloorCall, LinkState } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import { clockTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { serverNow } from '../../staff/server-time.ts';
import type { Desk } from '../desk.ts';
import { MODES } from '../people/roles.ts';

const LINK: Record<LinkState, { readonly tone: 'ok' | 'warn' | 'danger'; readonly words: string }> = {
  good: { tone: 'ok', words: 'Good connection' },
  fair: { tone: 'warn', words: 'Fair connection' },
  poor: { tone: 'danger', words: 'Poor connection' },
};

/** For supervisors: the calls that go on, and the ways into them. */
export class ConsoleFloor extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      .card {
        display: grid;
        gap: var(--v-s4);
        padding: var(--v-s5);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        justify-content: space-between;
        gap: var(--v-s2);
      }
      h2 {
        font-size: var(--v-text-md);
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      ul {
        display: grid;
        gap: var(--v-s3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        gap: var(--v-s2);
        padding-block-start: var(--v-s3);
        border-block-start: 1px solid var(--v-line);
      }
      .who {
        overflow-wrap: anywhere;
      }
      .state,
      .ways {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2);
      }
      .time {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
        font-variant-numeric: tabular-nums;
      }
      @media (max-width: 720px) {
        .card {
          padding: var(--v-s4);
        }
      }
    `,
  ];

  declare desk: Desk | undefined;
  readonly #watch = new Watch(this);
  #timer: ReturnType<typeof setInterval> | undefined;
  #told: Desk | undefined;

  constructor() {
    super();
    this.desk = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#timer = setInterval(() => this.requestUpdate(), 1_000);
    this.requestUpdate();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#told?.store.watchFloor(false);
    this.#told = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
    if (this.desk !== undefined && this.#told !== this.desk && this.isConnected) {
      this.#told = this.desk;
      this.desk.store.watchFloor(true);
    }
  }

  override render() {
    const desk = this.desk;
    if (!desk) return nothing;
    const floor = desk.store.live.floor;
    const calls = floor?.calls ?? [];
    return html`<section class="card" aria-labelledby="heading">
      <div class="head">
        <h2 id="heading">Calls on the floor</h2>
        <span class="quiet" data-testid="floor-summary">${
          floor ? `${plural(calls.length, 'call')} · ${floor.waiting} waiting` : 'Loading…'
        }</span>
      </div>
      ${
        calls.length === 0
          ? html`<p class="quiet">${floor ? 'No calls at the moment.' : nothing}</p>`
          : html`<ul>${repeat(
              calls,
              (call) => call.id,
              (call) => this.#call(desk, call),
            )}</ul>`
      }
    </section>`;
  }

  #call(desk: Desk, call: FloorCall) {
    const link = call.link ? LINK[call.link] : undefined;
    const busy = desk.availability === 'busy' || !desk.connected;
    return html`<li data-testid="floor-call">
      <div class="who">
        <strong>${call.agent}</strong> with <strong>${call.buyer}</strong>
        <span class="time">· <bdi>${call.queue.title}</bdi> · ${call.language} · ${clockTime(serverNow() - Date.parse(call.since))}</span>
      </div>
      <div class="state">
        ${link ? html`<vt-badge tone=${link.tone}>${link.words}</vt-badge>` : nothing}
        ${call.held ? html`<vt-badge tone="warn">On hold</vt-badge>` : nothing}
        ${call.monitors.length > 0 ? html`<span class="quiet">Followed by ${call.monitors.join(', ')}</span>` : nothing}
      </div>
      <div class="ways">
        ${MODES.map(
          ({ mode, name, hint }) =>
            html`<vt-button size="sm" title=${hint} data-testid=${`floor-${mode}`} ?disabled=${busy} @click=${() => desk.store.monitor(call.id, mode)}>${name}</vt-button>`,
        )}
      </div>
    </li>`;
  }
}

function plural(n: number, word: string): string {
  return n === 1 ? `1 ${word}` : `${n} ${word}s`;
}

define('console-floor', ConsoleFloor);

declare global {
  interface HTMLElementTagNameMap {
    'console-floor': ConsoleFloor;
  }
}
