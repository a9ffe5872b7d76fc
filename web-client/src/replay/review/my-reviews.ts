import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { Review, ReviewSummary } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import './actions.ts';
import { reviewApi } from './api.ts';
import { pageStyles } from './page-styles.ts';
import { reviewRow, rowStyles } from './rows.ts';
import './score-view.ts';
import { reviewStyles } from './styles.ts';

/** The agent's side: the scores of one's own calls, and disputing them. */
export class MyReviews extends LitElement {
  static override properties = { reviewId: { attribute: false } };
  static override styles = [
    base,
    reviewStyles,
    pageStyles,
    rowStyles,
    css`
      .lead {
        margin-block-end: var(--v-s4);
      }
      .one {
        max-inline-size: 720px;
        padding: var(--v-s4);
      }
    `,
  ];

  /** The one that is open; none: the list. */
  declare reviewId: string | undefined;

  #rows: readonly ReviewSummary[] | undefined;
  #next: string | undefined;
  #review: Review | undefined;
  #problem = '';
  #busy = false;
  #turn = 0;

  constructor() {
    super();
    this.reviewId = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    if (this.hasUpdated) void this.#load();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('reviewId') || !this.hasUpdated) {
      this.#review = undefined;
      void this.#load();
    }
  }

  override render() {
    const problem = this.#problem
      ? html`<vt-banner tone="danger">
          ${this.#problem}
          <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
        </vt-banner>`
      : nothing;
    return this.reviewId === undefined ? html`${this.#list()}${problem}` : html`${this.#one()}${problem}`;
  }

  #list() {
    const rows = this.#rows;
    return html`<div class="title"><h1>My reviews</h1></div>
      <p class="quiet lead">
        What reviewers submitted about your calls. You can dispute a score for 14 days, with a reason; people decide, and
        you read why.
      </p>
      ${
        rows === undefined
          ? this.#problem
            ? nothing
            : html`<div class="state" role="status"><vt-spinner></vt-spinner>Loading…</div>`
          : rows.length === 0
            ? html`<vt-empty icon="check" heading="No reviews yet">When somebody has scored one of your calls, you find it here.</vt-empty>`
            : html`<ul class="plain card">
                ${rows.map((row) => html`<li>${reviewRow(row, `#/my-reviews/${row.id}`)}</li>`)}
              </ul>`
      }
      ${
        this.#next
          ? html`<div class="state"><vt-button ?busy=${this.#busy} @click=${() => this.#more()}>Show older ones</vt-button></div>`
          : nothing
      }`;
  }

  #one() {
    const review = this.#review;
    const back = html`<a class="back" href="#/my-reviews"><vt-icon name="back"></vt-icon>My reviews</a>`;
    if (review === undefined) {
      return this.#problem
        ? back
        : html`${back}<div class="state" role="status"><vt-spinner></vt-spinner>Loading the score…</div>`;
    }
    return html`<div class="title">
        ${back}
        <h1>${review.summary.ticket_number ?? 'Call'}</h1>
        <p class="quiet">${dateTime(review.summary.call_at)}</p>
      </div>
      <div class="card one">
        <review-score-view .review=${review}>
          <review-actions slot="actions" .review=${review} @review-changed=${this.#onChanged}></review-actions>
        </review-score-view>
      </div>`;
  }

  readonly #onChanged = (event: CustomEvent<Review>): void => {
    this.#review = event.detail;
    this.requestUpdate();
  };

  async #load() {
    this.#turn += 1;
    const turn = this.#turn;
    this.#problem = '';
    try {
      if (this.reviewId === undefined) {
        const page = await reviewApi.mine();
        if (turn !== this.#turn) return;
        this.#rows = page.items;
        this.#next = page.next;
      } else {
        const review = await reviewApi.review(this.reviewId);
        if (turn !== this.#turn) return;
        this.#review = review;
      }
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  async #more() {
    this.#busy = true;
    this.requestUpdate();
    try {
      const page = await reviewApi.mine(this.#next);
      this.#rows = [...(this.#rows ?? []), ...page.items];
      this.#next = page.next;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }
}

define('my-reviews', MyReviews);

declare global {
  interface HTMLElementTagNameMap {
    'my-reviews': MyReviews;
  }
}
