import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import type { ConsentText } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import { dateTime } from '../../staff/format.ts';
import type { Desk } from '../desk.ts';
import { mustChoose } from './obstacles.ts';

/**
 * The agent's own choice about being recorded. As a card it asks whoever has not chosen; as a dialog it shows the words
 * and the choice at any time. Neither answer is preset or louder.
 *
 * @fires vt-close - the dialog shall close
 */
export class ConsoleOwnConsent extends LitElement {
  static override properties = {
    desk: { attribute: false },
    words: { attribute: false },
    card: { type: Boolean },
    open: { type: Boolean },
  };
  static override styles = [
    base,
    css`
      section {
        display: grid;
        gap: var(--v-s3);
        padding: var(--v-s5);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      h2 {
        font-size: var(--v-text-md);
      }
      p {
        font-size: var(--v-text-sm);
      }
      .quiet {
        color: var(--v-muted);
      }
      .status {
        margin-block-end: var(--v-s3);
        font-weight: 600;
      }
      .both {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
      }
      @media (max-width: 720px) {
        section {
          padding: var(--v-s4);
        }
      }
    `,
  ];

  declare desk: Desk | undefined;
  declare words: ConsentText | undefined;
  declare card: boolean;
  declare open: boolean;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.desk = undefined;
    this.words = undefined;
    this.card = false;
    this.open = false;
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
  }

  override render() {
    const { desk, words } = this;
    if (!desk || !words) return nothing;
    const receipt = desk.store.ownConsent;
    if (this.card) {
      return mustChoose(words, receipt)
        ? html`<section aria-labelledby="heading" data-testid="own-consent-card">
            <h2 id="heading">Your choice: being recorded</h2>
            ${this.#text(words)}
            <div class="both">${this.#buttons(desk, words)}</div>
          </section>`
        : nothing;
    }
    return html`<vt-dialog ?open=${this.open} heading="Being recorded yourself">
      <p class="status" role="status" data-testid="own-consent-state">
        ${receipt === undefined ? 'You have not chosen yet.' : `${receipt.recording ? 'You agreed' : 'You declined'} on ${dateTime(receipt.at)}.`}
      </p>
      ${this.#text(words)} ${this.#buttons(desk, words, receipt?.recording)}
    </vt-dialog>`;
  }

  #text(words: ConsentText) {
    return html`<p class="quiet" lang=${words.language} dir="auto">${words.text}</p>`;
  }

  /** `now`: the choice that stands, which need not be made again. */
  #buttons(desk: Desk, words: ConsentText, now?: boolean) {
    return html`
      <vt-button slot="actions" data-testid="own-consent-decline" ?disabled=${now === false || !desk.connected} @click=${() => this.#choose(desk, words, false)}>
        ${now === true ? 'Withdraw' : 'No, do not record me'}
      </vt-button>
      <vt-button slot="actions" data-testid="own-consent-agree" ?disabled=${now === true || !desk.connected} @click=${() => this.#choose(desk, words, true)}>
        Yes, my calls may be recorded
      </vt-button>
    `;
  }

  #choose(desk: Desk, words: ConsentText, recording: boolean) {
    desk.store.setConsent({ recording, text_version: words.version, language: words.language });
    this.dispatchEvent(new CustomEvent('vt-close', { bubbles: true, composed: true }));
  }
}

define('console-own-consent', ConsoleOwnConsent);

declare global {
  interface HTMLElementTagNameMap {
    'console-own-consent': ConsoleOwnConsent;
  }
}
