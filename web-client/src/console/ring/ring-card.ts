import { css, html, LitElement, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/badge/badge.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { Ring } from '../../protocol.ts';
import '../../staff/context.ts';
import { clockTime, languageName } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { serverNow } from '../../staff/server-time.ts';
import { because } from '../consent/obstacles.ts';

/** Keys are not answers for this long after the ring appears, ms. */
const KEY_GUARD_MS = 350;

/**
 * A buyer asks for this agent: who, about what, since when, and how long there is to answer.
 *
 * @fires ring-accept - take the call
 * @fires ring-decline - not me
 */
export class ConsoleRing extends LitElement {
  static override properties = { ring: { attribute: false }, blocked: { type: Boolean } };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        inline-size: min(720px, 100%);
        margin-inline: auto;
      }
      section {
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius-lg);
        background: var(--v-surface);
        box-shadow: var(--v-shadow-3);
        animation: rise var(--v-slow) var(--v-ease);
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(12px);
        }
      }
      .time {
        overflow: hidden;
        block-size: 6px;
        margin-inline: var(--v-radius-lg);
        border-radius: 3px;
        background: var(--v-hover);
      }
      .left {
        block-size: 100%;
        background: var(--v-accent);
        transition: inline-size 250ms linear;
      }
      .left.short {
        background: var(--v-danger);
      }
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2) var(--v-s4);
        padding: var(--v-s4) var(--v-s5) 0;
      }
      .bell {
        display: grid;
        place-items: center;
        inline-size: 48px;
        block-size: 48px;
        border-radius: 50%;
        background: var(--v-accent);
        color: var(--v-on-accent);
        --vt-icon-size: 24px;
        animation: ring 1.3s ease-in-out infinite;
      }
      @keyframes ring {
        0%,
        40%,
        100% {
          rotate: 0deg;
        }
        10%,
        30% {
          rotate: -14deg;
        }
        20% {
          rotate: 14deg;
        }
      }
      .who {
        flex: 1;
        min-inline-size: 12em;
      }
      h1 {
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
        overflow-wrap: anywhere;
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
        font-variant-numeric: tabular-nums;
      }
      .body {
        padding: var(--v-s4) var(--v-s5);
      }
      footer {
        display: flex;
        gap: var(--v-s3);
        padding: var(--v-s4) var(--v-s5) var(--v-s5);
        border-block-start: 1px solid var(--v-line);
        position: sticky;
        inset-block-end: 0;
        border-end-start-radius: var(--v-radius-lg);
        border-end-end-radius: var(--v-radius-lg);
        background: var(--v-surface);
      }
      footer > * {
        flex: 1;
      }
      footer > :first-child {
        flex: 2;
      }
      @media (max-width: 720px) {
        header,
        .body,
        footer {
          padding-inline: var(--v-s4);
        }
      }
    `,
  ];

  declare ring: Ring | undefined;
  /** The link is down: nothing can be answered right now. */
  declare blocked: boolean;
  #timer: ReturnType<typeof setInterval> | undefined;
  #beganAt = 0;
  #shownAt = 0;

  constructor() {
    super();
    this.ring = undefined;
    this.blocked = false;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#timer = setInterval(() => this.requestUpdate(), 250);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  override willUpdate(changed: PropertyValues<this>) {
    // The same ring again says something new about the call, not about the time.
    if (changed.has('ring') && changed.get('ring')?.call !== this.ring?.call) {
      this.#beganAt = serverNow();
      this.#shownAt = performance.now();
    }
  }

  override firstUpdated() {
    // Enter accepts; the page's own shortcut does the same when the focus is elsewhere.
    const accept = this.renderRoot.querySelector<HTMLElementTagNameMap['vt-button']>('[data-testid=accept]');
    void accept?.updateComplete.then(() => accept.focus());
  }

  override render() {
    const ring = this.ring;
    if (ring === undefined) return html``;
    const now = serverNow();
    const ends = Date.parse(ring.expires_at);
    const leftMs = Math.max(0, ends - now);
    const share = ends > this.#beganAt ? (leftMs / (ends - this.#beganAt)) * 100 : 0;
    const { context } = ring;
    const seconds = Math.ceil(leftMs / 1000);
    return html`<section role="alertdialog" aria-labelledby="who" aria-describedby="what">
      <div class="time" aria-hidden="true">
        <div class="left ${leftMs < 5_000 ? 'short' : ''}" style="inline-size:${Math.min(100, share).toFixed(1)}%"></div>
      </div>
      <header>
        <span class="bell"><vt-icon name="phone"></vt-icon></span>
        <div class="who">
          <h1 id="who"><bdi>${context.name ?? 'A buyer'}</bdi> asks for help</h1>
          <p class="quiet" id="what">
            ${languageName(context.language)} · waiting ${clockTime(now - Date.parse(ring.requested_at))} ·
            ${seconds === 1 ? '1 second' : `${seconds} seconds`} to answer
          </p>
        </div>
        ${
          ring.recording
            ? html`<vt-badge tone="danger" dot>Will be recorded</vt-badge>`
            : html`<vt-badge>Not recorded: ${because(ring.obstacles, true)}</vt-badge>`
        }
      </header>
      <div class="body"><staff-context large .context=${context} .queue=${ring.queue.title}></staff-context></div>
      <footer>
        <vt-button variant="primary" size="lg" icon="phone" data-testid="accept" ?disabled=${this.blocked} @click=${(event: MouseEvent) => this.#answer(event, 'ring-accept')}>
          Accept
        </vt-button>
        <vt-button size="lg" data-testid="decline" ?disabled=${this.blocked} @click=${(event: MouseEvent) => this.#answer(event, 'ring-decline')}>Decline</vt-button>
      </footer>
    </section>`;
  }

  #answer(event: MouseEvent, name: 'ring-accept' | 'ring-decline') {
    // `detail` 0 is a key press. One that was meant for the search field a moment ago must not answer a call.
    if (event.detail === 0 && performance.now() - this.#shownAt < KEY_GUARD_MS) return;
    this.dispatchEvent(new CustomEvent(name));
  }
}

define('console-ring', ConsoleRing);

declare global {
  interface HTMLElementTagNameMap {
    'console-ring': ConsoleRing;
  }
}
