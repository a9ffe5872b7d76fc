/**
 * One recorded track on one media element. Told on every tick where the master clock is, it shows the right moment,
 * hides in gaps, and reports whether the master has to wait for it.
 */
import type { Recording, RecordingTrack } from '../../protocol.ts';
import { holeAt, holeFollows } from './buffered.ts';
import type { RangeLoader } from './loader.ts';
import { SourceFeed } from './source-feed.ts';
import { stepFor } from './step.ts';
import { type Media, type Presence, TrackTimeline } from './timeline.ts';
import { turnAt } from './turn.ts';

/** What a track shows. */
export type TrackState =
  /** Media is there for this moment. */
  | 'showing'
  /** Media exists but is still being loaded or decoded. */
  | 'loading'
  /** Nothing was sent at this moment. */
  | 'gap'
  /** It cannot be loaded or decoded; `problem` says why. */
  | 'failed';

/** The master's orders for one tick. */
export interface Tick {
  /** Session time, ms. */
  readonly masterMs: number;
  /** Whether the clock runs (false while paused or waiting for a track). */
  readonly running: boolean;
  /** Rate of the master clock. */
  readonly rate: number;
  /** Monotonic time, ms. */
  readonly now: number;
}

/** A track is connected this long before its media begins and let go this long after its end, ms. */
const ATTACH_BEFORE_MS = 30_000;
const DETACH_AFTER_MS = 60_000;

/** The element is put at the beginning of a span this long before it is due, ms. */
const PRE_ROLL_MS = 3_000;

/** Waiting for a decoder that has its data ends after this long: one broken track must not hold up the others, ms. */
const PATIENCE_MS = 4_000;

/** To start, a track must have this much ahead, ms (or all that is left of the span). */
const START_AHEAD_MS = 300;

/** Sound that comes early by this much because of small holes in the file is put right by a seek, ms. */
const MISSING_MS = 25;

/** A frame that is not shown within this time after the end of a seek is the one that was shown before, ms. */
const FRAME_WAIT_MS = 150;
/** The same where that one cannot be it. */
const FRAME_LATE_MS = 2000;

/** Seeking an element that stands still is worth it from this distance on, ms: less than a frame at 60 a second. */
const EXACT_MS = 8;

export class TrackPlayer {
  /** The element; a `<video>` for camera and screen, an `<audio>` for the microphone. */
  readonly element: HTMLMediaElement;
  readonly media: Media;
  state: TrackState = 'loading';
  problem: string | undefined;
  /** Element minus master at the last tick, ms of session time; for tests and the curious. */
  driftMs = 0;

  #track: RecordingTrack;
  #timeline: TrackTimeline;
  #complete: boolean;
  readonly #loader: RangeLoader;
  readonly #onChange: () => void;
  #feed: SourceFeed | undefined;
  #targetMs: number | undefined;
  #begun = 0;
  #seekedAt = Number.NEGATIVE_INFINITY;
  #seekedMs = 0;
  #correcting = false;
  #waitingSince: number | undefined;
  #playBlocked = false;
  #starting = false;
  #frameMs: number | undefined;
  readonly #frameWaiters = new Set<() => void>();
  /** It was sent somewhere, and nobody has looked for the frame there yet. */
  #frameDue = false;

  constructor(track: RecordingTrack, complete: boolean, loader: RangeLoader, onChange: () => void) {
    this.#track = track;
    this.#complete = complete;
    this.#loader = loader;
    this.#onChange = onChange;
    this.media = track.source === 'microphone' ? 'audio' : 'video';
    this.#timeline = new TrackTimeline(track.fragments, this.media);
    this.element = makeElement(this.media);
    this.element.addEventListener('seeked', () => {
      this.#seekedAt = performance.now();
      this.#seekedMs = this.elementMs;
      onChange();
    });
    this.element.addEventListener('error', () => {
      this.problem = this.element.error?.message || 'The browser could not decode this track.';
      onChange();
    });
    this.element.addEventListener('canplay', onChange);
    if (this.element instanceof HTMLVideoElement) this.#watchFrames(this.element);
    this.problem = this.#unsupported();
  }

  /**
   * Resolves when the frame of where the element was sent is on the screen, or will not be. Answers where that frame begins,
   * ms of session time; `undefined` when the browser does not tell.
   */
  async frameShown(): Promise<number | undefined> {
    if (this.#frameDue) {
      await new Promise<void>((resolve) => {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const end = (): void => {
          clearTimeout(timer);
          this.element.removeEventListener('seeked', arrived);
          this.#frameWaiters.delete(end);
          this.#frameDue = false;
          resolve();
        };
        // How long the way there is depends on the distance from the last keyframe; only then a frame is due.
        const arrived = (): void => {
          clearTimeout(timer);
          timer = setTimeout(end, this.#isFrameAhead ? FRAME_LATE_MS : FRAME_WAIT_MS);
        };
        this.element.addEventListener('seeked', arrived);
        if (!this.element.seeking) arrived();
        this.#frameWaiters.add(end);
      });
    }
    return this.#frameMs;
  }

  /** The frame on the screen begins later than where the element stands: it is from before the last seek. */
  get #isFrameAhead(): boolean {
    return this.#frameMs !== undefined && this.#frameMs > this.elementMs + 1;
  }

