import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { Review, ReviewBoard, ReviewSummary, SecondScore } from '../../protocol.ts';
import './actions.ts';
import { reviewApi } from './api.ts';
import { percent } from './score.ts';
import './score-view.ts';
import { reviewStyles } from './styles.ts';
import type { Purpose } from './writing.ts';
import './writing.ts';

type Showing =
  | { readonly kind: 'list' }
  | { readonly kind: 'opening' }
  | { readonly kind: 'reading'; readonly review: Review }
  | { readonly kind: 'writing'; readonly review: Review; readonly purpose: Purpose };

/**
 * The scores of one recording: what there is, beginning one, writing, reading, correcting.
 *
 * @fires review-seek - a moment was asked for; `detail` is session time in ms
 * @fires review-submitted - a score or correction was submitted
 */
export class ReviewScores extends LitElement {
  static override properties = {
    recordingId: { type: String },
    reviewId: { type: String },
    timeMs: { attribute: false },
  };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
        padding-block-end: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .reviews {
        display: grid;
      }
      .review {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 2px var(--v-s3);
        inline-size: 100%;
        padding: var(--v-s3);
        border: 0;
        border-block-start: 1px solid var(--v-line);
        background: none;
        color: inherit;
        font: inherit;
        text-align: start;
        cursor: pointer;
      }
      .reviews li:first-child .review {
        border-block-start: 0;
      }
      .review:hover {
        background: var(--v-hover);
      }
      .review:focus-visible {
        outline-offset: -2px;
      }
      .review strong {
        text-align: end;
      }
      .begin {
        display: grid;
        gap: var(--v-s3);
      }
      h2 {
        font-size: var(--v-text-md);
        line-height: var(--v-leading-tight);
      }
      .second {
        display: grid;
        gap: var(--v-s2);
        padding: var(--v-s3);
      }
    `,
  ];

  declare recordingId: string;
  /** A review to open at the beginning. */
  declare reviewId: string;
  declare timeMs: (() => number) | undefined;

  #board: ReviewBoard | undefined;
  #showing: Showing = { kind: 'list' };
  #version = '';
  #problem = '';
  #busy = false;

  constructor() {
    super();
    this.recordingId = '';
    this.reviewId = '';
    this.timeMs = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('recordingId') && this.recordingId !== '') {
      this.#board = undefined;
      this.#showing = { kind: 'list' };
      void this.#load();
    }
    if (changed.has('reviewId') && this.reviewId !== '')
      void this.#open(() => reviewApi.review(this.reviewId));
  }

  override render() {
    const showing = this.#showing;
    const problem = this.#problem ? html`<vt-banner tone="danger">${this.#problem}</vt-banner>` : nothing;
    switch (showing.kind) {
      case 'list':
        return html`${problem}${this.#list()}`;
      case 'opening':
        return html`<div class="state" role="status"><vt-spinner></vt-spinner>Opening the score…</div>`;
      case 'reading':
        return html`${this.#back()}${problem}
          <review-score-view .review=${showing.review} seekable>
            <review-actions
              slot="actions"
              .review=${showing.review}
              @review-changed=${(event: CustomEvent<Review>) => this.#read(event.detail)}
              @review-correct=${(event: CustomEvent<Purpose>) => this.#write(showing.review, event.detail)}
            ></review-actions>
          </review-score-view>`;
      case 'writing':
        return html`${this.#back()}
          <h2>${showing.review.summary.form} <span class="quiet">version ${showing.review.summary.form_version_number}</span></h2>
          ${
            showing.review.summary.second
              ? html`<vt-banner tone="info">A blind second score: others are shown when this one is submitted.</vt-banner>`
              : nothing
          }
          <review-writing
            .review=${showing.review}
            .purpose=${showing.purpose}
            .timeMs=${this.timeMs}
            @review-written=${(event: CustomEvent<Review>) => this.#written(event.detail, showing.purpose)}
            @review-discarded=${() => this.#toList()}
            @review-cancel=${() => this.#read(showing.review)}
          ></review-writing>`;
    }
  }

