import { css, html, LitElement } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';
import '../icon/icon.ts';

/**
 * What stands where there is nothing (yet): an icon, what is missing, and what to do.
 *
 * @slot - what to do, or why it is empty
 * @slot actions - buttons
 */
export class VtEmpty extends LitElement {
  static override properties = { icon: { type: String }, heading: { type: String } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        justify-items: center;
        gap: var(--v-s2);
        padding: var(--v-s6) var(--v-s4);
        text-align: center;
        color: var(--v-muted);
        font: 400 var(--v-text-sm) / var(--v-leading) var(--v-font);
      }
      .mark {
        display: grid;
        place-items: center;
        inline-size: 56px;
        block-size: 56px;
        margin-block-end: var(--v-s2);
        border-radius: 50%;
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
        --vt-icon-size: 26px;
      }
      h2 {
        color: var(--v-text);
        font-size: var(--v-text-lg);
        line-height: var(--v-leading-tight);
      }
      .text {
        max-inline-size: 44ch;
      }
      ::slotted([slot='actions']) {
        margin-block-start: var(--v-s3);
      }
    `,
  ];

  declare icon: string;
  declare heading: string;

  constructor() {
    super();
    this.icon = 'info';
    this.heading = '';
  }

  override render() {
    return html`<div class="mark"><vt-icon name=${this.icon}></vt-icon></div>
      <h2>${this.heading}</h2>
      <div class="text"><slot></slot></div>
      <slot name="actions"></slot>`;
  }
}

define('vt-empty', VtEmpty);

declare global {
  interface HTMLElementTagNameMap {
    'vt-empty': VtEmpty;
  }
}
