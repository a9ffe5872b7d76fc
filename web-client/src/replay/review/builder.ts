import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { FormContent, FormFlaw, FormQuestion, FormSection, QuestionKind } from '../../protocol.ts';
import {
  addQuestion,
  addSection,
  changeQuestion,
  changeSection,
  evenOut,
  moveQuestion,
  moveSection,
  type Place,
  questionWeight,
  removeQuestion,
  removeSection,
  totalWeight,
} from './form-model.ts';
import './icons.ts';
import { reviewStyles } from './styles.ts';

type Field = HTMLElementTagNameMap['vt-field'];

/**
 * Where a form is built: sections and questions, with the total of the weights always in view.
 *
 * @fires form-changed - `detail` is the new {@link FormContent}
 */
export class FormBuilder extends LitElement {
  static override properties = { content: { attribute: false }, flaws: { attribute: false } };
  static override styles = [
    base,
    reviewStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
      }
      .head,
      .section {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s4);
      }
      .section > header {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 8rem auto;
        gap: var(--v-s3);
        align-items: end;
      }
      .question {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s3);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-sm);
        background: var(--v-sunken);
      }
      .question > header {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
      }
      .question strong {
        flex: 1;
        font-size: var(--v-text-sm);
      }
      .kind {
        display: grid;
        grid-template-columns: minmax(9rem, 2fr) repeat(3, minmax(5.5rem, 1fr));
        gap: var(--v-s3);
        align-items: end;
      }
      .ends {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--v-s3);
      }
      .check {
        display: inline-flex;
        align-items: center;
        gap: var(--v-s2);
        min-block-size: 32px;
        margin-inline-end: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .check input {
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        accent-color: var(--v-accent);
      }
      .total {
        position: sticky;
        inset-block-end: 0;
        z-index: 4;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s4);
        padding: var(--v-s3) var(--v-s4);
        box-shadow: var(--v-shadow-2);
      }
      .total strong {
        font-size: var(--v-text-lg);
        font-variant-numeric: tabular-nums;
      }
      .total.wrong strong {
        color: var(--v-danger);
      }
      .bar {
        flex: 1 1 10rem;
        display: flex;
        gap: 2px;
        block-size: 10px;
        overflow: hidden;
        border-radius: 5px;
        background: var(--v-hover);
      }
      .bar span {
        background: var(--v-accent);
      }
      .bar span:nth-child(even) {
        opacity: 0.65;
      }
      .wrong .bar span {
        background: var(--v-danger);
      }
      @media (max-width: 720px) {
        .section > header {
          grid-template-columns: minmax(0, 1fr) auto;
        }
        .section > header > :first-child {
          grid-column: 1 / -1;
        }
        .kind {
          grid-template-columns: 1fr 1fr 1fr;
        }
        .kind > :first-child {
          grid-column: 1 / -1;
        }
        .ends {
          grid-template-columns: 1fr;
        }
        .section,
        .head {
          padding: var(--v-s3);
        }
        .bar {
          display: none;
        }
      }
    `,
  ];

  declare content: FormContent;
  /** What keeps it from being published, as the server said last; shown at the fields. */
  declare flaws: readonly FormFlaw[];

  constructor() {
    super();
    this.content = { title: '', intro: '', sections: [] };
    this.flaws = [];
  }

  override render() {
    const { title, intro, sections } = this.content;
    return html`
      <div class="card head">
        <vt-field
          label="Title"
          maxlength="120"
          testid="form-title"
          .value=${title}
          error=${this.#flaw('title')}
          @input=${(event: Event) => this.#become({ ...this.content, title: (event.target as Field).value })}
        ></vt-field>
        <vt-field
          label="What reviewers read before they begin"
          rows="2"
          maxlength="2000"
          .value=${intro}
          @input=${(event: Event) => this.#become({ ...this.content, intro: (event.target as Field).value })}
        ></vt-field>
      </div>
      ${sections.map((section, at) => this.#section(section, at))}
      <div class="row">
        <vt-button icon="plus" data-testid="add-section" @click=${() => this.#become(addSection(this.content))}>Add a section</vt-button>
      </div>
      ${this.#total()}
    `;
  }

  #total() {
    const total = totalWeight(this.content);
    const right = total === 100;
    const words = right
      ? 'Weights add up'
      : total < 100
        ? `${100 - total} % are missing`
        : `${total - 100} % are too many`;
    return html`<div class="card total ${right ? '' : 'wrong'}" role="status" data-testid="weight-total">
      <span>Total <strong>${total} %</strong></span>
      <div class="bar" aria-hidden="true">
        ${this.content.sections.map(({ weight }) => html`<span style="inline-size:${(weight * 100) / Math.max(100, total)}%"></span>`)}
      </div>
      <span class="quiet">${words}</span>
      ${
        right || this.content.sections.length === 0
          ? nothing
          : html`<vt-button size="sm" data-testid="even-out" @click=${() => this.#become(evenOut(this.content))}>Even out to 100 %</vt-button>`
      }
    </div>`;
  }

  #section(section: FormSection, at: number) {
    const path = `sections[${at}]`;
    const last = this.content.sections.length - 1;
    const name = section.title || `section ${at + 1}`;
    const change = (change: Partial<FormSection>) => this.#become(changeSection(this.content, at, change));
    return html`<section class="card section" data-testid="form-section" aria-label=${`Section ${at + 1}`}>
      <header>
        <vt-field
          label=${`Section ${at + 1}`}
          maxlength="120"
          .value=${section.title}
          error=${this.#flaw(`${path}.title`)}
          @input=${(event: Event) => change({ title: (event.target as Field).value })}
        ></vt-field>
        <vt-field
          label="Weight, %"
          type="number"
          testid="section-weight"
          .value=${String(section.weight)}
          error=${this.#flaw(`${path}.weight`)}
          @input=${(event: Event) => change({ weight: whole((event.target as Field).value, 0, 999) })}
        ></vt-field>
        <div class="row">
          ${this.#moveButtons(name, at > 0, at < last, (by) => this.#become(moveSection(this.content, at, by)))}
          <vt-button size="sm" variant="quiet" icon="trash" label=${`Remove ${name}`} @click=${() => this.#become(removeSection(this.content, at))}></vt-button>
        </div>
      </header>
      ${section.questions.map((question, index) => this.#question(section, question, { section: at, question: index }))}
      ${this.#flaw(`${path}.questions`) ? html`<p class="quiet">${this.#flaw(`${path}.questions`)}</p>` : nothing}
      <div class="row">
        <vt-button size="sm" icon="plus" data-testid="add-question" @click=${() => this.#become(addQuestion(this.content, at))}>Add a question</vt-button>
      </div>
    </section>`;
  }

  #question(section: FormSection, question: FormQuestion, at: Place) {
    const path = `sections[${at.section}].questions[${at.question}]`;
    const number = `${at.section + 1}.${at.question + 1}`;
    const isFirst = at.section === 0 && at.question === 0;
    const isLast =
      at.section === this.content.sections.length - 1 && at.question === section.questions.length - 1;
    const change = (change: Partial<FormQuestion>) => this.#become(changeQuestion(this.content, at, change));
    const weight = Number(questionWeight(section, question).toFixed(1));
    return html`<div class="question" role="group" aria-label=${`Question ${number}`}>
      <header>
        <strong>Question ${number} <span class="quiet number">${weight} % of the score</span></strong>
        ${this.#moveButtons(`question ${number}`, !isFirst, !isLast, (by) => this.#become(moveQuestion(this.content, at, by)))}
        <vt-button size="sm" variant="quiet" icon="trash" label=${`Remove question ${number}`} @click=${() => this.#become(removeQuestion(this.content, at))}></vt-button>
      </header>
      <vt-field
        label="Question"
        maxlength="300"
        testid="question-text"
        .value=${question.text}
        error=${this.#flaw(`${path}.text`)}
        @input=${(event: Event) => change({ text: (event.target as Field).value })}
      ></vt-field>
      ${this.#kind(question, path, change)}
      <vt-field
        label="How to judge it"
        rows="2"
        maxlength="2000"
        .value=${question.help}
        @input=${(event: Event) => change({ help: (event.target as Field).value })}
      ></vt-field>
      <div>
        <label class="check">
          <input type="checkbox" .checked=${question.na_allowed} @change=${(event: Event) => change({ na_allowed: checked(event) })} />
          May not apply
        </label>
        <label class="check">
          <input type="checkbox" .checked=${question.critical} @change=${(event: Event) => change({ critical: checked(event) })} />
          Critical: failing it makes the whole score 0
        </label>
      </div>
    </div>`;
  }

  #kind(question: FormQuestion, path: string, change: (change: Partial<FormQuestion>) => void) {
    const { kind } = question;
    const scale = (part: Partial<Extract<QuestionKind, { kind: 'scale' }>>) => {
      if (kind.kind === 'scale') change({ kind: { ...kind, ...part } });
    };
    return html`<div class="kind">
        <vt-field
          label="Answers"
          .value=${kind.kind}
          .options=${[{ value: 'yes_no', label: 'Yes or no' }, { value: 'scale', label: 'Scale' }]}
          error=${this.#flaw(`${path}.kind`)}
          @change=${(event: Event) => {
            // The field tells of every choice twice, by `input` and `change`; the second one changes nothing.
            const chosen = (event.target as Field).value;
            if (chosen !== kind.kind) {
              change({
                kind:
                  chosen === 'scale'
                    ? { kind: 'scale', min: 1, max: 5, low: '', high: '' }
                    : { kind: 'yes_no' },
              });
            }
          }}
        ></vt-field>
        ${
          kind.kind === 'scale'
            ? html`<vt-field label="From" type="number" .value=${String(kind.min)} @input=${(event: Event) => scale({ min: whole((event.target as Field).value, 0, 99) })}></vt-field>
                <vt-field label="To" type="number" .value=${String(kind.max)} @input=${(event: Event) => scale({ max: whole((event.target as Field).value, 0, 99) })}></vt-field>`
            : nothing
        }
        <vt-field
          label="Points"
          type="number"
          .value=${String(question.points)}
          error=${this.#flaw(`${path}.points`)}
          @input=${(event: Event) => change({ points: whole((event.target as Field).value, 0, 999) })}
        ></vt-field>
      </div>
      ${
        kind.kind === 'scale'
          ? html`<div class="ends">
              <vt-field label=${`What ${kind.min} means`} maxlength="120" .value=${kind.low} @input=${(event: Event) => scale({ low: (event.target as Field).value })}></vt-field>
              <vt-field label=${`What ${kind.max} means`} maxlength="120" .value=${kind.high} @input=${(event: Event) => scale({ high: (event.target as Field).value })}></vt-field>
            </div>`
          : nothing
      }`;
  }

  #moveButtons(name: string, up: boolean, down: boolean, move: (by: -1 | 1) => void) {
    return html`<vt-button size="sm" variant="quiet" icon="up" label=${`Move ${name} up`} ?disabled=${!up} @click=${() => move(-1)}></vt-button>
      <vt-button size="sm" variant="quiet" icon="down" label=${`Move ${name} down`} ?disabled=${!down} @click=${() => move(1)}></vt-button>`;
  }

  #flaw(field: string): string {
    return this.flaws.find((flaw) => flaw.field === field)?.detail ?? '';
  }

  #become(content: FormContent) {
    this.content = content;
    this.dispatchEvent(new CustomEvent<FormContent>('form-changed', { detail: content }));
  }
}

/** A whole number within bounds; what is none is the lower bound. */
function whole(text: string, min: number, max: number): number {
  const number = Math.round(Number(text));
  return Number.isFinite(number) ? Math.min(max, Math.max(min, number)) : min;
}

function checked(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

define('form-builder', FormBuilder);

declare global {
  interface HTMLElementTagNameMap {
    'form-builder': FormBuilder;
  }
}
