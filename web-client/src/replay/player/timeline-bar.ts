import { css, html, LitElement, nothing } from 'lit';
import { guard } from 'lit/directives/guard.js';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import { clockTime, spokenTime } from '../../staff/format.ts';
import type { Lane } from './lanes.ts';
import type { TimelineMarker } from './marker.ts';

/**
 * The seek bar, with rows that show when each side was heard and seen.
 *
 * Markers can be clicked here; who uses no pointer finds the same things in a list beside the player, so they are no
 * stops of the tab key.
 *
 * @fires replay-seek - the person chose a moment; `detail` is session time in ms
 * @fires replay-marker - the person picked a marker (it has been sought, too); `detail` is its id
 */
export class ReplayTimeline extends LitElement {
  static override properties = {
    currentMs: { attribute: false },
    durationMs: { attribute: false },
    lanes: { attribute: false },
    markers: { attribute: false },
  };
  static override styles = [
    base,
    css`
      :host {
        display: block;
      }
      /* Time runs from left to right in every language, as players everywhere show it. */
      .all {
        position: relative;
        direction: ltr;
      }
      .lanes {
        display: grid;
        gap: 3px;
        padding-block: 6px 4px;
      }
      .lane {
        position: relative;
        block-size: 6px;
        overflow: hidden;
        border-radius: 3px;
        background: var(--v-hover);
      }
      .span {
        position: absolute;
        inset-block: 0;
        border-radius: 3px;
        min-inline-size: 2px;
      }
      .buyer .span {
        background: var(--replay-buyer);
      }
      .agent .span {
        background: var(--replay-agent);
      }
      .markers {
        position: relative;
        block-size: 14px;
        margin-inline: 9px;
      }
      .marker {
        position: absolute;
        inset-block: 0;
        min-inline-size: 12px;
        margin-inline-start: -6px;
        cursor: pointer;
      }
      .marker::before {
        content: '';
        position: absolute;
        inset-block: 2px;
        inset-inline: 1px;
        border: 2px solid var(--v-surface);
        border-radius: 5px;
        background: var(--v-accent);
        box-shadow: 0 0 0 1px var(--v-accent);
      }
      .marker.bookmark::before {
        border-radius: 0 5px 5px;
        background: var(--v-surface);
      }
      .marker.score::before {
        border-radius: 2px;
      }
      .marker:hover::before {
        background: var(--v-accent-hover);
      }
      input {
        display: block;
        inline-size: 100%;
        block-size: 24px;
        margin: 0;
        appearance: none;
        background: none;
        cursor: pointer;
        touch-action: none;
      }
      input::-webkit-slider-runnable-track {
        block-size: 6px;
        border-radius: 3px;
        background: linear-gradient(
          to right,
          var(--v-accent) var(--played),
          var(--v-line-strong) var(--played)
        );
      }
      input::-moz-range-track {
        block-size: 6px;
        border-radius: 3px;
        background: var(--v-line-strong);
      }
      input::-moz-range-progress {
        block-size: 6px;
        border-radius: 3px;
        background: var(--v-accent);
      }
      input::-webkit-slider-thumb {
        appearance: none;
        inline-size: 18px;
        block-size: 18px;
        margin-block-start: -6px;
        border: 3px solid var(--v-surface);
        border-radius: 50%;
        background: var(--v-accent);
        box-shadow: var(--v-shadow-1);
      }
      input::-moz-range-thumb {
        inline-size: 14px;
        block-size: 14px;
        border: 3px solid var(--v-surface);
        border-radius: 50%;
        background: var(--v-accent);
      }
      .head {
        position: absolute;
        inset-block: 20px 0;
        inline-size: 2px;
        margin-inline-start: -1px;
        background: var(--v-text);
        pointer-events: none;
      }
      .hover {
        position: absolute;
        inset-block-end: 100%;
        translate: -50% 0;
        padding: 2px 8px;
        border-radius: var(--v-radius-sm);
        background: var(--v-text);
        color: var(--v-surface);
        font: 600 var(--v-text-xs) / 1.6 var(--v-font);
        font-variant-numeric: tabular-nums;
        pointer-events: none;
        visibility: hidden;
      }
      .all:hover .hover.on {
        visibility: visible;
      }
    `,
  ];

