import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { Answer, Answers, FormContent, FormQuestion, FormSection } from '../../protocol.ts';
import { clockTime } from '../../staff/format.ts';
import { questionWeight } from './form-model.ts';
import { type AnswerChange, answerOf, percent, progress, withAnswer } from './score.ts';
import { reviewStyles } from './styles.ts';

/** One thing to choose. */
interface Choice {
  readonly answer: Answer;
  readonly label: string;
  /** Pressed while the question has the focus, it chooses this. */
  readonly key: string;
}

/**
 * A form with its answers, to be filled in. Each question is one stop of the tab key; arrows choose, and so do Y, N, A
 * ("does not apply") and the digits.
 *
 * @fires review-answers - something was answered or written; `detail` is the {@link Answers}
 * @fires review-seek - a moment was asked for; `detail` is session time in ms
 */
export class ReviewScorecard extends LitElement {
  static override properties = {
    form: { attribute: false },
    answers: { attribute: false },
    timeMs: { attribute: false },
    wanting: { type: String },
  };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s5);
      }
      .section > header {
        display: flex;
        flex-wrap: wrap;
        align-items: baseline;
        gap: var(--v-s1) var(--v-s3);
        margin-block-end: var(--v-s3);
        padding-block-end: var(--v-s1);
        border-block-end: 2px solid var(--v-line);
      }
      h3 {
        flex: 1;
        font-size: var(--v-text-md);
        line-height: var(--v-leading-tight);
      }
      .weight {
        color: var(--v-muted);
        font-size: var(--v-text-xs);
        white-space: nowrap;
      }
      fieldset {
        display: grid;
        gap: var(--v-s2);
        min-inline-size: 0;
        margin: 0 0 var(--v-s4);
        padding: 0;
        border: 0;
      }
      fieldset.wanting {
        padding: var(--v-s2);
        margin-inline: calc(-1 * var(--v-s2));
        border-radius: var(--v-radius-sm);
        background: var(--v-danger-soft);
        color: var(--v-on-danger-soft);
      }
      legend {
        padding: 0;
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .missing {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s1);
      }
      .choice {
        position: relative;
        display: grid;
        place-items: center;
        min-inline-size: var(--v-target);
        min-block-size: var(--v-target);
        padding-inline: var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius-sm);
        background: var(--v-surface);
        color: var(--v-text);
        font-size: var(--v-text-sm);
        font-weight: 600;
        cursor: pointer;
      }
      .choice input {
        position: absolute;
        inset: 0;
        margin: 0;
        opacity: 0;
        cursor: pointer;
      }
      .choice:hover {
        background: var(--v-hover);
      }
      .choice:has(:checked) {
        border-color: var(--v-accent);
        background: var(--v-accent);
        color: var(--v-on-accent);
      }
      .choice:has(:focus-visible) {
        outline: 2px solid var(--v-focus);
        outline-offset: 2px;
      }
      .choice.na {
        font-weight: 400;
      }
      .ends {
        display: flex;
        justify-content: space-between;
        gap: var(--v-s4);
        max-inline-size: 22rem;
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      .help {
        font-size: var(--v-text-sm);
      }
      @media (forced-colors: active) {
        .choice:has(:checked) {
          background: Highlight;
          color: HighlightText;
        }
      }
    `,
  ];

  declare form: FormContent;
  declare answers: Answers;
  /** The moment that is being watched, ms of session time; absent where there is no player. */
  declare timeMs: (() => number) | undefined;
  /** Key of a question that was left out. */
  declare wanting: string;
  /** Comments that were opened and hold nothing yet. */
  readonly #opened = new Set<string>();

  constructor() {
    super();
    this.form = { title: '', intro: '', sections: [] };
    this.answers = { answers: [], comment: '' };
    this.timeMs = undefined;
    this.wanting = '';
  }

  /** Goes to a question and gives it the focus. */
  async focusQuestion(key: string): Promise<void> {
    await this.updateComplete;
    const question = this.renderRoot.querySelector<HTMLElement>(`fieldset[data-key="${CSS.escape(key)}"]`);
    question?.scrollIntoView({ block: 'center' });
    question?.querySelector<HTMLInputElement>('input')?.focus({ preventScroll: true });
  }

  override render() {
    const { sections } = progress(this.form, this.answers);
    return html`
      ${this.form.intro ? html`<p class="words quiet">${this.form.intro}</p>` : nothing}
      ${this.form.sections.map((section, at) => this.#section(section, at, sections[at]))}
    `;
  }

  #section(section: FormSection, at: number, score: number | undefined) {
    return html`<section class="section">
      <header>
        <h3>${section.title}</h3>
        <span class="weight number">${section.weight} % of the score · ${percent(score)}</span>
      </header>
      ${section.questions.map((question, index) => this.#question(section, question, `${at + 1}.${index + 1}`))}
    </section>`;
  }

  #question(section: FormSection, question: FormQuestion, number: string) {
    const { answer, comment, at_ms } = answerOf(this.answers, question.key);
    const wanting = this.wanting === question.key && answer === undefined;
    const written = comment !== '' || at_ms !== undefined || this.#opened.has(question.key);
    return html`<fieldset
      data-key=${question.key}
      data-testid="question"
      class=${wanting ? 'wanting' : nothing}
      @keydown=${(event: KeyboardEvent) => this.#onKey(event, question)}
    >
      <legend>
        <span class="number">${number}</span> ${question.text}
        ${question.critical ? html`<vt-badge tone="danger">Critical</vt-badge>` : nothing}
      </legend>
      ${wanting ? html`<p class="missing" role="alert">Not answered yet.</p>` : nothing}
      ${
        question.help || question.critical
          ? html`<details class="help">
              <summary>How to judge · ${weightWords(questionWeight(section, question))}</summary>
              <p class="words">${question.help}</p>
              ${question.critical ? html`<p><strong>${criticalWords(question)}</strong></p>` : nothing}
            </details>`
          : html`<p class="weight">${weightWords(questionWeight(section, question))}</p>`
      }
      ${this.#choices(question, answer)}
      ${written ? this.#comment(question, comment, at_ms) : this.#offer(question)}
    </fieldset>`;
  }

  #choices(question: FormQuestion, answer: Answer | undefined) {
    const { kind } = question;
    return html`<div>
      <div class="choices">
        ${choicesOf(question).map(
          ({
            answer: choice,
            label,
          }) => html`<label class="choice ${choice.kind === 'not_applicable' ? 'na' : ''}">
            <input
              type="radio"
              name=${`q-${question.key}`}
              value=${label}
              .checked=${same(choice, answer)}
              @change=${() => this.#change(question.key, { answer: choice })}
            />
            <span>${label}</span>
          </label>`,
        )}
      </div>
      ${
        kind.kind === 'scale' && (kind.low || kind.high)
          ? html`<div class="ends"><span>${kind.min}: ${kind.low}</span><span>${kind.max}: ${kind.high}</span></div>`
          : nothing
      }
    </div>`;
  }

  #offer(question: FormQuestion) {
    return html`<div class="row">
      <vt-button
        variant="quiet"
        size="sm"
        icon="note"
        label=${`Comment on: ${question.text}`}
        @click=${() => this.#open(question.key)}
      >Comment</vt-button>
      ${
        this.timeMs
          ? html`<vt-button variant="quiet" size="sm" icon="clock" label=${`Link the present moment to: ${question.text}`}
              @click=${() => this.#link(question.key)}>Link moment</vt-button>`
          : nothing
      }
    </div>`;
  }

  #comment(question: FormQuestion, comment: string, at: number | undefined) {
    return html`<vt-field
        label="Comment"
        rows="2"
        maxlength="1000"
        .value=${comment}
        @input=${(event: Event) => this.#change(question.key, { comment: (event.target as HTMLTextAreaElement & { value: string }).value })}
      ></vt-field>
      <div class="row">
        ${
          at === undefined
            ? nothing
            : html`<button class="time" type="button" @click=${() => this.#seek(at)}>${clockTime(at)}</button>
                <vt-button variant="quiet" size="sm" icon="close" label=${`Remove the link to ${clockTime(at)}`}
                  @click=${() => this.#change(question.key, { at_ms: undefined })}></vt-button>`
        }
        ${
          this.timeMs
            ? html`<vt-button variant="quiet" size="sm" icon="clock" @click=${() => this.#link(question.key)}>
                ${at === undefined ? 'Link moment' : 'Link moment instead'}
              </vt-button>`
            : nothing
        }
      </div>`;
  }

  #onKey(event: KeyboardEvent, question: FormQuestion) {
    const target = event.composedPath()[0];
    if (!(target instanceof HTMLInputElement) || target.type !== 'radio') return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const choice = choicesOf(question).find(({ key }) => key === event.key.toLowerCase());
    if (choice === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#change(question.key, { answer: choice.answer });
    // The focus follows, or the next arrow would begin where it was.
    void this.updateComplete.then(() => {
      const fieldset = this.renderRoot.querySelector(`fieldset[data-key="${CSS.escape(question.key)}"]`);
      fieldset?.querySelector<HTMLInputElement>('input:checked')?.focus();
    });
  }

  async #open(key: string) {
    this.#opened.add(key);
    this.requestUpdate();
    await this.updateComplete;
    this.renderRoot
      .querySelector(`fieldset[data-key="${CSS.escape(key)}"]`)
      ?.querySelector<HTMLElement>('vt-field')
      ?.focus();
  }

  #link(key: string) {
    if (this.timeMs) this.#change(key, { at_ms: Math.round(this.timeMs()) });
  }

  #change(key: string, change: AnswerChange) {
    this.answers = withAnswer(this.answers, key, change);
    this.dispatchEvent(new CustomEvent<Answers>('review-answers', { detail: this.answers }));
  }

  #seek(ms: number) {
    this.dispatchEvent(new CustomEvent<number>('review-seek', { detail: ms, bubbles: true, composed: true }));
  }
}

function choicesOf(question: FormQuestion): Choice[] {
  const choices: Choice[] = [];
  if (question.kind.kind === 'yes_no') {
    choices.push({ answer: { kind: 'yes' }, label: 'Yes', key: 'y' });
    choices.push({ answer: { kind: 'no' }, label: 'No', key: 'n' });
  } else {
    for (let value = question.kind.min; value <= question.kind.max; value += 1) {
      choices.push({ answer: { kind: 'scale', value }, label: String(value), key: String(value) });
    }
  }
  if (question.na_allowed) {
    choices.push({ answer: { kind: 'not_applicable' }, label: 'Does not apply', key: 'a' });
  }
  return choices;
}

function same(a: Answer, b: Answer | undefined): boolean {
  if (a.kind === 'scale') return b?.kind === 'scale' && a.value === b.value;
  return a.kind === b?.kind;
}

function weightWords(weight: number): string {
  return `${Number(weight.toFixed(1))} % of the score`;
}

function criticalWords(question: FormQuestion): string {
  const fails = question.kind.kind === 'scale' ? `${question.kind.min}` : 'No';
  return `Critical: “${fails}” makes the whole score 0.`;
}

define('review-scorecard', ReviewScorecard);

declare global {
  interface HTMLElementTagNameMap {
    'review-scorecard': ReviewScorecard;
  }
}
