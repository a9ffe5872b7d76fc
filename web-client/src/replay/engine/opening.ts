/** Where a replay opens when nobody asked for a moment. */
import type { RecordingTrack } from '../../protocol.ts';

/** Tracks that begin later than this joined later; the replay does not wait for them, ms. */
const OPENING_MS = 2_000;

/**
 * The first moment at which everybody who was there from the start can be seen, ms of session time. The session
 * begins with the first packet, the first picture of the other side comes a moment after it.
 */
export function openingMs(tracks: readonly RecordingTrack[]): number {
  const starts = tracks
    .filter((track) => track.source !== 'microphone')
    .map((track) => track.fragments[0]?.start_ms ?? Number.POSITIVE_INFINITY)
    .filter((start) => start <= OPENING_MS);
  return Math.max(0, ...starts);
}
