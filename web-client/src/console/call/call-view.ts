import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import { define } from '../../elements/define.ts';
import { Watch } from '../../session/observable.ts';
import '../../staff/context.ts';
import type { Desk } from '../desk.ts';
import './chat.ts';
import './stage.ts';

/** A call: context, picture, chat. Three columns on a desk, one below the other on a phone. */
export class ConsoleCall extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: 320px minmax(0, 1fr) 340px;
        gap: var(--v-s4);
        block-size: 100%;
        min-block-size: 0;
        padding: var(--v-s4);
      }
      .panel {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        overflow: hidden;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .head {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--v-s2);
        padding: var(--v-s3) var(--v-s4);
        border-block-end: 1px solid var(--v-line);
      }
      h2 {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .scroll {
        padding: var(--v-s4);
        overflow: auto;
      }
      console-chat {
        flex: 1;
      }
      @media (max-width: 1180px) {
        :host {
          grid-template-columns: minmax(0, 1fr) 320px;
          grid-template-rows: minmax(0, 1fr) minmax(0, 1fr);
        }
        console-stage {
          grid-row: 1 / 3;
          grid-column: 1;
        }
        .context {
          grid-column: 2;
          grid-row: 1;
        }
        .chat {
          grid-column: 2;
          grid-row: 2;
        }
      }
      @media (max-width: 720px) {
        :host {
          display: flex;
          flex-direction: column;
          block-size: auto;
          gap: var(--v-s3);
          padding: var(--v-s3);
        }
        console-stage {
          order: -1;
          block-size: min(62dvb, 520px);
        }
        .chat {
          block-size: 360px;
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

  get stage(): HTMLElementTagNameMap['console-stage'] | null {
    return this.renderRoot.querySelector('console-stage');
  }

  get chat(): HTMLElementTagNameMap['console-chat'] | null {
    return this.renderRoot.querySelector('console-chat');
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
  }

  override render() {
    const desk = this.desk;
    const call = desk?.call;
    if (!desk || !call) return nothing;
    return html`
      <h1 class="sr-only">Call with ${desk.store.other?.name || 'a buyer'}</h1>
      <aside class="panel context" aria-label="Buyer and order">
        <div class="head">
          <h2>Buyer and order</h2>
          ${call.ticket ? html`<vt-badge tone="accent" title="Ticket of this call"><span data-testid="ticket-number">${call.ticket.number}</span></vt-badge>` : nothing}
        </div>
        <div class="scroll"><staff-context .context=${call.context} .queue=${call.queue?.title ?? ''}></staff-context></div>
      </aside>
      <console-stage .desk=${desk}></console-stage>
      <section class="panel chat" aria-label="Chat">
        <div class="head"><h2>Chat</h2></div>
        <console-chat .store=${desk.store} ?over=${!desk.isAgent}></console-chat>
      </section>
    `;
  }
}

define('console-call', ConsoleCall);

declare global {
  interface HTMLElementTagNameMap {
    'console-call': ConsoleCall;
  }
}
