/**
 * Where a recorded track has media and where it has none, and where decoding may begin.
 *
 * A track is a list of fragments on the session timeline (milliseconds). Stretches without a fragment are gaps: the
 * camera was off, the person reloaded the page, the track began late. Everything here is pure.
 */
import type { Fragment } from '../../protocol.ts';

/** What a track carries; decides where decoding may begin and how small a hole counts as a gap. */
export type Media = 'audio' | 'video';

/** A stretch of uninterrupted media. */
export interface Span {
  /** First sample, ms of session time. */
  readonly startMs: number;
  /** End of the last sample, ms of session time. */
  readonly endMs: number;
}

/** What a track does at one moment. */
export type Presence =
  /** There is media; `span` says until when. */
  | { readonly kind: 'media'; readonly span: Span }
  /** There is none before `untilMs`, or none ever again when that is absent. */
  | { readonly kind: 'gap'; readonly untilMs?: number };

/**
 * Holes up to this length belong to their surroundings. Video: a frame that came a little late is a long frame, not a
 * camera that was off. Audio: the recorder's milliseconds are rounded and packets are 20 ms.
 */
const JOIN_MS: Record<Media, number> = { audio: 40, video: 250 };

/** The index is rounded to milliseconds; smaller holes are not holes, ms. */
const ROUNDING_MS = 2;

/** The fragments of one track, in order, with the questions a player asks about them. */
export class TrackTimeline {
  readonly fragments: readonly Fragment[];
  readonly spans: readonly Span[];
  readonly media: Media;
  /** For each fragment the holes before it, added up, ms. */
  readonly #missing: readonly number[];

  constructor(fragments: readonly Fragment[], media: Media) {
    this.media = media;
    this.fragments = fragments
      .filter((f) => f.bytes.length > 0 && f.end_ms >= f.start_ms)
      .sort((a, b) => a.start_ms - b.start_ms || a.bytes.offset - b.bytes.offset);
    this.spans = joinSpans(this.fragments, JOIN_MS[media]);
    let missing = 0;
    this.#missing = this.fragments.map((fragment, index) => {
      const hole = fragment.start_ms - (this.fragments[index - 1]?.end_ms ?? fragment.start_ms);
      missing += hole > ROUNDING_MS ? hole : 0;
      return missing;
    });
  }

  /** End of the last sample, ms; 0 for a track without media. */
  get endMs(): number {
    return this.spans.at(-1)?.endMs ?? 0;
  }

  /**
   * Media that is missing between the fragments from `fromMs` to `toMs`, ms. A browser plays across small holes without
   * noticing, so that everything after them comes early by this much although the element's own clock looks right.
   */
  missingBetween(fromMs: number, toMs: number): number {
    const missingUntil = (tMs: number): number =>
      this.#missing[lastIndexAtOrBefore(this.fragments, tMs)] ?? 0;
    return missingUntil(toMs) - missingUntil(fromMs);
  }

  /** Whether there is media at `tMs`, and what comes next if not. */
  presenceAt(tMs: number): Presence {
    for (const span of this.spans) {
      if (tMs < span.startMs) {
        return { kind: 'gap', untilMs: span.startMs };
      }
      if (tMs < span.endMs) {
        return { kind: 'media', span };
      }
    }
    return { kind: 'gap' };
  }

  /**
   * Index of the fragment to append first so that `tMs` can be shown: the last one at or before `tMs` where decoding
   * can begin. In a gap it is the first fragment after it; `undefined` when nothing follows.
   */
  entryFor(tMs: number): number | undefined {
    const presence = this.presenceAt(tMs);
    if (presence.kind === 'gap') {
      const { untilMs } = presence;
      if (untilMs === undefined) {
        return undefined;
      }
      return this.fragments.findIndex((f) => f.start_ms >= untilMs);
    }
    let entry = lastIndexAtOrBefore(this.fragments, tMs);
    if (this.media === 'audio') {
      // Opus needs up to 80 ms before the asked place to converge (RFC 7845, 4.6): one fragment earlier has them.
      const before = this.fragments[entry - 1];
      return before !== undefined && before.end_ms >= presence.span.startMs ? entry - 1 : entry;
    }
    while (entry > 0 && this.fragments[entry]?.keyframe !== true) {
      entry -= 1;
    }
    return entry;
  }
}

function joinSpans(fragments: readonly Fragment[], joinMs: number): Span[] {
  const spans: { startMs: number; endMs: number }[] = [];
  for (const fragment of fragments) {
    const last = spans.at(-1);
    if (last !== undefined && fragment.start_ms - last.endMs <= joinMs) {
      last.endMs = Math.max(last.endMs, fragment.end_ms);
    } else {
      spans.push({ startMs: fragment.start_ms, endMs: fragment.end_ms });
    }
  }
  return spans;
}

/** Binary search: recordings of hours have thousands of fragments and this runs on every tick. */
function lastIndexAtOrBefore(fragments: readonly Fragment[], tMs: number): number {
  let low = 0;
  let high = fragments.length - 1;
  let found = 0;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const fragment = fragments[middle];
    if (fragment !== undefined && fragment.start_ms <= tMs) {
      found = middle;
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return found;
}
