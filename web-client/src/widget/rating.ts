import { css, html, nothing } from 'lit';

import { base } from '../design/base.ts';
import '../elements/button/button.ts';
import { define } from '../elements/define.ts';
import '../elements/field/field.ts';
import '../elements/icon/icon.ts';
import type { Key } from '../locales/catalogue.ts';
import { FlowElement } from './flow-element.ts';

const STARS = [1, 2, 3, 4, 5] as const;
/** As the server counts. */
const COMMENT_MAX = 500;

/** How the call was: one to five stars, and words for who likes to add some. Nobody has to answer. */
export class HelpRating extends FlowElement {
  static override properties = { over: { state: true } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s2);
        inline-size: 100%;
        max-inline-size: 340px;
        margin-block-start: var(--v-s3);
        padding: var(--v-s4);
        border-radius: var(--v-radius);
        background: var(--v-sunken);
      }
      fieldset {
        min-inline-size: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        inline-size: 100%;
        padding: 0;
        font-weight: 600;
      }
      .stars {
        display: flex;
        justify-content: center;
        margin-block-start: var(--v-s1);
      }
      label {
        position: relative;
        display: grid;
        place-items: center;
        inline-size: 48px;
        block-size: 48px;
        border-radius: var(--v-radius-sm);
        color: var(--v-muted);
        cursor: pointer;
        --vt-icon-size: 32px;
      }
      label.on {
        color: var(--v-accent);
        --vt-icon-fill: currentColor;
      }
      label:has(:focus-visible) {
        outline: 2px solid var(--v-focus);
        outline-offset: -2px;
      }
      input {
        position: absolute;
        inset: 0;
        margin: 0;
        opacity: 0;
        cursor: inherit;
      }
      p {
        min-block-size: 1.5em;
        font-size: var(--v-text-sm);
        color: var(--v-muted);
      }
      .word {
        color: var(--v-text);
        font-weight: 600;
      }
      form {
        display: grid;
        gap: var(--v-s2);
        text-align: start;
      }
      .problem {
        color: var(--v-danger);
      }
    `,
  ];

  /** The star under the pointer; 0: none. */
  declare over: number;
  #draft = '';

  constructor() {
    super();
    this.over = 0;
  }

  protected override watched(): EventTarget | undefined {
    return this.flow.rating;
  }

  override render() {
    const { rating } = this.flow;
    if (!rating) return nothing;
    const shown = this.over || rating.stars;
    const closed = rating.state === 'closed';
    return html`<fieldset ?disabled=${closed} data-testid="rating" data-state=${rating.state}>
        <legend>${this.t('rateTitle')}</legend>
        <div class="stars" @pointerleave=${() => this.#hover(0)}>
          ${STARS.map(
            (stars) => html`<label
              class=${stars <= shown ? 'on' : nothing}
              @pointerenter=${(event: PointerEvent) => event.pointerType === 'mouse' && this.#hover(stars)}
            >
              <input
                type="radio"
                name="stars"
                data-testid="rate-${stars}"
                .checked=${rating.stars === stars}
                aria-label="${this.t('rateStars', { n: stars })}: ${this.#word(stars)}"
                @change=${() => rating.choose(stars)}
              /><vt-icon name="star"></vt-icon>
            </label>`,
          )}
        </div>
      </fieldset>
      <p class=${shown ? 'word' : ''} aria-hidden=${shown ? 'true' : 'false'}>
        ${shown ? this.#word(shown) : this.t('rateHint')}
      </p>
      ${rating.stars && !closed ? this.#comment() : nothing}
      <p role="status">${this.#status()}</p>`;
  }

  #comment() {
    const { rating } = this.flow;
    return html`<form @submit=${this.#send}>
      <vt-field
        label=${this.t('rateComment')}
        rows="3"
        maxlength=${COMMENT_MAX}
        testid="rate-comment"
        .value=${this.#draft}
        @input=${(event: Event) => {
          this.#draft = (event.currentTarget as HTMLElementTagNameMap['vt-field']).value;
          this.requestUpdate();
        }}
      ></vt-field>
      ${
        this.#draft.trim() === rating?.comment
          ? nothing
          : html`<vt-button data-testid="rate-send" type="submit" block>${this.t('rateSend')}</vt-button>`
      }
    </form>`;
  }

  #status() {
    const { rating } = this.flow;
    switch (rating?.state) {
      case 'saved':
        return this.t(rating.comment ? 'rateCommentSaved' : 'rateSaved');
      case 'closed':
        return this.t('rateClosed');
      case 'failed':
        return html`<span class="problem">${this.t('rateFailed')}</span>
          <vt-button size="sm" icon="refresh" @click=${() => rating.save()}>${this.t('retry')}</vt-button>`;
      default:
        return nothing;
    }
  }

  #word(stars: number): string {
    return this.t(`rate${stars}` as Key);
  }

  #hover(stars: number) {
    this.over = stars;
  }

  #send(event: Event) {
    event.preventDefault();
    this.flow.rating?.say(this.#draft);
  }
}

define('vitrine-help-rating', HelpRating);

declare global {
  interface HTMLElementTagNameMap {
    'vitrine-help-rating': HelpRating;
  }
}