  #watchFrames(video: HTMLVideoElement): void {
    if (!('requestVideoFrameCallback' in video)) return;
    const shown: VideoFrameRequestCallback = (_now, { mediaTime }) => {
      this.#frameMs = mediaTime * 1000;
      // News of the frame before may come while the element is on its way to another.
      if (!video.seeking && !this.#isFrameAhead) {
        this.#frameDue = false;
        for (const waiter of [...this.#frameWaiters]) waiter();
      }
      video.requestVideoFrameCallback(shown);
    };
    video.requestVideoFrameCallback(shown);
  }

  get track(): RecordingTrack {
    return this.#track;
  }

  get timeline(): TrackTimeline {
    return this.#timeline;
  }

  /** Whether the browser wants a click before it plays sound. */
  get playBlocked(): boolean {
    return this.#playBlocked;
  }

  /** The recording went on. */
  update(track: RecordingTrack, complete: Recording['summary']['complete']): void {
    this.#track = track;
    this.#complete = complete;
    this.#timeline = new TrackTimeline(track.fragments, this.media);
    this.#feed?.update(track, this.#timeline, complete);
  }

  /** Tries a failed track again. */
  retry(): void {
    this.problem = this.#unsupported();
    this.#detach();
    this.#onChange();
  }

  /** Follows the master. Returns whether the master may go on. */
  tick(tick: Tick): boolean {
    if (this.problem !== undefined) {
      this.#enter('failed');
      return true;
    }
    // Style sheets turn the picture by this; the file itself does not say.
    this.element.dataset.turn = String(turnAt(this.#track.turns, tick.masterMs));
    const presence = this.#presence(tick.masterMs);
    this.#connect(presence, tick.masterMs);
    this.#feed?.follow(tick.masterMs);
    if (this.#feed?.failure !== undefined) {
      this.problem = this.#feed.failure.message;
      this.#enter('failed');
      return true;
    }
    if (presence.kind === 'gap') {
      this.#rest(presence.untilMs, tick.masterMs);
      this.#enter('gap');
      return true;
    }
    return this.#show(tick, presence.span.endMs);
  }

  /** Where the element is, ms of session time. */
  get elementMs(): number {
    return this.element.currentTime * 1000;
  }

  /** Forgets where the element was sent, because the master jumped. */
  jump(): void {
    this.#waitingSince = undefined;
    this.#correcting = false;
    this.#seekedAt = Number.NEGATIVE_INFINITY;
    this.#targetMs = undefined;
  }

  dispose(): void {
    this.#detach();
  }

  #unsupported(): string | undefined {
    const { mime } = this.#track;
    return MediaSource.isTypeSupported(mime) ? undefined : `This browser cannot play ${mime}.`;
  }

  /** The index says where media is; the element's buffer knows of holes the index does not show. */
  #presence(tMs: number): Presence {
    const planned = this.#timeline.presenceAt(tMs);
    if (planned.kind === 'gap' || this.#feed === undefined || !this.#feed.holds(tMs)) {
      return planned;
    }
    const hole = holeAt(this.element.buffered, tMs / 1000);
    if (hole === undefined) {
      return planned;
    }
    return hole.until === undefined ? { kind: 'gap' } : { kind: 'gap', untilMs: hole.until * 1000 };
  }

  #connect(presence: Presence, tMs: number): void {
    const first = this.#timeline.spans[0]?.startMs;
    if (first === undefined) {
      return;
    }
    const near = tMs >= first - ATTACH_BEFORE_MS && tMs <= this.#timeline.endMs + DETACH_AFTER_MS;
    if (near && this.#feed === undefined && (presence.kind === 'media' || presence.untilMs !== undefined)) {
      this.#feed = new SourceFeed(this.#track, this.#timeline, this.#complete, this.#loader, this.#onChange);
      this.#feed.attach(this.element);
    } else if (!near && this.#feed !== undefined) {
      this.#detach();
    }
  }

