import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { Outcome, RecordingSummary } from '../../protocol.ts';
import { api, type RecordingQuery } from '../../staff/api.ts';
import { clockTime, codeWords, dateTime, languageName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { PagedSearch, type SearchMore } from '../../staff/paged-search.ts';

const EMPTY_QUERY: RecordingQuery = { ticket: '', agent: '', product: '' };

/** Rows of grey bars while the first answer is on its way. */
const SKELETON_ROWS = 6;

/**
 * Finding a recording: by ticket, agent and product; newest first.
 *
 * @fires replay-query - the filters changed; `detail` is the {@link RecordingQuery}
 */
export class ReplaySearch extends LitElement {
  static override properties = { query: { attribute: false }, outcomes: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        inline-size: min(1200px, 100%);
        margin-inline: auto;
        padding: var(--v-s5);
      }
      h1 {
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
      }
      form {
        display: grid;
        grid-template-columns: repeat(3, minmax(0, 1fr)) auto;
        gap: var(--v-s3);
        align-items: end;
        margin-block: var(--v-s4) var(--v-s5);
      }
      .list {
        overflow: hidden;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .head,
      .row {
        display: grid;
        grid-template-columns: 10rem 5rem minmax(7rem, 1fr) minmax(9rem, 1.6fr) minmax(6rem, 1fr) minmax(7rem, 1fr) 4.5rem;
        gap: var(--v-s3);
        align-items: center;
        padding: var(--v-s3) var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .head {
        color: var(--v-muted);
        font-size: var(--v-text-xs);
        font-weight: 600;
        padding-block: var(--v-s2);
        background: var(--v-sunken);
      }
      .row {
        border-block-start: 1px solid var(--v-line);
        color: inherit;
        text-decoration: none;
      }
      .row:hover {
        background: var(--v-hover);
      }
      .row:focus-visible {
        outline-offset: -2px;
      }
      .ticket {
        font-weight: 600;
        color: var(--v-accent);
      }
      .cell {
        min-inline-size: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .outcome::first-letter {
        text-transform: uppercase;
      }
      .length {
        text-align: end;
        font-variant-numeric: tabular-nums;
      }
      .quiet {
        color: var(--v-muted);
      }
      .bar {
        block-size: 14px;
        border-radius: 7px;
        background: var(--v-hover);
      }
      .below {
        display: grid;
        justify-items: center;
        gap: var(--v-s3);
        padding-block: var(--v-s5);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      @media (max-width: 860px) {
        :host {
          padding: var(--v-s4);
        }
        form {
          grid-template-columns: 1fr 1fr;
        }
        form > :first-child {
          grid-column: 1 / -1;
        }
        .clear {
          grid-column: 1 / -1;
          justify-self: end;
        }
        span.clear {
          display: none;
        }
        .row > :nth-child(3) {
          text-align: end;
        }
        .head {
          display: none;
        }
        .row {
          grid-template-columns: minmax(0, 1fr) auto;
          gap: 2px var(--v-s3);
        }
        .row:first-of-type {
          border-block-start: 0;
        }
        .ticket {
          order: -2;
        }
        .length {
          order: -1;
        }
        .product {
          grid-column: 1 / -1;
        }
        .outcome {
          text-align: end;
        }
      }
    `,
  ];

  declare query: RecordingQuery;
  declare outcomes: readonly Outcome[];
  readonly #search = new PagedSearch(EMPTY_QUERY, api.recordings, () => this.requestUpdate());

  constructor() {
    super();
    this.query = EMPTY_QUERY;
    this.outcomes = [];
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#search.run(this.query);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#search.stop();
  }

  /** Puts the cursor into the first filter. */
  focusSearch(): void {
    this.renderRoot.querySelector<HTMLElement>('vt-field')?.focus();
  }

  override render() {
    const { query } = this.#search;
    return html`<h1>Recordings</h1>
      <form role="search" @submit=${this.#submit}>
        ${this.#field('ticket', 'Ticket', 'V-1042', 'search-input', query)}
        ${this.#field('agent', 'Agent', 'Any agent', 'search-agent', query)}
        ${this.#field('product', 'Product or SKU', 'Any product', 'search-product', query)}
        ${
          filtered(query)
            ? html`<vt-button class="clear" variant="quiet" icon="close" @click=${this.#clear}>Clear</vt-button>`
            : html`<span class="clear"></span>`
        }
      </form>
      <div aria-live="polite" aria-busy=${this.#search.state.kind === 'loading' ? 'true' : 'false'}>${this.#list()}</div>`;
  }

  #field(
    name: keyof RecordingQuery,
    label: string,
    placeholder: string,
    testid: string,
    query: RecordingQuery,
  ) {
    return html`<vt-field
      label=${label}
      name=${name}
      type="search"
      icon=${name === 'ticket' ? 'search' : ''}
      placeholder=${placeholder}
      autocomplete="off"
      testid=${testid}
      .value=${query[name]}
      @input=${(event: Event) => this.#typed(name, (event.currentTarget as HTMLElementTagNameMap['vt-field']).value)}
    ></vt-field>`;
  }

  #list() {
    const state = this.#search.state;
    switch (state.kind) {
      case 'loading':
        return html`<div class="list">
          <span class="sr-only">Loading recordings…</span>
          ${Array.from({ length: SKELETON_ROWS }, () => html`<div class="row" aria-hidden="true"><div class="bar"></div><div class="bar"></div><div class="bar"></div></div>`)}
        </div>`;
      case 'failed':
        return html`<vt-banner tone="danger" heading="The recordings could not be loaded">
          ${state.message}
          <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#search.run()}>Try again</vt-button></div>
        </vt-banner>`;
      case 'rows':
        return state.rows.length === 0 ? this.#nothing() : this.#rows(state.rows, state.more);
    }
  }

  #nothing() {
    return filtered(this.#search.query)
      ? html`<vt-empty icon="search" heading="Nothing found">
          No recording fits these filters. Calls whose buyer declined recording have none; their ticket is in the agent console.
          <vt-button slot="actions" @click=${this.#clear}>Clear filters</vt-button>
        </vt-empty>`
      : html`<vt-empty icon="film" heading="No recordings yet">
          As soon as a buyer agrees to be recorded, the call appears here.
        </vt-empty>`;
  }

  #rows(rows: readonly RecordingSummary[], more: SearchMore) {
    return html`<div class="list">
        <div class="head" aria-hidden="true">
          <span>Date</span><span>Ticket</span><span>Agent</span><span>Product</span><span>Language</span>
          <span>Outcome</span><span class="length">Length</span>
        </div>
        ${rows.map((row) => this.#row(row))}
      </div>
      <div class="below">${this.#below(rows.length, more)}</div>`;
  }

  #row(row: RecordingSummary) {
    return html`<a class="row" href="#/r/${row.id}" data-testid="recording-row">
      <span class="cell">${dateTime(row.started_at)}</span>
      <span class="cell ticket">${row.ticket_number ?? 'No ticket'}</span>
      <span class="cell">${row.agent}</span>
      <span class="cell product" dir="auto" title=${row.sku ?? nothing}>${row.product ?? row.sku ?? html`<span class="quiet">No product</span>`}</span>
      <span class="cell">${languageName(row.language)}</span>
      <span class="cell outcome">${row.outcome ? this.#outcome(row.outcome) : html`<span class="quiet">Not wrapped up</span>`}</span>
      <span class="cell length">
        ${row.complete ? clockTime(row.duration_ms) : html`<vt-badge tone="danger" dot pulse>Live</vt-badge>`}
      </span>
    </a>`;
  }

  #below(count: number, more: SearchMore) {
    switch (more.kind) {
      case 'none':
        return count === 1 ? 'One recording' : `${count} recordings`;
      case 'some':
        return html`<vt-button data-testid="load-more" @click=${() => this.#search.loadMore()}>Show older ones</vt-button>`;
      case 'loading':
        return html`<vt-button busy>Show older ones</vt-button>`;
      case 'failed':
        return html`<vt-banner tone="danger">${more.message}</vt-banner>
          <vt-button icon="refresh" @click=${() => this.#search.loadMore()}>Try again</vt-button>`;
    }
  }

  #outcome(code: string): string {
    return this.outcomes.find((outcome) => outcome.code === code)?.label ?? codeWords(code);
  }

  #typed(name: keyof RecordingQuery, value: string) {
    this.#search.type({ ...this.#search.query, [name]: value });
    this.#tell();
  }

  #submit(event: Event) {
    event.preventDefault();
    void this.#search.run();
  }

  #clear() {
    void this.#search.run(EMPTY_QUERY);
    this.#tell();
    this.focusSearch();
  }

  #tell() {
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent<RecordingQuery>('replay-query', { detail: this.#search.query }));
  }
}

/** Whether any filter is set. */
function filtered(query: RecordingQuery): boolean {
  return Object.values(query).some((value: string) => value.trim() !== '');
}

define('replay-search', ReplaySearch);

declare global {
  interface HTMLElementTagNameMap {
    'replay-search': ReplaySearch;
  }
}
