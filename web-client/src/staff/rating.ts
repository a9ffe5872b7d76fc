import { css, html, LitElement, nothing } from 'lit';

import { base } from '../design/base.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import type { Rating } from '../protocol.ts';

/** What the buyer thought of a call: stars, and the comment unless `compact`. */
export class StaffRating extends LitElement {
  static override properties = { rating: { attribute: false }, compact: { type: Boolean, reflect: true } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        font-size: var(--v-text-sm);
      }
      :host([compact]) {
        display: inline-block;
      }
      .stars {
        display: inline-flex;
        vertical-align: middle;
        color: var(--v-muted);
        --vt-icon-size: 1.1em;
      }
      .on {
        color: var(--v-accent);
        --vt-icon-fill: currentColor;
      }
      .low .on {
        color: var(--v-danger);
      }
      blockquote {
        margin: var(--v-s1) 0 0;
        overflow-wrap: anywhere;
        white-space: pre-line;
      }
      .quiet {
        color: var(--v-muted);
      }
    `,
  ];

  declare rating: Rating | undefined;
  declare compact: boolean;

  constructor() {
    super();
    this.rating = undefined;
    this.compact = false;
  }

  override render() {
    const { rating } = this;
    if (!rating) {
      return this.compact
        ? html`<span class="quiet">–<span class="sr-only">Not rated</span></span>`
        : html`<p class="quiet">Not rated.</p>`;
    }
    return html`<span class="stars ${rating.stars <= 2 ? 'low' : ''}" role="img" aria-label="${rating.stars} of 5 stars">
        ${[1, 2, 3, 4, 5].map((star) => html`<vt-icon class=${star <= rating.stars ? 'on' : nothing} name="star"></vt-icon>`)}
      </span>
      ${rating.comment && !this.compact ? html`<blockquote dir="auto">${rating.comment}</blockquote>` : nothing}`;
  }
}

define('staff-rating', StaffRating);

declare global {
  interface HTMLElementTagNameMap {
    'staff-rating': StaffRating;
  }
}
