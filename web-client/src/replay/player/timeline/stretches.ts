/** Stretches of a recording that deserve a name: as bands on the lanes, as words at a moment, as rows of a table. Pure. */
import type { RecordedSide, Recording } from '../../../protocol.ts';
import type { Span } from '../../engine/timeline.ts';
import { type ReplayData, reasonWords } from '../data.ts';
import { freezes, weakStretches } from './quality.ts';

/** What can be the matter; the order is that of the legend. */
export const STRETCH_KINDS = ['talk-over', 'silence', 'hold', 'pause', 'lost', 'weak', 'frozen'] as const;
export type StretchKind = (typeof STRETCH_KINDS)[number];

/** What each is called in the legend and the table. */
export const STRETCH_NAMES: Record<StretchKind, string> = {
  'talk-over': 'Both speak',
  silence: 'Nobody speaks',
  hold: 'Buyer on hold',
  pause: 'Recording paused',
  lost: 'Lost on the way',
  weak: 'Weak connection',
  frozen: 'Picture frozen',
};

/** One of them. */
export interface Stretch extends Span {
  readonly kind: StretchKind;
  /** Whose, when it is about one side. */
  readonly side?: RecordedSide;
  /** More about it; may be empty. */
  readonly note: string;
}

/** All of them, in time order. `tracks` tells whose the gaps are. */
export function stretchesOf(data: ReplayData, tracks: Recording['tracks']): Stretch[] {
  const plain = (kind: StretchKind, spans: readonly Span[]): Stretch[] =>
    spans.map((span) => ({ ...span, kind, note: '' }));
  const pauses = data.pauses.map(({ startMs, endMs, reason, by, resumedByItself }): Stretch => {
    const who = by === '' ? '' : `, by ${by}`;
    const note = `${reasonWords(reason)}${who}${resumedByItself ? '; went on by itself' : ''}`;
    return { startMs, endMs, kind: 'pause', note };
  });
  const lost = tracks.flatMap(({ id, side, source }) =>
    (data.gaps.get(id) ?? [])
      .filter(({ reason }) => reason === 'lost')
      .map(
        ({ start_ms: startMs, end_ms: endMs }): Stretch => ({
          startMs,
          endMs,
          kind: 'lost',
          side,
          note: source,
        }),
      ),
  );
  const connections = (['agent', 'buyer'] as const).flatMap((side): Stretch[] => {
    const quality = data.quality[side];
    if (quality === undefined) return [];
    return [
      ...weakStretches(quality).map(
        ({ startMs, endMs, link }): Stretch => ({ startMs, endMs, kind: 'weak', side, note: link }),
      ),
      ...freezes(quality).map(
        ({ startMs, endMs, frozenMs }): Stretch => ({
          startMs,
          endMs,
          kind: 'frozen',
          side,
          note: `for ${(frozenMs / 1000).toFixed(1)} s`,
        }),
      ),
    ];
  });
  return [
    ...plain('talk-over', data.talkOver),
    ...plain('silence', data.silence),
    ...plain('hold', data.holds),
    ...pauses,
    ...lost,
    ...connections,
  ].sort((a, b) => a.startMs - b.startMs);
}

/** What is the matter at a moment, as words. */
export function wordsAt(stretches: readonly Stretch[], data: ReplayData, atMs: number): string[] {
  const here = stretches.filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs);
  const speaks = (['agent', 'buyer'] as const).filter((side) =>
    data.voices[side]?.speech.some(({ startMs, endMs }) => startMs <= atMs && atMs < endMs),
  );
  const words = here
    .filter(({ kind }) => kind !== 'weak' && kind !== 'frozen')
    .map(({ kind, side, note }) => {
      const whose = side === undefined ? '' : ` (${side}${note === '' ? '' : `, ${note}`})`;
      return kind === 'pause' && note !== ''
        ? `${STRETCH_NAMES[kind]}: ${note}`
        : `${STRETCH_NAMES[kind]}${whose}`;
    });
  if (speaks.length === 1) words.unshift(speaks[0] === 'agent' ? 'Agent speaks' : 'Buyer speaks');
  return words;
}
