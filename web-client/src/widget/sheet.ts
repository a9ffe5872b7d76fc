import { css, html, LitElement } from 'lit';

import { base } from '../design/base.ts';
import type { VtButton } from '../elements/button/button.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';

/**
 * A question over the window that must be answered before anything else: from below, two buttons, Esc is "no".
 * The owner makes what lies under it inert.
 *
 * @slot - what is asked
 * @fires sheet-yes - the confirming button
 * @fires sheet-no - the other one, or Esc
 */
export class HelpSheet extends LitElement {
  static override properties = {
    heading: { type: String },
    yes: { type: String },
    no: { type: String },
    danger: { type: Boolean },
    yesTestid: { attribute: 'yes-testid' },
  };
  static override styles = [
    base,
    css`
      :host {
        position: absolute;
        inset: 0;
        z-index: 2;
        display: grid;
        align-items: end;
        background: rgb(8 14 14 / 0.55);
      }
      .sheet {
        display: grid;
        gap: var(--v-s3);
        max-block-size: 100%;
        overflow-y: auto;
        padding: var(--v-s5) var(--v-s5) calc(var(--v-s5) + env(safe-area-inset-bottom, 0px));
        border-start-start-radius: var(--v-radius-lg);
        border-start-end-radius: var(--v-radius-lg);
        background: var(--v-surface);
        color: var(--v-text);
        box-shadow: var(--v-shadow-3);
        animation: rise var(--v-slow) var(--v-ease);
      }
      h3 {
        font-size: var(--v-text-lg);
        line-height: var(--v-leading-tight);
      }
      .text {
        font-size: var(--v-text-sm);
        color: var(--v-muted);
      }
      .buttons {
        display: grid;
        gap: var(--v-s2);
      }
      @keyframes rise {
        from {
          transform: translateY(24px);
          opacity: 0;
        }
      }
    `,
  ];

  declare heading: string;
  declare yes: string;
  declare no: string;
  declare danger: boolean;
  declare yesTestid: string;

  constructor() {
    super();
    this.heading = this.yes = this.no = this.yesTestid = '';
    this.danger = false;
  }

  override render() {
    return html`<div class="sheet" role="alertdialog" aria-modal="true" aria-labelledby="heading" aria-describedby="text" @keydown=${this.#onKey}>
      <h3 id="heading">${this.heading}</h3>
      <div class="text" id="text"><slot></slot></div>
      <div class="buttons">
        <vt-button data-testid=${this.yesTestid} variant=${this.danger ? 'danger' : 'primary'} size="lg" block @click=${() => this.#say('sheet-yes')}>${this.yes}</vt-button>
        <vt-button class="no" size="lg" block @click=${() => this.#say('sheet-no')}>${this.no}</vt-button>
      </div>
    </div>`;
  }

  override async firstUpdated() {
    // The answer that changes nothing is the one Enter gives.
    const no = this.renderRoot.querySelector<VtButton>('.no');
    await no?.updateComplete;
    no?.focus();
  }

  #onKey(event: KeyboardEvent) {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    this.#say('sheet-no');
  }

  #say(name: 'sheet-yes' | 'sheet-no') {
    this.dispatchEvent(new CustomEvent(name));
  }
}

define('vitrine-help-sheet', HelpSheet);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-sheet': HelpSheet;
  }
}
