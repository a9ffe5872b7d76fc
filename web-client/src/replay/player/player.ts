import { css, html, LitElement, nothing, type PropertyValues } from 'lit';

import { base } from '../../design/base.ts';
import '../../elements/banner/banner.ts';
import '../../elements/button/button.ts';
import { define } from '../../elements/define.ts';
import type { RecordedSide, Recording } from '../../protocol.ts';
import { clockTime } from '../../staff/format.ts';
import { picturesOf, RATES, ReplayEngine } from '../engine/engine.ts';
import { openingMs } from '../engine/opening.ts';
import type { Span } from '../engine/timeline.ts';
import { controlStyles, controls } from './controls.ts';
import type { ReplayData } from './data.ts';
import './figures.ts';
import type { Command } from './keys.ts';
import { type Lane, lanesOf } from './lanes.ts';
import type { TimelineMarker } from './marker.ts';
import { browserStore, keepLooks, keepPlace, type Looks, recallLooks, recallPlace, VIEWS } from './memory.ts';
import { type Moment, momentsOf, neighbour } from './moments.ts';
import { absenceNote } from './notes.ts';
import './seek-bar.ts';
import './tile.ts';
import { type Stretch, stretchesOf } from './timeline/stretches.ts';
import './timeline/timeline.ts';

const SIDES: readonly RecordedSide[] = ['agent', 'buyer'];

/** While playing the place is remembered this often, ms. */
const REMEMBER_MS = 5_000;

/** Whoever listens is told the time this often while it passes, ms. */
const TELL_MS = 250;

/** How long it says what was skipped, ms. */
const SKIP_NOTE_MS = 2_500;

/**
 * Plays both sides of a recording in step.
 *
 * @slot controls - more buttons
 * @fires replay-moved - paused or sought: a good time to remember the place; `detail` is session time in ms
 * @fires replay-time - time has passed, a few times a second; `detail` is session time in ms
 * @fires replay-marker - a marker on the timeline was picked; `detail` is its id
 * @fires replay-copy-link - the person wants a link to this moment
 */
export class ReplayPlayer extends LitElement {
  static override properties = {
    recording: { attribute: false },
    data: { attribute: false },
    startMs: { attribute: false },
    markers: { attribute: false },
  };
  static override styles = [
    base,
    controlStyles,
    css`
      :host {
        display: grid;
        gap: var(--v-s3);
        min-inline-size: 0;
      }
      .sides {
        position: relative;
        display: grid;
        gap: var(--v-s3);
        align-items: start;
      }
      .sides.beside {
        grid-template-columns: 1fr 1fr;
      }
      .sides.main {
        grid-template-columns: minmax(0, 3fr) minmax(0, 1fr);
      }
      .sides .first {
        order: -1;
      }
      .sides.corner .second {
        position: absolute;
        inset-block-start: var(--v-s3);
        inset-inline-end: var(--v-s3);
        z-index: 4;
        inline-size: clamp(112px, 26%, 300px);
        border-radius: var(--v-radius);
        box-shadow: 0 0 0 2px rgb(255 255 255 / 0.75);
      }
      .said {
        position: absolute;
        inset-block-start: var(--v-s3);
        inset-inline: 0;
        z-index: 5;
        inline-size: fit-content;
        margin-inline: auto;
        padding: var(--v-s1) var(--v-s3);
        border-radius: var(--v-radius-full);
        background: rgb(14 19 20 / 0.86);
        color: var(--v-on-stage);
        font-size: var(--v-text-sm);
        font-weight: 600;
        pointer-events: none;
      }
      .controls {
        padding: var(--v-s3) var(--v-s4);
        border: 1px solid var(--v-line);
        border-radius: var(--v-radius);
        background: var(--v-surface);
      }
      .resumed {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--v-s1) var(--v-s2);
        color: var(--v-muted);
        font-size: var(--v-text-sm);
      }
      @media (max-width: 720px) {
        .sides.beside {
          grid-template-columns: 1fr;
        }
        .controls {
          position: sticky;
          inset-block-end: 0;
          z-index: 6;
          padding: var(--v-s2) var(--v-s3);
        }
        .fine {
          display: none;
        }
      }
      :host(:fullscreen) {
        grid-template-rows: minmax(0, 1fr) auto;
        gap: 0;
        padding: 0;
        background: var(--v-stage);
      }
      :host(:fullscreen) .sides {
        align-items: stretch;
        min-block-size: 0;
        --replay-tile-size: 100%;
        --replay-tile-ratio: auto;
      }
      :host(:fullscreen) .sides.main {
        grid-template-columns: minmax(0, 4fr) minmax(0, 1fr);
      }
      :host(:fullscreen) .sides.main .second,
      :host(:fullscreen) .sides.corner .second {
        align-self: end;
        --replay-tile-size: auto;
        --replay-tile-ratio: 4 / 3;
      }
      :host(:fullscreen) .controls {
        position: static;
        border-radius: 0;
      }
      :host(:fullscreen) replay-timeline,
      :host(:fullscreen) replay-figures {
        display: none;
      }
    `,
  ];

