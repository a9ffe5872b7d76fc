import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import type { Availability } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import type { Desk } from '../desk.ts';

const STATE: Record<Availability, { readonly tone: 'ok' | 'neutral' | 'warn'; readonly words: string }> = {
  available: { tone: 'ok', words: 'Available' },
  away: { tone: 'neutral', words: 'Away' },
  busy: { tone: 'warn', words: 'Busy' },
};

/** The agent picks a colleague to ask. While it is open, the floor is watched. */
export class ConsoleConsult extends LitElement {
  static override properties = { desk: { attribute: false }, open: { type: Boolean } };
  static override styles = [
    base,
    css`
      p {
        margin-block-end: var(--v-s3);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      ul {
        display: grid;
        gap: var(--v-s2);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--v-s3);
      }
      .name {
        flex: 1;
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }
    `,
  ];

  declare desk: Desk | undefined;
  declare open: boolean;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.desk = undefined;
    this.open = false;
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    if (this.open) this.desk?.store.watchFloor(false);
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
    if (changed.has('open') && changed.get('open') !== undefined) this.desk?.store.watchFloor(this.open);
  }

  override render() {
    const staff = this.desk?.store.live.floor?.staff ?? [];
    return html`<vt-dialog ?open=${this.open} heading="Ask a colleague">
      <p>The buyer hears nothing of it: from your colleague’s answer on they are on hold.</p>
      ${
        staff.length === 0
          ? html`<p>No colleague is connected at the moment.</p>`
          : html`<ul>
              ${staff.map(({ id, name, availability }) => {
                const { tone, words } = STATE[availability];
                return html`<li>
                  <span class="name">${name}</span>
                  <vt-badge tone=${tone}>${words}</vt-badge>
                  <vt-button size="sm" variant="primary" data-testid="consult-ask" label=${`Ask ${name}`} ?disabled=${availability === 'busy'} @click=${() => this.#ask(id)}>Ask</vt-button>
                </li>`;
              })}
            </ul>`
      }
    </vt-dialog>`;
  }

  #ask(colleague: string) {
    this.desk?.store.consult(colleague);
    this.dispatchEvent(new CustomEvent('vt-close', { bubbles: true, composed: true }));
  }
}

/** A colleague asks: the question, and the two answers. */
export class ConsoleQuestion extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      p {
        margin-block-end: var(--v-s2);
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
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
    const ask = this.desk?.store.live.ask;
    const { name, product, language } = ask?.context ?? {};
    const about = [name, product?.name, language].filter(Boolean).join(' · ');
    return html`<vt-dialog
      ?open=${ask !== undefined}
      heading=${ask ? `${ask.from} asks you` : ''}
      @vt-close=${() => this.#answer(false)}
    >
      ${about ? html`<p>About a call: ${about}</p>` : nothing}
      <p class="quiet">You talk with ${ask?.from}. The buyer waits on hold and neither hears nor sees you.</p>
      <vt-button slot="actions" data-testid="question-decline" @click=${() => this.#answer(false)}>Not now</vt-button>
      <vt-button slot="actions" variant="primary" data-testid="question-accept" @click=${() => this.#answer(true)}>Talk</vt-button>
    </vt-dialog>`;
  }

  #answer(accept: boolean) {
    const call = this.desk?.store.live.ask?.call;
    if (call !== undefined) this.desk?.store.answerConsult(call, accept);
  }
}

define('console-consult', ConsoleConsult);
define('console-question', ConsoleQuestion);

declare global {
  interface HTMLElementTagNameMap {
    'console-consult': ConsoleConsult;
    'console-question': ConsoleQuestion;
  }
}
