import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { Amount, Facets, NewSample, Outcome, Person, SampleDraw, Stratum } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import { countryName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { type Choice, chips, PERIODS } from './choices.ts';
import { tell, wordsOf } from './news.ts';
import { changed, type RecordingQuery, writeQuery } from './query.ts';

const STRATA: readonly Choice[] = [
  { value: 'agent', label: 'Each agent' },
  { value: 'queue', label: 'Each queue' },
  { value: 'market', label: 'Each country' },
  { value: 'all', label: 'All calls together' },
];

/** Waiting after a change before the server is asked what would be drawn, ms. */
const PREVIEW_MS = 300;
/** Strata listed in the preview; the rest is a number. */
const SHOWN_MAX = 8;

/**
 * Making a worklist: by a rule ("10 % of each agent's calls of this week"), of which it shows what it would draw, or of
 * recordings that were chosen.
 *
 * @fires vt-close - it is done, or the person wants no worklist
 */
export class ReplaySampleDialog extends LitElement {
  static override properties = {
    query: { attribute: false },
    recordings: { attribute: false },
    outcomes: { attribute: false },
    facets: { attribute: false },
    reviewers: { state: true },
    draw: { state: true },
    problem: { state: true },
    busy: { state: true },
  };
  static override styles = [
    base,
    css`
      form {
        display: grid;
        gap: var(--v-s4);
      }
      .pair {
        display: grid;
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        gap: var(--v-s3);
      }
      fieldset {
        min-inline-size: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      label {
        display: flex;
        gap: var(--v-s2);
        align-items: center;
        min-block-size: var(--v-target);
        cursor: pointer;
      }
      input[type='checkbox'] {
        flex: none;
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        accent-color: var(--v-accent);
      }
      .people {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr));
        max-block-size: 9rem;
        overflow: auto;
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      .preview {
        padding: var(--v-s3) var(--v-s4);
        border-radius: var(--v-radius);
        background: var(--v-sunken);
        font-size: var(--v-text-sm);
      }
      .preview p {
        font-weight: 600;
      }
      table {
        inline-size: 100%;
        border-collapse: collapse;
      }
      td {
        padding: 2px 0;
      }
      td + td {
        text-align: end;
        font-variant-numeric: tabular-nums;
        color: var(--v-muted);
      }
    `,
  ];

  /** Of which recordings to draw. */
  declare query: RecordingQuery;
  /** Or which recordings it is; then nothing is drawn. */
  declare recordings: readonly string[];
  declare outcomes: readonly Outcome[];
  declare facets: Facets | undefined;
  declare reviewers: readonly Person[];
  declare draw: SampleDraw | undefined;
  declare problem: string;
  declare busy: boolean;
  #name = '';
  #amount: 'share' | 'count' = 'share';
  #number = '10';
  #per: Stratum = 'agent';
  #fresh = true;
  #period: string | undefined;
  readonly #who = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  constructor() {
    super();
    this.query = {};
    this.recordings = [];
    this.outcomes = [];
    this.facets = undefined;
    this.reviewers = [];
    this.draw = undefined;
    this.problem = '';
    this.busy = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#load();
    if (!this.#picked) {
      // Samples are mostly of a week; whoever has set a time means that time.
      const { period, from, to } = this.query;
      this.#period = period ?? (from || to ? undefined : 'this_week');
      this.#preview(0);
    }
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#turn += 1;
  }

  get #picked(): boolean {
    return this.recordings.length > 0;
  }

  override render() {
    const count = this.recordings.length;
    return html`<vt-dialog open heading=${this.#picked ? 'Make a worklist' : 'Draw a sample'}>
      <form @submit=${this.#make}>
        ${
          this.#picked
            ? html`<p class="quiet">${count === 1 ? 'One recording' : `${count} recordings`}, in the order of the list.</p>`
            : this.#rule()
        }
        <vt-field
          label="Name"
          required
          maxlength="80"
          placeholder="e.g. Week 48, everybody"
          testid="sample-name"
          .value=${this.#name}
          @input=${(event: Event) => {
            this.#name = textOf(event);
          }}
        ></vt-field>
        ${this.#people()}
        ${this.problem ? html`<vt-banner tone="danger">${this.problem}</vt-banner>` : nothing}
      </form>
      <vt-button slot="actions" @click=${this.#close}>Cancel</vt-button>
      <vt-button
        slot="actions"
        variant="primary"
        data-testid="sample-make"
        ?busy=${this.busy}
        ?disabled=${!this.#picked && this.draw?.drawn === 0}
        @click=${this.#make}
      >${this.#picked ? 'Make worklist' : 'Draw'}</vt-button>
    </vt-dialog>`;
  }

  #rule() {
    const { period: _period, from, to, sort: _sort, ...others } = this.query;
    const set = chips(others, { facets: this.facets, outcomes: this.outcomes }).map(({ label }) => label);
    const words = [...set, ...(this.query.q ? [`“${this.query.q}”`] : [])];
    return html`<div class="pair">
        <vt-field
          label="How many"
          testid="sample-amount"
          .options=${[{ value: 'share', label: 'A share, %' }, { value: 'count', label: 'So many calls' }]}
          .value=${this.#amount}
          @change=${(event: Event) => {
            this.#amount = textOf(event) as 'share' | 'count';
            this.#number = this.#amount === 'share' ? '10' : '5';
            this.#preview();
          }}
        ></vt-field>
        <vt-field
          label=${this.#amount === 'share' ? 'Per cent' : 'Calls'}
          type="number"
          testid="sample-number"
          hint=${this.#amount === 'share' ? 'Rounded up: at least one of each' : ''}
          .value=${this.#number}
          @input=${(event: Event) => {
            this.#number = textOf(event);
            this.#preview();
          }}
        ></vt-field>
      </div>
      <div class="pair">
        <vt-field
          label="Of"
          testid="sample-per"
          .options=${STRATA}
          .value=${this.#per}
          @change=${(event: Event) => {
            this.#per = textOf(event) as Stratum;
            this.#preview();
          }}
        ></vt-field>
        ${
          from || to
            ? html`<p class="quiet">${chips({ ...(from ? { from } : {}), ...(to ? { to } : {}) }, { facets: undefined, outcomes: [] })[0]?.label}</p>`
            : html`<vt-field
                label="Period"
                testid="sample-period"
                .options=${[{ value: '', label: 'Any time' }, ...PERIODS]}
                .value=${this.#period ?? ''}
                @change=${(event: Event) => {
                  this.#period = textOf(event);
                  this.#preview();
                }}
              ></vt-field>`
        }
      </div>
      ${words.length > 0 ? html`<p class="quiet">Only calls that fit the filters of the list: ${words.join(', ')}.</p>` : nothing}
      <label>
        <input
          type="checkbox"
          .checked=${this.#fresh}
          @change=${(event: Event) => {
            this.#fresh = (event.target as HTMLInputElement).checked;
            this.#preview();
          }}
        />Leave out what has been reviewed
      </label>
      <div class="preview" role="status" data-testid="sample-preview">${this.#drawn()}</div>`;
  }

  #drawn() {
    const { draw } = this;
    if (!draw)
      return this.problem ? 'Nothing can be drawn like this.' : html`<vt-spinner></vt-spinner> Counting…`;
    if (draw.population === 0) return 'No recording fits. Choose another period or other filters.';
    const name = (stratum: string) =>
      stratum === '' ? 'Not known' : this.#per === 'market' ? countryName(stratum) : stratum;
    const more = draw.strata.length - SHOWN_MAX;
    return html`<p>${draw.drawn} of ${draw.population} recordings</p>
      ${
        this.#per === 'all'
          ? nothing
          : html`<table>
              ${draw.strata.slice(0, SHOWN_MAX).map(
                (stratum) => html`<tr>
                  <td dir="auto">${name(stratum.name)}</td>
                  <td>${stratum.drawn} of ${stratum.population}</td>
                </tr>`,
              )}
            </table>`
      }
      ${more > 0 && this.#per !== 'all' ? html`<span class="quiet">and ${more} more</span>` : nothing}`;
  }

  #people() {
    return html`<fieldset>
      <legend>Who reviews</legend>
      <p class="quiet">The recordings are dealt out among them. Nobody chosen: whoever opens it.</p>
      <div class="people">
        ${this.reviewers.map(
          ({ id, name }) => html`<label>
            <input
              type="checkbox"
              data-testid="sample-reviewer"
              .checked=${this.#who.has(id)}
              @change=${(event: Event) => {
                if ((event.target as HTMLInputElement).checked) this.#who.add(id);
                else this.#who.delete(id);
              }}
            />${name}
          </label>`,
        )}
      </div>
    </fieldset>`;
  }

  async #load() {
    try {
      this.reviewers = await api.reviewers();
    } catch {
      // A sample for nobody in particular can be made all the same.
      this.reviewers = [];
    }
  }

  #sample(): NewSample {
    const reviewers = [...this.#who];
    const name = this.#name.trim();
    if (this.#picked) return { name, query: '', recordings: [...this.recordings], reviewers };
    const number = Number(this.#number);
    const amount: Amount =
      this.#amount === 'share' ? { kind: 'share', percent: number } : { kind: 'count', count: number };
    const query = changed(this.query, {
      sort: '',
      ...(this.#period === undefined ? {} : { period: this.#period }),
    });
    return {
      name,
      query: writeQuery(query),
      rule: { amount, per: this.#per, exclude_reviewed: this.#fresh },
      reviewers,
    };
  }

  #preview(afterMs = PREVIEW_MS) {
    this.requestUpdate();
    clearTimeout(this.#timer);
    this.#turn += 1;
    const turn = this.#turn;
    this.#timer = setTimeout(async () => {
      try {
        const draw = await api.previewSample(this.#sample());
        if (turn !== this.#turn) return;
        this.draw = draw;
        this.problem = '';
      } catch (error) {
        if (turn !== this.#turn) return;
        this.draw = undefined;
        this.problem = wordsOf(error);
      }
    }, afterMs);
  }

  async #make(event: Event) {
    event.preventDefault();
    if (this.busy) return;
    this.busy = true;
    try {
      const sample = await api.makeSample(this.#sample());
      tell(
        this,
        `“${sample.name}” has ${sample.total === 1 ? 'one recording' : `${sample.total} recordings`}`,
      );
      this.#close();
      location.hash = `#/samples/${encodeURIComponent(sample.id)}`;
    } catch (error) {
      this.problem = wordsOf(error);
    } finally {
      this.busy = false;
    }
  }

  #close() {
    this.dispatchEvent(new CustomEvent('vt-close'));
  }
}

function textOf(event: Event): string {
  return (event.currentTarget as HTMLElementTagNameMap['vt-field']).value;
}

define('replay-sample-dialog', ReplaySampleDialog);

declare global {
  interface HTMLElementTagNameMap {
    'replay-sample-dialog': ReplaySampleDialog;
  }
}
