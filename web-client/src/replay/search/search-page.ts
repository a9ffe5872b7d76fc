import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import type { Facets, Flag, Outcome, RecordingSummary } from '../../protocol.ts';
import { ApiError, api } from '../../staff/api.ts';
import '../../staff/icons.ts';
import { PagedSearch, type SearchMore } from '../../staff/paged-search.ts';
import { pageStyles } from '../page-styles.ts';
import './filters.ts';
import { tell, wordsOf } from './news.ts';
import { isFiltered, parseQuery, type RecordingQuery, sameQuery, writeQuery } from './query.ts';
import './recording-grid.ts';
import './sample-dialog.ts';
import './saved-filters.ts';

/**
 * Finding recordings: filters, which the address holds, saved filters, and a list to walk through by keyboard. Chosen
 * rows become a worklist or are marked.
 *
 * @fires replay-query - the filters changed; `detail` is the {@link RecordingQuery}
 * @fires replay-news - see `news.ts`
 */
export class ReplaySearch extends LitElement {
  static override properties = {
    query: { attribute: false },
    outcomes: { attribute: false },
    begin: { type: Boolean },
    facets: { state: true },
    chosen: { state: true },
    sampling: { state: true },
  };
  static override styles = [
    base,
    pageStyles,
    css`
      :host {
        --page-inline-size: 1400px;
      }
      .top {
        margin-block-end: var(--v-s3);
      }
      .links {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
        align-items: center;
      }
      .links a {
        display: inline-flex;
        align-items: center;
        min-block-size: var(--v-target);
        padding-inline: var(--v-s2);
        color: var(--v-accent);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .status {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2) var(--v-s3);
        align-items: center;
        min-block-size: 44px;
        margin-block: var(--v-s1);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      .status.choosing {
        padding-inline: var(--v-s3);
        border-radius: var(--v-radius);
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      .below {
        display: grid;
        justify-items: center;
        gap: var(--v-s3);
        padding-block: var(--v-s5);
      }
    `,
  ];

