import { css, html, LitElement, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../button/button.ts';
import { define } from '../define.ts';

/**
 * A modal dialog: a card in the middle, a sheet from below on phones. The browser keeps the focus inside and gives
 * it back afterwards. Esc and the close button ask to close with `vt-close`; the owner sets `open`.
 *
 * @fires vt-close - the person wants it closed
 * @slot - content
 * @slot actions - buttons, the main one last
 */
export class VtDialog extends LitElement {
  static override properties = {
    open: { type: Boolean, reflect: true },
    heading: { type: String },
    closeLabel: { type: String, attribute: 'close-label' },
  };
  static override styles = [
    base,
    css`
      dialog {
        inline-size: min(480px, 100% - 32px);
        max-block-size: calc(100dvb - 32px);
        padding: 0;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-lg);
        background: var(--v-surface);
        color: var(--v-text);
        box-shadow: var(--v-shadow-3);
        font: 400 var(--v-text-md) / var(--v-leading) var(--v-font);
      }
      dialog[open] {
        display: flex;
        flex-direction: column;
        animation: rise var(--v-slow) var(--v-ease);
      }
      dialog::backdrop {
        background: rgb(8 14 14 / 0.5);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--v-s3);
        padding-block: var(--v-s4) 0;
        padding-inline: var(--v-s5) var(--v-s4);
      }
      h2 {
        font-size: var(--v-text-lg);
        line-height: var(--v-leading-tight);
      }
      .content {
        padding: var(--v-s3) var(--v-s5) var(--v-s5);
        overflow: auto;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        justify-content: flex-end;
        gap: var(--v-s2);
        padding: 0 var(--v-s5) var(--v-s5);
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(12px);
        }
      }
      @media (max-width: 520px) {
        dialog {
          inline-size: 100%;
          max-inline-size: 100%;
          margin-block-end: 0;
          border-end-start-radius: 0;
          border-end-end-radius: 0;
        }
      }
    `,
  ];

  declare open: boolean;
  declare heading: string;
  declare closeLabel: string;

  constructor() {
    super();
    this.open = false;
    this.heading = '';
    this.closeLabel = 'Close';
  }

  override render() {
    return html`<dialog aria-labelledby="heading" @cancel=${this.#onCancel}>
      <header>
        <h2 id="heading">${this.heading}</h2>
        <vt-button variant="quiet" size="sm" icon="close" label=${this.closeLabel} @click=${this.#ask}></vt-button>
      </header>
      <div class="content"><slot></slot></div>
      <div class="actions"><slot name="actions"></slot></div>
    </dialog>`;
  }

  override updated(changed: PropertyValues<this>) {
    const dialog = this.renderRoot.querySelector('dialog');
    if (!changed.has('open') || !dialog) return;
    if (this.open && !dialog.open) dialog.showModal();
    if (!this.open && dialog.open) dialog.close();
  }

  #onCancel(event: Event) {
    event.preventDefault();
    this.#ask();
  }

  #ask() {
    this.dispatchEvent(new CustomEvent('vt-close', { bubbles: true, composed: true }));
  }
}

define('vt-dialog', VtDialog);

declare global {
  interface HTMLElementTagNameMap {
    'vt-dialog': VtDialog;
  }
}
