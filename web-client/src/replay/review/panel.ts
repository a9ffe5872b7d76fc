import { css, html, LitElement } from 'lit';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import '../../staff/icons.ts';
import type { TimelineMarker } from '../player/marker.ts';
import './board.ts';
import './comments.ts';
import './icons.ts';

const TABS = ['call', 'score', 'comments'] as const;
type Tab = (typeof TABS)[number];
const TITLES: Record<Tab, string> = { call: 'Call', score: 'Score', comments: 'Comments' };
/** Which one was open last, for the next recording. */
const REMEMBERED = 'vitrine-review-tab';

/**
 * What stands beside the player: the call, its scores, its comments.
 *
 * @slot call - what is known about the call
 * @fires review-seek - a moment was asked for; `detail` is session time in ms
 * @fires review-markers - what belongs on the timeline; `detail` is a list of {@link TimelineMarker}
 * @fires replay-message - something to show for a moment; `detail` is the text
 */
export class ReviewPanel extends LitElement {
  static override properties = {
    recordingId: { type: String },
    reviewId: { type: String },
    timeMs: { attribute: false },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
        min-inline-size: 0;
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .tabs {
        display: flex;
        border-block-end: 1px solid var(--v-line);
      }
      .tabs button {
        flex: 1;
        min-block-size: 44px;
        padding-inline: var(--v-s2);
        border: 0;
        border-block-end: 3px solid transparent;
        background: none;
        color: var(--v-muted);
        font: 600 var(--v-text-sm) / 1.3 var(--v-font);
        cursor: pointer;
      }
      .tabs button[aria-selected='true'] {
        border-block-end-color: var(--v-accent);
        color: var(--v-text);
      }
      .tabs button:hover {
        background: var(--v-hover);
      }
      .tabs button:focus-visible {
        outline-offset: -2px;
      }
      .pane {
        padding: var(--v-s4);
      }
      .pane:focus-visible {
        outline-offset: -2px;
      }
    `,
  ];

  declare recordingId: string;
  /** A review to open at the beginning. */
  declare reviewId: string;
  /** The moment that is being watched, ms of session time. */
  declare timeMs: () => number;

  #tab: Tab = remembered();
  #open = 0;

  constructor() {
    super();
    this.recordingId = '';
    this.reviewId = '';
    this.timeMs = () => 0;
  }

  override willUpdate(changed: Map<PropertyKey, unknown>) {
    if (changed.has('reviewId') && this.reviewId !== '') this.#tab = 'score';
  }

  /** A marker on the timeline was picked. */
  pick(id: string): void {
    this.#select('comments');
    void this.updateComplete.then(() => this.#comments?.pick(id));
  }

  /** Begins a comment at the present moment. */
  comment(): void {
    this.#select('comments');
    void this.updateComplete.then(() => this.#comments?.begin());
  }

  get #comments(): HTMLElementTagNameMap['review-comments'] | null {
    return this.renderRoot.querySelector('review-comments');
  }

  override render() {
    return html`<div class="tabs" role="tablist" aria-label="About this recording" @keydown=${this.#onKey}>
        ${TABS.map(
          (tab) => html`<button
            type="button"
            role="tab"
            id=${`tab-${tab}`}
            aria-controls=${`pane-${tab}`}
            aria-selected=${this.#tab === tab ? 'true' : 'false'}
            tabindex=${this.#tab === tab ? 0 : -1}
            data-testid=${`tab-${tab}`}
            @click=${() => this.#select(tab)}
          >
            ${TITLES[tab]}${tab === 'comments' && this.#open > 0 ? ` (${this.#open})` : ''}
          </button>`,
        )}
      </div>
      ${this.#pane('call', html`<slot name="call"></slot>`)}
      ${this.#pane(
        'score',
        html`<review-scores
          recordingId=${this.recordingId}
          reviewId=${this.reviewId}
          .timeMs=${this.timeMs}
          @review-submitted=${() => this.#comments?.load()}
        ></review-scores>`,
      )}
      ${this.#pane(
        'comments',
        html`<review-comments
          recordingId=${this.recordingId}
          .timeMs=${this.timeMs}
          @review-markers=${this.#onMarkers}
        ></review-comments>`,
      )}`;
  }

  #pane(tab: Tab, content: unknown) {
    return html`<div
      class="pane"
      role="tabpanel"
      id=${`pane-${tab}`}
      aria-labelledby=${`tab-${tab}`}
      ?hidden=${this.#tab !== tab}
    >
      ${content}
    </div>`;
  }

  readonly #onMarkers = (event: CustomEvent<TimelineMarker[]>): void => {
    this.#open = event.detail.length;
    this.requestUpdate();
    this.dispatchEvent(new CustomEvent('review-markers', { detail: event.detail }));
  };

  /** Arrows choose a tab; the player must not hear them. */
  readonly #onKey = (event: KeyboardEvent): void => {
    const rtl = getComputedStyle(this).direction === 'rtl';
    const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[event.key];
    const at = TABS.indexOf(this.#tab);
    const tab = step === undefined ? undefined : TABS[(at + step + TABS.length) % TABS.length];
    if (tab === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.#select(tab);
    void this.updateComplete.then(() => this.renderRoot.querySelector<HTMLElement>(`#tab-${tab}`)?.focus());
  };

  #select(tab: Tab) {
    this.#tab = tab;
    try {
      sessionStorage.setItem(REMEMBERED, tab);
    } catch {
      // It is a convenience; browsers may forbid storage.
    }
    this.requestUpdate();
  }
}

function remembered(): Tab {
  try {
    const tab = sessionStorage.getItem(REMEMBERED);
    return TABS.find((known) => known === tab) ?? 'call';
  } catch {
    return 'call';
  }
}

define('review-panel', ReviewPanel);

declare global {
  interface HTMLElementTagNameMap {
    'review-panel': ReviewPanel;
  }
}
