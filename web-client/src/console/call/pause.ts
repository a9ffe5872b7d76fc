import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import '../../elements/icon/icon.ts';
import type { CallView, PauseReason } from '../../protocol.ts';
import { Watch } from '../../session/observable.ts';
import '../../staff/icons.ts';
import { serverNow } from '../../staff/server-time.ts';
import type { Desk } from '../desk.ts';
import { ASKED, leftS, mayEnd, PAUSE_S, pausedFor } from './pausing.ts';

/** The button that has nothing stored for a while; it asks why. Pressed, it goes on recording. */
export class ConsolePause extends LitElement {
  static override properties = { desk: { attribute: false }, open: { state: true } };
  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: inline-flex;
      }
      [role='menu'] {
        position: absolute;
        inset-block-end: calc(100% + var(--v-s2));
        inset-inline-start: 50%;
        z-index: 5;
        display: grid;
        gap: 2px;
        inline-size: max-content;
        max-inline-size: min(280px, 80vw);
        padding: var(--v-s2);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: var(--v-text);
        box-shadow: var(--v-shadow-3);
        translate: -50% 0;
      }
      :host(:dir(rtl)) [role='menu'] {
        translate: 50% 0;
      }
      /* In the middle of the picture, not of the button, which may stand at its edge. */
      @media (max-width: 720px) {
        :host {
          position: static;
        }
      }
      p {
        padding: var(--v-s1) var(--v-s3);
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      button {
        min-block-size: 40px;
        padding: var(--v-s2) var(--v-s3);
        border: 0;
        border-radius: var(--v-radius-sm);
        background: none;
        color: inherit;
        font: 500 var(--v-text-sm) / 1.25 var(--v-font);
        text-align: start;
        cursor: pointer;
      }
      button:hover {
        background: var(--v-hover);
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

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
    if (this.desk?.call?.recording !== 'on') this.open = false;
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has('open') && this.open) this.#items()[0]?.focus();
  }

  override render() {
    const call = this.desk?.call;
    if (!call) return nothing;
    const pressed = call.recording === 'paused';
    return html`<vt-button
        variant="stage" round icon=${pressed ? 'play' : 'record-pause'} data-testid="pause-recording"
        label=${pressed ? 'Go on recording (P)' : 'Pause the recording (P)'}
        .pressed=${pressed} .expanded=${pressed ? undefined : this.open}
        ?disabled=${pressed ? !mayEnd(call) : call.recording !== 'on'}
        @click=${() => (pressed ? this.desk?.store.resumeRecording() : this.#toggle())}
      ></vt-button>
      ${
        this.open
          ? html`<div role="menu" aria-label="Why nothing shall be stored" @keydown=${this.#onKey} @focusout=${this.#onBlur}>
              <p>Nothing is stored for ${PAUSE_S / 60} minutes, or until you go on.</p>
              ${ASKED.map(
                ({ reason, words }) =>
                  html`<button role="menuitem" tabindex="-1" data-testid=${`pause-${reason}`} @click=${() => this.#pause(reason)}>${words}</button>`,
              )}
            </div>`
          : nothing
      }`;
  }

  /** The key: at once for card data, which is what cannot wait for a menu. */
  toggle(): void {
    const call = this.desk?.call;
    if (call?.recording === 'on') this.#pause('card_data');
    else if (call && mayEnd(call)) this.desk?.store.resumeRecording();
  }

  #pause(reason: PauseReason) {
    this.#close();
    this.desk?.store.pauseRecording(reason, PAUSE_S);
  }

  #toggle() {
    if (this.open) this.#close();
    else this.open = true;
  }

  #close() {
    if (!this.open) return;
    this.open = false;
    this.renderRoot.querySelector('vt-button')?.focus();
  }

  #items(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>('[role=menuitem]')];
  }

  #onKey(event: KeyboardEvent) {
    const items = this.#items();
    const at = items.indexOf(
      this.renderRoot.querySelector<HTMLElement>('[role=menuitem]:focus') as HTMLElement,
    );
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[
      event.key
    ];
    if (event.key === 'Escape' || event.key === 'Tab') this.#close();
    else if (to !== undefined) items[to % items.length]?.focus();
    // The page's own shortcuts do not apply in a menu; Tab and Enter do what they always do.
    if (event.key !== 'Tab') event.stopPropagation();
    if (event.key === 'Escape' || to !== undefined) event.preventDefault();
  }

  #onBlur(event: FocusEvent) {
    const to = event.relatedTarget;
    if (!(to instanceof Node && this.renderRoot.contains(to))) this.open = false;
  }
}

/** Says that nothing is stored, why and for how long, and what may be done about it. */
export class ConsolePaused extends LitElement {
  static override properties = { desk: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      div {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s3);
        padding: var(--v-s2) var(--v-s3);
        border-radius: var(--v-radius);
        background: var(--v-warn-soft);
        color: var(--v-on-warn-soft);
        box-shadow: var(--v-shadow-2);
        font: 400 var(--v-text-sm) / 1.35 var(--v-font);
      }
      p {
        flex: 1 1 12em;
      }
      .both {
        display: flex;
        gap: var(--v-s2);
      }
      .time {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  declare desk: Desk | undefined;
  readonly #watch = new Watch(this);
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.desk = undefined;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#timer = setInterval(() => this.requestUpdate(), 500);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('desk')) this.#watch.target = this.desk;
  }

  override render() {
    const call = this.desk?.call;
    const pause = call?.paused;
    if (!call || !pause) return nothing;
    const left = leftS(pause, serverNow());
    return html`<div data-testid="paused-banner">
      <vt-icon name="record-pause"></vt-icon>
      <p>
        <span role="status"><strong>Recording is paused, nothing is stored.</strong> ${pausedFor(pause.reason)}</span>
        ${left === undefined ? nothing : html`<span class="time" role="timer" aria-label="Goes on by itself in">Goes on in ${clock(left)}.</span>`}
      </p>
      ${mayEnd(call) ? this.#buttons(call) : nothing}
    </div>`;
  }

  #buttons(call: CallView) {
    const { store } = this.desk ?? {};
    const reason = call.paused?.reason ?? 'other';
    return html`<span class="both">
      <vt-button size="sm" data-testid="pause-longer" title=${`Goes on ${PAUSE_S / 60} minutes from now`} @click=${() => store?.pauseRecording(reason, PAUSE_S)}>Extend</vt-button>
      <vt-button size="sm" variant="primary" data-testid="resume-recording" @click=${() => store?.resumeRecording()}>Resume</vt-button>
    </span>`;
  }
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

define('console-pause', ConsolePause);
define('console-paused', ConsolePaused);

declare global {
  interface HTMLElementTagNameMap {
    'console-pause': ConsolePause;
    'console-paused': ConsolePaused;
  }
}
