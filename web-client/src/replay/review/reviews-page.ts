import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { DisputeRow, ReviewSummary, SecondScore } from '../../protocol.ts';
import { dateTime } from '../../staff/format.ts';
import { exportHref, reviewApi } from './api.ts';
import { pageStyles } from './page-styles.ts';
import { reviewHref } from './routes.ts';
import { reviewRow, rowStyles } from './rows.ts';
import { percent } from './score.ts';
import { reviewStyles } from './styles.ts';
import { rememberTab } from './tab.ts';

/**
 * The desk of quality review: disputes to answer, second scores to give, every score, the export.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class ReviewsPage extends LitElement {
  static override properties = { manager: { type: Boolean } };
  static override styles = [
    base,
    reviewStyles,
    pageStyles,
    rowStyles,
    css`
      .job {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s4);
        padding: var(--v-s3) var(--v-s4);
        border-block-start: 1px solid var(--v-line);
        font-size: var(--v-text-sm);
      }
      li:first-child .job {
        border-block-start: 0;
      }
      .job p {
        flex: 1 1 18rem;
        min-inline-size: 0;
      }
      .tool h2 {
        margin: 0;
      }
      .reason {
        display: -webkit-box;
        overflow: hidden;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
      }
      .tools {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr));
        gap: var(--v-s4);
      }
      .tool {
        display: grid;
        align-content: start;
        gap: var(--v-s3);
        padding: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 10rem), 1fr));
        gap: var(--v-s3);
      }
      a.button {
        display: inline-grid;
        place-items: center;
        min-block-size: var(--v-target);
        padding-inline: var(--v-s4);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius);
        color: var(--v-text);
        font-weight: 600;
        text-decoration: none;
      }
      a.button:hover {
        background: var(--v-hover);
      }
    `,
  ];

  /** Whether second scores may be sampled. */
  declare manager: boolean;

  #disputes: readonly DisputeRow[] = [];
  #seconds: readonly SecondScore[] = [];
  #rows: readonly ReviewSummary[] | undefined;
  #next: string | undefined;
  #from = '';
  #to = '';
  #why = '';
  #percent = '10';
  #days = '7';
  #problem = '';
  #busy = false;

  constructor() {
    super();
    this.manager = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#load();
  }

  override render() {
    return html`<div class="title"><h1>Reviews</h1></div>
      ${
        this.#problem
          ? html`<vt-banner tone="danger">
              ${this.#problem}
              <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
            </vt-banner>`
          : nothing
      }
      ${this.#rows === undefined ? this.#loading() : html`${this.#todo()}${this.#scores(this.#rows)}${this.#tools()}`}`;
  }

  #loading() {
    return this.#problem
      ? nothing
      : html`<div class="state" role="status"><vt-spinner></vt-spinner>Loading…</div>`;
  }

  #todo() {
    return html`
      ${
        this.#disputes.length > 0
          ? html`<section class="block">
              <h2>Disputes to answer</h2>
              <ul class="plain card">
                ${this.#disputes.map(
                  ({
                    dispute,
                    review,
                    overdue,
                  }) => html`<li class="job-row"><div class="job" data-testid="dispute-row">
                    <p>
                      <strong>${review.ticket_number ?? 'Call'} · ${review.agent.name} · ${percent(review.score)}</strong>
                      <span class="reason" dir="auto">${dispute.reason}</span>
                    </p>
                    ${
                      overdue
                        ? html`<vt-badge tone="danger">Overdue since ${dateTime(dispute.due_at)}</vt-badge>`
                        : html`<span class="quiet">due ${dateTime(dispute.due_at)}</span>`
                    }
                    <a class="button" href=${reviewHref(review.recording, review.id)}>Answer</a>
                  </div></li>`,
                )}
              </ul>
            </section>`
          : nothing
      }
      ${
        this.#seconds.length > 0
          ? html`<section class="block">
              <h2>Second scores</h2>
              <ul class="plain card">
                ${this.#seconds.map((second) => html`<li>${this.#second(second)}</li>`)}
              </ul>
            </section>`
          : nothing
      }
    `;
  }

  #second(second: SecondScore) {
    const whom = second.reviewer ? `of ${second.reviewer.name}` : 'of whoever comes first';
    return html`<div class="job" data-testid="second-row">
      <p>
        <strong>${second.ticket_number ?? 'Call'} · ${second.agent.name}</strong>
        <span class="quiet">
          ${second.form} · ${second.sampled ? 'drawn' : 'asked'} by ${second.asked_by.name} ${whom}, ${dateTime(second.asked_at)}
        </span>
      </p>
      ${
        second.may_start
          ? html`<a class="button" href=${`#/r/${second.recording}`} @click=${() => rememberTab('score')}>Score it</a>`
          : nothing
      }
      ${
        second.may_cancel
          ? html`<vt-button size="sm" variant="quiet" @click=${() => this.#cancel(second)}>Call off</vt-button>`
          : nothing
      }
    </div>`;
  }

  #scores(rows: readonly ReviewSummary[]) {
    return html`<section class="block">
      <h2>Scores</h2>
      ${
        rows.length === 0
          ? html`<vt-empty icon="check" heading="No scores yet">
              Open a recording and choose “Score”. What is submitted appears here.
            </vt-empty>`
          : html`<ul class="plain card">
              ${rows.map((row) => html`<li>${reviewRow(row, reviewHref(row.recording, row.id))}</li>`)}
            </ul>`
      }
      ${
        this.#next
          ? html`<div class="state"><vt-button ?busy=${this.#busy} @click=${() => this.#more()}>Show older ones</vt-button></div>`
          : nothing
      }
    </section>`;
  }

  #tools() {
    const day = (name: 'from' | 'to', label: string) => html`<vt-field
      label=${label}
      type="date"
      @change=${(event: Event) => {
        const { value } = event.target as HTMLElementTagNameMap['vt-field'];
        if (name === 'from') this.#from = value;
        else this.#to = value;
        this.requestUpdate();
      }}
    ></vt-field>`;
    return html`<section class="block tools">
      <div class="card tool">
        <h2>Export</h2>
        <p class="quiet">One row a score, two columns a question (answer and comment), as CSV. Days are UTC.</p>
        <div class="fields">${day('from', 'From')}${day('to', 'To')}</div>
        <vt-field
          label="What for (optional)"
          maxlength="500"
          testid="export-why"
          hint="It stays in the audit log for good: name no buyer."
          @input=${(event: Event) => {
            this.#why = (event.target as HTMLElementTagNameMap['vt-field']).value;
            this.requestUpdate();
          }}
        ></vt-field>
        <div><a class="button" href=${exportHref(this.#from, this.#to, this.#why)} download="scores.csv" data-testid="export">Download CSV</a></div>
      </div>
      ${this.manager ? this.#sampling() : nothing}
    </section>`;
  }

  #sampling() {
    return html`<form class="card tool" @submit=${this.#sample}>
      <h2>Draw second scores</h2>
      <p class="quiet">Chance chooses among submitted scores that have no second one yet; whoever comes first gives it, blind.</p>
      <div class="fields">
        <vt-field label="Percent" type="number" .value=${this.#percent} @input=${(event: Event) => {
          this.#percent = (event.target as HTMLElementTagNameMap['vt-field']).value;
        }}></vt-field>
        <vt-field label="Of the last … days" type="number" .value=${this.#days} @input=${(event: Event) => {
          this.#days = (event.target as HTMLElementTagNameMap['vt-field']).value;
        }}></vt-field>
      </div>
      <div><vt-button type="submit" data-testid="sample" ?busy=${this.#busy}>Draw</vt-button></div>
    </form>`;
  }

  async #load() {
    this.#problem = '';
    this.requestUpdate();
    try {
      const [disputes, seconds, page] = await Promise.all([
        reviewApi.disputes(),
        reviewApi.seconds(),
        reviewApi.reviews(),
      ]);
      this.#disputes = disputes;
      this.#seconds = seconds;
      this.#rows = page.items;
      this.#next = page.next;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.requestUpdate();
  }

  async #more() {
    await this.#try(async () => {
      const page = await reviewApi.reviews(this.#next);
      this.#rows = [...(this.#rows ?? []), ...page.items];
      this.#next = page.next;
    });
  }

  readonly #sample = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.#try(async () => {
      const drawn = await reviewApi.sampleSeconds(Number(this.#percent), Number(this.#days));
      this.#say(drawn.length === 0 ? 'There was nothing to draw from' : `Drawn: ${drawn.length}`);
      this.#seconds = await reviewApi.seconds();
    });
  };

  async #cancel(second: SecondScore) {
    await this.#try(async () => {
      await reviewApi.cancelSecond(second.id);
      this.#seconds = await reviewApi.seconds();
    });
  }

  async #try(action: () => Promise<void>) {
    if (this.#busy) return;
    this.#busy = true;
    this.#problem = '';
    this.requestUpdate();
    try {
      await action();
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.requestUpdate();
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }
}

define('reviews-page', ReviewsPage);

declare global {
  interface HTMLElementTagNameMap {
    'reviews-page': ReviewsPage;
  }
}