  #back() {
    return html`<div class="row">
      <vt-button size="sm" variant="quiet" icon="back" data-testid="all-scores" @click=${this.#toList}>All scores</vt-button>
    </div>`;
  }

  #list() {
    const board = this.#board;
    if (board === undefined) {
      return this.#problem
        ? html`<vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button>`
        : html`<div class="state" role="status"><vt-spinner></vt-spinner>Loading scores…</div>`;
    }
    const done = board.reviews.filter(({ state }) => state === 'submitted').length;
    return html`
      ${board.blinded && board.seconds.every(({ review }) => review === undefined) ? this.#blinded() : nothing}
      ${board.seconds.filter(({ may_start }) => may_start).map((second) => this.#second(second))}
      ${
        board.reviews.length > 0
          ? html`<ul class="plain card reviews">
              ${board.reviews.map((review) => html`<li>${this.#row(review)}</li>`)}
            </ul>`
          : nothing
      }
      ${done > 1 ? html`<p><a href=${`#/r/${this.recordingId}/calibration`} data-testid="calibration">Compare the scores side by side</a></p>` : nothing}
      ${this.#begin(board)}
    `;
  }

  #blinded() {
    return html`<vt-banner tone="info" heading="Other scores are sealed">
      You may give a second score of this call. Others' scores and comments are shown when yours is submitted.
    </vt-banner>`;
  }

  #second(second: SecondScore) {
    return html`<section class="card second">
      <p>
        <strong>${second.sampled ? 'This call was drawn for a second score.' : `${second.asked_by.name} asks for a second score.`}</strong>
        ${second.form}
      </p>
      <div class="row">
        <vt-button size="sm" variant="primary" data-testid="start-second" @click=${() => this.#open(() => reviewApi.startSecond(second.id))}>
          ${second.review ? 'Go on' : 'Begin'}
        </vt-button>
      </div>
    </section>`;
  }

  #row(review: ReviewSummary) {
    return html`<button class="review" type="button" data-testid="review-row" @click=${() => this.#open(() => reviewApi.review(review.id))}>
      <span>${review.reviewer.name} ${review.second ? html`<vt-badge>Second</vt-badge>` : nothing}</span>
      <strong class="number">${review.state === 'draft' ? 'Draft' : percent(review.score)}</strong>
      <span class="quiet">${review.form}, version ${review.form_version_number}</span>
      <span>
        ${review.critical ? html`<vt-badge tone="danger">Critical</vt-badge>` : nothing}
        ${review.dispute === 'open' ? html`<vt-badge tone="warn">Disputed</vt-badge>` : nothing}
      </span>
    </button>`;
  }

  #begin(board: ReviewBoard) {
    if (!board.may_score) return html`<p class="quiet">It was your call: somebody else has to score it.</p>`;
    if (board.forms.length === 0) {
      return html`<p class="quiet">
        There is no form to score this call on. A supervisor publishes one under <a href="#/forms">Forms</a>.
      </p>`;
    }
    const chosen = board.forms.find(({ id }) => id === this.#version) ?? board.forms[0];
    return html`<div class="begin">
      ${
        board.reviews.length === 0 && !board.blinded
          ? html`<p class="quiet">Nobody has scored this call yet.</p>`
          : nothing
      }
      ${
        board.forms.length > 1
          ? html`<vt-field
              label="Form"
              .value=${chosen?.id ?? ''}
              .options=${board.forms.map(({ id, content, number }) => ({ value: id, label: `${content.title}, version ${number}` }))}
              @change=${(event: Event) => {
                this.#version = (event.target as HTMLElementTagNameMap['vt-field']).value;
              }}
            ></vt-field>`
          : nothing
      }
      <div class="row">
        <vt-button variant="primary" data-testid="begin-score" ?busy=${this.#busy} @click=${() => chosen && this.#open(() => reviewApi.begin(this.recordingId, (board.forms.find(({ id }) => id === this.#version) ?? chosen).id))}>
          Score this call
        </vt-button>
      </div>
    </div>`;
  }

  async #load() {
    this.#problem = '';
    this.requestUpdate();
    try {
      this.#board = await reviewApi.board(this.recordingId);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  async #open(opening: () => Promise<Review>) {
    this.#problem = '';
    this.#showing = { kind: 'opening' };
    this.requestUpdate();
    try {
      const review = await opening();
      if (review.may.write) this.#write(review, 'draft');
      else this.#read(review);
    } catch (error) {
      this.#showing = { kind: 'list' };
      this.#problem = error instanceof Error ? error.message : String(error);
      this.requestUpdate();
    }
  }

  #read(review: Review) {
    this.#show({ kind: 'reading', review });
  }

  #write(review: Review, purpose: Purpose) {
    this.#show({ kind: 'writing', review, purpose });
  }

  #written(review: Review, purpose: Purpose) {
    this.#read(review);
    const words = purpose === 'draft' ? 'The score is submitted' : 'The correction is submitted';
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: words, bubbles: true, composed: true }),
    );
    // A second score that is complete opens the others.
    this.dispatchEvent(new CustomEvent('review-submitted'));
  }

  #show(showing: Showing) {
    this.#showing = showing;
    this.requestUpdate();
  }

  readonly #toList = (): void => {
    this.#show({ kind: 'list' });
    void this.#load();
  };
}

define('review-scores', ReviewScores);

declare global {
  interface HTMLElementTagNameMap {
    'review-scores': ReviewScores;
  }
}
