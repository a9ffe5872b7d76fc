import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/field/field.ts';
import '../../elements/spinner/spinner.ts';
import type { Outcome, Ticket } from '../../protocol.ts';
import { api } from '../../staff/api.ts';
import { codeWords, dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { PagedSearch, type SearchMore } from '../../staff/paged-search.ts';
import { queueTitle } from '../../staff/queues.ts';

/** The agent's tickets, newest first, with a search. Rows lead to `#/t/<id>`. */
export class ConsoleTickets extends LitElement {
  static override properties = {
    outcomes: { attribute: false },
    selected: { type: String },
    everybody: { type: Boolean },
  };
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        overflow: hidden;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .head {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s4);
        border-block-end: 1px solid var(--v-line);
      }
      h2 {
        font-size: var(--v-text-md);
      }
      .rows {
        min-block-size: 0;
        overflow: auto;
      }
      a {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 2px var(--v-s3);
        padding: var(--v-s3) var(--v-s4);
        border-block-end: 1px solid var(--v-line);
        color: inherit;
        font-size: var(--v-text-sm);
        text-decoration: none;
      }
      a:hover {
        background: var(--v-hover);
      }
      a[aria-current='true'] {
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      a:focus-visible {
        outline-offset: -2px;
      }
      .number {
        font-weight: 600;
      }
      .time,
      .what,
      .queue {
        color: var(--v-muted);
      }
      a[aria-current='true'] :is(.time, .what, .queue) {
        color: inherit;
      }
      .queue {
        grid-column: 1 / -1;
        font-size: var(--v-text-xs);
      }
      .what,
      .queue,
      .outcome {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .outcome::first-letter {
        text-transform: uppercase;
      }
      .middle {
        display: grid;
        place-items: center;
        gap: var(--v-s3);
        padding: var(--v-s5) var(--v-s4);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
    `,
  ];

  declare outcomes: readonly Outcome[];
  /** Id of the ticket that is open beside the list. */
  declare selected: string;
  /** The list has everybody's tickets (supervisors). */
  declare everybody: boolean;
  readonly #search = new PagedSearch<string, Ticket>('', api.tickets, () => this.requestUpdate());

  constructor() {
    super();
    this.outcomes = [];
    this.selected = '';
    this.everybody = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#search.run();
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#search.stop();
  }

  /** Asks again: a ticket was made or changed. */
  refresh(): void {
    void this.#search.run();
  }

  override render() {
    return html`<div class="head">
        <h2>${this.everybody ? 'Tickets' : 'My tickets'}</h2>
        <vt-field
          label="Search tickets"
          hide-label
          type="search"
          icon="search"
          placeholder="Number, product, buyer"
          testid="ticket-search"
          .value=${this.#search.query}
          @input=${this.#onInput}
        ></vt-field>
      </div>
      <div class="rows" aria-live="polite">${this.#list()}</div>`;
  }

  #list() {
    const state = this.#search.state;
    switch (state.kind) {
      case 'loading':
        return html`<div class="middle" role="status"><vt-spinner></vt-spinner>Loading tickets…</div>`;
      case 'failed':
        return html`<div class="middle">
          <vt-banner tone="danger" heading="The tickets could not be loaded">
            ${state.message}
            <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.refresh()}>Try again</vt-button></div>
          </vt-banner>
        </div>`;
      case 'rows':
        if (state.rows.length === 0) {
          return this.#search.query.trim() === ''
            ? html`<vt-empty icon="ticket" heading="No tickets yet">Every call you take gets one.</vt-empty>`
            : html`<vt-empty icon="search" heading="Nothing found">No ticket fits “${this.#search.query}”.</vt-empty>`;
        }
        return html`${state.rows.map((ticket) => this.#row(ticket))} ${this.#below(state.more)}`;
    }
  }

  #row(ticket: Ticket) {
    const { context } = ticket.call;
    const what = [context.name, context.product?.name].filter(Boolean).join(' · ') || 'No product';
    const queue = queueTitle(ticket.call.queue);
    return html`<a
      href="#/t/${encodeURIComponent(ticket.id)}"
      aria-current=${ticket.id === this.selected ? 'true' : 'false'}
      data-testid="ticket-row"
    >
      <span class="number">${ticket.number}</span>
      <span class="time">${dateTime(ticket.call.requested_at)}</span>
      <span class="what" dir="auto">${what}</span>
      ${
        ticket.closed_at === undefined && ticket.outcome === undefined
          ? html`<vt-badge tone="warn">To wrap up</vt-badge>`
          : html`<span class="outcome">${this.#outcome(ticket.outcome)}</span>`
      }
      <span class="queue" dir="auto">${queue}</span>
    </a>`;
  }

  #below(more: SearchMore) {
    switch (more.kind) {
      case 'none':
        return nothing;
      case 'some':
        return html`<div class="middle"><vt-button size="sm" @click=${() => this.#search.loadMore()}>Show older ones</vt-button></div>`;
      case 'loading':
        return html`<div class="middle"><vt-spinner></vt-spinner></div>`;
      case 'failed':
        return html`<div class="middle">
          ${more.message}
          <vt-button size="sm" icon="refresh" @click=${() => this.#search.loadMore()}>Try again</vt-button>
        </div>`;
    }
  }

  #outcome(code: string | undefined): string {
    if (code === undefined) return '';
    return this.outcomes.find((outcome) => outcome.code === code)?.label ?? codeWords(code);
  }

  #onInput(event: Event) {
    this.#search.type((event.currentTarget as HTMLElementTagNameMap['vt-field']).value);
  }
}

define('console-tickets', ConsoleTickets);

declare global {
  interface HTMLElementTagNameMap {
    'console-tickets': ConsoleTickets;
  }
}
