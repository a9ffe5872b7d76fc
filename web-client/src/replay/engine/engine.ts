/**
 * Plays a recording: one media element a track, one master clock, no user interface.
 *
 * The clock leads and the elements follow (see `step.ts`), because the tracks are separate files that begin, stop and
 * come back at their own times: no single element is there from beginning to end. When a track that has media for this
 * moment is not ready, the clock waits and all others with it.
 */
import type { RecordedSide, Recording, RecordingTrack } from '../../protocol.ts';
import { MasterClock } from './clock.ts';
import { fetchRange, type RangeLoader } from './loader.ts';
import { skipAt, skipsOf } from './skip.ts';
import type { Span } from './timeline.ts';
import { TrackPlayer } from './track-player.ts';

/** Speeds a reviewer can choose. */
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3] as const;

/** How often the elements are compared with the clock, ms. */
const TICK_MS = 50;

/** After a start the clock takes over the time of the leading voice within this time, ms. */
const SETTLE_MS = 1_500;

/** An offset at the start that is larger than this is a wrong seek, not a late start, ms. */
const MAX_SETTLE_MS = 400;

/** Stepping where no picture tells its frames, ms: one of 30 a second. */
const FRAME_MS = 1000 / 30;

/** How far a step looks for the next frame, and how closely, ms. */
const STEP_REACH_MS = 400;
const STEP_MS = 17;

/** No frame is shorter, ms. */
const SHORTEST_MS = 2;

/**
 * The engine.
 *
 * @fires change - something other than the passing of time changed: playing, waiting, tracks, duration, problems.
 * @fires skip - a quiet stretch was skipped; `detail` is the {@link Span} that was left out
 */
export class ReplayEngine extends EventTarget {
  readonly #clock = new MasterClock();
  readonly #loader: RangeLoader;
  #players: TrackPlayer[] = [];
  #durationMs = 0;
  #complete = true;
  #wanted = false;
  #waiting = false;
  #startedAt: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #announced = false;
  #volumes: Record<RecordedSide, number> = { buyer: 1, agent: 1 };
  #muted: Record<RecordedSide, boolean> = { buyer: false, agent: false };
  #skips: readonly Span[] = [];
  #skipping = false;
  /** The skip somebody went into on purpose. */
  #stayIn: Span | undefined;
  #ticking = false;
  #steps: Promise<void> = Promise.resolve();
  #stepsWaiting = 0;

  constructor(loader: RangeLoader = fetchRange) {
    super();
    this.#loader = loader;
  }

  /** Takes a recording, or a newer state of the one that plays. */
  load(recording: Recording): void {
    this.#complete = recording.summary.complete;
    for (const track of recording.tracks) {
      const known = this.#players.find((player) => player.track.id === track.id);
      if (known !== undefined) {
        known.update(track, this.#complete);
      } else if (track.fragments.length > 0) {
        this.#players.push(new TrackPlayer(track, this.#complete, this.#loader, this.#onTrack));
      }
    }
    this.#durationMs = Math.max(
      recording.summary.duration_ms,
      ...this.#players.map((player) => player.timeline.endMs),
    );
    this.#applyVolumes();
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
    this.#changed();
  }

  /** The tracks in the recording's order. */
  get players(): readonly TrackPlayer[] {
    return this.#players;
  }

