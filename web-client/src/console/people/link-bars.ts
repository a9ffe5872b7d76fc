import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import type { LinkState, PartyLink } from '../../protocol.ts';
import { linkWords } from '../../session/live.ts';

const BARS: Record<LinkState, number> = { poor: 1, fair: 2, good: 3 };

/** How somebody's connection is: three bars, and in words for whoever asks. */
export class ConsoleLink extends LitElement {
  static override properties = { link: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: inline-flex;
      }
      .bars {
        display: inline-flex;
        align-items: end;
        gap: 2px;
        block-size: 12px;
      }
      .bars i {
        inline-size: 3px;
        border-radius: 1px;
        background: currentColor;
        opacity: 0.35;
      }
      .bars i:nth-child(1) {
        block-size: 5px;
      }
      .bars i:nth-child(2) {
        block-size: 8px;
      }
      .bars i:nth-child(3) {
        block-size: 12px;
      }
      .bars i.on {
        opacity: 1;
      }
    `,
  ];

  declare link: PartyLink | undefined;

  constructor() {
    super();
    this.link = undefined;
  }

  override render() {
    const { link } = this;
    if (!link) return nothing;
    const words = linkWords(link);
    return html`<span class="bars" role="img" aria-label=${words} title=${words} data-state=${link.link}>
      ${[1, 2, 3].map((bar) => html`<i class=${bar <= BARS[link.link] ? 'on' : ''}></i>`)}
    </span>`;
  }
}

define('console-link', ConsoleLink);

declare global {
  interface HTMLElementTagNameMap {
    'console-link': ConsoleLink;
  }
}
