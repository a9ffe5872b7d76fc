import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import { define } from '../../elements/define.ts';
import type { CallView, EndReason } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import '../../staff/context.ts';
import { clockTime } from '../../staff/format.ts';
import '../call/chat.ts';
import type { Desk } from '../desk.ts';
import './wrap-up.ts';

const ENDED: Record<EndReason, string> = {
  buyer_hung_up: 'The buyer hung up',
  agent_hung_up: 'You hung up',
  abandoned: 'The buyer left',
  buyer_lost: 'The buyer’s connection did not come back',
  agent_lost: 'Your connection was away for too long',
  server_stopped: 'The server stopped',
};

/** After a call: outcome and notes, beside what the call was about. */
export class ConsoleWrapUpView extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 360px;
        gap: var(--v-s4);
        inline-size: min(1120px, 100%);
        margin-inline: auto;
        padding: var(--v-s4);
        align-items: start;
      }
      .card {
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .form {
        padding: var(--v-s5);
      }
      .side {
        display: grid;
        gap: var(--v-s4);
      }
      .side .card {
        padding: var(--v-s4);
      }
      .side .chat {
        padding: 0;
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s3);
        margin-block-end: var(--v-s4);
      }
      h1 {
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
      }
      h2 {
        padding: var(--v-s3) var(--v-s4) 0;
        font-size: var(--v-text-sm);
      }
      .quiet {
        flex-basis: 100%;
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      console-chat {
        max-block-size: 320px;
      }
      @media (max-width: 860px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          padding: var(--v-s3);
        }
        .form {
          padding: var(--v-s4);
        }
      }
    `,
  ];

  declare desk: Desk | undefined;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.desk = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
  }

  override render() {
    const desk = this.desk;
    const call = desk?.call;
    if (!desk || !call) return nothing;
    return html`
      <section class="card form">
        <header>
          <h1>Wrap up</h1>
          ${call.ticket ? html`<vt-badge tone="accent"><span data-testid="ticket-number">${call.ticket.number}</span></vt-badge>` : nothing}
          <p class="quiet">${summary(call)}</p>
        </header>
        <console-wrap-up .call=${call.id} .number=${call.ticket?.number ?? ''}></console-wrap-up>
      </section>
      <div class="side">
        <aside class="card" aria-label="Buyer and order"><staff-context .context=${call.context}></staff-context></aside>
        <section class="card chat">
          <h2>Chat</h2>
          <console-chat over .store=${desk.store}></console-chat>
        </section>
      </div>
    `;
  }
}

/** How it ended and how long it took. */
function summary(call: CallView): string {
  const ended = call.end_reason === undefined ? 'The call is over' : ENDED[call.end_reason];
  if (call.accepted_at === undefined || call.ended_at === undefined) return `${ended}.`;
  return `${ended} after ${clockTime(Date.parse(call.ended_at) - Date.parse(call.accepted_at))}. New calls ring when you have saved.`;
}

define('console-wrap-up-view', ConsoleWrapUpView);

declare global {
  interface HTMLElementTagNameMap {
    'console-wrap-up-view': ConsoleWrapUpView;
  }
}
