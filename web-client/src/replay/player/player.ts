import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { Recording } from '../../protocol.ts';
import { clockTime } from '../../staff/format.ts';
import '../../staff/icons.ts';
import { RATES, ReplayEngine } from '../engine/engine.ts';
import { openingMs } from '../engine/opening.ts';
import './tile.ts';
import { type Lane, lanesOf } from './lanes.ts';
import type { TimelineMarker } from './marker.ts';
import './timeline-bar.ts';

/**
 * Plays both sides of a recording in step.
 *
 * @fires replay-moved - paused or sought: a good time to remember the place; `detail` is session time in ms
 * @fires replay-marker - a marker on the timeline was picked; `detail` is its id
 */
export class ReplayPlayer extends LitElement {
  static override properties = {
    recording: { attribute: false },
    startMs: { attribute: false },
    markers: { attribute: false },
  };
  static override styles = [
    base,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
        min-inline-size: 0;
        --replay-buyer: light-dark(#c2703a, #e9a06e);
        --replay-agent: light-dark(#0b7a72, #4fbfb3);
      }
      .sides {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--v-s3);
      }
      .controls {
        padding: var(--v-s3) var(--v-s4);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s2);
        margin-block-start: var(--v-s2);
      }
      .time {
        direction: ltr;
        font-size: var(--v-text-sm);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      .time span {
        color: var(--v-muted);
      }
      .space {
        flex: 1;
      }
      label {
        display: inline-flex;
        align-items: center;
        gap: var(--v-s2);
        font-size: var(--v-text-sm);
      }
      select {
        min-block-size: var(--v-target);
        padding-inline: var(--v-s2);
        border: 1px solid var(--v-line-strong);
        border-radius: var(--v-radius);
        background: var(--v-surface);
        color: inherit;
        font: inherit;
      }
      @media (max-width: 720px) {
        .sides {
          grid-template-columns: 1fr;
        }
        .controls {
          position: sticky;
          inset-block-end: 0;
          z-index: 5;
          padding: var(--v-s2) var(--v-s3);
        }
        .speed span {
          position: absolute;
          clip-path: inset(50%);
        }
      }
    `,
  ];

  declare recording: Recording | undefined;
  /** Where to begin, ms of session time; read when a recording is shown for the first time. */
  declare startMs: number;
  /** Shown on the timeline. */
  declare markers: readonly TimelineMarker[];

  readonly #engine = new ReplayEngine();
  #frame = 0;
  #lanes: readonly Lane[] = [];
  #shownId: string | undefined;

  constructor() {
    super();
    this.recording = undefined;
    this.startMs = 0;
    this.markers = [];
    this.#engine.addEventListener('change', () => this.#changed());
  }

  /** Session time now, ms. */
  get currentTimeMs(): number {
    return this.#engine.currentTimeMs;
  }

  /** Length of the session timeline, ms. */
  get durationMs(): number {
    return this.#engine.durationMs;
  }

  /** Whether it plays or would if its data were there. */
  get playing(): boolean {
    return this.#engine.playing;
  }

  /** Whether it stands because data is on its way. */
  get waiting(): boolean {
    return this.#engine.waiting;
  }

  /** The engine, for what this element does not offer. */
  get engine(): ReplayEngine {
    return this.#engine;
  }

  play(): void {
    this.#engine.play();
  }

  pause(): void {
    this.#engine.pause();
    this.#moved();
  }

  toggle(): void {
    if (this.#engine.playing) this.pause();
    else this.play();
  }

  /** Goes to a session time, ms. */
  seek(ms: number): void {
    this.#engine.seek(ms);
    this.#moved();
  }

  /** Goes forward (or back) by some time, ms. */
  skip(byMs: number): void {
    this.seek(this.currentTimeMs + byMs);
  }

  /** One speed faster (1) or slower (-1). */
  changeRate(by: 1 | -1): void {
    const at = RATES.findIndex((rate) => rate >= this.#engine.rate);
    const rate = RATES[Math.min(RATES.length - 1, Math.max(0, at + by))];
    if (rate !== undefined) this.#engine.rate = rate;
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#engine.dispose();
    this.#shownId = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    const recording = this.recording;
    if (changed.has('recording') && recording !== undefined) {
      const first = this.#shownId !== recording.summary.id;
      if (first) this.#engine.dispose();
      this.#engine.load(recording);
      this.#lanes = lanesOf(this.#engine.players, this.#engine.durationMs);
      if (first) {
        this.#shownId = recording.summary.id;
        this.#engine.seek(this.startMs > 0 ? this.startMs : openingMs(recording.tracks));
      }
    }
  }

  override render() {
    const engine = this.#engine;
    const duration = engine.durationMs;
    return html`
      ${
        engine.playBlocked
          ? html`<vt-banner tone="warn">
              Your browser wants a click before it plays sound.
              <div slot="actions"><vt-button size="sm" icon="play" @click=${() => this.play()}>Play</vt-button></div>
            </vt-banner>`
          : nothing
      }
      <div class="sides">
        <replay-tile side="agent" .engine=${engine}></replay-tile>
        <replay-tile side="buyer" .engine=${engine}></replay-tile>
      </div>
      <div class="controls">
        <replay-timeline
          .currentMs=${engine.currentTimeMs}
          .durationMs=${duration}
          .lanes=${this.#lanes}
          .markers=${this.markers}
          @replay-seek=${(event: CustomEvent<number>) => this.seek(event.detail)}
        ></replay-timeline>
        <div class="buttons">
          <vt-button
            variant="primary"
            icon=${engine.playing ? 'pause' : 'play'}
            label=${engine.playing ? 'Pause' : 'Play'}
            data-testid="play"
            ?data-waiting=${engine.waiting}
            @click=${() => this.toggle()}
          ></vt-button>
          <vt-button variant="quiet" icon="skip-back" label="Back 10 seconds" @click=${() => this.skip(-10_000)}></vt-button>
          <vt-button variant="quiet" icon="skip-forward" label="Forward 10 seconds" @click=${() => this.skip(10_000)}></vt-button>
          <span class="time" data-testid="time">
            ${clockTime(engine.currentTimeMs)} <span>/ ${clockTime(duration)}</span>
          </span>
          <span class="space"></span>
          <slot name="controls"></slot>
          <label class="speed">
            <span>Speed</span>
            <select aria-label="Speed" data-testid="rate" @change=${this.#onRate}>
              ${RATES.map((rate) => html`<option value=${rate} ?selected=${rate === engine.rate}>${rate}×</option>`)}
            </select>
          </label>
        </div>
      </div>
    `;
  }

  override updated() {
    const select = this.renderRoot.querySelector('select');
    if (select !== null) select.value = String(this.#engine.rate);
  }

  #onRate(event: Event) {
    this.#engine.rate = Number((event.target as HTMLSelectElement).value);
  }

  /** The tiles show states of the engine that are no properties of theirs. */
  #changed() {
    this.requestUpdate();
    for (const tile of this.renderRoot.querySelectorAll('replay-tile')) tile.requestUpdate();
    if (this.#engine.playing && this.#frame === 0 && this.isConnected) {
      this.#frame = requestAnimationFrame(this.#onFrame);
    }
  }

  readonly #onFrame = (): void => {
    this.#frame = 0;
    this.requestUpdate();
    if (this.#engine.playing && this.isConnected) {
      this.#frame = requestAnimationFrame(this.#onFrame);
    }
  };

  #moved() {
    this.dispatchEvent(new CustomEvent<number>('replay-moved', { detail: this.currentTimeMs }));
  }
}

define('replay-player', ReplayPlayer);

declare global {
  interface HTMLElementTagNameMap {
    'replay-player': ReplayPlayer;
  }
}