  /** Session time now, ms. */
  get currentTimeMs(): number {
    return Math.min(this.#clock.at(performance.now()), this.#durationMs);
  }

  /** Length of the session timeline, ms. Grows while the call goes on. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /** Whether the viewer asked to play; true also while it waits for data. */
  get playing(): boolean {
    return this.#wanted;
  }

  /** Whether it stands because data is missing. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Whether it stands at the end. */
  get ended(): boolean {
    return this.#complete && this.#durationMs > 0 && this.currentTimeMs >= this.#durationMs;
  }

  /** Whether the browser wants a click before it plays sound. */
  get playBlocked(): boolean {
    return this.#players.some((player) => player.playBlocked);
  }

  get rate(): number {
    return this.#clock.rate;
  }

  set rate(rate: number) {
    this.#clock.setRate(rate, performance.now());
    for (const player of this.#players) {
      player.element.playbackRate = rate;
    }
    this.#changed();
  }

  /** Plays; at the end it starts over. */
  play(): void {
    if (this.ended) {
      this.seek(0);
    }
    this.#wanted = true;
    this.#tick();
    this.#changed();
  }

  pause(): void {
    this.#wanted = false;
    this.#hold();
    this.#tick();
    this.#changed();
  }

  /** Goes to a session time, ms; playing goes on from there. */
  seek(toMs: number): void {
    const atMs = Math.min(Math.max(0, toMs), this.#durationMs);
    this.#stayIn = skipAt(this.#skips, atMs);
    this.#goTo(atMs);
  }

  /**
   * Stands at the next or the previous frame of a picture. Files do not list their frames, so the next one is looked for
   * in small steps; without a picture it is a thirtieth of a second.
   */
  stepFrame(direction: 1 | -1, of: TrackPlayer | undefined): Promise<void> {
    // One after the other: a step that begins while the last one still looks around would begin at the wrong frame. A key
    // that is held down asks faster than that.
    if (this.#stepsWaiting > 1) return this.#steps;
    this.#stepsWaiting += 1;
    this.#steps = this.#steps
      .then(() => this.#step(direction, of))
      .finally(() => {
        this.#stepsWaiting -= 1;
      });
    return this.#steps;
  }

  async #step(direction: 1 | -1, of: TrackPlayer | undefined): Promise<void> {
    this.#wanted = false;
    this.#hold();
    const there = of !== undefined && of.state !== 'gap' && of.state !== 'failed';
    // The last step may have ended a moment ago: it is waited for.
    const from = there ? await of.frameShown() : undefined;
    if (of === undefined || from === undefined) {
      this.seek(this.currentTimeMs + direction * FRAME_MS);
      return;
    }
    if (direction === -1) {
      const before = await this.#frameAt(from - SHORTEST_MS, of);
      if (before !== undefined) this.seek(before + 1);
      return;
    }
    for (let ahead = STEP_MS; ahead <= STEP_REACH_MS; ahead += STEP_MS) {
      let next = await this.#frameAt(from + ahead, of);
      if (next === undefined) return;
      if (next - from < SHORTEST_MS) continue;
      // A frame that was shown only shortly may lie between.
      for (;;) {
        const earlier = await this.#frameAt(next - SHORTEST_MS, of);
        if (earlier === undefined) return;
        if (earlier - from < SHORTEST_MS || earlier >= next) break;
        next = earlier;
      }
      // The clock stands where the frame begins, so that the others show the same moment. A hair later, for times in
      // files are rounded.
      this.seek(next + 1);
      return;
    }
  }

  /** Begin of the frame that is shown at a moment, ms; `undefined` at the edges, and when somebody went elsewhere. */
  async #frameAt(atMs: number, of: TrackPlayer): Promise<number | undefined> {
    if (atMs < 0 || atMs > this.#durationMs) return undefined;
    this.seek(atMs);
    const frame = await of.frameShown();
    return this.#wanted || this.#clock.at(performance.now()) !== atMs ? undefined : frame;
  }

  /** What may be skipped: stretches in which nobody speaks or nothing was recorded. */
  setQuiet(quiet: readonly Span[]): void {
    this.#skips = skipsOf(quiet);
    this.#changed();
  }

  /** The stretches that are left out while {@link skipping}. */
  get skips(): readonly Span[] {
    return this.#skips;
  }

  /** Whether quiet stretches are left out. */
  get skipping(): boolean {
    return this.#skipping;
  }

  set skipping(on: boolean) {
    this.#skipping = on;
    this.#stayIn = undefined;
    this.#tick();
    this.#changed();
  }

  #goTo(toMs: number): void {
    this.#hold();
    this.#clock.set(toMs, performance.now());
    for (const player of this.#players) {
      player.jump();
    }
    this.#tick();
    this.#changed();
  }

  /** A track has loaded, sought or failed: whether the clock may go on is looked at now, not at the next tick. */
  readonly #onTrack = (): void => {
    if (!this.#ticking) {
      this.#ticking = true;
      queueMicrotask(() => {
        this.#ticking = false;
        if (this.#timer !== undefined) this.#tick();
      });
    }
    this.#changed();
  };

  /** Leaves out a quiet stretch that playing has come into. */
  #skip(masterMs: number): boolean {
    const skip = this.#skipping ? skipAt(this.#skips, masterMs) : undefined;
    if (skip !== this.#stayIn) this.#stayIn = undefined;
    if (skip === undefined || skip === this.#stayIn) return false;
    this.#goTo(Math.min(skip.endMs, this.#durationMs));
    this.dispatchEvent(new CustomEvent<Span>('skip', { detail: { startMs: masterMs, endMs: skip.endMs } }));
    return true;
  }

  /** Volume of a side, 0–1. */
  volume(side: RecordedSide): number {
    return this.#volumes[side];
  }

  setVolume(side: RecordedSide, volume: number): void {
    this.#volumes[side] = Math.min(1, Math.max(0, volume));
    this.#applyVolumes();
    this.#changed();
  }

  muted(side: RecordedSide): boolean {
    return this.#muted[side];
  }

  setMuted(side: RecordedSide, muted: boolean): void {
    this.#muted[side] = muted;
    this.#applyVolumes();
    this.#changed();
  }

  /** Tries the tracks again that could not be loaded. */
  retry(): void {
    for (const player of this.#players) {
      if (player.problem !== undefined) {
        player.retry();
      }
    }
    this.#tick();
  }

  /** Lets go of all elements and requests. */
  dispose(): void {
    this.#wanted = false;
    this.#hold();
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const player of this.#players) {
      player.dispose();
    }
    this.#players = [];
  }

  #tick(): void {
    const now = performance.now();
    let masterMs = this.#clock.at(now);
    if (masterMs >= this.#durationMs && this.#durationMs > 0) {
      masterMs = this.#durationMs;
      this.#clock.set(masterMs, now);
      if (this.#complete && this.#wanted) {
        this.#wanted = false;
        this.#hold();
        this.#changed();
      }
    }
    if (this.#wanted && this.#skip(masterMs)) return;
    const atLiveEdge = !this.#complete && masterMs >= this.#durationMs;
    const tick = { masterMs, running: this.#clock.running, rate: this.#clock.rate, now };
    let ready = true;
    for (const player of this.#players) {
      ready = player.tick(tick) && ready;
    }
    this.#setWaiting(!ready || atLiveEdge);
    if (!ready || atLiveEdge || !this.#wanted) {
      this.#hold();
    } else if (!this.#clock.running) {
      this.#clock.start(now);
      this.#startedAt = now;
      // The elements start in this very tick, not in the next one.
      const started = { ...tick, running: true };
      for (const player of this.#players) {
        player.tick(started);
      }
    } else {
      this.#settle(now);
    }
  }

  #hold(): void {
    this.#clock.stop(performance.now());
    this.#startedAt = undefined;
  }

  /**
   * Elements need some tens of milliseconds to start. Rather than hurry every voice after a start, the clock takes over
   * the time of one voice (or picture, when there is none) as soon as that really moves.
   */
  #settle(now: number): void {
    if (this.#startedAt === undefined) {
      return;
    }
    const sinceStart = now - this.#startedAt;
    if (sinceStart > SETTLE_MS) {
      this.#startedAt = undefined;
      return;
    }
    const active = this.#players.filter((player) => player.state === 'showing' && !player.element.paused);
    const lead = active.find((player) => player.media === 'audio') ?? active[0];
    if (lead === undefined || sinceStart < 250 || lead.element.seeking) {
      return;
    }
    const offset = lead.elementMs - this.#clock.at(now);
    if (Math.abs(offset) < MAX_SETTLE_MS) {
      this.#clock.set(lead.elementMs, now);
      this.#startedAt = undefined;
    }
  }

  #applyVolumes(): void {
    for (const player of this.#players) {
      if (player.media === 'audio') {
        player.element.volume = this.#volumes[player.track.side];
        player.element.muted = this.#muted[player.track.side];
      }
    }
  }

  #setWaiting(waiting: boolean): void {
    if (this.#waiting !== waiting) {
      this.#waiting = waiting;
      this.#changed();
    }
  }

  /** One event however many things changed together. */
  #changed(): void {
    if (!this.#announced) {
      this.#announced = true;
      queueMicrotask(() => {
        this.#announced = false;
        this.dispatchEvent(new Event('change'));
      });
    }
  }
}

/** Which track of a side is shown large and which small at this moment: a screen goes before a camera. */
export function picturesOf(
  players: readonly TrackPlayer[],
  side: RecordedSide,
): { readonly main: TrackPlayer | undefined; readonly inset: TrackPlayer | undefined } {
  const visible = players.filter(
    (player) => player.track.side === side && player.media === 'video' && player.state !== 'gap',
  );
  const of = (source: RecordingTrack['source']): TrackPlayer | undefined =>
    visible.find((player) => player.track.source === source && player.state !== 'failed') ??
    visible.find((player) => player.track.source === source);
  const screen = of('screen');
  const camera = of('camera');
  return screen === undefined ? { main: camera, inset: undefined } : { main: screen, inset: camera };
}
