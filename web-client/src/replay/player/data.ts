/** The server's timeline of a recording in the forms the lanes, the list and the figures want. Pure. */
import type { RecordedSide, ReplayGap, ReplayPause, ReplayQuality, ReplayTimeline } from '../../protocol.ts';
import type { Span } from '../engine/timeline.ts';
import { decodePeaks } from './timeline/wave.ts';

/** One side's voice. */
export interface Voice {
  readonly peaks: Uint8Array;
  readonly speech: readonly Span[];
  readonly talkMs: number;
  readonly loudnessLufs: number | undefined;
}

/** A pause of the recording; one that nothing ended lasts to the end. */
export interface Pause extends Span {
  readonly reason: string;
  readonly by: string;
  readonly resumedByItself: boolean;
}

/** See the module. */
export interface ReplayData {
  readonly durationMs: number;
  readonly cellMs: number;
  readonly voices: { readonly [side in RecordedSide]?: Voice };
  readonly talkOver: readonly Span[];
  readonly silence: readonly Span[];
  readonly pauses: readonly Pause[];
  readonly holds: readonly Span[];
  /** By track. */
  readonly gaps: ReadonlyMap<string, readonly ReplayGap[]>;
  readonly quality: { readonly [side in RecordedSide]?: ReplayQuality };
  /** As it came, for what is listed. */
  readonly timeline: ReplayTimeline;
}

/** Reads the answer of `GET /recordings/{id}/timeline`. */
export function readTimeline(timeline: ReplayTimeline): ReplayData {
  const { talk } = timeline;
  const durationMs = timeline.duration_ms;
  return {
    durationMs,
    cellMs: Math.max(1, talk.cell_ms),
    voices: Object.fromEntries(
      talk.sides.map((voice): [RecordedSide, Voice] => [
        voice.side,
        {
          peaks: decodePeaks(voice.peaks),
          speech: spans(voice.speech),
          talkMs: voice.talk_ms,
          loudnessLufs: voice.loudness_lufs,
        },
      ]),
    ),
    talkOver: spans(talk.talk_over),
    silence: spans(talk.silence),
    pauses: timeline.pauses.map((pause) => pauseOf(pause, durationMs)),
    holds: spans(timeline.holds),
    gaps: new Map(timeline.gaps.map(({ track, gaps }) => [track, gaps])),
    quality: Object.fromEntries(timeline.quality.map((quality) => [quality.side, quality])),
    timeline,
  };
}

/** A side's share of all that was said, 0–1; `undefined` when nobody spoke. */
export function talkShare(data: ReplayData, side: RecordedSide): number | undefined {
  const talk = (of: RecordedSide): number => data.voices[of]?.talkMs ?? 0;
  const all = talk('buyer') + talk('agent');
  return all === 0 ? undefined : talk(side) / all;
}

/** How long some stretches are together, ms. */
export function lengthOf(stretches: readonly Span[]): number {
  return stretches.reduce((sum, { startMs, endMs }) => sum + Math.max(0, endMs - startMs), 0);
}

/** `card_data` as a reviewer reads it. */
export function reasonWords(reason: string): string {
  return reason.replaceAll('_', ' ');
}

function pauseOf(pause: ReplayPause, durationMs: number): Pause {
  const { start_ms: startMs, reason, by } = pause;
  const endMs = Math.max(startMs, pause.end_ms ?? durationMs);
  return { startMs, endMs, reason, by, resumedByItself: pause.resumed_by_itself };
}

function spans(stretches: readonly (readonly [number, number])[]): Span[] {
  return stretches.map(([startMs, endMs]) => ({ startMs, endMs }));
}
