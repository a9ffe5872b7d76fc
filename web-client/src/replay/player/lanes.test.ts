import { expect, test } from 'vitest';

import { type LaneSource, lanesOf } from './lanes.ts';

const player = (
  side: 'buyer' | 'agent',
  media: 'audio' | 'video',
  ...spans: [number, number][]
): LaneSource => ({
  media,
  track: { side },
  timeline: { spans: spans.map(([startMs, endMs]) => ({ startMs, endMs })) },
});

test('files of before and after a reload share a row, camera and screen of the same time are one bar', () => {
  const lanes = lanesOf(
    [
      player('agent', 'video', [0, 10_000]),
      player('agent', 'video', [15_000, 20_000]),
      player('buyer', 'video', [0, 12_000]),
      player('buyer', 'video', [8_000, 16_000]),
    ],
    20_000,
  );
  expect(lanes.map(({ spans }) => spans)).toEqual([
    [
      { startMs: 0, endMs: 10_000 },
      { startMs: 15_000, endMs: 20_000 },
    ],
    [],
    [{ startMs: 0, endMs: 16_000 }],
    [],
  ]);
});

test('a voice with thousands of short silences is drawn with as many bars as can be told apart', () => {
  const hour = 3_600_000;
  const words = Array.from({ length: 9_000 }, (_, index): [number, number] => [
    index * 400,
    index * 400 + 300,
  ]);
  const heard = lanesOf([player('buyer', 'audio', ...words)], hour)[3];
  expect(heard?.spans).toEqual([{ startMs: 0, endMs: 8_999 * 400 + 300 }]);
});
