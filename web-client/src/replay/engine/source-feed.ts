/**
 * Feeds one track's bytes into one `MediaSource`, around the playhead, as {@link planBuffer} says. One request at a
 * time; a seek elsewhere aborts it.
 */
import type { RecordingTrack } from '../../protocol.ts';
import { type BufferStep, DEFAULT_LIMITS, type Held, planBuffer } from './buffer-plan.ts';
import { FragmentStore } from './fragment-store.ts';
import { LoadError, type RangeLoader } from './loader.ts';
import type { TrackTimeline } from './timeline.ts';

/** Why a track has no media although the recording says so. */
export interface FeedFailure {
  /** For people. */
  readonly message: string;
}

/** Waits between attempts, ms; then the track is given up until {@link SourceFeed.retry}. */
const RETRY_MS = [400, 1_000, 2_500, 5_000, 10_000];

/** A duration no call reaches, s; `endOfStream` sets the real one. */
const FAR_S = 7 * 24 * 3_600;

/** While the element is on its way to a moment, no more than this after it is loaded, ms. */
const SEEKING_AHEAD_MS = 1_000;

export class SourceFeed {
  /** What went wrong for good; cleared by {@link retry}. */
  failure: FeedFailure | undefined;

  readonly #loader: RangeLoader;
  readonly #onChange: () => void;
  #track: RecordingTrack;
  #timeline: TrackTimeline;
  #complete: boolean;
  #playheadMs = 0;
  readonly #store = new FragmentStore();
  #element: HTMLMediaElement | undefined;
  #source: MediaSource | undefined;
  #buffer: SourceBuffer | undefined;
  #held: Held | undefined;
  #begun = 0;
  #init: ArrayBuffer | undefined;
  #abort: AbortController | undefined;
  #pumping = false;
  #again = false;
  #attempt = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #aheadScale = 1;
  #closed = false;

  constructor(
    track: RecordingTrack,
    timeline: TrackTimeline,
    complete: boolean,
    loader: RangeLoader,
    onChange: () => void,
  ) {
    this.#track = track;
    this.#timeline = timeline;
    this.#complete = complete;
    this.#loader = loader;
    this.#onChange = onChange;
  }

  /** Connects to an element; resolves nothing, problems go to {@link failure}. */
  attach(element: HTMLMediaElement): void {
    const source = new MediaSource();
    this.#element = element;
    this.#source = source;
    const address = URL.createObjectURL(source);
    source.addEventListener(
      'sourceopen',
      () => {
        URL.revokeObjectURL(address);
        if (this.#closed) {
          return;
        }
        try {
          this.#buffer = source.addSourceBuffer(this.#track.mime);
        } catch (error) {
          this.#fail(`This browser cannot play ${this.#track.mime} (${String(error)}).`);
          return;
        }
        this.#pump();
      },
      { once: true },
    );
    element.src = address;
  }

  /** The recording went on: more fragments, or its end. */
  update(track: RecordingTrack, timeline: TrackTimeline, complete: boolean): void {
    this.#track = track;
    this.#timeline = timeline;
    this.#complete = complete;
    this.#pump();
  }

  /** Tells where the playhead is; loads and frees around it. */
  follow(playheadMs: number): void {
    this.#playheadMs = playheadMs;
    this.#pump();
  }

  /** Whether the fragment that shows `tMs` has been appended. */
  holds(tMs: number): boolean {
    const held = this.#held;
    if (held === undefined) {
      return false;
    }
    const first = this.#timeline.fragments[held.first];
    const last = this.#timeline.fragments[held.last];
    return first !== undefined && last !== undefined && first.start_ms <= tMs && tMs < last.end_ms;
  }

  /** How often it began anew after throwing everything away. */
  get begun(): number {
    return this.#begun;
  }

  /** End of what has been appended without a hole in the index, ms. */
  get heldUntilMs(): number {
    return this.#held === undefined ? 0 : (this.#timeline.fragments[this.#held.last]?.end_ms ?? 0);
  }

