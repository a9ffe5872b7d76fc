import { css, html, LitElement, nothing } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import { Watch } from '../../session/observable.ts';
import { timeOfDay } from '../../staff/format.ts';
import '../../staff/icons.ts';
import type { Desk } from '../desk.ts';
import type { Ringer } from '../ring/ringer.ts';
import './device-check.ts';

/** Between calls: whether calls may come, whether they will be noticed, camera and microphone. */
export class ConsoleIdle extends LitElement {
  static override properties = { desk: { attribute: false }, ringer: { attribute: false } };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s4);
      }
      .card {
        display: grid;
        gap: var(--v-s4);
        padding: var(--v-s5);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .state {
        display: flex;
        gap: var(--v-s4);
        align-items: center;
      }
      .mark {
        position: relative;
        display: grid;
        place-items: center;
        flex: none;
        inline-size: 52px;
        block-size: 52px;
        border-radius: 50%;
        background: var(--v-hover);
        color: var(--v-muted);
        --vt-icon-size: 24px;
      }
      .mark.on {
        background: var(--v-ok-soft);
        color: var(--v-on-ok-soft);
      }
      .mark.on::after {
        position: absolute;
        inset: 0;
        border: 2px solid currentColor;
        border-radius: 50%;
        content: '';
        animation: wave 2.4s ease-out infinite;
      }
      @keyframes wave {
        from {
          opacity: 0.6;
        }
        to {
          opacity: 0;
          scale: 1.45;
        }
      }
      h1 {
        font-size: var(--v-text-xl);
        line-height: var(--v-leading-tight);
      }
      h2 {
        font-size: var(--v-text-md);
      }
      .quiet {
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      @media (max-width: 720px) {
        .card {
          padding: var(--v-s4);
        }
      }
    `,
  ];

  declare desk: Desk | undefined;
  declare ringer: Ringer | undefined;
  readonly #watch = new Watch(this);

  constructor() {
    super();
    this.desk = undefined;
    this.ringer = undefined;
  }

  override willUpdate() {
    this.#watch.target = this.desk;
  }

  override render() {
    const desk = this.desk;
    if (desk === undefined) return nothing;
    return html`
      <section class="card" aria-live="polite">${this.#state(desk)}</section>
      <section class="card">
        <h2>Camera and microphone</h2>
        <console-devices .local=${desk.media.local} @devices-open=${() => desk.openDevices()}></console-devices>
      </section>
    `;
  }

  #state(desk: Desk) {
    if (desk.availability === 'away') {
      return html`<div class="state">
          <span class="mark"><vt-icon name="clock"></vt-icon></span>
          <div>
            <h1>You are away</h1>
            <p class="quiet">No calls ring here. Go available when you are ready.</p>
          </div>
        </div>
        ${
          desk.missedAt === undefined
            ? nothing
            : html`<vt-banner tone="warn" heading=${`You missed a call at ${timeOfDay(new Date(desk.missedAt).toISOString())}`} data-testid="missed">
                You are set to away so that buyers do not wait for nobody; this one went to a colleague or back in line.
              </vt-banner>`
        }
        <div><vt-button variant="primary" size="lg" icon="phone" @click=${() => this.#goAvailable(desk)}>Go available</vt-button></div>`;
    }
    return html`<div class="state">
        <span class="mark on"><vt-icon name="phone"></vt-icon></span>
        <div>
          <h1>Waiting for calls</h1>
          <p class="quiet">The next buyer who fits rings here. You can stay in another window.</p>
        </div>
      </div>
      ${this.#hints()}`;
  }

  /** What would keep a ring from being noticed. */
  #hints() {
    const silent = this.ringer?.audible === false;
    const ask = 'Notification' in window && Notification.permission === 'default';
    if (!silent && !ask) return nothing;
    return html`<vt-banner tone="info">
      ${silent ? 'Your browser keeps this page silent until you click in it, the ring too. ' : nothing}
      ${ask ? 'Let the browser show a notification when a call comes while you are in another window.' : nothing}
      <div slot="actions">
        ${silent ? html`<vt-button size="sm" icon="speaker" @click=${this.#unlock}>Turn the ring on</vt-button>` : nothing}
        ${ask ? html`<vt-button size="sm" @click=${this.#askNotifications}>Allow notifications</vt-button>` : nothing}
      </div>
    </vt-banner>`;
  }

  #goAvailable(desk: Desk) {
    this.ringer?.unlock();
    desk.setAvailable(true);
  }

  #unlock() {
    this.ringer?.unlock();
    setTimeout(() => this.requestUpdate(), 200);
  }

  async #askNotifications() {
    await Notification.requestPermission();
    this.requestUpdate();
  }
}

define('console-idle', ConsoleIdle);

declare global {
  interface HTMLElementTagNameMap {
    'console-idle': ConsoleIdle;
  }
}
