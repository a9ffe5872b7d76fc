import { css, html, LitElement } from 'lit';

import { define } from '../define.ts';

/** Something is going on. Say in words beside it what; the spinner itself is silent. */
export class VtSpinner extends LitElement {
  static override styles = css`
    :host {
      display: inline-block;
      inline-size: var(--vt-spinner-size, 1.25em);
      block-size: var(--vt-spinner-size, 1.25em);
      flex: none;
    }
    span {
      display: block;
      inline-size: 100%;
      block-size: 100%;
      border-radius: 50%;
      border: max(2px, 0.12em) solid color-mix(in srgb, currentColor 25%, transparent);
      border-block-start-color: currentColor;
      animation: turn 0.8s linear infinite;
    }
    @keyframes turn {
      to {
        transform: rotate(1turn);
      }
    }
    @media (prefers-reduced-motion: reduce) {
      span {
        animation: pulse 2s ease-in-out infinite;
      }
      @keyframes pulse {
        50% {
          opacity: 0.4;
        }
      }
    }
  `;

  override render() {
    return html`<span aria-hidden="true"></span>`;
  }
}

define('vt-spinner', VtSpinner);

declare global {
  interface HTMLElementTagNameMap {
    'vt-spinner': VtSpinner;
  }
}
