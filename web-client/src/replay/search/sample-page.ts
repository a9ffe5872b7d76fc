import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import type { Outcome, Person, RecordingSummary, Sample, SampleItem } from '../../protocol.ts';
import { ApiError, api } from '../../staff/api.ts';
import { dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { pageStyles } from '../page-styles.ts';
import { chips } from './choices.ts';
import { tell, wordsOf } from './news.ts';
import { parseQuery } from './query.ts';
import type { RowNote } from './recording-grid.ts';
import './recording-grid.ts';
import { ruleWords } from './rule-words.ts';

type Shown = 'all' | 'open' | 'mine';

/** One worklist: how far it is, its recordings, who reviews them. */
export class ReplaySample extends LitElement {
  static override properties = {
    sampleId: { type: String },
    me: { type: String },
    outcomes: { attribute: false },
    sample: { state: true },
    items: { state: true },
    problem: { state: true },
    shown: { state: true },
    editing: { state: true },
    people: { state: true },
    busy: { state: true },
  };
  static override styles = [
    base,
    pageStyles,
    css`
      :host {
        --page-inline-size: 1400px;
      }
      .top {
        margin-block-end: 0;
      }
      h1 {
        overflow-wrap: anywhere;
      }
      .tools,
      .views {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: center;
      }
      .about {
        margin-block: var(--v-s1) var(--v-s3);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
        overflow-wrap: anywhere;
      }
      .progress {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2) var(--v-s4);
        align-items: center;
        justify-content: space-between;
        margin-block-end: var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .far {
        display: grid;
        gap: var(--v-s1);
        flex: 1 1 16rem;
        max-inline-size: 32rem;
      }
      form {
        display: grid;
        gap: var(--v-s4);
      }
      label {
        display: flex;
        gap: var(--v-s2);
        align-items: center;
        min-block-size: var(--v-target);
      }
      fieldset {
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      input[type='checkbox'] {
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        accent-color: var(--v-accent);
      }
    `,
  ];

  declare sampleId: string;
  /** Who looks at it. */
  declare me: string;
  declare outcomes: readonly Outcome[];
  declare sample: Sample | undefined;
  declare items: readonly SampleItem[];
  declare problem: ApiError | undefined;
  declare shown: Shown;
  declare editing: { name: string; who: Set<string>; problem: string } | undefined;
  declare people: readonly Person[];
  declare busy: boolean;

  constructor() {
    super();
    this.sampleId = '';
    this.me = '';
    this.outcomes = [];
    this.sample = undefined;
    this.items = [];
    this.problem = undefined;
    this.shown = 'all';
    this.editing = undefined;
    this.people = [];
    this.busy = false;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('sampleId')) {
      this.sample = undefined;
      void this.#load();
    }
  }

  /** A key that is meant for the page. Says whether it meant something. */
  key(event: KeyboardEvent): boolean {
    if (this.editing) return false;
    return this.renderRoot.querySelector('recording-grid')?.key(event) ?? false;
  }

  override render() {
    const back = html`<a class="back" href="#/samples"><vt-icon name="back"></vt-icon>Worklists</a>`;
    if (this.problem) return html`${back}${this.#failed(this.problem)}`;
    const { sample } = this;
    if (!sample) return html`${back}<recording-grid loading></recording-grid>`;
    const next = this.#next();
    return html`${back}
      <div class="top">
        <h1 dir="auto">${sample.name}</h1>
        <div class="tools">
          ${
            next
              ? html`<vt-button variant="primary" icon="play" data-testid="sample-begin" @click=${() => this.#open(next)}
                  >${sample.reviewed === 0 ? 'Begin' : 'Go on'}</vt-button
                >`
              : nothing
          }
          ${sample.rule ? html`<vt-button icon="dice" data-testid="sample-again" ?busy=${this.busy} @click=${this.#again}>Draw again</vt-button>` : nothing}
          <vt-button variant="quiet" icon="edit" data-testid="sample-edit" @click=${this.#edit}>Rename or deal out</vt-button>
          <vt-button variant="quiet" icon="trash" data-testid="sample-delete" label="Delete this worklist" @click=${this.#delete}></vt-button>
        </div>
      </div>
      <p class="about">${this.#about(sample)}</p>
      <div class="progress">
        <span class="far">
          <progress aria-hidden="true" max=${Math.max(1, sample.total)} .value=${sample.reviewed}></progress>
          <span data-testid="sample-progress">${sample.reviewed} of ${sample.total} reviewed, ${sample.total - sample.reviewed} left</span>
        </span>
        <span class="views" role="group" aria-label="Show">
          ${this.#view('all', 'All')} ${this.#view('open', 'Not reviewed')}
          ${sample.reviewers.some(({ id }) => id === this.me) ? this.#view('mine', 'Mine') : nothing}
        </span>
      </div>
      ${this.#list(sample)} ${this.#dialog()}`;
  }

  #about(sample: Sample): string {
    const set = chips(parseQuery(sample.query), { facets: undefined, outcomes: this.outcomes });
    const people = sample.reviewers.map(({ name, total, reviewed }) => `${name} (${total - reviewed} left)`);
    return [
      ruleWords(sample),
      ...set.map(({ label }) => label),
      `made ${dateTime(sample.created_at)} by ${sample.created_by}`,
      ...(sample.rule ? [`seed ${sample.seed}`] : []),
      ...(people.length > 0 ? [`for ${people.join(', ')}`] : []),
    ].join(' · ');
  }

  #view(shown: Shown, label: string) {
    return html`<vt-button size="sm" .pressed=${this.shown === shown} @click=${() => {
      this.shown = shown;
    }}>${label}</vt-button>`;
  }

  #list(sample: Sample) {
    const items = this.items.filter((item) =>
      this.shown === 'all'
        ? true
        : item.reviewed_at === undefined && (this.shown === 'open' || item.reviewer === this.me),
    );
    if (items.length === 0) {
      return this.items.length === 0
        ? html`<vt-empty icon="film" heading="Nothing left in it">The recordings of this worklist have been deleted.</vt-empty>`
        : html`<vt-empty icon="check" heading="All done">
            Everything here has been reviewed.
            <vt-button slot="actions" @click=${() => {
              this.shown = 'all';
            }}>Show all</vt-button>
          </vt-empty>`;
    }
    const name = (id: string | undefined) => sample.reviewers.find((one) => one.id === id)?.name ?? '';
    const notes = new Map<string, RowNote>(
      items.map((item) => [
        item.recording.id,
        {
          stratum: item.stratum,
          reviewer: item.reviewer === this.me ? 'You' : name(item.reviewer),
          reviewed: item.reviewed_at !== undefined,
        },
      ]),
    );
    const rows: readonly RecordingSummary[] = items.map(({ recording }) => recording);
    return html`<recording-grid
      label=${sample.name}
      sample=${sample.id}
      .rows=${rows}
      .notes=${notes}
      .outcomes=${this.outcomes}
    ></recording-grid>`;
  }

  #failed(problem: ApiError) {
    return problem.status === 404
      ? html`<vt-empty icon="dice" heading="This worklist does not exist">It may have been deleted.</vt-empty>`
      : html`<vt-banner tone="danger" heading="The worklist could not be loaded">
          ${problem.message}
          <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
        </vt-banner>`;
  }

  #dialog() {
    const { editing } = this;
    if (!editing) return nothing;
    return html`<vt-dialog open heading="Rename or deal out" @vt-close=${this.#stopEditing}>
      <form @submit=${this.#change}>
        <vt-field
          label="Name"
          required
          maxlength="80"
          testid="sample-rename"
          error=${editing.problem}
          .value=${editing.name}
          @input=${(event: Event) => {
            editing.name = (event.currentTarget as HTMLElementTagNameMap['vt-field']).value;
          }}
        ></vt-field>
        <fieldset>
          <legend>Who reviews what is left</legend>
          ${this.people.map(
            ({ id, name }) => html`<label>
              <input
                type="checkbox"
                .checked=${editing.who.has(id)}
                @change=${(event: Event) => {
                  if ((event.target as HTMLInputElement).checked) editing.who.add(id);
                  else editing.who.delete(id);
                }}
              />${name}
            </label>`,
          )}
        </fieldset>
      </form>
      <vt-button slot="actions" @click=${this.#stopEditing}>Cancel</vt-button>
      <vt-button slot="actions" variant="primary" data-testid="sample-save" ?busy=${this.busy} @click=${this.#change}>Save</vt-button>
    </vt-dialog>`;
  }

  async #load() {
    const id = this.sampleId;
    this.problem = undefined;
    try {
      const [sample, items] = await Promise.all([api.sample(id), api.sampleItems(id)]);
      if (id !== this.sampleId) return;
      this.items = items;
      this.sample = sample;
    } catch (error) {
      this.problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
  }

  /** The first recording that is not reviewed and is theirs or nobody's. */
  #next(): string | undefined {
    const open = this.items.filter(({ reviewed_at }) => reviewed_at === undefined);
    const own = open.find(({ reviewer }) => reviewer === undefined || reviewer === this.me);
    return (own ?? open[0])?.recording.id;
  }

  #open(recording: string) {
    location.hash = `#/r/${encodeURIComponent(recording)}?w=${encodeURIComponent(this.sampleId)}`;
  }

  async #again() {
    if (this.busy) return;
    this.busy = true;
    const before = this.sample?.total ?? 0;
    try {
      const { total } = await api.resample(this.sampleId);
      const added = total - before;
      tell(
        this,
        added <= 0 ? 'Nothing new to add' : added === 1 ? 'One recording added' : `${added} recordings added`,
      );
      await this.#load();
    } catch (error) {
      tell(this, wordsOf(error), 'danger');
    } finally {
      this.busy = false;
    }
  }

  async #edit() {
    const { sample } = this;
    if (!sample) return;
    this.editing = { name: sample.name, who: new Set(sample.reviewers.map(({ id }) => id)), problem: '' };
    try {
      this.people = await api.reviewers();
    } catch {
      this.people = sample.reviewers;
    }
  }

  async #change(event: Event) {
    event.preventDefault();
    const { editing } = this;
    if (!editing || this.busy) return;
    this.busy = true;
    try {
      await api.changeSample(this.sampleId, { name: editing.name, reviewers: [...editing.who] });
      this.editing = undefined;
      await this.#load();
    } catch (error) {
      this.editing = { ...editing, problem: wordsOf(error) };
    } finally {
      this.busy = false;
    }
  }

  #stopEditing() {
    this.editing = undefined;
  }

  async #delete() {
    const { sample } = this;
    if (!sample) return;
    try {
      await api.deleteSample(sample.id);
      tell(this, `“${sample.name}” is deleted`, 'ok', {
        label: 'Undo',
        run: async () => {
          await api.restoreSample(sample.id);
          location.hash = `#/samples/${encodeURIComponent(sample.id)}`;
        },
      });
      location.hash = '#/samples';
    } catch (error) {
      tell(this, wordsOf(error), 'danger');
    }
  }
}

define('replay-sample', ReplaySample);

declare global {
  interface HTMLElementTagNameMap {
    'replay-sample': ReplaySample;
  }
}