  declare query: RecordingQuery;
  declare outcomes: readonly Outcome[];
  /** The page has just been opened without filters: begin with the person's own. */
  declare begin: boolean;
  declare facets: Facets | undefined;
  declare chosen: readonly string[];
  declare sampling: 'rule' | 'chosen' | undefined;
  #problem: { readonly field: string; readonly text: string } | undefined;
  /** Counts questions about facets: only the latest answer counts. */
  #turn = 0;
  readonly #search = new PagedSearch<RecordingQuery, RecordingSummary>(
    {},
    (query, before) => this.#find(query, before),
    () => this.requestUpdate(),
  );

  constructor() {
    super();
    this.query = {};
    this.outcomes = [];
    this.begin = false;
    this.facets = undefined;
    this.chosen = [];
    this.sampling = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    if (this.begin && writeQuery(this.query) === '') void this.#beginWithOwn();
    else this.#look(this.query);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#search.stop();
    this.#turn += 1;
  }

  override willUpdate(changed: PropertyValues<this>) {
    // Another address, by the back button for one.
    if (changed.has('query') && this.hasUpdated && !sameQuery(this.query, this.#search.query)) {
      this.#look(this.query);
    }
  }

  /** Puts the cursor into the field for words. */
  focusSearch(): void {
    this.renderRoot.querySelector('replay-filters')?.focus();
  }

  /** A key that is meant for the page. Says whether it meant something. */
  key(event: KeyboardEvent): boolean {
    if (this.sampling) return false;
    return this.renderRoot.querySelector('recording-grid')?.key(event) ?? false;
  }

  override render() {
    const { query } = this.#search;
    return html`<div class="top">
        <h1>Recordings</h1>
        <div class="links">
          <a href="#/samples">Worklists</a>
          <vt-button icon="dice" data-testid="make-sample" @click=${() => this.#sample('rule')}>Draw a sample</vt-button>
        </div>
      </div>
      <replay-filters
        .query=${query}
        .facets=${this.facets}
        .outcomes=${this.outcomes}
        .problem=${this.#problem}
        @filters-change=${this.#onFilters}
      >
        <replay-saved-filters
          .query=${query}
          @saved-filter=${(event: CustomEvent<RecordingQuery>) => this.#go(event.detail)}
        ></replay-saved-filters>
      </replay-filters>
      ${this.#status()}
      <div aria-busy=${this.#search.state.kind === 'loading' ? 'true' : 'false'}>${this.#list()}</div>
      ${
        this.sampling
          ? html`<replay-sample-dialog
              .query=${this.sampling === 'rule' ? query : {}}
              .recordings=${this.sampling === 'chosen' ? this.chosen : []}
              .outcomes=${this.outcomes}
              .facets=${this.facets}
              @vt-close=${() => {
                this.sampling = undefined;
              }}
            ></replay-sample-dialog>`
          : nothing
      }`;
  }

  #status() {
    const count = this.chosen.length;
    if (count > 0) {
      return html`<div class="status choosing" role="group" aria-label="What to do with the chosen recordings">
        <span role="status">${count === 1 ? 'One chosen' : `${count} chosen`}</span>
        <vt-button size="sm" data-testid="pick-sample" @click=${() => this.#sample('chosen')}>Make a worklist</vt-button>
        <vt-button size="sm" icon="flag" data-testid="mark-complaint" @click=${() => this.#mark('complaint')}>Mark as complaint</vt-button>
        <vt-button size="sm" variant="quiet" @click=${() => this.renderRoot.querySelector('recording-grid')?.clearChoice()}>Choose none</vt-button>
      </div>`;
    }
    return html`<div class="status" role="status" data-testid="result-count">${this.#countWords()}</div>`;
  }

  #countWords(): string {
    const { facets } = this;
    if (this.#search.state.kind !== 'rows' || !facets) return '';
    const number = new Intl.NumberFormat().format(facets.count);
    if (facets.more) return `More than ${number} recordings`;
    return facets.count === 1 ? 'One recording' : `${number} recordings`;
  }

  #list() {
    const state = this.#search.state;
    switch (state.kind) {
      case 'loading':
        return html`<recording-grid loading></recording-grid>`;
      case 'failed':
        return this.#problem
          ? html`<vt-banner tone="warn" heading="These filters cannot be used">
              ${this.#problem.text}
              <div slot="actions"><vt-button size="sm" @click=${() => this.#go({})}>Clear filters</vt-button></div>
            </vt-banner>`
          : html`<vt-banner tone="danger" heading="The recordings could not be loaded">
              ${state.message}
              <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#search.run()}>Try again</vt-button></div>
            </vt-banner>`;
      case 'rows':
        return state.rows.length === 0 ? this.#nothing() : this.#rows(state.rows, state.more);
    }
  }

  #nothing() {
    return isFiltered(this.#search.query)
      ? html`<vt-empty icon="search" heading="Nothing found">
          No recording fits these filters. Calls whose buyer declined recording have none; their ticket is in the agent console.
          <vt-button slot="actions" @click=${() => this.#go({})}>Clear filters</vt-button>
        </vt-empty>`
      : html`<vt-empty icon="film" heading="No recordings yet">
          As soon as a buyer agrees to be recorded, the call appears here.
        </vt-empty>`;
  }

  #rows(rows: readonly RecordingSummary[], more: SearchMore) {
    return html`<recording-grid
        .rows=${rows}
        .outcomes=${this.outcomes}
        @grid-choice=${(event: CustomEvent<string[]>) => {
          this.chosen = event.detail;
        }}
      ></recording-grid>
      ${more.kind === 'none' ? nothing : html`<div class="below">${this.#below(more)}</div>`}`;
  }

  #below(more: Exclude<SearchMore, { kind: 'none' }>) {
    switch (more.kind) {
      case 'some':
        return html`<vt-button data-testid="load-more" @click=${() => this.#search.loadMore()}>Show more</vt-button>`;
      case 'loading':
        return html`<vt-button busy>Show more</vt-button>`;
      case 'failed':
        return html`<vt-banner tone="danger">${more.message}</vt-banner>
          <vt-button icon="refresh" @click=${() => this.#search.loadMore()}>Try again</vt-button>`;
    }
  }

  /** Asks for recordings; a refusal that names a filter is shown at that filter. */
  async #find(query: RecordingQuery, before?: string) {
    if (before === undefined) void this.#count(query);
    try {
      const page = await api.recordings(query, before);
      this.#problem = undefined;
      return page;
    } catch (error) {
      const field = error instanceof ApiError ? error.problem?.field : undefined;
      this.#problem = field ? { field, text: `${field}: ${wordsOf(error)}` } : undefined;
      throw error;
    }
  }

  #onFilters(event: CustomEvent<{ query: RecordingQuery; typing: boolean }>) {
    const { query, typing } = event.detail;
    if (typing) {
      this.#search.type(query);
      this.#said(query);
    } else {
      this.#go(query);
    }
  }

  #go(query: RecordingQuery) {
    this.#look(query);
    this.#said(query);
  }

  #look(query: RecordingQuery) {
    void this.#search.run(query);
  }

  #said(query: RecordingQuery) {
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent<RecordingQuery>('replay-query', { detail: query }));
  }

  /** Counts follow the list; a list without counts is still a list. */
  async #count(query: RecordingQuery) {
    this.#turn += 1;
    const turn = this.#turn;
    try {
      const facets = await api.facets({ ...query, sort: '' });
      if (turn === this.#turn) this.facets = facets;
    } catch {
      if (turn === this.#turn) this.facets = undefined;
    }
  }

  async #beginWithOwn() {
    await this.updateComplete;
    const filters = (await this.renderRoot.querySelector('replay-saved-filters')?.load()) ?? [];
    const own = filters.find(({ is_default }) => is_default);
    if (!this.isConnected) return;
    if (own) this.#go(parseQuery(own.query));
    else this.#look(this.query);
  }

  #sample(kind: 'rule' | 'chosen') {
    this.sampling = kind;
  }

  async #mark(flag: Flag) {
    const state = this.#search.state;
    if (state.kind !== 'rows') return;
    const rows = state.rows.filter(({ id }) => this.chosen.includes(id));
    const marking = rows.filter(({ flags }) => !flags.includes(flag)).map(({ call }) => call);
    const mark = async (on: boolean) => {
      try {
        for (const call of marking) await api.setFlag(call, flag, on);
      } catch (error) {
        tell(this, wordsOf(error), 'danger');
        return false;
      } finally {
        this.#look(this.#search.query);
      }
      return true;
    };
    if (await mark(true)) {
      this.renderRoot.querySelector('recording-grid')?.clearChoice();
      const words = rows.length === 1 ? 'Marked as a complaint' : `${rows.length} marked as complaints`;
      tell(this, words, 'ok', { label: 'Undo', run: () => mark(false) });
    }
  }
}

define('replay-search', ReplaySearch);

declare global {
  interface HTMLElementTagNameMap {
    'replay-search': ReplaySearch;
  }
}
