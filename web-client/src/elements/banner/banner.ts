import { css, html, LitElement } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';
import '../icon/icon.ts';

/** What a message means; decides colour, icon and how urgently it is read out. */
export type Tone = 'info' | 'ok' | 'warn' | 'danger';

export const TONE_ICONS: Record<Tone, string> = { info: 'info', ok: 'check', warn: 'alert', danger: 'alert' };

/**
 * A message in the flow of the page, read out when it appears.
 *
 * @slot - the message
 * @slot actions - buttons that do something about it
 */
export class VtBanner extends LitElement {
  static override properties = { tone: { type: String, reflect: true }, heading: { type: String } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        border-radius: var(--v-radius);
        padding: var(--v-s3) var(--v-s4);
        font: 400 var(--v-text-sm) / var(--v-leading) var(--v-font);
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      :host([tone='ok']) {
        background: var(--v-ok-soft);
        color: var(--v-on-ok-soft);
      }
      :host([tone='warn']) {
        background: var(--v-warn-soft);
        color: var(--v-on-warn-soft);
      }
      :host([tone='danger']) {
        background: var(--v-danger-soft);
        color: var(--v-on-danger-soft);
      }
      .row {
        display: flex;
        gap: var(--v-s3);
        align-items: flex-start;
      }
      vt-icon {
        margin-block-start: 0.1em;
      }
      .text {
        flex: 1;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
      strong {
        display: block;
        font-weight: 600;
      }
      ::slotted([slot='actions']) {
        display: flex;
        inline-size: fit-content;
        margin-block-start: var(--v-s2);
      }
    `,
  ];

  declare tone: Tone;
  declare heading: string;

  constructor() {
    super();
    this.tone = 'info';
    this.heading = '';
  }

  override render() {
    return html`<div class="row" role=${this.tone === 'danger' ? 'alert' : 'status'}>
      <vt-icon name=${TONE_ICONS[this.tone]}></vt-icon>
      <div class="text">
        ${this.heading ? html`<strong>${this.heading}</strong>` : ''}<slot></slot><slot name="actions"></slot>
      </div>
    </div>`;
  }
}

define('vt-banner', VtBanner);

declare global {
  interface HTMLElementTagNameMap {
    'vt-banner': VtBanner;
  }
}
