import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { Agreement, Calibration, FormQuestion } from '../../protocol.ts';
import { clockTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { reviewApi } from './api.ts';
import { pageStyles } from './page-styles.ts';
import { answerWords, percent } from './score.ts';
import { reviewStyles } from './styles.ts';

/** From this difference on (share of the scale) a question is worth talking about. */
const APART = 0.5;

/** Several reviewers' scores of one call, side by side. */
export class CalibrationPage extends LitElement {
  static override properties = { recordingId: { type: String } };
  static override styles = [
    base,
    reviewStyles,
    pageStyles,
    css`
      .figures {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr));
        gap: var(--v-s3);
        margin-block-end: var(--v-s4);
      }
      .figure {
        display: grid;
        align-content: start;
        gap: var(--v-s1);
        padding: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .figure strong {
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
        font-size: var(--v-text-sm);
      }
      th,
      td {
        padding: var(--v-s2) var(--v-s3);
        border-block-end: 1px solid var(--v-line);
        text-align: start;
        vertical-align: top;
      }
      thead th {
        background: var(--v-sunken);
        white-space: nowrap;
      }
      tbody th {
        min-inline-size: 14rem;
        font-weight: 400;
      }
      .section th,
      .section td {
        padding-block-start: var(--v-s5);
        font-weight: 600;
      }
      .total th,
      .total td {
        font-weight: 600;
      }
      .apart {
        background: var(--v-warn-soft);
        color: var(--v-on-warn-soft);
      }
      td {
        min-inline-size: 7rem;
      }
      td .quiet {
        max-inline-size: 18rem;
      }
      .apart .quiet {
        color: inherit;
      }
      .only {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        min-block-size: var(--v-target);
        font-size: var(--v-text-sm);
      }
      .only input {
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        accent-color: var(--v-accent);
      }
      @media (max-width: 720px) {
        tbody th {
          min-inline-size: 10rem;
        }
      }
    `,
  ];

  declare recordingId: string;

  #all: readonly Calibration[] | undefined;
  #problem = '';
  #onlyDifferent = false;

  constructor() {
    super();
    this.recordingId = '';
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('recordingId') && this.recordingId !== '') void this.#load();
  }

  override render() {
    return html`<div class="title">
        <a class="back" href=${`#/r/${this.recordingId}`}><vt-icon name="back"></vt-icon>The recording</a>
        <h1>Scores side by side</h1>
      </div>
      ${
        this.#problem
          ? html`<vt-banner tone="danger">
              ${this.#problem}
              <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
            </vt-banner>`
          : this.#content()
      }`;
  }

  #content() {
    if (this.#all === undefined) {
      return html`<div class="state" role="status"><vt-spinner></vt-spinner>Loading…</div>`;
    }
    const several = this.#all.filter(({ scores }) => scores.length > 1);
    if (several.length === 0) {
      return html`<vt-empty icon="users" heading="Nothing to compare yet">
        Two reviewers have to score this call on the same version of a form. Ask for a second score, or wait until it is
        submitted: until then it is sealed.
      </vt-empty>`;
    }
    return several.map((one) => this.#one(one));
  }

  #one(calibration: Calibration) {
    const { form, scores, agreement } = calibration;
    return html`<section class="block" data-testid="calibration">
      <h2>${form.content.title}, version ${form.number}</h2>
      ${agreement ? this.#figures(agreement, scores.length) : nothing}
      <label class="only">
        <input type="checkbox" .checked=${this.#onlyDifferent} @change=${this.#toggle} />
        Only questions that were answered differently
      </label>
      <div class="card scroll" tabindex="0" role="region" aria-label="Answers side by side">
        <table>
          <thead>
            <tr>
              <th scope="col">Question</th>
              ${scores.map(({ reviewer }) => html`<th scope="col">${reviewer.name}</th>`)}
              <th scope="col">Difference</th>
            </tr>
          </thead>
          <tbody>
            <tr class="total">
              <th scope="row">Score</th>
              ${scores.map(
                ({ scored }) => html`<td class="number">
                  ${percent(scored.score)}
                  ${scored.failed.length > 0 ? html`<br /><span class="quiet">critical; without it ${percent(scored.earned)}</span>` : nothing}
                </td>`,
              )}
              <td class="number">${agreement ? points(agreement.score_difference) : ''}</td>
            </tr>
            ${form.content.sections.map((section, at) => this.#section(calibration, section.title, section.questions, at))}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #section(calibration: Calibration, title: string, questions: readonly FormQuestion[], at: number) {
    const rows = questions.flatMap((question) => {
      const difference = calibration.questions.find((one) => one.question === question.key);
      const hidden = difference === undefined || (this.#onlyDifferent && difference.spread === 0);
      return hidden ? [] : [{ question, difference }];
    });
    if (rows.length === 0) return nothing;
    return html`<tr class="section">
        <th scope="row">${title}</th>
        ${calibration.scores.map(({ scored }) => html`<td class="number">${percent(scored.sections[at] ?? undefined)}</td>`)}
        <td></td>
      </tr>
      ${rows.map(
        ({ question, difference }) => html`<tr class=${difference.spread >= APART ? 'apart' : ''}>
          <th scope="row">${question.text} ${question.critical ? html`<vt-badge tone="danger">Critical</vt-badge>` : nothing}</th>
          ${difference.answers.map(
            ({ answer, comment, at_ms }) => html`<td>
              ${answerWords(answer, question)}
              ${
                comment || at_ms !== undefined
                  ? html`<p class="quiet words" dir="auto">${at_ms === undefined ? '' : `${clockTime(at_ms)} `}${comment}</p>`
                  : nothing
              }
            </td>`,
          )}
          <td class="number">${difference.spread === 0 ? 'none' : `${Math.round(difference.spread * 100)} % of the scale`}</td>
        </tr>`,
      )}`;
  }

  #figures(agreement: Agreement, count: number) {
    const pairs = count === 2 ? 'both scores' : `all pairs of ${count} scores`;
    const figure = (value: string, name: string, explained: string) => html`<div class="card figure">
      <strong class="number">${value}</strong>
      <span>${name}</span>
      <span class="quiet">${explained}</span>
    </div>`;
    return html`<div class="figures">
      ${figure(
        points(agreement.score_difference),
        'Mean absolute difference of the scores',
        `How many percentage points the scores are apart, over ${pairs}. 0 is full agreement.`,
      )}
      ${
        agreement.earned_difference === agreement.score_difference
          ? nothing
          : figure(
              points(agreement.earned_difference),
              'The same without critical questions',
              'A critical question makes a score 0; this leaves that out.',
            )
      }
      ${figure(
        share(agreement.same),
        'Same answers',
        'Share of the answers that are exactly the same, question by question.',
      )}
      ${figure(
        share(agreement.answer_difference),
        'Mean difference of the answers',
        'As a share of each scale: 1 against 5 of 1–5 is 100 %. An answer against “does not apply” counts as 100 %.',
      )}
      ${figure(
        agreement.same_critical ? 'Agreed' : 'Not agreed',
        'Critical questions',
        agreement.same_critical
          ? 'All saw the same critical questions failed, or none.'
          : 'Not everybody saw the same critical questions failed: talk about these first.',
      )}
    </div>`;
  }

  readonly #toggle = (): void => {
    this.#onlyDifferent = !this.#onlyDifferent;
    this.requestUpdate();
  };

  async #load() {
    this.#problem = '';
    try {
      this.#all = await reviewApi.calibration(this.recordingId);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }
}

function points(value: number): string {
  return `${Number(value.toFixed(1))} points`;
}

function share(value: number): string {
  return `${Math.round(value * 100)} %`;
}

define('calibration-page', CalibrationPage);

declare global {
  interface HTMLElementTagNameMap {
    'calibration-page': CalibrationPage;
  }
}
