import { expect, test } from 'vitest';

import type { RecordingTrack, ReplayTimeline } from '../../../protocol.ts';
import { lengthOf, readTimeline, talkShare } from '../data.ts';
import { stretchesOf, wordsAt } from './stretches.ts';

const timeline: ReplayTimeline = {
  duration_ms: 60_000,
  complete: false,
  talk: {
    cell_ms: 100,
    sides: [
      { side: 'buyer', peaks: '', speech: [[0, 6_000]], talk_ms: 6_000 },
      { side: 'agent', peaks: '', speech: [[4_000, 22_000]], talk_ms: 18_000, loudness_lufs: -19 },
    ],
    talk_over: [[4_000, 6_000]],
    silence: [[30_000, 40_000]],
  },
  pauses: [{ start_ms: 50_000, reason: 'card_data', by: 'Mina', resumed_by_itself: false }],
  holds: [[25_000, 28_000]],
  gaps: [
    {
      track: 'buyer-camera-1',
      gaps: [
        { start_ms: 8_000, end_ms: 9_000, reason: 'lost' },
        { start_ms: 10_000, end_ms: 20_000, reason: 'silent' },
      ],
    },
  ],
  receipts: [],
  quality: [],
  quality_truncated: false,
  chat: [],
  events: [],
};
const track = { id: 'buyer-camera-1', side: 'buyer', source: 'camera' } as RecordingTrack;

test('everything that deserves a name is in one list, in time order', () => {
  const stretches = stretchesOf(readTimeline(timeline), [track]);
  expect(stretches.map(({ kind, startMs, endMs, note }) => [kind, startMs, endMs, note])).toEqual([
    ['talk-over', 4_000, 6_000, ''],
    ['lost', 8_000, 9_000, 'camera'],
    ['hold', 25_000, 28_000, ''],
    ['silence', 30_000, 40_000, ''],
    ['pause', 50_000, 60_000, 'card data, by Mina'],
  ]);
});

test('a moment is put into words', () => {
  const data = readTimeline(timeline);
  const words = (ms: number): string[] => wordsAt(stretchesOf(data, [track]), data, ms);
  expect(words(1_000)).toEqual(['Buyer speaks']);
  expect(words(5_000)).toEqual(['Both speak']);
  expect(words(8_500)).toEqual(['Agent speaks', 'Lost on the way (buyer, camera)']);
  expect(words(55_000)).toEqual(['Recording paused: card data, by Mina']);
  expect(words(29_000)).toEqual([]);
});

test('who spoke how much is a share of what was said', () => {
  const data = readTimeline(timeline);
  expect([talkShare(data, 'agent'), talkShare(data, 'buyer')]).toEqual([0.75, 0.25]);
  expect(lengthOf(data.talkOver)).toBe(2_000);
  const nobody = readTimeline({ ...timeline, talk: { ...timeline.talk, sides: [] } });
  expect(talkShare(nobody, 'agent')).toBeUndefined();
});
