import { css, html, nothing, type PropertyValues } from 'lit';

import { base } from '../design/base.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/icon/icon.ts';
import { FlowElement } from './flow-element.ts';

const TEXT_MAX = 2_000;

/** The written side of the call. Lines are plain text, whatever is in them. */
export class HelpChat extends FlowElement {
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        background: var(--v-surface);
        color: var(--v-text);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        padding: var(--v-s1) var(--v-s2) var(--v-s1) var(--v-s4);
        border-block-end: 1px solid var(--v-line);
      }
      h3 {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .lines {
        flex: 1;
        display: flex;
        flex-direction: column;
        gap: var(--v-s2);
        min-block-size: 0;
        overflow-y: auto;
        overscroll-behavior: contain;
        padding: var(--v-s3) var(--v-s4);
        scrollbar-width: thin;
      }
      .lines > :first-child {
        margin-block-start: auto;
      }
      .empty {
        margin-block: auto !important;
        text-align: center;
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      .line {
        align-self: flex-start;
        max-inline-size: 85%;
      }
      .mine {
        align-self: flex-end;
      }
      .bubble {
        padding: var(--v-s2) var(--v-s3);
        border-radius: 14px;
        border-end-start-radius: 4px;
        background: var(--v-hover);
        font-size: var(--v-text-sm);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .mine .bubble {
        border-end-start-radius: 14px;
        border-end-end-radius: 4px;
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      .meta {
        margin-block-start: 2px;
        font-size: var(--v-text-xs);
        color: var(--v-muted);
      }
      .mine .meta {
        text-align: end;
      }
      .again {
        min-block-size: 24px;
        padding: 0;
        border: 0;
        background: none;
        font: inherit;
        font-weight: 600;
        color: var(--v-danger);
        text-decoration: underline;
        cursor: pointer;
      }
      .typing {
        min-block-size: 1.4em;
        padding-inline: var(--v-s4);
        font-size: var(--v-text-xs);
        color: var(--v-muted);
      }
      form {
        display: flex;
        align-items: flex-end;
        gap: var(--v-s2);
        padding: var(--v-s1) var(--v-s3) calc(var(--v-s3) + env(safe-area-inset-bottom, 0px));
      }
      textarea {
        flex: 1;
        min-inline-size: 0;
        min-block-size: 44px;
        max-block-size: 120px;
        padding: 10px var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: 22px;
        background: var(--v-surface);
        color: inherit;
        font: 400 16px / 1.4 var(--v-font);
        resize: none;
        field-sizing: content;
      }
      textarea::placeholder {
        color: var(--v-muted);
        opacity: 1;
      }
      form vt-button {
        --v-target: 44px;
      }
    `,
  ];

  /** At the end of the list: new lines keep it there; somebody who has scrolled back is left alone. */
  #atEnd = true;

  override render() {
    const { store } = this.flow;
    const call = store?.call;
    const name = store?.other?.name ?? '';
    const lines = call?.chat ?? [];
    const pending = store?.pending ?? [];
    return html`
      <header>
        <h3 id="chat-title">${this.t('chatTitle', { name })}</h3>
        <vt-button variant="quiet" size="sm" icon="down" label=${this.t('close')} @click=${this.#close}></vt-button>
      </header>
      <div class="lines" data-testid="chat-lines" role="log" aria-labelledby="chat-title" tabindex="0">
        ${lines.length + pending.length === 0 ? html`<p class="empty">${this.t('chatEmpty')}</p>` : nothing}
        ${lines.map((line) => {
          const mine = line.from === call?.you;
          return html`<div class="line ${mine ? 'mine' : ''}">
            <div class="bubble" dir="auto">${line.text}</div>
            <div class="meta">${mine ? this.t('chatYou') : name} · ${this.strings.time(line.at)}</div>
          </div>`;
        })}
        ${pending.map(
          (line) => html`<div class="line mine">
            <div class="bubble" dir="auto">${line.text}</div>
            <div class="meta">
              ${
                line.failed
                  ? html`<button class="again" @click=${() => store?.retryChat(line.id)}>${this.t('chatFailed')}</button>`
                  : this.t('chatSending')
              }
            </div>
          </div>`,
        )}
      </div>
      <div class="typing" aria-live="polite">${store?.otherTyping ? this.t('chatTyping', { name }) : nothing}</div>
      <form @submit=${this.#submit}>
        <textarea
          data-testid="chat-input"
          rows="1"
          dir="auto"
          maxlength=${TEXT_MAX}
          placeholder=${this.t('chatInput')}
          aria-label=${this.t('chatInput')}
          enterkeyhint="send"
          @input=${this.#onInput}
          @keydown=${this.#onKey}
        ></textarea>
        <vt-button data-testid="chat-send" type="submit" variant="primary" round icon="send" label=${this.t('chatSend')}></vt-button>
      </form>
    `;
  }

  /** Puts the caret where one writes. */
  override focus() {
    this.renderRoot.querySelector('textarea')?.focus();
  }

  protected override willUpdate(changed: PropertyValues) {
    super.willUpdate(changed);
    const list = this.renderRoot.querySelector('.lines');
    if (list) this.#atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  }

  override updated() {
    const list = this.renderRoot.querySelector('.lines');
    if (list && this.#atEnd) list.scrollTop = list.scrollHeight;
  }

  #submit(event: Event) {
    event.preventDefault();
    const input = this.renderRoot.querySelector('textarea');
    if (!input?.value.trim()) return;
    this.#atEnd = true;
    this.flow.store?.sendChat(input.value);
    this.flow.store?.setTyping(false);
    input.value = '';
    input.focus();
  }

  #onInput(event: Event) {
    this.flow.store?.setTyping((event.target as HTMLTextAreaElement).value !== '');
  }

  #onKey(event: KeyboardEvent) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    (event.target as HTMLTextAreaElement).form?.requestSubmit();
  }

  #close() {
    this.dispatchEvent(new CustomEvent('chat-close'));
  }
}

define('vitrine-help-chat', HelpChat);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-chat': HelpChat;
  }
}