  declare currentMs: number;
  declare durationMs: number;
  declare lanes: readonly Lane[];
  declare markers: readonly TimelineMarker[];
  #hoverMs: number | undefined;

  constructor() {
    super();
    this.currentMs = 0;
    this.durationMs = 0;
    this.lanes = [];
    this.markers = [];
  }

  override render() {
    const duration = Math.max(1, this.durationMs);
    const percent = (ms: number): string =>
      `${Math.min(100, Math.max(0, (ms / duration) * 100)).toFixed(3)}%`;
    // The thumb is 18 px wide and stays inside: its centre is not at the plain percentage.
    const centre = (ms: number): string => {
      const share = Math.min(1, Math.max(0, ms / duration));
      return `calc(9px + (100% - 18px) * ${share.toFixed(5)})`;
    };
    const hover = this.#hoverMs;
    return html`<div class="all" @pointermove=${this.#onMove} @pointerleave=${this.#onLeave}>
      <div class="hover ${hover === undefined ? '' : 'on'}" style="left:${centre(hover ?? 0)}" aria-hidden="true">
        ${clockTime(hover ?? 0)}
      </div>
      <input
        type="range"
        data-testid="seek"
        aria-label="Place in the recording"
        aria-valuetext=${`${spokenTime(this.currentMs)} of ${spokenTime(this.durationMs)}`}
        min="0"
        max=${duration}
        step="100"
        style="--played:${percent(this.currentMs)}"
        .value=${String(Math.round(this.currentMs))}
        @input=${this.#onInput}
        @keydown=${this.#onKey}
      />
      <div class="lanes" style="margin-inline:9px" @click=${this.#onClick} aria-hidden="true">
        ${guard([this.lanes, this.durationMs], () =>
          this.lanes.map(
            (lane) => html`<div class="lane ${lane.tone}" title=${lane.label}>
              ${lane.spans.map(
                (span) =>
                  html`<div class="span" style="left:${percent(span.startMs)};width:${percent(span.endMs - span.startMs)}"></div>`,
              )}
            </div>`,
          ),
        )}
      </div>
      ${guard([this.markers, this.durationMs], () => this.#markers(percent))}
      <div class="head" style="left:${centre(this.currentMs)}" aria-hidden="true"></div>
    </div>`;
  }

  #markers(percent: (ms: number) => string) {
    if (this.markers.length === 0) return nothing;
    return html`<div class="markers" aria-hidden="true">
      ${this.markers.map(
        (marker) =>
          html`<div
            class="marker ${marker.kind}"
            style="left:${percent(marker.atMs)};width:${percent((marker.endMs ?? marker.atMs) - marker.atMs)}"
            title=${marker.label}
            data-testid="marker"
            @click=${() => this.#pick(marker)}
          ></div>`,
      )}
    </div>`;
  }

  #at(event: PointerEvent | MouseEvent): number {
    const box = this.getBoundingClientRect();
    const share = (event.clientX - box.left - 9) / Math.max(1, box.width - 18);
    return Math.min(1, Math.max(0, share)) * this.durationMs;
  }

  #onMove(event: PointerEvent) {
    this.#hoverMs = event.pointerType === 'touch' ? undefined : this.#at(event);
    this.requestUpdate();
  }

  #onLeave() {
    this.#hoverMs = undefined;
    this.requestUpdate();
  }

  #onInput(event: Event) {
    this.#seek(Number((event.target as HTMLInputElement).value));
  }

  /** Arrows move by 5 s, as everywhere on the page, not by the slider's own tenth of a second. */
  #onKey(event: KeyboardEvent) {
    if (event.key.startsWith('Arrow') || event.key === 'PageUp' || event.key === 'PageDown') {
      event.preventDefault();
    }
  }

  #onClick(event: MouseEvent) {
    this.#seek(this.#at(event));
  }

  #pick(marker: TimelineMarker) {
    this.#seek(marker.atMs);
    this.dispatchEvent(
      new CustomEvent<string>('replay-marker', { detail: marker.id, bubbles: true, composed: true }),
    );
  }

  #seek(ms: number) {
    this.dispatchEvent(new CustomEvent<number>('replay-seek', { detail: ms }));
  }
}

define('replay-timeline', ReplayTimeline);

declare global {
  interface HTMLElementTagNameMap {
    'replay-timeline': ReplayTimeline;
  }
}
