import { css, html, LitElement } from 'lit';

import { base } from '../design/base.ts';
import { define } from '../elements/define.ts';

/**
 * The product's sign and name, with the name of the page.
 *
 * @slot - name of the page
 */
export class VtBrand extends LitElement {
  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
        align-items: center;
        gap: var(--v-s2);
        /* Said here though it is inherited: Chromium keeps the old colour when light changes to dark. */
        color: var(--v-text);
        font: 700 var(--v-text-md) / 1 var(--v-font);
        letter-spacing: -0.01em;
        white-space: nowrap;
      }
      svg {
        inline-size: 28px;
        block-size: 28px;
        flex: none;
      }
      rect {
        fill: var(--v-accent);
      }
      path {
        fill: none;
        stroke: var(--v-on-accent);
        stroke-width: 2.4;
        stroke-linecap: round;
        stroke-linejoin: round;
      }
      .page {
        color: var(--v-muted);
        font-weight: 500;
      }
    `,
  ];

  override render() {
    return html`<svg viewBox="0 0 28 28" aria-hidden="true">
        <rect width="28" height="28" rx="8" />
        <path d="M7 9.5 12.5 20 21 8" />
        <path d="M7 9.5h6" opacity=".55" />
      </svg>
      <span>Vitrine <span class="page"><slot></slot></span></span>`;
  }
}

define('vt-brand', VtBrand);

declare global {
  interface HTMLElementTagNameMap {
    'vt-brand': VtBrand;
  }
}