  #detach(): void {
    this.#feed?.close();
    this.#feed = undefined;
    this.#begun = 0;
    this.#targetMs = undefined;
    this.#waitingSince = undefined;
    this.element.pause();
    this.element.removeAttribute('src');
    this.element.load();
  }

  #rest(untilMs: number | undefined, masterMs: number): void {
    this.#pause();
    this.#waitingSince = undefined;
    // In place before it is due, so that the end of a gap does not stop the others.
    if (untilMs !== undefined && untilMs - masterMs < PRE_ROLL_MS) {
      this.#seekTo(untilMs + 1);
    }
  }

  #show(tick: Tick, spanEndMs: number): boolean {
    const element = this.element;
    if (element.readyState === HTMLMediaElement.HAVE_NOTHING) {
      return this.#wait(tick);
    }
    this.driftMs = this.elementMs - tick.masterMs;
    if (!tick.running || element.paused) {
      this.#pause();
      // A decoder that was on its way through a group of pictures when that was thrown away goes on at the next keyframe, even
      // where the same pictures are there again: what was asked for has to be asked for again.
      const anew = this.#feed !== undefined && this.#feed.begun !== this.#begun;
      if (anew) {
        this.#begun = this.#feed?.begun ?? 0;
        this.#targetMs = undefined;
      }
      // After a jump always: a step of one frame may be shorter than what is exact enough otherwise.
      const sent = !anew && (tick.running || this.#targetMs !== undefined);
      if (!sent || Math.abs(this.driftMs) > (tick.running ? 120 : EXACT_MS)) {
        this.#seekTo(tick.masterMs);
      }
    }
    if (!this.#ready(tick.masterMs, spanEndMs, tick.running && !element.paused)) {
      return this.#wait(tick);
    }
    this.#waitingSince = undefined;
    this.#enter('showing');
    if (tick.running) {
      this.#play(tick.rate);
      this.#keepInStep(tick);
    }
    return true;
  }

  #keepInStep(tick: Tick): void {
    const element = this.element;
    if (element.paused || element.seeking || element.ended) {
      return;
    }
    const step = stepFor({
      driftMs: this.driftMs,
      rate: tick.rate,
      media: this.media,
      correcting: this.#correcting,
      sinceSeekMs: tick.now - this.#seekedAt,
    });
    const early =
      this.media === 'audio' && this.#timeline.missingBetween(this.#seekedMs, this.elementMs) > MISSING_MS;
    if (step.kind === 'seek' || early) {
      this.#correcting = false;
      this.#seekTo(tick.masterMs);
      return;
    }
    this.#correcting = step.rate !== tick.rate;
    if (Math.abs(element.playbackRate - step.rate) > 0.002) {
      element.playbackRate = step.rate;
    }
  }

  /** Enough decoded to show this moment and, when about to start, the next ones. */
  #ready(tMs: number, spanEndMs: number, playing: boolean): boolean {
    const element = this.element;
    const heldUntilMs = this.#feed?.heldUntilMs ?? 0;
    const ends =
      tMs >= spanEndMs - START_AHEAD_MS ||
      holeFollows(element.buffered, tMs / 1000, START_AHEAD_MS / 1000, heldUntilMs / 1000);
    if (element.seeking || element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
      // Chromium never ends a seek into the last tenths of a second of a voice before a gap; they are not worth waiting for.
      return this.media === 'audio' && ends && this.#feed?.holds(tMs) === true;
    }
    // At the end of a span there is nothing ahead, and "future data" will never come.
    const wanted = Math.min(spanEndMs, tMs + (playing ? 0 : START_AHEAD_MS));
    if (element.ended || wanted >= spanEndMs - START_AHEAD_MS) {
      return true;
    }
    return ends || element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  /** Holds the master up, within reason. */
  #wait(tick: Tick): boolean {
    this.#enter('loading');
    if (this.#feed?.holds(tick.masterMs) !== true) {
      // Still on its way from the server.
      this.#waitingSince = undefined;
      return false;
    }
    this.#waitingSince ??= tick.now;
    return tick.now - this.#waitingSince > PATIENCE_MS;
  }

  #play(rate: number): void {
    const element = this.element;
    // `play()` on an element that has ended would start it from the beginning.
    if (!element.paused || element.ended || this.#starting) {
      return;
    }
    this.#starting = true;
    element.playbackRate = rate;
    element
      .play()
      .then(() => {
        this.#playBlocked = false;
      })
      .catch((error: unknown) => {
        if (error instanceof DOMException && error.name === 'NotAllowedError') {
          this.#playBlocked = true;
          this.#onChange();
        }
      })
      .finally(() => {
        this.#starting = false;
      });
  }

  #pause(): void {
    if (!this.element.paused) {
      this.element.pause();
    }
  }

  #seekTo(ms: number): void {
    const element = this.element;
    if (element.readyState === HTMLMediaElement.HAVE_NOTHING) {
      return;
    }
    if (this.#targetMs !== undefined && Math.abs(this.#targetMs - ms) < EXACT_MS && !this.#moved(ms)) {
      return;
    }
    this.#targetMs = ms;
    this.#frameDue = true;
    element.currentTime = ms / 1000;
  }

  /** Whether the element is away from where it was last sent. */
  #moved(ms: number): boolean {
    return !this.element.seeking && Math.abs(this.elementMs - ms) > EXACT_MS;
  }

  #enter(state: TrackState): void {
    if (this.state !== state) {
      this.state = state;
      this.#onChange();
    }
  }
}

function makeElement(media: Media): HTMLMediaElement {
  const element = document.createElement(media);
  element.preload = 'auto';
  element.preservesPitch = true;
  if (element instanceof HTMLVideoElement) {
    element.muted = true;
    element.playsInline = true;
    element.disablePictureInPicture = true;
  }
  return element;
}
