import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import { define } from '../../elements/define.ts';
import '../../elements/icon/icon.ts';
import type { Outcome, RecordingSummary } from '../../protocol.ts';
import { clockTime, countryName, dateTime, languageName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import '../../staff/rating.ts';
import { FLAGS, outcomeName } from './choices.ts';
import { ListCursor } from './list-cursor.ts';

/** What a worklist adds to a row. */
export interface RowNote {
  readonly stratum: string;
  readonly reviewer: string;
  readonly reviewed: boolean;
}

/** Rows of grey bars while the first answer is on its way. */
const SKELETON_ROWS = 6;
/** Rows that Page Up and Page Down pass. */
const PAGE_ROWS = 10;

/**
 * Recordings as a table that is walked through by keyboard (a card for each on phones). One row is in the tab order;
 * arrows, J and K, Home and End move through the rows, X chooses, Enter opens.
 *
 * @fires grid-choice - other rows are chosen; `detail` is their ids in order
 */
export class RecordingGrid extends LitElement {
  static override properties = {
    rows: { attribute: false },
    outcomes: { attribute: false },
    notes: { attribute: false },
    sample: { type: String },
    loading: { type: Boolean },
    label: { type: String },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      .list {
        overflow: hidden;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .head,
      .row {
        position: relative;
        display: grid;
        grid-template-columns:
          32px 11.5rem 4.5rem minmax(6rem, 1fr) minmax(7rem, 1.5fr) minmax(6rem, 1.1fr) minmax(7rem, 1.3fr)
          5.5rem 3.5rem 8.75rem;
        gap: var(--v-s3);
        align-items: center;
        padding-block: var(--v-s2);
        padding-inline: var(--v-s2) var(--v-s4);
        font-size: var(--v-text-sm);
      }
      .row {
        min-block-size: 48px;
        border-block-start: 1px solid var(--v-line);
      }
      .head {
        padding-block: var(--v-s2);
        background: var(--v-sunken);
        color: var(--v-muted);
        font-size: var(--v-text-xs);
        font-weight: 600;
      }
      .row:hover {
        background: var(--v-hover);
      }
      .row[aria-selected='true'] {
        background: var(--v-accent-soft);
      }
      .row:focus-visible {
        outline-offset: -2px;
      }
      .row.done .cell:not(.state) {
        color: var(--v-muted);
      }
      .cell {
        min-inline-size: 0;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .box {
        position: relative;
        z-index: 1;
        display: grid;
        place-items: center;
        inline-size: 32px;
        block-size: 32px;
      }
      .box input {
        inline-size: 18px;
        block-size: 18px;
        margin: 0;
        accent-color: var(--v-accent);
        cursor: pointer;
      }
      a {
        color: var(--v-accent);
        font-weight: 600;
        text-decoration: none;
      }
      /* The whole row is the link; the box above it is not. */
      a::after {
        position: absolute;
        inset: 0;
        content: '';
      }
      .ticket {
        overflow: visible;
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
      .flags {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s1);
      }
      .bar {
        block-size: 14px;
        border-radius: 7px;
        background: var(--v-hover);
      }
      .sub {
        color: var(--v-muted);
      }
      @media (max-width: 1180px) {
        .head {
          position: absolute;
          inline-size: 1px;
          block-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }
        .row {
          grid-template-columns: 32px minmax(0, 1fr) minmax(0, auto);
          gap: 0 var(--v-s3);
          padding-block: var(--v-s3);
        }
        .head + .row {
          border-block-start: 0;
        }
        .box {
          grid-row: 1 / span 5;
          align-self: start;
        }
        .ticket {
          grid-area: 1 / 2;
        }
        .length {
          grid-area: 1 / 3;
        }
        .product {
          grid-area: 2 / 2 / auto / -1;
        }
        .date {
          grid-area: 3 / 2 / auto / -1;
          color: var(--v-muted);
        }
        .stars {
          grid-area: 5 / 3;
          justify-self: end;
        }
        .agent {
          grid-area: 4 / 2;
        }
        .outcome {
          grid-area: 4 / 3;
          justify-self: end;
          max-inline-size: 100%;
        }
        .where {
          grid-area: 5 / 2;
          color: var(--v-muted);
        }
        .flags {
          grid-area: 6 / 2 / auto / -1;
        }
        .flags:not(:empty) {
          margin-block-start: var(--v-s1);
        }
      }
    `,
  ];

  declare rows: readonly RecordingSummary[];
  declare outcomes: readonly Outcome[];
  /** By id of the recording: in a worklist, how far it is. */
  declare notes: ReadonlyMap<string, RowNote> | undefined;
  /** The worklist the rows are opened in. */
  declare sample: string;
  declare loading: boolean;
  declare label: string;
  readonly #cursor = new ListCursor();

  constructor() {
    super();
    this.rows = [];
    this.outcomes = [];
    this.notes = undefined;
    this.sample = '';
    this.loading = false;
    this.label = 'Recordings';
  }

  /** Ids of the chosen rows, in order. */
  get chosen(): string[] {
    return this.#cursor.chosen;
  }

  /** Chooses nothing. */
  clearChoice(): void {
    if (this.#cursor.clear()) this.#tell();
  }

  /**
   * A key pressed somewhere on the page. Letters work everywhere, the keys that scroll only in the list. Says whether
   * the key meant something.
   */
  key(event: KeyboardEvent): boolean {
    if (this.rows.length === 0) return false;
    const inside = event.composedPath().includes(this);
    const row = this.renderRoot.querySelector('[role=row]:focus') !== null;
    switch (event.key) {
      case 'j':
        return this.#move(row ? 1 : 0);
      case 'k':
        return this.#move(row ? -1 : 0);
      case 'x':
        this.#cursor.toggle();
        this.#tell();
        return this.#move(0);
      case 'Enter':
        return row && this.#open();
      case 'Escape':
        if (!this.#cursor.clear()) return false;
        this.#tell();
        return true;
      default:
        return inside && this.#insideKey(event);
    }
  }

  #insideKey(event: KeyboardEvent): boolean {
    const extend = event.shiftKey;
    switch (event.key) {
      case 'ArrowDown':
        return this.#move(1, extend);
      case 'ArrowUp':
        return this.#move(-1, extend);
      case 'PageDown':
        return this.#move(PAGE_ROWS, extend);
      case 'PageUp':
        return this.#move(-PAGE_ROWS, extend);
      case 'Home':
        return this.#move(-this.rows.length, extend);
      case 'End':
        return this.#move(this.rows.length, extend);
      case ' ':
        this.#cursor.toggle();
        this.#tell();
        return true;
      default:
        return false;
    }
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('rows')) {
      const before = this.#cursor.chosen.length;
      this.#cursor.ids = this.rows.map(({ id }) => id);
      if (this.#cursor.chosen.length !== before) this.#tell();
    }
  }

  override render() {
    if (this.loading) {
      return html`<div class="list" role="status">
        <span class="sr-only">Loading recordings…</span>
        ${Array.from(
          { length: SKELETON_ROWS },
          () =>
            html`<div class="row" aria-hidden="true"><span></span>${[1, 2, 3, 4].map(() => html`<div class="bar"></div>`)}</div>`,
        )}
      </div>`;
    }
    const all = this.rows.length > 0 && this.#cursor.chosen.length === this.rows.length;
    const some = this.#cursor.chosen.length > 0;
    return html`<div
      class="list ${this.notes ? 'noted' : ''}"
      role="grid"
      aria-label=${this.label}
      aria-multiselectable="true"
      aria-rowcount=${this.rows.length + 1}
    >
      <div class="head" role="row" aria-rowindex="1">
        <span class="box" role="columnheader">
          <input
            type="checkbox"
            tabindex="-1"
            data-testid="choose-all"
            aria-label="Choose all"
            .checked=${all}
            .indeterminate=${some && !all}
            @change=${this.#onAll}
          />
        </span>
        <span role="columnheader">Date</span><span role="columnheader">Ticket</span><span role="columnheader">Agent</span>
        <span role="columnheader">Product</span><span role="columnheader">Buyer</span><span role="columnheader">Outcome</span>
        <span role="columnheader">Rating</span><span role="columnheader" class="length">Length</span>
        <span role="columnheader">${this.notes ? 'Review' : html`<span class="sr-only">Flags</span>`}</span>
      </div>
      ${this.rows.map((row, index) => this.#row(row, index))}
    </div>`;
  }

  #row(row: RecordingSummary, index: number) {
    const note = this.notes?.get(row.id);
    const name = row.ticket_number ?? 'No ticket';
    return html`<div
      class="row ${note?.reviewed ? 'done' : ''}"
      role="row"
      aria-rowindex=${index + 2}
      aria-selected=${this.#cursor.isChosen(row.id) ? 'true' : 'false'}
      tabindex=${index === this.#cursor.at ? '0' : '-1'}
      data-testid="recording-row"
      @focus=${() => this.#onFocus(index)}
      @click=${(event: MouseEvent) => this.#onClick(event, row.id)}
    >
      <span class="box" role="gridcell">
        <input
          type="checkbox"
          tabindex="-1"
          data-testid="choose"
          aria-label="Choose ${name}"
          .checked=${this.#cursor.isChosen(row.id)}
        />
      </span>
      <span class="cell date" role="gridcell">${dateTime(row.started_at)}</span>
      <span class="cell ticket" role="gridcell"><a href=${this.#href(row.id)} tabindex="-1">${name}</a></span>
      <span class="cell agent" role="gridcell">${row.agent}</span>
      <span class="cell product" role="gridcell" dir="auto" title=${row.sku ?? nothing}
        >${row.product ?? row.sku ?? html`<span class="quiet">No product</span>`}</span
      >
      <span class="cell where" role="gridcell">${this.#buyer(row)}</span>
      <span class="cell outcome" role="gridcell"
        >${row.outcome ? outcomeName(row.outcome, this.outcomes) : html`<span class="quiet">Not wrapped up</span>`}</span
      >
      <span class="cell stars" role="gridcell"><staff-rating compact .rating=${row.rating}></staff-rating></span>
      <span class="cell length" role="gridcell"
        >${row.complete ? clockTime(row.duration_ms) : html`<vt-badge tone="danger" dot pulse>Live</vt-badge>`}</span
      >
      ${
        note
          ? html`<span class="cell flags state" role="gridcell">${this.#state(note)}</span>`
          : html`<span class="cell flags" role="gridcell"
              >${row.flags.map((flag) => html`<vt-badge tone=${FLAGS[flag].tone}>${FLAGS[flag].label}</vt-badge>`)}</span
            >`
      }
    </div>`;
  }

  #buyer(row: RecordingSummary) {
    // The region would say the country again.
    const language = languageName(row.language.split('-')[0] ?? row.language);
    return row.country ? `${countryName(row.country)}, ${language}` : language;
  }

  #state(note: RowNote) {
    if (note.reviewed) return html`<vt-badge tone="ok">Reviewed</vt-badge>`;
    return note.reviewer
      ? html`<span class="cell">${note.reviewer}</span>`
      : html`<span class="quiet">Open</span>`;
  }

  #href(id: string): string {
    return `#/r/${encodeURIComponent(id)}${this.sample ? `?w=${encodeURIComponent(this.sample)}` : ''}`;
  }

  #onFocus(index: number) {
    if (this.#cursor.at === index) return;
    this.#cursor.to(index);
    this.requestUpdate();
  }

  #onClick(event: MouseEvent, id: string) {
    const target = event.composedPath()[0];
    if (!(target instanceof HTMLInputElement)) return;
    if (event.shiftKey) this.#cursor.to(this.#cursor.ids.indexOf(id), true);
    else this.#cursor.toggle(id);
    this.#tell();
    // The keys go on from this row; a box with the focus would keep them to itself.
    (event.currentTarget as HTMLElement).focus();
  }

  #onAll() {
    this.#cursor.toggleAll();
    this.#tell();
  }

  #move(rows: number, extend = false): boolean {
    if (!this.#cursor.by(rows, extend)) return false;
    if (extend) this.#tell();
    this.requestUpdate();
    void this.updateComplete.then(() => {
      this.renderRoot.querySelectorAll<HTMLElement>('.row')[this.#cursor.at]?.focus();
    });
    return true;
  }

  #open(): boolean {
    const { id } = this.#cursor;
    if (id === undefined) return false;
    location.hash = this.#href(id);
    return true;
  }

  #tell() {
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent<string[]>('grid-choice', { detail: this.#cursor.chosen }));
  }
}

define('recording-grid', RecordingGrid);

declare global {
  interface HTMLElementTagNameMap {
    'recording-grid': RecordingGrid;
  }
}
