/**
 * Decides what a track fetches, keeps and throws away around the playhead, so that memory stays bounded however long
 * the recording is. Pure: what is held and where the playhead stands go in, the next step comes out.
 */
import type { ByteRange } from '../../protocol.ts';
import type { TrackTimeline } from './timeline.ts';

/** Fragments that are in the source buffer: an unbroken run of indexes, both ends included. */
export interface Held {
  readonly first: number;
  readonly last: number;
}

/** The next thing to do with a source buffer. */
export type BufferStep =
  /** Fetch `bytes` and append them; they are the fragments `first..=last`. */
  | { readonly kind: 'append'; readonly first: number; readonly last: number; readonly bytes: ByteRange }
  /** Throw everything away: the playhead is elsewhere. */
  | { readonly kind: 'reset' }
  /** Remove what lies before `endMs`; the run then begins at fragment `first`. */
  | { readonly kind: 'trim'; readonly first: number; readonly endMs: number }
  /** Everything up to the end of the track is held. */
  | { readonly kind: 'end' }
  /** Enough is held. */
  | { readonly kind: 'rest' };

/** How much to hold. */
export interface BufferLimits {
  /** Media to hold after the playhead, ms. */
  readonly aheadMs: number;
  /** Media to keep before the playhead, ms, so that a short skip back needs no request. */
  readonly behindMs: number;
  /** Longest stretch of one request, ms. */
  readonly requestMs: number;
  /** Largest request, bytes; a single fragment may exceed it. */
  readonly requestBytes: number;
}

/** 30 s ahead ride out a slow network, 10 s behind cover the "back 10 s" key. */
export const DEFAULT_LIMITS: BufferLimits = {
  aheadMs: 30_000,
  behindMs: 10_000,
  requestMs: 8_000,
  requestBytes: 2 * 1024 * 1024,
};

/** The first request after a seek goes this far beyond it at most, so that the picture comes soon. */
const FIRST_REQUEST_MS = 1_000;

/** Trimming for less than this is not worth the work. */
const MIN_TRIM_MS = 5_000;

/** What to do next for a track whose buffer holds `held` while the playhead is at `playheadMs`. */
export function planBuffer(
  timeline: TrackTimeline,
  held: Held | undefined,
  playheadMs: number,
  limits: BufferLimits = DEFAULT_LIMITS,
): BufferStep {
  const entry = timeline.entryFor(playheadMs);
  if (entry === undefined) {
    // Nothing follows. What is held stays for a skip back; it is bounded by what was planned earlier.
    return { kind: 'rest' };
  }
  if (held === undefined) {
    return append(timeline, entry, playheadMs, limits, FIRST_REQUEST_MS);
  }
  if (entry < held.first || entry > held.last + 1) {
    return { kind: 'reset' };
  }
  const trim = trimStep(timeline, held, playheadMs, limits);
  if (trim !== undefined) {
    return trim;
  }
  const next = held.last + 1;
  if (next >= timeline.fragments.length) {
    return { kind: 'end' };
  }
  const heldUntil = timeline.fragments[held.last]?.end_ms ?? 0;
  if (heldUntil - playheadMs > limits.aheadMs - limits.requestMs) {
    return { kind: 'rest' };
  }
  return append(timeline, next, playheadMs, limits, limits.requestMs);
}

function append(
  timeline: TrackTimeline,
  first: number,
  playheadMs: number,
  limits: BufferLimits,
  requestMs: number,
): BufferStep {
  const begin = timeline.fragments[first];
  if (begin === undefined || begin.start_ms > playheadMs + limits.aheadMs) {
    return { kind: 'rest' };
  }
  // A long group of pictures has to be appended whole before anything at the playhead can be shown.
  const untilMs = Math.max(begin.start_ms, playheadMs) + requestMs;
  let last = first;
  let length = begin.bytes.length;
  for (let next = first + 1; next < timeline.fragments.length; next += 1) {
    const fragment = timeline.fragments[next];
    const adjacent = fragment !== undefined && fragment.bytes.offset === begin.bytes.offset + length;
    if (!adjacent || fragment.start_ms >= untilMs || length + fragment.bytes.length > limits.requestBytes) {
      break;
    }
    last = next;
    length += fragment.bytes.length;
  }
  return { kind: 'append', first, last, bytes: { offset: begin.bytes.offset, length } };
}

function trimStep(
  timeline: TrackTimeline,
  held: Held,
  playheadMs: number,
  limits: BufferLimits,
): BufferStep | undefined {
  // `SourceBuffer.remove` goes on up to the next keyframe (Media Source Extensions, 3.5.9), so it must end exactly at
  // one, or it would take frames that are still needed.
  const first = timeline.entryFor(Math.max(0, playheadMs - limits.behindMs));
  if (first === undefined || first <= held.first || first > held.last) {
    return undefined;
  }
  const from = timeline.fragments[held.first];
  const to = timeline.fragments[first];
  if (from === undefined || to === undefined || to.start_ms - from.start_ms < MIN_TRIM_MS) {
    return undefined;
  }
  return { kind: 'trim', first, endMs: to.start_ms };
}
