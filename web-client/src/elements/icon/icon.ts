import { css, html, LitElement, svg } from 'lit';

import { define } from '../define.ts';
import { iconPath } from './icons.ts';

/**
 * A drawing beside words (hidden from assistive technology; a button that has only an icon carries its own label).
 * Icons that point along the line of text turn round in right-to-left text.
 */
export class VtIcon extends LitElement {
  static override properties = { name: { type: String, reflect: true } };
  static override styles = css`
    :host {
      display: inline-block;
      inline-size: var(--vt-icon-size, 1.25em);
      block-size: var(--vt-icon-size, 1.25em);
      flex: none;
    }
    svg {
      display: block;
      inline-size: 100%;
      block-size: 100%;
      fill: var(--vt-icon-fill, none);
      stroke: currentColor;
      stroke-width: 1.75;
      stroke-linecap: round;
      stroke-linejoin: round;
    }
    :host([name='send']:dir(rtl)),
    :host([name='back']:dir(rtl)),
    :host([name='chat']:dir(rtl)) {
      transform: scaleX(-1);
    }
  `;

  declare name: string;

  constructor() {
    super();
    this.name = '';
  }

  override render() {
    return html`<svg viewBox="0 0 24 24" aria-hidden="true">${svg`<path d=${iconPath(this.name)} />`}</svg>`;
  }
}

define('vt-icon', VtIcon);

declare global {
  interface HTMLElementTagNameMap {
    'vt-icon': VtIcon;
  }
}
