import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/empty/empty.ts';
import '../../elements/spinner/spinner.ts';
import type { Outcome, Role, Ticket } from '../../protocol.ts';
import { ApiError, api } from '../../staff/api.ts';
import '../../staff/context.ts';
import { clockTime, codeWords, dateTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import '../../staff/rating.ts';
import { queueTitle } from '../../staff/queues.ts';
import '../../staff/receipts.ts';
import '../wrap-up/wrap-up.ts';

/** Who may replay; the server decides, this only hides a link that would be refused. */
const REPLAY: readonly Role[] = ['reviewer', 'supervisor', 'admin'];

/**
 * One ticket: context, outcome and notes, consent, recording. One that was not wrapped up can be wrapped up here.
 *
 * @fires ticket-changed - it was wrapped up
 */
export class ConsoleTicket extends LitElement {
  static override properties = {
    ticketId: { type: String },
    viewer: { attribute: false },
    outcomes: { attribute: false },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-block-size: 0;
        overflow: auto;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        font-size: var(--v-text-sm);
      }
      .head {
        position: sticky;
        inset-block-start: 0;
        z-index: 1;
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--v-s3);
        padding: var(--v-s3) var(--v-s4);
        border-block-end: 1px solid var(--v-line);
        background: var(--v-surface);
      }
      h2 {
        font-size: var(--v-text-lg);
      }
      h3 {
        margin-block-end: var(--v-s2);
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .body {
        display: grid;
        gap: var(--v-s4);
        padding: var(--v-s4);
      }
      section {
        padding-block-start: var(--v-s4);
        border-block-start: 1px solid var(--v-line);
      }
      dl {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: var(--v-s1) var(--v-s3);
      }
      dt,
      .quiet {
        color: var(--v-muted);
      }
      .outcome::first-letter {
        text-transform: uppercase;
      }
      .notes {
        white-space: pre-line;
        overflow-wrap: anywhere;
      }
      .middle {
        display: grid;
        place-items: center;
        gap: var(--v-s3);
        padding: var(--v-s6) var(--v-s4);
        color: var(--v-muted);
      }
      a {
        color: var(--v-accent);
      }
    `,
  ];

  declare ticketId: string;
  /** Role of who looks at it. */
  declare viewer: Role | undefined;
  declare outcomes: readonly Outcome[];
  #ticket: Ticket | undefined;
  #problem: ApiError | undefined;
  #turn = 0;

  constructor() {
    super();
    this.ticketId = '';
    this.viewer = undefined;
    this.outcomes = [];
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('ticketId')) {
      this.#ticket = undefined;
      void this.#load();
    }
  }

  override render() {
    const ticket = this.#ticket;
    return html`<div class="head">
        <h2>${ticket?.number ?? 'Ticket'}</h2>
        <vt-button variant="quiet" size="sm" icon="close" label="Close" @click=${this.#close}></vt-button>
      </div>
      ${ticket ? this.#body(ticket) : this.#instead()}`;
  }

  #instead() {
    const problem = this.#problem;
    if (problem === undefined) {
      return html`<div class="middle" role="status"><vt-spinner></vt-spinner>Loading the ticket…</div>`;
    }
    return problem.status === 404 || problem.status === 403
      ? html`<vt-empty icon="ticket" heading="Not your ticket">It does not exist or belongs to a colleague.</vt-empty>`
      : html`<div class="middle">
          <vt-banner tone="danger" heading="The ticket could not be loaded">
            ${problem.message}
            <div slot="actions"><vt-button size="sm" icon="refresh" @click=${() => this.#load()}>Try again</vt-button></div>
          </vt-banner>
        </div>`;
  }

  #body(ticket: Ticket) {
    const { call } = ticket;
    const open = ticket.outcome === undefined && call.state !== 'connected';
    const talk =
      call.accepted_at && call.ended_at
        ? Date.parse(call.ended_at) - Date.parse(call.accepted_at)
        : undefined;
    return html`<div class="body">
      <staff-context .context=${call.context} .queue=${queueTitle(call.queue)}></staff-context>
      <section>
        <h3>Call</h3>
        <dl>
          <dt>Asked</dt><dd>${dateTime(call.requested_at)}</dd>
          <dt>Agent</dt><dd>${ticket.agent}</dd>
          ${talk === undefined ? nothing : html`<dt>Talked</dt><dd>${clockTime(talk)}</dd>`}
          ${call.end_reason ? html`<dt>Ended</dt><dd class="outcome">${codeWords(call.end_reason)}</dd>` : nothing}
          ${ticket.outcome ? html`<dt>Outcome</dt><dd class="outcome">${this.#outcome(ticket.outcome)}</dd>` : nothing}
        </dl>
      </section>
      ${
        open
          ? html`<section>
              <h3>Wrap up</h3>
              <console-wrap-up .call=${call.id} .number=${ticket.number} @wrap-up-saved=${(event: CustomEvent<Ticket>) => this.#saved(event.detail)}></console-wrap-up>
            </section>`
          : html`<section>
              <h3>Notes</h3>
              ${ticket.notes ? html`<p class="notes" dir="auto">${ticket.notes}</p>` : html`<p class="quiet">No notes.</p>`}
            </section>`
      }
      <section>
        <h3>The buyer’s rating</h3>
        <staff-rating .rating=${ticket.rating}></staff-rating>
      </section>
      <section>
        <h3>Consent to recording</h3>
        <staff-receipts .receipts=${ticket.receipts}></staff-receipts>
      </section>
      <section>
        <h3>Recording</h3>
        ${this.#recording(ticket)}
      </section>
    </div>`;
  }

  #recording({ recording }: Ticket) {
    if (recording === undefined) return html`<p class="quiet">None.</p>`;
    const length = recording.complete ? clockTime(recording.duration_ms) : 'still running';
    return this.viewer !== undefined && REPLAY.includes(this.viewer)
      ? html`<a href="/replay/#/r/${encodeURIComponent(recording.id)}" target="_blank" rel="noopener">Replay (${length})</a>`
      : html`<p>Recorded (${length}). <span class="quiet">Reviewers can replay it.</span></p>`;
  }

  #outcome(code: string): string {
    return this.outcomes.find((outcome) => outcome.code === code)?.label ?? codeWords(code);
  }

  #saved(ticket: Ticket) {
    this.#ticket = ticket;
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent('ticket-changed'));
  }

  #close() {
    location.hash = '#/';
  }

  async #load() {
    this.#turn += 1;
    const turn = this.#turn;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      const ticket = await api.ticket(this.ticketId);
      if (turn === this.#turn) this.#ticket = ticket;
    } catch (error) {
      if (turn === this.#turn)
        this.#problem = error instanceof ApiError ? error : new ApiError(0, String(error));
    }
    this.requestUpdate();
  }
}

define('console-ticket', ConsoleTicket);

declare global {
  interface HTMLElementTagNameMap {
    'console-ticket': ConsoleTicket;
  }
}
