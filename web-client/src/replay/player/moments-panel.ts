import { css, html, LitElement, nothing, type PropertyValues } from 'lit';
import { guard } from 'lit/directives/guard.js';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import '../../elements/icon/icon.ts';
import { clockTime, spokenTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { currentIndex, type Moment, type MomentKind, matching } from './moments.ts';

const KINDS = ['all', 'chat', 'events'] as const;
type Kind = (typeof KINDS)[number];
const KIND_NAMES: Record<Kind, string> = { all: 'All', chat: 'Chat', events: 'Events' };

const ICONS: Record<MomentKind, string> = {
  chat: 'chat',
  event: 'info',
  pause: 'pause-circle',
  consent: 'shield',
};

/**
 * What was written and what happened, in step with playback; a line chosen is sought.
 *
 * @fires replay-seek - the person chose a line; `detail` is session time in ms
 */
export class ReplayMoments extends LitElement {
  static override properties = {
    moments: { attribute: false },
    currentMs: { attribute: false },
    search: { state: true },
    kind: { state: true },
  };
  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-block-size: 0;
        block-size: 100%;
        font-size: var(--v-text-sm);
      }
      .tools {
        display: grid;
        gap: var(--v-s2);
        padding: var(--v-s3);
        border-block-end: 1px solid var(--v-line);
      }
      .field {
        position: relative;
        display: block;
        --vt-icon-size: 18px;
      }
      .field vt-icon {
        position: absolute;
        inset-block-start: 50%;
        inset-inline-start: var(--v-s3);
        translate: 0 -50%;
        color: var(--v-muted);
      }
      input {
        inline-size: 100%;
        min-block-size: var(--v-target);
        padding-inline: 40px var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: inherit;
        font: inherit;
      }
      .kinds {
        display: flex;
        align-items: center;
        gap: var(--v-s1);
      }
      .kinds button {
        min-block-size: 28px;
        padding-inline: var(--v-s3);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius-full);
        background: none;
        color: inherit;
        font: 600 var(--v-text-xs) / 1 var(--v-font);
        cursor: pointer;
      }
      .kinds button[aria-pressed='true'] {
        border-color: var(--v-accent);
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      .found {
        margin-inline-start: auto;
        color: var(--v-muted);
        font-size: var(--v-text-xs);
      }
      ol {
        position: relative;
        flex: 1;
        min-block-size: 0;
        overflow-y: auto;
        padding: var(--v-s2);
        list-style: none;
        overscroll-behavior: contain;
      }
      li button {
        display: grid;
        grid-template-columns: 3.6em 18px minmax(0, 1fr);
        gap: var(--v-s2);
        inline-size: 100%;
        min-block-size: 32px;
        padding: var(--v-s1) var(--v-s2);
        border: 0;
        border-inline-start: 3px solid transparent;
        border-radius: var(--v-radius-sm);
        background: none;
        color: inherit;
        font: inherit;
        text-align: start;
        cursor: pointer;
        --vt-icon-size: 16px;
      }
      li button:focus-visible {
        outline-offset: -2px;
      }
      @media (hover: hover) {
        li button:hover {
          background: var(--v-hover);
        }
      }
      li button[aria-current='true'] {
        border-inline-start-color: var(--v-accent);
        background: var(--v-accent-soft);
        color: var(--v-on-accent-soft);
      }
      .time {
        font-variant-numeric: tabular-nums;
        text-align: end;
        opacity: 0.85;
      }
      vt-icon {
        margin-block-start: 2px;
      }
      .text {
        overflow-wrap: anywhere;
      }
      .words {
        white-space: pre-line;
      }
      .who {
        display: block;
        font-size: var(--v-text-xs);
        font-weight: 600;
      }
      .who::before {
        content: '';
        display: inline-block;
        inline-size: 8px;
        block-size: 8px;
        margin-inline-end: 6px;
        border-radius: 2px;
        background: var(--v-muted);
      }
      .who.agent::before {
        background: var(--replay-agent);
      }
      .who.buyer::before {
        background: var(--replay-buyer);
      }
      .event .text,
      .pause .text,
      .consent .text {
        font-style: italic;
      }
      .empty {
        padding: var(--v-s5) var(--v-s4);
        color: var(--v-muted);
        text-align: center;
      }
    `,
  ];

  declare moments: readonly Moment[];
  declare currentMs: number;
  declare search: string;
  declare kind: Kind;

  #shown: readonly Moment[] = [];
  #current = '';

  constructor() {
    super();
    this.moments = [];
    this.currentMs = 0;
    this.search = '';
    this.kind = 'all';
  }

  override willUpdate(changed: PropertyValues<this>) {
    if (changed.has('moments') || changed.has('search') || changed.has('kind')) {
      const { kind } = this;
      const wanted = this.moments.filter(
        (moment) => kind === 'all' || (moment.kind === 'chat') === (kind === 'chat'),
      );
      this.#shown = matching(wanted, this.search);
    }
    this.#current = this.#shown[currentIndex(this.#shown, this.currentMs)]?.id ?? '';
  }

  override render() {
    const searching = this.search.trim() !== '';
    return html`<div class="tools">
        <label class="field">
          <span class="sr-only">Search in chat and events</span>
          <vt-icon name="search"></vt-icon>
          <input
            type="search"
            dir="auto"
            placeholder="Search in chat and events"
            data-testid="moments-search"
            .value=${this.search}
            @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
          />
        </label>
        <div class="kinds" role="group" aria-label="What is listed">
          ${KINDS.map(
            (kind) =>
              html`<button aria-pressed=${this.kind === kind ? 'true' : 'false'} @click=${() => (this.kind = kind)}>${KIND_NAMES[kind]}</button>`,
          )}
          <span class="found" role="status">${searching ? `${this.#shown.length} found` : nothing}</span>
        </div>
      </div>
      ${guard([this.#shown, this.#current], () => this.#list(searching))}`;
  }

  override updated(changed: PropertyValues<this>) {
    if (changed.has('currentMs')) this.#follow();
  }

  #list(searching: boolean) {
    if (this.#shown.length === 0) {
      return html`<p class="empty">${searching ? 'Nothing here matches.' : this.kind === 'chat' ? 'Nobody wrote anything in this call.' : 'Nothing happened besides talking.'}</p>`;
    }
    return html`<ol>
      ${this.#shown.map(
        (moment) => html`<li class=${moment.kind}>
          <button
            data-testid="moment"
            data-id=${moment.id}
            aria-current=${moment.id === this.#current ? 'true' : nothing}
            @click=${() => this.#go(moment)}
          >
            <span class="time">
              ${
                moment.atMs < 0
                  ? html`<span aria-label="Before the recording" title="Before the recording began">before</span>`
                  : html`<span aria-label=${spokenTime(moment.atMs)}>${clockTime(moment.atMs)}</span>`
              }
            </span>
            <vt-icon name=${ICONS[moment.kind]}></vt-icon>
            <span class="text">
              ${moment.who === '' ? nothing : html`<span class="who ${moment.side ?? ''}"><bdi>${moment.who}</bdi></span>`}<bdi class="words" dir="auto">${moment.text}</bdi>
            </span>
          </button>
        </li>`,
      )}
    </ol>`;
  }

  /** Keeps the present line in sight, unless somebody is at work in the list. */
  #follow() {
    const list = this.renderRoot.querySelector('ol');
    if (list === null || list.matches(':hover') || list.contains(this.shadowRoot?.activeElement ?? null))
      return;
    const line = list.querySelector<HTMLElement>('[aria-current]');
    if (line === null) return;
    const middle = line.offsetTop - (list.clientHeight - line.offsetHeight) / 2;
    const visible =
      line.offsetTop >= list.scrollTop &&
      line.offsetTop + line.offsetHeight <= list.scrollTop + list.clientHeight;
    // Only this list scrolls; `scrollIntoView` would move the page, too.
    if (!visible) list.scrollTop = middle;
  }

  #go(moment: Moment) {
    this.dispatchEvent(new CustomEvent<number>('replay-seek', { detail: Math.max(0, moment.atMs) }));
  }
}

define('replay-moments', ReplayMoments);

declare global {
  interface HTMLElementTagNameMap {
    'replay-moments': ReplayMoments;
  }
}
