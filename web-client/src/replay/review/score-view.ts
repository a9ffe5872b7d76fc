import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import { define } from '../../elements/define.ts';
import type { Dispute, Review, Revision } from '../../protocol.ts';
import { clockTime, dateTime } from '../../staff/format.ts';
import { answerOf, answerWords, percent, questionsOf, share } from './score.ts';
import { reviewStyles } from './styles.ts';

const DISPUTE_TONES = { open: 'warn', accepted: 'ok', rejected: 'neutral', withdrawn: 'neutral' } as const;

/**
 * A submitted score, to be read: what it came to, every answer, how it was corrected, how it was disputed.
 *
 * @slot actions - what can be done with it
 * @fires review-seek - a moment was asked for; `detail` is session time in ms
 */
export class ReviewScoreView extends LitElement {
  static override properties = { review: { attribute: false }, seekable: { type: Boolean } };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .total {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: var(--v-s1) var(--v-s3);
      }
      .total strong {
        font-size: var(--v-text-2xl);
        line-height: var(--v-leading-tight);
      }
      h3,
      h4 {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .section header {
        display: flex;
        justify-content: space-between;
        gap: var(--v-s3);
        padding-block-end: var(--v-s1);
        border-block-end: 2px solid var(--v-line);
      }
      dl {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--v-s1) var(--v-s3);
        padding-block: var(--v-s2);
      }
      dd.said {
        font-weight: 600;
        text-align: end;
      }
      dd.lost {
        color: var(--v-danger);
      }
      dd.comment {
        grid-column: 1 / -1;
        margin-block-end: var(--v-s2);
        padding-inline-start: var(--v-s3);
        border-inline-start: 3px solid var(--v-line);
      }
      .dispute {
        display: grid;
        gap: var(--v-s2);
        padding: var(--v-s3);
      }
      .history {
        display: grid;
        gap: var(--v-s2);
        margin-block-start: var(--v-s2);
      }
    `,
  ];

  declare review: Review | undefined;
  /** Whether moments can be gone to. */
  declare seekable: boolean;

  constructor() {
    super();
    this.review = undefined;
    this.seekable = false;
  }

  override render() {
    const review = this.review;
    const newest = review?.revisions.at(-1);
    if (review === undefined || newest === undefined) return nothing;
    const { summary } = review;
    return html`
      <div class="total" data-testid="score-total">
        <strong class="number">${percent(newest.scored.score)}</strong>
        ${
          newest.scored.failed.length > 0
            ? html`<vt-badge tone="danger">Critical question failed</vt-badge>
                <span class="quiet">without it: ${percent(newest.scored.earned)}</span>`
            : nothing
        }
        ${summary.second ? html`<vt-badge>Second score</vt-badge>` : nothing}
      </div>
      <p class="quiet">
        ${summary.form}, version ${summary.form_version_number} · scored by ${summary.reviewer.name}
        ${summary.submitted_at ? html`· ${dateTime(summary.submitted_at)}` : nothing}
        ${newest.number > 1 ? html`· corrected ${dateTime(newest.at)}` : nothing}
      </p>
      ${newest.answers.comment ? html`<p class="words" dir="auto">${newest.answers.comment}</p>` : nothing}
      ${review.disputes.map((dispute) => this.#dispute(review, dispute))}
      <slot name="actions"></slot>
      ${this.#answers(review, newest)} ${review.revisions.length > 1 ? this.#history(review.revisions) : nothing}
    `;
  }

  #answers(review: Review, revision: Revision) {
    return review.form.content.sections.map(
      (section, at) => html`<section class="section">
        <header>
          <h3>${section.title} <span class="quiet number">${section.weight} %</span></h3>
          <span class="number">${percent(revision.scored.sections[at] ?? undefined)}</span>
        </header>
        <dl>
          ${section.questions.map((question) => {
            const given = answerOf(revision.answers, question.key);
            const part = given.answer === undefined ? undefined : share(question, given.answer);
            const failed = revision.scored.failed.includes(question.key);
            return html`<dt>${question.text} ${failed ? html`<vt-badge tone="danger">Critical</vt-badge>` : nothing}</dt>
              <dd class="said ${part !== undefined && part < 0.5 ? 'lost' : ''}">${answerWords(given.answer, question)}</dd>
              ${
                given.comment || given.at_ms !== undefined
                  ? html`<dd class="comment">
                      ${given.at_ms === undefined ? nothing : this.#time(given.at_ms)}
                      <span class="words" dir="auto">${given.comment}</span>
                    </dd>`
                  : nothing
              }`;
          })}
        </dl>
      </section>`,
    );
  }

  #time(ms: number) {
    return this.seekable
      ? html`<button class="time" type="button" @click=${() => this.#seek(ms)}>${clockTime(ms)}</button>`
      : html`<span class="quiet number">${clockTime(ms)}</span>`;
  }

  #dispute(review: Review, dispute: Dispute) {
    const questions = questionsOf(review.form.content).filter(({ key }) => dispute.questions.includes(key));
    const overdue = dispute.state === 'open' && Date.parse(dispute.due_at) < Date.now();
    return html`<section class="card dispute" data-testid="dispute">
      <div class="row">
        <h3 class="grow">Dispute of ${dateTime(dispute.at)}</h3>
        <vt-badge tone=${DISPUTE_TONES[dispute.state]}>${dispute.state}</vt-badge>
      </div>
      <p class="words" dir="auto">${dispute.reason}</p>
      ${
        questions.length > 0
          ? html`<p class="quiet">About: ${questions.map(({ text }) => text).join(' · ')}</p>`
          : nothing
      }
      ${
        dispute.state === 'open'
          ? html`<p class="quiet">${overdue ? 'An answer was due' : 'An answer is due'} ${dateTime(dispute.due_at)}.</p>`
          : nothing
      }
      ${
        dispute.answer
          ? html`<p class="words" dir="auto"><strong>${dispute.decided_by?.name ?? 'Answer'}:</strong> ${dispute.answer}</p>`
          : nothing
      }
    </section>`;
  }

  #history(revisions: readonly Revision[]) {
    return html`<details>
      <summary>${revisions.length} revisions</summary>
      <ol class="history plain">
        ${revisions.map(
          ({ number, at, by, reason, scored }) => html`<li>
            <strong class="number">${percent(scored.score)}</strong>
            <span class="quiet">${number === 1 ? 'submitted' : 'corrected'} by ${by.name}, ${dateTime(at)}</span>
            ${reason ? html`<p class="words" dir="auto">${reason}</p>` : nothing}
          </li>`,
        )}
      </ol>
    </details>`;
  }

  #seek(ms: number) {
    this.dispatchEvent(new CustomEvent<number>('review-seek', { detail: ms, bubbles: true, composed: true }));
  }
}

define('review-score-view', ReviewScoreView);

declare global {
  interface HTMLElementTagNameMap {
    'review-score-view': ReviewScoreView;
  }
}
