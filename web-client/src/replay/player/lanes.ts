/** The rows under the seek bar: when each side was seen and heard. */
import type { RecordedSide, RecordingTrack } from '../../protocol.ts';
import type { Span } from '../engine/timeline.ts';

/** One row. */
export interface Lane {
  readonly label: string;
  readonly tone: RecordedSide;
  readonly spans: readonly Span[];
}

/** What of a track player a row needs. */
export interface LaneSource {
  readonly media: 'audio' | 'video';
  readonly track: Pick<RecordingTrack, 'side'>;
  readonly timeline: { readonly spans: readonly Span[] };
}

/** Gaps smaller than this share of the recording are less than a pixel: they are not drawn. */
const VISIBLE_SHARE = 1 / 1_500;

/** The four rows of a recording. */
export function lanesOf(players: readonly LaneSource[], durationMs: number): Lane[] {
  const lane = (side: RecordedSide, media: LaneSource['media'], label: string): Lane => {
    const spans = players
      .filter((player) => player.track.side === side && player.media === media)
      .flatMap((player): readonly Span[] => player.timeline.spans);
    return { label, tone: side, spans: joined(spans, durationMs * VISIBLE_SHARE) };
  };
  return [
    lane('agent', 'video', 'Agent seen'),
    lane('agent', 'audio', 'Agent heard'),
    lane('buyer', 'video', 'Buyer seen'),
    lane('buyer', 'audio', 'Buyer heard'),
  ];
}

/** Spans of all tracks in order, those that overlap or nearly touch as one. */
function joined(spans: readonly Span[], gapMs: number): Span[] {
  const rows: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const last = rows.at(-1);
    if (last !== undefined && span.startMs - last.endMs <= gapMs) {
      rows[rows.length - 1] = { startMs: last.startMs, endMs: Math.max(last.endMs, span.endMs) };
    } else {
      rows.push(span);
    }
  }
  return rows;
}
