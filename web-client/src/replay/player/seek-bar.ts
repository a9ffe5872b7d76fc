import { css, html, LitElement } from 'lit';
import { guard } from 'lit/directives/guard.js';

import { base } from '../../design/base.ts';
import { define } from '../../elements/define.ts';
import { clockTime, spokenTime } from '../../staff/format.ts';
import type { Span } from '../engine/timeline.ts';

/**
 * The seek bar of the whole recording, with what is skipped and what part the timeline shows.
 *
 * @fires replay-seek - the person chose a moment; `detail` is session time in ms
 */
export class ReplaySeekBar extends LitElement {
  static override properties = {
    currentMs: { attribute: false },
    durationMs: { attribute: false },
    skips: { attribute: false },
    shown: { attribute: false },
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
      .marks {
        position: absolute;
        inset-inline: 9px;
        inset-block: 0;
        pointer-events: none;
      }
      .skip {
        position: absolute;
        inset-block-start: 17px;
        block-size: 3px;
        border-radius: 2px;
        background: repeating-linear-gradient(90deg, var(--v-text) 0 2px, transparent 2px 5px);
      }
      .shown {
        position: absolute;
        inset-block: 4px;
        border: 2px solid var(--v-accent);
        border-block-width: 0;
        border-radius: 3px;
        opacity: 0.7;
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
      .hover {
        position: absolute;
        inset-block-end: 100%;
        z-index: 1;
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
  /** Stretches that are left out. */
  declare skips: readonly Span[];
  /** The part that the timeline shows, when it is not the whole. */
  declare shown: Span | undefined;
  #hoverMs: number | undefined;

  constructor() {
    super();
    this.currentMs = 0;
    this.durationMs = 0;
    this.skips = [];
    this.shown = undefined;
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
    const place = ({ startMs, endMs }: Span): string =>
      `left:${percent(startMs)};width:${percent(endMs - startMs)}`;
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
      ${guard(
        [this.skips, this.shown, duration],
        () => html`<div class="marks" aria-hidden="true">
          ${this.skips.map((skip) => html`<div class="skip" style=${place(skip)}></div>`)}
          ${this.shown === undefined ? '' : html`<div class="shown" style=${place(this.shown)}></div>`}
        </div>`,
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
    const ms = Number((event.target as HTMLInputElement).value);
    this.dispatchEvent(new CustomEvent<number>('replay-seek', { detail: ms }));
  }

  /** Arrows and page keys do what they do everywhere on the page, not the slider's own tenths of a second. */
  #onKey(event: KeyboardEvent) {
    if (event.key.startsWith('Arrow') || event.key === 'PageUp' || event.key === 'PageDown') {
      event.preventDefault();
    }
  }
}

define('replay-seek-bar', ReplaySeekBar);

declare global {
  interface HTMLElementTagNameMap {
    'replay-seek-bar': ReplaySeekBar;
  }
}
