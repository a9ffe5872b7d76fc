import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';

import { base } from '../../design/base.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { ChatLine } from '../../protocol.ts';
import type { CallStore } from '../../session/call-store.ts';
import { Watch } from '../../session/observable.ts';
import { timeOfDay } from '../../staff/format.ts';
import '../../staff/icons.ts';

/** Longest line the protocol takes. */
const TEXT_MAX = 2_000;

/** Text chat of a call. What the shop's people and the buyer write is text, never markup. */
export class ConsoleChat extends LitElement {
  static override properties = { store: { attribute: false }, over: { type: Boolean } };
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        min-inline-size: 0;
      }
      .log {
        flex: 1;
        min-block-size: 0;
        display: flex;
        flex-direction: column;
        gap: var(--v-s2);
        padding: var(--v-s3) var(--v-s4);
        overflow: auto;
        overscroll-behavior: contain;
      }
      .line {
        max-inline-size: 86%;
        padding: var(--v-s2) var(--v-s3);
        border-radius: var(--v-radius);
        border-end-start-radius: 4px;
        align-self: flex-start;
        background: var(--v-hover);
        font-size: var(--v-text-sm);
      }
      .line.mine {
        align-self: flex-end;
        border-radius: var(--v-radius);
        border-end-end-radius: 4px;
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      .line.pending {
        opacity: 0.6;
      }
      .text {
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .meta {
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      .mine .meta {
        color: inherit;
        opacity: 0.8;
      }
      .failed {
        display: flex;
        align-items: center;
        gap: var(--v-s2);
        color: var(--v-danger);
        font-size: var(--v-text-xs);
      }
      .nothing {
        margin: auto;
        color: var(--v-muted);
        font-size: var(--v-text-sm);
        text-align: center;
      }
      .typing {
        min-block-size: 1.6em;
        padding-inline: var(--v-s4);
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      form {
        display: flex;
        gap: var(--v-s2);
        align-items: flex-end;
        padding: 0 var(--v-s3) var(--v-s3);
      }
      textarea {
        flex: 1;
        min-inline-size: 0;
        min-block-size: max(44px, var(--v-target));
        max-block-size: 8em;
        padding: 9px var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: inherit;
        font: 400 max(16px, var(--v-text-md)) / 1.5 var(--v-font);
        field-sizing: content;
        resize: none;
      }
      textarea::placeholder {
        color: var(--v-muted);
        opacity: 1;
      }
      textarea:focus-visible {
        outline-offset: -1px;
      }
    `,
  ];

  declare store: CallStore | undefined;
  /** The call is over: to read only. */
  declare over: boolean;
  readonly #watch = new Watch(this);
  #text = '';
  #atEnd = true;

  constructor() {
    super();
    this.store = undefined;
    this.over = false;
  }

  /** Puts the cursor into the input. */
  override focus(): void {
    this.renderRoot.querySelector('textarea')?.focus();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('store')) this.#watch.target = this.store;
    const log = this.renderRoot?.querySelector('.log');
    this.#atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  }

  override updated() {
    const log = this.renderRoot.querySelector('.log');
    if (log && this.#atEnd) log.scrollTop = log.scrollHeight;
  }

  override render() {
    const store = this.store;
    const call = store?.call;
    if (!store || !call) return nothing;
    const other = store.other?.name || 'The buyer';
    const empty = call.chat.length === 0 && store.pending.length === 0;
    return html`
      <div class="log" role="log" aria-label="Chat" tabindex="0">
        ${empty ? html`<p class="nothing">${this.over ? 'Nothing was written.' : 'Write here what is better read than heard: numbers, links, names.'}</p>` : nothing}
        ${repeat(
          call.chat,
          (line) => line.number,
          (line) => this.#line(line, line.from === call.you, other),
        )}
        ${repeat(
          store.pending,
          (line) => line.id,
          (line) => html`<div class="line mine ${line.failed ? '' : 'pending'}">
            <p class="text" dir="auto">${line.text}</p>
            ${
              line.failed
                ? html`<p class="failed" role="alert">
                    Not sent <vt-button size="sm" variant="quiet" icon="refresh" @click=${() => store.retryChat(line.id)}>Send again</vt-button>
                  </p>`
                : html`<p class="meta">Sending…</p>`
            }
          </div>`,
        )}
      </div>
      ${this.over ? nothing : this.#input(store, other)}
    `;
  }

  #input(store: CallStore, other: string) {
    return html`<p class="typing" aria-live="polite">${store.otherTyping ? `${other} is typing…` : nothing}</p>
      <form @submit=${this.#submit}>
        <textarea
          data-testid="chat-input"
          aria-label="Message to the buyer"
          placeholder="Message"
          rows="1"
          maxlength=${TEXT_MAX}
          dir="auto"
          .value=${live(this.#text)}
          @input=${this.#onInput}
          @keydown=${this.#onKey}
          @blur=${() => store.setTyping(false)}
        ></textarea>
        <vt-button variant="primary" icon="send" label="Send" type="submit" data-testid="chat-send"></vt-button>
      </form>
    `;
  }

  #line(line: ChatLine, mine: boolean, other: string) {
    return html`<div class="line ${mine ? 'mine' : ''}">
      <span class="sr-only">${mine ? 'You' : other}:</span>
      <p class="text" dir="auto">${line.text}</p>
      <p class="meta">${timeOfDay(line.at)}</p>
    </div>`;
  }

  #onInput(event: Event) {
    this.#text = (event.target as HTMLTextAreaElement).value;
    this.store?.setTyping(this.#text !== '');
  }

  #onKey(event: KeyboardEvent) {
    // Enter sends, Shift+Enter makes a line; while an input method is open Enter belongs to it.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#send();
    }
  }

  #submit(event: Event) {
    event.preventDefault();
    this.#send();
  }

  #send() {
    if (this.#text.trim() === '') return;
    this.store?.sendChat(this.#text);
    this.store?.setTyping(false);
    this.#text = '';
    this.#atEnd = true;
    this.requestUpdate();
  }
}

define('console-chat', ConsoleChat);

declare global {
  interface HTMLElementTagNameMap {
    'console-chat': ConsoleChat;
  }
}
