/** Skips what nobody would miss: silence, and stretches in which the recording was paused. Pure. */
import type { Span } from './timeline.ts';

/** So much of a silence is still heard at both of its ends, so that words are not cut, ms. */
export const KEEP_MS = 500;

/** A skip that saves less than this only irritates, ms. */
export const WORTH_MS = 1_500;

/** The stretches to skip: quiet ones that touch are one, and a little is left of each at its ends. */
export function skipsOf(quiet: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of [...quiet].sort((a, b) => a.startMs - b.startMs)) {
    const last = merged.at(-1);
    // A tenth of a second is what the speech lanes are measured in.
    if (last !== undefined && span.startMs - last.endMs <= 100) {
      merged[merged.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, span.endMs) };
    } else {
      merged.push(span);
    }
  }
  return merged
    .map(({ startMs, endMs }) => ({ startMs: startMs + KEEP_MS, endMs: endMs - KEEP_MS }))
    .filter(({ startMs, endMs }) => endMs - startMs >= WORTH_MS);
}

/** The skip that a moment lies in. */
export function skipAt(skips: readonly Span[], atMs: number): Span | undefined {
  return skips.find(({ startMs, endMs }) => startMs <= atMs && atMs < endMs);
}