  /** Tries again after a failure. */
  retry(): void {
    this.failure = undefined;
    this.#attempt = 0;
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#abort?.abort();
    clearTimeout(this.#retryTimer);
  }

  #pump(): void {
    this.#again = true;
    if (!this.#pumping) {
      this.#pumping = true;
      void this.#run().finally(() => {
        this.#pumping = false;
      });
    } else if (this.#abort !== undefined && this.#plan().kind === 'reset') {
      this.#abort.abort();
    }
  }

  #plan(): BufferStep {
    const limits = { ...DEFAULT_LIMITS, aheadMs: DEFAULT_LIMITS.aheadMs * this.#aheadScale };
    const step = planBuffer(this.#timeline, this.#held, this.#playheadMs, limits);
    // The moment first: what comes after it would take the decoder's time. `seeked` brings the next look.
    const isAhead = this.#held !== undefined && this.heldUntilMs - this.#playheadMs > SEEKING_AHEAD_MS;
    return step.kind === 'append' && isAhead && this.#element?.seeking ? { kind: 'rest' } : step;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed && this.failure === undefined) {
      this.#again = false;
      const source = this.#source;
      const buffer = this.#buffer;
      if (source === undefined || buffer === undefined || this.#retryTimer !== undefined) {
        return;
      }
      try {
        const changed = await this.#step(this.#plan(), source, buffer);
        this.#attempt = 0;
        if (changed) {
          this.#again = true;
          this.#onChange();
        }
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  async #step(step: BufferStep, source: MediaSource, buffer: SourceBuffer): Promise<boolean> {
    switch (step.kind) {
      case 'rest':
        return false;
      case 'end':
        if (this.#complete && source.readyState === 'open') {
          // Without it the last few frames wait for ever for more.
          source.endOfStream();
        }
        return false;
      case 'reset':
        this.#held = undefined;
        if (source.readyState === 'open') {
          buffer.abort();
        }
        await settled(buffer, () => buffer.remove(0, Number.POSITIVE_INFINITY));
        return true;
      case 'trim':
        this.#held = this.#held && { first: step.first, last: this.#held.last };
        // Half a millisecond early: the index is rounded, and removing past the keyframe would take it too.
        await settled(buffer, () => buffer.remove(0, Math.max(0.001, step.endMs / 1000 - 0.002)));
        return true;
      case 'append': {
        const abort = new AbortController();
        this.#abort = abort;
        const track = this.#track;
        const run = this.#timeline.fragments.slice(step.first, step.last + 1);
        const known = this.#store.take(run);
        const [init, media] = await Promise.all([
          this.#init ?? this.#loader(track.url, track.init, abort.signal),
          known ?? this.#loader(track.url, step.bytes, abort.signal),
        ]).finally(() => {
          // When one of the two failed the other is of no use any more.
          abort.abort();
          this.#abort = undefined;
        });
        if (media instanceof ArrayBuffer) this.#store.put(run, media);
        if (this.#closed) {
          return false;
        }
        if (this.#held === undefined && buffer.buffered.length > 0) {
          await settled(buffer, () => buffer.remove(0, Number.POSITIVE_INFINITY));
        }
        if (this.#init === undefined) {
          this.#init = init;
          await settled(buffer, () => buffer.appendBuffer(init));
          // A file that was still being written says that its duration is 0 or unknown, and with an unknown one a seek
          // goes no further than what is buffered (Media Source Extensions, "seekable").
          source.duration = FAR_S;
        }
        if (this.#plan().kind === 'reset') {
          return true;
        }
        await settled(buffer, () => buffer.appendBuffer(media));
        if (this.#held === undefined) this.#begun += 1;
        this.#held = { first: this.#held?.first ?? step.first, last: step.last };
        return true;
      }
    }
  }

  #failed(error: unknown): void {
    if (this.#closed) {
      return;
    }
    if (error instanceof DOMException && error.name === 'AbortError') {
      this.#again = true;
      return;
    }
    if (error instanceof DOMException && error.name === 'QuotaExceededError' && this.#aheadScale > 0.2) {
      // The browser's own limit (Chromium: about 150 MB of video, less on phones): hold less.
      this.#aheadScale /= 2;
      this.#held = undefined;
      this.#again = true;
      return;
    }
    const wait = RETRY_MS[this.#attempt];
    if (error instanceof LoadError && error.retryable && wait !== undefined) {
      this.#attempt += 1;
      this.#retryTimer = setTimeout(() => {
        this.#retryTimer = undefined;
        this.#pump();
      }, wait);
      return;
    }
    this.#fail(error instanceof Error ? error.message : String(error));
  }

  #fail(message: string): void {
    this.failure = { message };
    this.#onChange();
  }
}

/** Runs one operation of a source buffer and waits for its end. */
function settled(buffer: SourceBuffer, operation: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      buffer.removeEventListener('updateend', done);
      buffer.removeEventListener('error', broken);
      resolve();
    };
    const broken = (): void => {
      buffer.removeEventListener('updateend', done);
      buffer.removeEventListener('error', broken);
      reject(new Error('The browser could not read this part of the recording.'));
    };
    buffer.addEventListener('updateend', done);
    buffer.addEventListener('error', broken);
    try {
      operation();
    } catch (error) {
      buffer.removeEventListener('updateend', done);
      buffer.removeEventListener('error', broken);
      reject(error);
    }
  });
}
