import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/dialog/dialog.ts';
import '../../elements/field/field.ts';
import type { Erasure, Hold, Recording } from '../../protocol.ts';
import { problemCode } from '../../session/rest.ts';
import { ApiError } from '../../staff/api.ts';
import { dateTime } from '../../staff/format.ts';
import { certificateHref, governance } from './api.ts';
import { may } from './viewer.ts';
import { erasureWords, ruleWords } from './words.ts';

/** What has to be typed before something is erased. */
const CONFIRMATION = 'ERASE';
/** Between two looks at a running erasure, ms. */
const LOOK_MS = 1_000;

type Dialog =
  | { readonly kind: 'unmask' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'lift'; readonly hold: Hold }
  | { readonly kind: 'erase' };

/**
 * How long a recording is kept, what holds it, and what may be done about it: read who the buyer is, hold, erase.
 *
 * @fires replay-message - something to show for a moment; `detail` is the text
 * @fires replay-erased - the buyer was erased and this recording with them; `detail` is the {@link Erasure}
 * @fires replay-governed - something changed: load the recording and its ticket again
 */
export class ReplayGovern extends LitElement {
  static override properties = { recording: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
        font-size: var(--v-text-sm);
      }
      h2 {
        font-size: var(--v-text-sm);
        font-weight: 600;
      }
      .quiet {
        color: var(--v-muted);
      }
      ul {
        display: grid;
        gap: var(--v-s3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        gap: var(--v-s1);
        justify-items: start;
        overflow-wrap: anywhere;
      }
      vt-banner a {
        color: inherit;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: var(--v-s2);
      }
      form {
        display: grid;
        gap: var(--v-s4);
      }
      fieldset {
        display: grid;
        gap: var(--v-s1);
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        margin-block-end: var(--v-s1);
        padding: 0;
        font-weight: 600;
        font-size: var(--v-text-sm);
      }
      .choice {
        display: flex;
        gap: var(--v-s3);
        align-items: center;
        min-block-size: 36px;
      }
      input[type='radio'] {
        inline-size: 20px;
        block-size: 20px;
        margin: 0;
        flex: none;
        accent-color: var(--v-accent);
      }
    `,
  ];

  declare recording: Recording | undefined;

  #dialog: Dialog | undefined;
  #whole = false;
  #why = '';
  #typed = '';
  #busy = false;
  #problem: { readonly heading: string; readonly text: string } | undefined;
  #erasure: Erasure | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  override render() {
    const recording = this.recording;
    if (recording === undefined) return nothing;
    const { kept, masked } = recording;
    const isHeld = kept.holds.length > 0;
    return html`
      <h2>Privacy and keeping</h2>
      ${
        isWithheld(recording)
          ? html`<p data-testid="withheld">
              <vt-badge tone="danger">Consent withdrawn</vt-badge> Locked for everybody but those who look after legal holds, and
              deleted when the last one is lifted.
            </p>`
          : nothing
      }
      ${
        isHeld
          ? html`<ul data-testid="holds">${kept.holds.map((hold) => this.#hold(hold))}</ul>`
          : html`<p data-testid="kept">Kept until <strong>${dateTime(kept.until)}</strong><br /><span class="quiet">${ruleWords(kept)}</span></p>`
      }
      ${
        masked
          ? html`<p class="quiet" data-testid="masked">Who the buyer is stays hidden.${may('play_unmasked') ? '' : ' Your rights do not include reading it.'}</p>`
          : nothing
      }
      <div class="buttons">
        ${masked && may('play_unmasked') ? this.#opener('Show the buyer…', 'user', { kind: 'unmask' }) : nothing}
        ${may('hold_recordings') ? this.#opener(isHeld ? 'Add a hold…' : 'Hold…', 'shield', { kind: 'hold' }) : nothing}
        ${may('erase_recordings') ? this.#opener('Erase…', 'trash', { kind: 'erase' }) : nothing}
      </div>
      ${this.#erasure ? this.#told(this.#erasure) : nothing}
      ${this.#dialogs()}
    `;
  }

  #opener(label: string, icon: string, dialog: Dialog) {
    return html`<vt-button size="sm" icon=${icon} data-testid=${`open-${dialog.kind}`} @click=${() => this.#open(dialog)}>${label}</vt-button>`;
  }

  #hold(hold: Hold) {
    return html`<li>
      <vt-badge tone="warn">${hold.recording === undefined ? 'Legal hold on the buyer' : 'Legal hold'}</vt-badge>
      <span dir="auto">${hold.why}</span>
      <span class="quiet">${hold.placed_by}, ${dateTime(hold.placed_at)}. Nothing is deleted until it is lifted.</span>
      ${may('hold_recordings') ? this.#opener('Lift…', 'close', { kind: 'lift', hold }) : nothing}
    </li>`;
  }

  #told(erasure: Erasure) {
    const isDone = erasure.certificate !== undefined;
    const isPart = (erasure.certificate?.statement.kept.length ?? 0) > 0;
    const tone = erasure.trouble || isPart ? 'warn' : isDone ? 'ok' : 'info';
    const heading = isPart
      ? 'Not everything could be erased'
      : isDone
        ? 'The buyer is erased'
        : 'The buyer is being erased';
    return html`<div role="status" data-testid="erasure">
      <vt-banner tone=${tone} heading=${heading}>
        ${erasure.trouble ? `${erasure.trouble}. It is tried again in a minute.` : erasureWords(erasure)}
        ${isDone ? html`<div slot="actions"><a href=${certificateHref(erasure.id)} download data-testid="certificate">Download the signed certificate</a></div>` : nothing}
      </vt-banner>
    </div>`;
  }

  #dialogs() {
    const dialog = this.#dialog;
    const words = dialog === undefined ? undefined : WORDS[dialog.kind];
    const isErasing = dialog?.kind === 'erase';
    const isReady =
      this.#why.trim() !== '' && (!isErasing || this.#typed.trim().toUpperCase() === CONFIRMATION);
    return html`<vt-dialog ?open=${dialog !== undefined} heading=${words?.heading ?? ''} @vt-close=${this.#close}>
      ${
        words === undefined || dialog === undefined
          ? nothing
          : html`<form id="govern" @submit=${(event: Event) => this.#submit(event, dialog)}>
              <p>${words.help}</p>
              ${dialog.kind === 'lift' && isWithheld(this.recording) ? html`<vt-banner tone="danger">The buyer took back their consent: when no other hold keeps it, this recording is deleted within minutes and for good.</vt-banner>` : nothing}
              ${dialog.kind === 'hold' || isErasing ? this.#choice(isErasing) : nothing}
              <vt-field
                label="What for"
                name="why"
                rows="2"
                maxlength="500"
                testid="why"
                hint="It stays in the audit log for good: name no buyer."
                .value=${this.#why}
                @input=${(event: Event) => this.#set('why', event)}
              ></vt-field>
              ${
                isErasing
                  ? html`<vt-field
                      label=${`Type ${CONFIRMATION} to confirm`}
                      name="confirm"
                      autocomplete="off"
                      testid="confirm"
                      .value=${this.#typed}
                      @input=${(event: Event) => this.#set('typed', event)}
                    ></vt-field>`
                  : nothing
              }
              ${this.#problem ? html`<vt-banner tone="danger" heading=${this.#problem.heading}>${this.#problem.text}</vt-banner>` : nothing}
            </form>`
      }
      <vt-button slot="actions" variant="quiet" @click=${this.#close}>Cancel</vt-button>
      <vt-button
        slot="actions"
        variant=${isErasing ? 'danger' : 'primary'}
        data-testid="do"
        ?disabled=${!isReady}
        ?busy=${this.#busy}
        @click=${() => dialog && this.#do(dialog)}
      >${words?.action ?? ''}</vt-button>
    </vt-dialog>`;
  }

  #choice(isErasing: boolean) {
    const option = (whole: boolean, label: string) => html`<label class="choice">
      <input type="radio" name="what" .checked=${this.#whole === whole} @change=${() => this.#choose(whole)} />
      <span>${label}</span>
    </label>`;
    return html`<fieldset>
      <legend>${isErasing ? 'What is erased' : 'What is held'}</legend>
      ${option(false, 'This recording')}
      ${option(true, isErasing ? 'The buyer: every recording, chat, notes and personal data, under any of their ids' : 'The buyer: every recording there is and will be')}
    </fieldset>`;
  }

  #choose(whole: boolean) {
    this.#whole = whole;
    this.requestUpdate();
  }

  #set(what: 'why' | 'typed', event: Event) {
    const { value } = event.target as HTMLElementTagNameMap['vt-field'];
    if (what === 'why') this.#why = value;
    else this.#typed = value;
    this.requestUpdate();
  }

  #open(dialog: Dialog) {
    this.#dialog = dialog;
    this.#why = '';
    this.#typed = '';
    this.#problem = undefined;
    this.#whole = false;
    this.requestUpdate();
  }

  #close() {
    this.#dialog = undefined;
    this.requestUpdate();
  }

  #submit(event: Event, dialog: Dialog) {
    event.preventDefault();
    void this.#do(dialog);
  }

  async #do(dialog: Dialog) {
    if (this.recording === undefined || this.#busy) return;
    const { summary: recording, kept } = this.recording;
    const why = this.#why.trim();
    this.#busy = true;
    this.#problem = undefined;
    this.requestUpdate();
    try {
      switch (dialog.kind) {
        case 'unmask':
          await governance.unmask(recording.call, { why });
          break;
        case 'hold':
          await governance.placeHold(
            this.#whole ? { buyer_of: recording.id, why } : { recording: recording.id, why },
          );
          break;
        case 'lift':
          await governance.liftHold(dialog.hold.id, { why });
          break;
        case 'erase':
          if (this.#whole) {
            this.#erasure = await governance.eraseBuyer({ buyer_of: recording.id, why });
            this.#look();
            void this.#show('[data-testid=erasure]');
          } else {
            await governance.eraseRecording(recording.id, { why });
          }
      }
      this.#dialog = undefined;
      // The certificate is offered before the page says that the recording is gone.
      if (dialog.kind !== 'erase' || !this.#whole) {
        this.#say(WORDS[dialog.kind].done);
        this.#changed();
      }
    } catch (error) {
      this.#problem = refusalWords(error, kept.holds);
      void this.#show('form vt-banner');
    }
    this.#busy = false;
    this.requestUpdate();
  }

  /** What happened may stand below what is in view. */
  async #show(what: string) {
    await this.updateComplete;
    this.renderRoot.querySelector(what)?.scrollIntoView({ block: 'nearest' });
  }

  #look() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#lookNow(), LOOK_MS);
  }

