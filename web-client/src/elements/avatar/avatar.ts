import { css, html, LitElement } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../define.ts';
import { initials } from './initials.ts';

/** A person without a picture: their initials on a calm colour. Decorative; write the name beside it. */
export class VtAvatar extends LitElement {
  static override properties = { name: { type: String } };
  static override styles = [
    base,
    css`
      :host {
        display: inline-grid;
        place-items: center;
        flex: none;
        inline-size: var(--vt-avatar-size, 40px);
        block-size: var(--vt-avatar-size, 40px);
        border-radius: 50%;
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
        font: 600 calc(var(--vt-avatar-size, 40px) * 0.38) / 1 var(--v-font);
        user-select: none;
      }
    `,
  ];

  declare name: string;

  constructor() {
    super();
    this.name = '';
  }

  override render() {
    return html`<span aria-hidden="true">${initials(this.name)}</span>`;
  }
}

define('vt-avatar', VtAvatar);

declare global {
  interface HTMLElementTagNameMap {
    'vt-avatar': VtAvatar;
  }
}