  declare recording: Recording | undefined;
  /** What lies on the timeline besides the media; may come later. */
  declare data: ReplayData | undefined;
  /** Where to begin, ms of session time; read when a recording is shown for the first time. */
  declare startMs: number;
  /** Shown on the timeline. */
  declare markers: readonly TimelineMarker[];

  readonly #engine = new ReplayEngine();
  readonly #store = browserStore();
  #looks: Looks = recallLooks(this.#store);
  #frame = 0;
  #seen: readonly Lane[] = [];
  #stretches: readonly Stretch[] = [];
  #moments: readonly Moment[] = [];
  #shown: Span | undefined;
  #shownId: string | undefined;
  #resumedAt: number | undefined;
  #rememberedAt = 0;
  #toldAt = 0;
  #said = '';
  #saidTimer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.recording = undefined;
    this.data = undefined;
    this.startMs = 0;
    this.markers = [];
    this.#engine.skipping = this.#looks.skipSilence;
    this.#engine.addEventListener('change', () => this.#changed());
    this.#engine.addEventListener('skip', (event) => this.#skipped((event as CustomEvent<Span>).detail));
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

  /** Whether it fills the screen. */
  get fullscreen(): boolean {
    return this.matches(':fullscreen');
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

  /** Stands at the next or previous frame of the large picture. */
  async stepFrame(direction: 1 | -1): Promise<void> {
    const side = SIDES.find((one) => one === this.#looks.first);
    const other = SIDES.find((one) => one !== this.#looks.first);
    const pictures = [side, other].flatMap((one) => {
      const main = one === undefined ? undefined : picturesOf(this.#engine.players, one).main;
      return main?.state === 'showing' ? [main] : [];
    });
    await this.#engine.stepFrame(direction, pictures[0]);
    this.#moved();
  }

  setRate(rate: number): void {
    this.#engine.rate = RATES.find((one) => one === rate) ?? 1;
  }

  /** One speed faster (1) or slower (-1). */
  changeRate(by: 1 | -1): void {
    const at = RATES.findIndex((rate) => rate >= this.#engine.rate);
    const rate = RATES[Math.min(RATES.length - 1, Math.max(0, at + by))];
    if (rate !== undefined) this.#engine.rate = rate;
  }

  setSkipping(on: boolean): void {
    this.#engine.skipping = on;
    this.#look({ ...this.#looks, skipSilence: on });
  }

  setView(name: string): void {
    const view = VIEWS.find((one) => one === name);
    if (view !== undefined) this.#look({ ...this.#looks, view });
  }

  /** The side that was second is first. */
  swap(): void {
    this.#look({ ...this.#looks, first: this.#looks.first === 'agent' ? 'buyer' : 'agent' });
  }

  toggleFullscreen(): void {
    // Refused when no key or click asked for it; then it stays as it is.
    const change = this.fullscreen ? document.exitFullscreen() : this.requestFullscreen();
    void change.catch(() => undefined);
  }

  /** Does what a key means. */
  command(command: Command): void {
    const engine = this.#engine;
    const timeline = this.renderRoot.querySelector('replay-timeline');
    switch (command.do) {
      case 'toggle':
        this.toggle();
        break;
      case 'skip':
        this.skip(command.byMs);
        break;
      case 'frame':
        void this.stepFrame(command.direction);
        break;
      case 'moment': {
        const moment = neighbour(this.#moments, engine.currentTimeMs, command.direction);
        if (moment !== undefined) this.seek(moment.atMs);
        break;
      }
      case 'begin':
        this.seek(0);
        break;
      case 'end':
        this.seek(engine.durationMs);
        break;
      case 'rate':
        this.changeRate(command.by);
        break;
      case 'mute':
        engine.setMuted(command.side, !engine.muted(command.side));
        break;
      case 'skip-silence':
        this.setSkipping(!engine.skipping);
        break;
      case 'view':
        this.setView(VIEWS[(VIEWS.indexOf(this.#looks.view) + 1) % VIEWS.length] ?? 'beside');
        break;
      case 'swap':
        this.swap();
        break;
      case 'fullscreen':
        this.toggleFullscreen();
        break;
      case 'zoom':
        timeline?.zoom(command.by);
        break;
      case 'pan':
        timeline?.pan(command.by);
        break;
      case 'copy-link':
        this.dispatchEvent(new CustomEvent('replay-copy-link'));
    }
  }

  override connectedCallback() {
    super.connectedCallback();
    document.addEventListener('fullscreenchange', this.#onFullscreen);
    addEventListener('pagehide', this.#remember);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener('fullscreenchange', this.#onFullscreen);
    removeEventListener('pagehide', this.#remember);
    clearTimeout(this.#saidTimer);
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#remember();
    this.#engine.dispose();
    this.#shownId = undefined;
  }

  override willUpdate(changed: PropertyValues<this>) {
    const { recording, data } = this;
    if (recording === undefined) return;
    if (changed.has('recording')) {
      const first = this.#shownId !== recording.summary.id;
      if (first) this.#engine.dispose();
      this.#engine.load(recording);
      this.#seen = lanesOf(this.#engine.players, this.#engine.durationMs).filter(({ label }) =>
        label.endsWith('seen'),
      );
      if (first) this.#open(recording);
    }
    if (changed.has('recording') || changed.has('data')) {
      this.#stretches = data === undefined ? [] : stretchesOf(data, recording.tracks);
      // Silence at the end of a call that goes on may be broken at any moment.
      const quiet = data === undefined ? [] : [...data.silence, ...data.pauses];
      this.#engine.setQuiet(
        quiet.filter(({ endMs }) => recording.summary.complete || endMs < this.durationMs),
      );
    }
    if (changed.has('data')) this.#moments = data === undefined ? [] : momentsOf(data.timeline);
  }

  override render() {
    const engine = this.#engine;
    const looks = this.#looks;
    const atMs = engine.currentTimeMs;
    const tracks = this.recording?.tracks ?? [];
    return html`
      <div class="sides ${looks.view}">
        ${SIDES.map(
          (side) => html`<replay-tile
            class=${side === looks.first ? 'first' : 'second'}
            side=${side}
            .engine=${engine}
            .note=${absenceNote(this.data, tracks, side, atMs)}
            ?small=${looks.view !== 'beside' && side !== looks.first}
            ?wide=${looks.view !== 'beside' && side === looks.first}
          ></replay-tile>`,
        )}
        <div role="status">${this.#said === '' ? nothing : html`<span class="said">${this.#said}</span>`}</div>
      </div>
      <div class="controls">
        ${
          engine.playBlocked
            ? html`<vt-banner tone="warn">
                Your browser wants a click before it plays sound.
                <div slot="actions"><vt-button size="sm" icon="play" @click=${() => this.play()}>Play</vt-button></div>
              </vt-banner>`
            : nothing
        }
        ${this.#resumed()}
        <replay-seek-bar
          .currentMs=${atMs}
          .durationMs=${engine.durationMs}
          .skips=${engine.skipping ? engine.skips : NONE}
          .shown=${this.#shown}
          @replay-seek=${this.#onSeek}
        ></replay-seek-bar>
        ${controls(this, engine, looks)}
      </div>
      <replay-timeline
        .currentMs=${atMs}
        .durationMs=${engine.durationMs}
        .data=${this.data}
        .seen=${this.#seen}
        .stretches=${this.#stretches}
        .moments=${this.#moments}
        .markers=${this.markers}
        .skips=${engine.skipping ? engine.skips : NONE}
        @replay-seek=${this.#onSeek}
        @replay-view=${(event: CustomEvent<Span>) => this.#onView(event.detail)}
      ></replay-timeline>
      <replay-figures .data=${this.data}></replay-figures>
    `;
  }

  override updated() {
    for (const [testId, value] of [
      ['rate', String(this.#engine.rate)],
      ['view', this.#looks.view],
    ] as const) {
      const select = this.renderRoot.querySelector<HTMLSelectElement>(`select[data-testid="${testId}"]`);
      if (select !== null) select.value = value;
    }
  }

  /** Where to begin: where the address says, where they were, or where both can be seen. */
  #open(recording: Recording) {
    const { id } = recording.summary;
    this.#shownId = id;
    this.#shown = undefined;
    const place = this.startMs > 0 ? undefined : recallPlace(this.#store, id);
    this.#resumedAt = place !== undefined && place < this.#engine.durationMs ? place : undefined;
    this.#engine.seek(this.startMs > 0 ? this.startMs : (this.#resumedAt ?? openingMs(recording.tracks)));
  }

  #resumed() {
    if (this.#resumedAt === undefined) return nothing;
    return html`<p class="resumed" role="status" data-testid="resumed">
      You were at ${clockTime(this.#resumedAt)}.
      <vt-button size="sm" variant="quiet" @click=${this.#fromBeginning}>From the beginning</vt-button>
    </p>`;
  }

  readonly #fromBeginning = (): void => {
    this.seek(openingMs(this.recording?.tracks ?? []));
  };

  readonly #onSeek = (event: Event): void => {
    this.seek((event as CustomEvent<number>).detail);
  };

  readonly #onFullscreen = (): void => this.requestUpdate();

  #onView(view: Span) {
    const whole = view.startMs <= 0 && view.endMs >= this.durationMs;
    this.#shown = whole ? undefined : view;
    this.requestUpdate();
  }

  #look(looks: Looks) {
    this.#looks = looks;
    keepLooks(this.#store, looks);
    this.requestUpdate();
  }

  #skipped({ startMs, endMs }: Span) {
    this.#said = `Skipped ${clockTime(endMs - startMs)} of silence`;
    clearTimeout(this.#saidTimer);
    this.#saidTimer = setTimeout(() => {
      this.#said = '';
      this.requestUpdate();
    }, SKIP_NOTE_MS);
    this.requestUpdate();
  }

  /** The tiles show states of the engine that are no properties of theirs. */
  #changed() {
    this.requestUpdate();
    for (const tile of this.renderRoot.querySelectorAll('replay-tile')) tile.requestUpdate();
    this.#tell();
    if (this.#engine.playing && this.#frame === 0 && this.isConnected) {
      this.#frame = requestAnimationFrame(this.#onFrame);
    }
  }

  readonly #onFrame = (now: number): void => {
    this.#frame = 0;
    this.requestUpdate();
    if (now - this.#toldAt >= TELL_MS) this.#tell();
    if (now - this.#rememberedAt >= REMEMBER_MS) this.#remember();
    if (this.#engine.playing && this.isConnected) {
      this.#frame = requestAnimationFrame(this.#onFrame);
    }
  };

  #tell() {
    this.#toldAt = performance.now();
    this.dispatchEvent(new CustomEvent<number>('replay-time', { detail: this.currentTimeMs }));
  }

  readonly #remember = (): void => {
    this.#rememberedAt = performance.now();
    if (this.#shownId !== undefined && this.durationMs > 0)
      keepPlace(this.#store, this.#shownId, this.currentTimeMs, this.durationMs);
  };

  #moved() {
    this.#resumedAt = undefined;
    this.#remember();
    this.dispatchEvent(new CustomEvent<number>('replay-moved', { detail: this.currentTimeMs }));
  }
}

/** The same empty list every time, so that nothing is drawn again for it. */
const NONE: readonly Span[] = [];

define('replay-player', ReplayPlayer);

declare global {
  interface HTMLElementTagNameMap {
    'replay-player': ReplayPlayer;
  }
}