  async #lookNow() {
    const asked = this.#erasure;
    if (asked === undefined) return;
    try {
      this.#erasure = await governance.erasure(asked.id);
    } catch {
      // The next look may be answered.
    }
    this.requestUpdate();
    const now = this.#erasure ?? asked;
    const erased = now.certificate?.statement.recordings;
    if (erased === undefined) {
      this.#look();
    } else if (erased.some(({ recording }) => recording === this.recording?.summary.id)) {
      this.dispatchEvent(new CustomEvent<Erasure>('replay-erased', { detail: now }));
    } else {
      void this.#show('[data-testid=erasure]');
    }
  }

  #say(text: string) {
    this.dispatchEvent(
      new CustomEvent<string>('replay-message', { detail: text, bubbles: true, composed: true }),
    );
  }

  #changed() {
    this.dispatchEvent(new CustomEvent('replay-governed', { bubbles: true, composed: true }));
  }
}

/** Why something was not done. */
function refusalWords(error: unknown, holds: readonly Hold[]): { heading: string; text: string } {
  if (!(error instanceof ApiError)) return { heading: '', text: String(error) };
  const { problem, message } = error;
  if (problem === undefined || problemCode(problem) !== 'under_hold')
    return { heading: problem?.title ?? '', text: message };
  const hold = holds.find(({ id }) => message.includes(id));
  return {
    heading: `${problem.title}: lift the hold first`,
    text: hold ? `${hold.placed_by}, ${dateTime(hold.placed_at)}: ${hold.why}` : message,
  };
}

const WORDS = {
  unmask: {
    heading: 'Show who the buyer is',
    help: 'Name, order and messages of this call are shown to you for half an hour.',
    action: 'Show',
    done: 'Shown to you for half an hour',
  },
  hold: {
    heading: 'Place a legal hold',
    help: 'Nothing under hold is deleted or erased, whatever the rules say, until somebody lifts it.',
    action: 'Hold',
    done: 'Held: nothing is deleted until the hold is lifted',
  },
  lift: {
    heading: 'Lift the hold',
    help: 'From then on the usual rules count: what is overdue is deleted within the hour.',
    action: 'Lift',
    done: 'The hold is lifted',
  },
  erase: {
    heading: 'Erase for good',
    help: 'The key is destroyed, so that copies and backups of the media become unreadable, too. This cannot be undone.',
    action: 'Erase',
    done: 'The recording is erased',
  },
} as const;

/** Whether its buyer took it back while a hold keeps it. */
function isWithheld(recording: Recording | undefined): boolean {
  return recording?.summary.flags.includes('withheld') ?? false;
}

define('replay-govern', ReplayGovern);

declare global {
  interface HTMLElementTagNameMap {
    'replay-govern': ReplayGovern;
  }
}
