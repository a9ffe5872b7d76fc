import { css, html, LitElement } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';

/**
 * A short word about the state of something ("Available", "Recording", "3").
 *
 * @slot - the word
 */
export class VtBadge extends LitElement {
  static override properties = {
    tone: { type: String, reflect: true },
    dot: { type: Boolean, reflect: true },
    pulse: { type: Boolean, reflect: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        max-inline-size: 100%;
        padding: 2px 10px;
        border-radius: var(--v-radius-full);
        font: 600 var(--v-text-xs) / 1.5 var(--v-font);
        background: var(--v-hover);
        color: var(--v-text);
        white-space: nowrap;
      }
      :host([tone='accent']) {
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
      :host([tone='stage']) {
        background: color-mix(in srgb, var(--v-stage) 72%, transparent);
        color: var(--v-on-stage);
      }
      .dot {
        flex: none;
        inline-size: 8px;
        block-size: 8px;
        border-radius: 50%;
        background: var(--vt-badge-dot, currentColor);
      }
      :host([pulse]) .dot {
        animation: pulse 1.6s ease-in-out infinite;
      }
      @keyframes pulse {
        50% {
          opacity: 0.35;
        }
      }
    `,
  ];

  declare tone: 'neutral' | 'accent' | 'ok' | 'warn' | 'danger' | 'stage';
  declare dot: boolean;
  declare pulse: boolean;

  constructor() {
    super();
    this.tone = 'neutral';
    this.dot = false;
    this.pulse = false;
  }

  override render() {
    return html`${this.dot ? html`<span class="dot"></span>` : ''}<slot></slot>`;
  }
}

define('vt-badge', VtBadge);

declare global {
  interface HTMLElementTagNameMap {
    'vt-badge': VtBadge;
  }
}
