import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { Person, Review } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import { reviewApi } from './api.ts';
import { watchUnsaved } from './guard.ts';
import { questionsOf } from './score.ts';
import { reviewStyles } from './styles.ts';

type Open = 'none' | 'dispute' | 'reject' | 'second';

/**
 * What can be done with a submitted score: correct it, dispute it, answer a dispute, ask for a second score. What is
 * offered is what the server says that one may do.
 *
 * @fires review-changed - the review is another now; `detail` is the {@link Review}
 * @fires review-correct - a correction is wanted; `detail` is `'correction'` or `'accept'` (of the open dispute)
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class ReviewActions extends LitElement {
  static override properties = { review: { attribute: false } };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
        font-size: var(--v-text-sm);
      }
      form {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s3);
      }
      fieldset {
        display: grid;
        gap: var(--v-s1);
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        font-weight: 600;
      }
      .check {
        display: flex;
        align-items: baseline;
        gap: var(--v-s2);
        min-block-size: 28px;
      }
      .check input {
        flex: none;
        inline-size: 18px;
        block-size: 18px;
        margin: 0;
        accent-color: var(--v-accent);
        translate: 0 3px;
      }
    `,
  ];

  declare review: Review | undefined;

  #open: Open = 'none';
  #reason = '';
  #questions = new Set<string>();
  #people: readonly Person[] | undefined;
  #reviewer = '';
  #busy = false;
  #problem = '';
  #shown: string | undefined;
  #unwatch = () => {};

  constructor() {
    super();
    this.review = undefined;
  }

  /** Whether words would be lost if the page went now. */
  get unsaved(): boolean {
    return this.#reason.trim() !== '';
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#unwatch = watchUnsaved(this);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#unwatch();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('review') && this.review?.summary.id !== this.#shown) {
      this.#shown = this.review?.summary.id;
      this.#close();
    }
  }

  override render() {
    const review = this.review;
    if (review === undefined) return nothing;
    return html`${this.#buttons(review)} ${this.#form(review)}
      ${this.#problem ? html`<vt-banner tone="danger">${this.#problem}</vt-banner>` : nothing}`;
  }

  #buttons(review: Review) {
    const { may } = review;
    const offers = [
      may.decide
        ? html`<vt-button size="sm" variant="primary" data-testid="dispute-accept" @click=${() => this.#correct('accept')}>Accept and correct</vt-button>
            <vt-button size="sm" data-testid="dispute-reject" @click=${() => this.#show('reject')}>Reject</vt-button>`
        : nothing,
      may.withdraw
        ? html`<vt-button size="sm" data-testid="dispute-withdraw" ?busy=${this.#busy} @click=${() => this.#withdraw(review)}>Withdraw the dispute</vt-button>`
        : nothing,
      may.dispute
        ? html`<vt-button size="sm" data-testid="dispute-open" @click=${() => this.#show('dispute')}>Dispute this score</vt-button>
            ${may.dispute_until ? html`<span class="quiet">until ${dateTime(may.dispute_until)}</span>` : nothing}`
        : nothing,
      may.revise
        ? html`<vt-button size="sm" data-testid="correct-score" @click=${() => this.#correct('correction')}>Correct</vt-button>`
        : nothing,
      may.ask_second
        ? html`<vt-button size="sm" data-testid="ask-second" @click=${() => this.#show('second')}>Ask for a second score</vt-button>`
        : nothing,
    ].filter((offer) => offer !== nothing);
    return offers.length > 0 && this.#open === 'none' ? html`<div class="row">${offers}</div>` : nothing;
  }

  #form(review: Review) {
    switch (this.#open) {
      case 'none':
        return nothing;
      case 'dispute':
        return html`<form class="card" @submit=${(event: Event) => this.#send(event, () => this.#dispute(review))}>
          ${this.#reasonField('Why is the score wrong?', 'Say what happened and when. Your reviewer and supervisors read it.')}
          <fieldset>
            <legend>Which questions? None means the whole score.</legend>
            ${questionsOf(review.form.content).map(
              ({ key, text }) => html`<label class="check">
                <input
                  type="checkbox"
                  .checked=${this.#questions.has(key)}
                  @change=${(event: Event) => this.#pick(key, (event.target as HTMLInputElement).checked)}
                />
                <span>${text}</span>
              </label>`,
            )}
          </fieldset>
          ${this.#end('Send the dispute', 'dispute-send')}
        </form>`;
      case 'reject':
        return html`<form class="card" @submit=${(event: Event) => this.#send(event, () => this.#reject(review))}>
          ${this.#reasonField('Why does the score stay?', 'The agent reads it. A rejection is final.')}
          ${this.#end('Reject the dispute', 'reject-send')}
        </form>`;
      case 'second':
        return html`<form class="card" @submit=${(event: Event) => this.#send(event, () => this.#second(review))}>
          <p>The second reviewer scores the same call on the same form and sees nobody's score or comments until theirs is submitted.</p>
          <vt-field
            label="Who is to score?"
            testid="second-reviewer"
            .value=${this.#reviewer}
            .options=${[
              { value: '', label: 'Whoever comes first' },
              ...(this.#people ?? []).map(({ id, name }) => ({ value: id, label: name })),
            ]}
            @change=${(event: Event) => {
              this.#reviewer = (event.target as HTMLElementTagNameMap['vt-field']).value;
            }}
          ></vt-field>
          ${this.#end('Ask', 'second-send')}
        </form>`;
    }
  }

  #reasonField(label: string, hint: string) {
    return html`<vt-field
      label=${label}
      hint=${hint}
      rows="3"
      maxlength="2000"
      required
      testid="reason"
      .value=${this.#reason}
      @input=${(event: Event) => {
        this.#reason = (event.target as HTMLElementTagNameMap['vt-field']).value;
      }}
    ></vt-field>`;
  }

  #end(words: string, testid: string) {
    return html`<div class="row">
      <vt-button type="submit" size="sm" variant="primary" data-testid=${testid} ?busy=${this.#busy}>${words}</vt-button>
      <vt-button size="sm" variant="quiet" @click=${() => this.#close()}>Cancel</vt-button>
    </div>`;
  }

  async #show(open: Open) {
    this.#open = open;
    this.#problem = '';
    this.requestUpdate();
    if (open === 'second' && this.#people === undefined) {
      try {
        const review = this.review?.summary;
        const people = await reviewApi.reviewers();
        this.#people = people.filter(({ id }) => id !== review?.reviewer.id && id !== review?.agent.id);
        this.requestUpdate();
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error);
      }
    }
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('vt-field')?.focus();
  }

  #close() {
    this.#open = 'none';
    this.#reason = '';
    this.#questions = new Set();
    this.#reviewer = '';
    this.#problem = '';
    this.requestUpdate();
  }

  #pick(key: string, on: boolean) {
    if (on) this.#questions.add(key);
    else this.#questions.delete(key);
  }

  async #send(event: Event, action: () => Promise<void>) {
    event.preventDefault();
    if (this.#busy) return;
    if (this.#open !== 'second' && this.#reason.trim() === '') {
      this.#problem = 'Say why.';
      this.requestUpdate();
      return;
    }
    await this.#run(action);
  }

  async #run(action: () => Promise<void>) {
    this.#busy = true;
    this.#problem = '';
    this.requestUpdate();
    try {
      await action();
      this.#close();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  async #dispute(review: Review) {
    this.#changed(
      await reviewApi.dispute(review.summary.id, { reason: this.#reason, questions: [...this.#questions] }),
    );
    this.#say('The dispute was sent');
  }

  async #reject(review: Review) {
    const open = review.disputes.find(({ state }) => state === 'open');
    if (open) this.#changed(await reviewApi.reject(open.id, this.#reason));
  }

  #withdraw(review: Review) {
    const open = review.disputes.find(({ state }) => state === 'open');
    if (open) void this.#run(async () => this.#changed(await reviewApi.withdraw(open.id)));
  }

  async #second(review: Review) {
    await reviewApi.askSecond(review.summary.id, this.#reviewer || undefined);
    this.#say('A second score was asked for');
    this.#changed(await reviewApi.review(review.summary.id));
  }

  #correct(purpose: 'correction' | 'accept') {
    this.dispatchEvent(new CustomEvent('review-correct', { detail: purpose }));
  }

  #changed(review: Review) {
    this.dispatchEvent(new CustomEvent<Review>('review-changed', { detail: review }));
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('review-actions', ReviewActions);

declare global {
  interface HTMLElementTagNameMap {
    'review-actions': ReviewActions;
  }
}
