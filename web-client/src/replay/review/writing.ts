import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { Answers, Review } from '../../protocol.ts';
import { reviewApi } from './api.ts';
import { Autosave } from './autosave.ts';
import { watchUnsaved } from './guard.ts';
import { percent, progress } from './score.ts';
import './scorecard.ts';
import { reviewStyles } from './styles.ts';

/** What is being written. */
export type Purpose = 'draft' | 'correction' | 'accept';

/**
 * A score being written: a draft that keeps itself, or the correction of a submitted one (with a reason, kept when it is
 * submitted).
 *
 * @fires review-written - it was submitted; `detail` is the {@link Review}
 * @fires review-discarded - the draft was thrown away
 * @fires review-cancel - the correction is not wanted any more
 */
export class ReviewWriting extends LitElement {
  static override properties = {
    review: { attribute: false },
    purpose: { type: String },
    timeMs: { attribute: false },
  };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .foot {
        position: sticky;
        inset-block-end: 0;
        z-index: 4;
        display: grid;
        gap: var(--v-s2);
        margin: 0 calc(-1 * var(--v-s4)) calc(-1 * var(--v-s4));
        padding: var(--v-s3) var(--v-s4);
        border-block-start: 1px solid var(--v-line);
        background: var(--v-surface);
      }
      .score {
        font-size: var(--v-text-lg);
      }
      .score.failed {
        color: var(--v-danger);
      }
      progress {
        inline-size: 100%;
        block-size: 6px;
        border: 0;
        border-radius: 3px;
        background: var(--v-hover);
        overflow: hidden;
        appearance: none;
      }
      progress::-webkit-progress-bar {
        background: var(--v-hover);
      }
      progress::-webkit-progress-value {
        background: var(--v-accent);
      }
      progress::-moz-progress-bar {
        background: var(--v-accent);
      }
    `,
  ];

  declare review: Review | undefined;
  declare purpose: Purpose;
  declare timeMs: (() => number) | undefined;

  #answers: Answers = { answers: [], comment: '' };
  #reason = '';
  #wanting = '';
  #problem = '';
  #busy = false;
  #shown: string | undefined;
  #unwatch = () => {};
  readonly #autosave = new Autosave<Answers>(
    async (answers) => {
      if (this.review) await reviewApi.saveDraft(this.review.summary.id, answers);
    },
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    this.review = undefined;
    this.purpose = 'draft';
    this.timeMs = undefined;
  }

  /** Whether something would be lost if the page went now: a correction is kept when it is submitted, not before. */
  get unsaved(): boolean {
    return this.purpose === 'draft' ? this.#autosave.unsaved : this.#reason.trim() !== '';
  }

  /** Whether leaving for another place would lose it: a draft is saved on the way out, unless saving fails. */
  get stuck(): boolean {
    return this.purpose === 'draft' ? this.#autosave.stuck : this.unsaved;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#unwatch = watchUnsaved(this);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    void this.#autosave.flush();
    this.#unwatch();
  }

  override willUpdate(changed: PropertyValues<this>) {
    const review = this.review;
    if (!changed.has('review') || review === undefined || this.#shown === review.summary.id) return;
    this.#shown = review.summary.id;
    this.#answers = review.draft ?? review.revisions.at(-1)?.answers ?? { answers: [], comment: '' };
  }

  override render() {
    const review = this.review;
    if (review === undefined) return nothing;
    const seen = progress(review.form.content, this.#answers);
    const correcting = this.purpose !== 'draft';
    return html`
      <review-scorecard
        .form=${review.form.content}
        .answers=${this.#answers}
        .timeMs=${this.timeMs}
        wanting=${this.#wanting}
        @review-answers=${(event: CustomEvent<Answers>) => this.#set(event.detail)}
      ></review-scorecard>
      <vt-field
        label="About the whole call"
        rows="3"
        maxlength="4000"
        testid="overall-comment"
        .value=${this.#answers.comment}
        @input=${(event: Event) => this.#set({ ...this.#answers, comment: fieldValue(event) })}
      ></vt-field>
      ${
        correcting
          ? html`<vt-field
              label=${this.purpose === 'accept' ? 'Answer to the agent' : 'Reason for the correction'}
              hint="The agent reads it."
              rows="3"
              maxlength="2000"
              required
              testid="correction-reason"
              .value=${this.#reason}
              @input=${(event: Event) => {
                this.#reason = fieldValue(event);
              }}
            ></vt-field>`
          : nothing
      }
      <div class="foot">
        <progress max=${seen.total} value=${seen.answered} aria-label="Questions answered"></progress>
        <div class="row">
          <span class="grow number" data-testid="progress">${seen.answered} of ${seen.total} answered</span>
          <strong class="number score ${seen.failed.length > 0 ? 'failed' : ''}" data-testid="live-score">${percent(seen.score)}</strong>
        </div>
        ${
          seen.failed.length > 0
            ? html`<p class="quiet">A critical question is failed: the whole score is 0 (without it: ${percent(seen.earned)}).</p>`
            : nothing
        }
        ${this.#problem ? html`<vt-banner tone="danger">${this.#problem}</vt-banner>` : nothing}
        <div class="row">
          <span class="grow quiet" role="status" data-testid="save-state">${this.#saveWords()}</span>
          ${
            correcting
              ? html`<vt-button size="sm" variant="quiet" @click=${() => this.#fire('review-cancel')}>Cancel</vt-button>`
              : html`<vt-button size="sm" variant="quiet" icon="trash" label="Discard this draft" data-testid="discard-score" @click=${this.#discard}></vt-button>`
          }
          <vt-button size="sm" variant="primary" data-testid="submit-score" ?busy=${this.#busy} @click=${this.#submit}>
            ${correcting ? 'Submit correction' : 'Submit score'}
          </vt-button>
        </div>
      </div>
    `;
  }

  #saveWords(): string {
    if (this.purpose !== 'draft') return '';
    const state = this.#autosave.state;
    switch (state.kind) {
      case 'clean':
        return 'Kept as you write';
      case 'dirty':
      case 'saving':
        return 'Saving…';
      case 'saved':
        return 'Saved';
      case 'failed':
        return `Not saved: ${state.message} Trying again.`;
    }
  }

  #set(answers: Answers) {
    this.#answers = answers;
    this.#problem = '';
    if (this.purpose === 'draft') this.#autosave.set(answers);
    this.requestUpdate();
  }

  readonly #submit = async (): Promise<void> => {
    const review = this.review;
    if (review === undefined || this.#busy) return;
    const { missing } = progress(review.form.content, this.#answers);
    this.#wanting = missing ?? '';
    this.#problem = '';
    this.requestUpdate();
    if (missing !== undefined) {
      await this.updateComplete;
      await this.renderRoot.querySelector('review-scorecard')?.focusQuestion(missing);
      return;
    }
    if (this.purpose !== 'draft' && this.#reason.trim() === '') {
      this.#problem = 'Say why: the agent reads it.';
      this.requestUpdate();
      return;
    }
    await this.#send(review);
  };

  async #send(review: Review) {
    const { id } = review.summary;
    const revision = { answers: this.#answers, reason: this.#reason };
    this.#busy = true;
    try {
      // What is still on its way as a draft must not arrive after it.
      if (this.purpose === 'draft') await this.#autosave.flush();
      const open = review.disputes.find(({ state }) => state === 'open');
      const written =
        this.purpose === 'draft'
          ? await reviewApi.submit(id, this.#answers)
          : this.purpose === 'accept' && open
            ? await reviewApi.accept(open.id, revision)
            : await reviewApi.revise(id, revision);
      this.#autosave.drop();
      this.#reason = '';
      this.dispatchEvent(new CustomEvent<Review>('review-written', { detail: written }));
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  readonly #discard = async (): Promise<void> => {
    const review = this.review;
    if (review === undefined || !confirm('Throw this draft away? What was answered is lost.')) return;
    this.#autosave.drop();
    try {
      await reviewApi.discard(review.summary.id);
      this.#fire('review-discarded');
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.requestUpdate();
    }
  };

  #fire(name: 'review-discarded' | 'review-cancel') {
    this.dispatchEvent(new CustomEvent(name));
  }
}

function fieldValue(event: Event): string {
  return (event.target as HTMLElementTagNameMap['vt-field']).value;
}

define('review-writing', ReviewWriting);

declare global {
  interface HTMLElementTagNameMap {
    'review-writing': ReviewWriting;
  }
}
