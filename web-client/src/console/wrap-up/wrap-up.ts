import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/field/field.ts';
import type { Outcome, Ticket, WrapUp } from '../../protocol.ts';
import { ApiError, api } from '../../staff/api.ts';
import '../../staff/icons.ts';
import { Drafts, tabStorage } from './draft.ts';

/** Longest notes the protocol takes. */
const NOTES_MAX = 10_000;

/**
 * Outcome and notes of a call.
 *
 * @fires wrap-up-saved - it is on the ticket; `detail` is the {@link Ticket}
 */
export class ConsoleWrapUp extends LitElement {
  static override properties = {
    call: { type: String },
    number: { type: String },
    given: { attribute: false },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      form {
        display: grid;
        gap: var(--v-s4);
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s3);
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
    `,
  ];

  /** Which call. */
  declare call: string;
  /** The ticket's number. */
  declare number: string;
  /** What the ticket has already, when it is corrected. */
  declare given: WrapUp | undefined;

  readonly #drafts = new Drafts(tabStorage());
  #draft: WrapUp = { outcome: '', notes: '' };
  #outcomes: readonly Outcome[] = [];
  #outcomesProblem = '';
  #missing = false;
  #problem = '';
  #busy = false;
  #kept = false;

  constructor() {
    super();
    this.call = '';
    this.number = '';
    this.given = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    void this.#loadOutcomes();
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('call')) {
      const kept = this.#drafts.read(this.call);
      const empty = kept.outcome === '' && kept.notes === '';
      this.#draft = empty && this.given !== undefined ? { ...this.given } : kept;
      this.#kept = !empty;
    }
  }

  override render() {
    return html`<form @submit=${this.#save} novalidate>
      ${
        this.#outcomesProblem
          ? html`<vt-banner tone="danger" heading="The outcomes could not be loaded">
              ${this.#outcomesProblem}
              <div slot="actions"><vt-button size="sm" icon="refresh" @click=${this.#loadOutcomes}>Try again</vt-button></div>
            </vt-banner>`
          : nothing
      }
      <vt-field
        label="Outcome"
        testid="outcome"
        placeholder="How did it come out?"
        .options=${this.#outcomes.map(({ code, label }) => ({ value: code, label }))}
        .value=${this.#draft.outcome}
        ?disabled=${this.#outcomes.length === 0}
        error=${this.#missing ? 'Choose an outcome.' : ''}
        @change=${this.#onOutcome}
      ></vt-field>
      <vt-field
        label="Notes"
        testid="notes"
        hint="For colleagues and reviewers. The buyer does not see them."
        rows="7"
        maxlength=${NOTES_MAX}
        .value=${this.#draft.notes}
        @input=${this.#onNotes}
      ></vt-field>
      ${this.#problem ? html`<vt-banner tone="danger" heading="Not saved yet">${this.#problem} Your text is still here.</vt-banner>` : nothing}
      <div class="foot">
        <vt-button variant="primary" size="lg" type="submit" icon="check" ?busy=${this.#busy} data-testid="wrap-up-save">
          Save to ${this.number || 'the ticket'}
        </vt-button>
        <span class="quiet" aria-live="polite">${this.#kept ? 'Draft kept in this tab' : nothing}</span>
      </div>
    </form>`;
  }

  readonly #loadOutcomes = async (): Promise<void> => {
    this.#outcomesProblem = '';
    try {
      this.#outcomes = await api.outcomes();
    } catch (error) {
      this.#outcomesProblem = error instanceof ApiError ? error.message : String(error);
    }
    this.requestUpdate();
  };

  #onOutcome(event: Event) {
    this.#missing = false;
    this.#change({ outcome: (event.currentTarget as HTMLElementTagNameMap['vt-field']).value });
  }

  #onNotes(event: Event) {
    this.#change({ notes: (event.currentTarget as HTMLElementTagNameMap['vt-field']).value });
  }

  #change(part: Partial<WrapUp>) {
    this.#draft = { ...this.#draft, ...part };
    this.#kept =
      this.#drafts.write(this.call, this.#draft) && (this.#draft.notes !== '' || this.#draft.outcome !== '');
    this.requestUpdate();
  }

  async #save(event: Event) {
    event.preventDefault();
    if (this.#busy) return;
    this.#missing = this.#draft.outcome === '';
    this.#problem = '';
    this.requestUpdate();
    if (this.#missing) {
      this.renderRoot.querySelector<HTMLElement>('vt-field')?.focus();
      return;
    }
    this.#busy = true;
    const { call } = this;
    try {
      const ticket = await api.wrapUp(call, this.#draft);
      this.#drafts.forget(call);
      this.dispatchEvent(
        new CustomEvent<Ticket>('wrap-up-saved', { detail: ticket, bubbles: true, composed: true }),
      );
    } catch (error) {
      this.#problem = error instanceof ApiError ? error.message : String(error);
    } finally {
      this.#busy = false;
      this.requestUpdate();
    }
  }
}

define('console-wrap-up', ConsoleWrapUp);

declare global {
  interface HTMLElementTagNameMap {
    'console-wrap-up': ConsoleWrapUp;
  }
}
