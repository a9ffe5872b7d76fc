/** Why there is no picture of a side at a moment, in words. Pure. */
import type { RecordedSide, RecordingTrack } from '../../protocol.ts';
import { type ReplayData, reasonWords } from './data.ts';

/** The reason that stands instead of a picture; empty when nothing is known of it. */
export function absenceNote(
  data: ReplayData | undefined,
  tracks: readonly Pick<RecordingTrack, 'id' | 'side' | 'source'>[],
  side: RecordedSide,
  atMs: number,
): string {
  if (data === undefined) return '';
  const at = ({ startMs, endMs }: { startMs: number; endMs: number }): boolean =>
    startMs <= atMs && atMs < endMs;
  const pause = data.pauses.find(at);
  if (pause !== undefined) return `Recording paused: ${reasonWords(pause.reason)}`;
  const gaps = tracks
    .filter((track) => track.side === side && track.source !== 'microphone')
    .flatMap(({ id }) => data.gaps.get(id) ?? [])
    .filter(({ start_ms: startMs, end_ms: endMs }) => at({ startMs, endMs }));
  return gaps.some(({ reason }) => reason === 'lost') ? 'Picture lost on the way' : '';
}
