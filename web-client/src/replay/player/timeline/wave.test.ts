import { expect, test } from 'vitest';

import { whole } from './view.ts';
import { boxOf, decodePeaks, wavePaths } from './wave.ts';

const bars = (path: string): number => path.split('M').length - 1;

test('peaks come as they went, and nonsense is no waveform', () => {
  expect([...decodePeaks(btoa(String.fromCharCode(0, 128, 255)))]).toEqual([0, 128, 255]);
  expect(decodePeaks('%%%').length).toBe(0);
});

test('the loudest cell of a bar counts, so a short word is seen on a long call', () => {
  const peaks = new Uint8Array(36_000);
  peaks[18_000] = 255;
  const { speech, rest } = wavePaths(peaks, 100, [], whole(3_600_000), 900, 41);
  expect([bars(speech), bars(rest)]).toEqual([0, 1]);
  expect(rest).toMatch(/^M451\.5 1\.0V40\.0$|^M448\.5 1\.0V40\.0$|^M450/);
});

test('speech is drawn apart from other sound', () => {
  const peaks = new Uint8Array(100).fill(100);
  const speech = [
    { startMs: 2_000, endMs: 4_000 },
    { startMs: 6_000, endMs: 7_000 },
  ];
  const paths = wavePaths(peaks, 100, speech, whole(10_000), 300, 40);
  expect(bars(paths.speech)).toBeGreaterThanOrEqual(30);
  expect(bars(paths.speech)).toBeLessThanOrEqual(34);
  expect(bars(paths.speech) + bars(paths.rest)).toBe(100);
});

test('silence has no bars', () => {
  expect(wavePaths(new Uint8Array(100), 100, [], whole(10_000), 300, 40)).toEqual({ speech: '', rest: '' });
});

test('a stretch out of view has no box and a short one can still be seen', () => {
  const view = { startMs: 10_000, endMs: 20_000 };
  expect(boxOf({ startMs: 1_000, endMs: 2_000 }, view, 100)).toBeUndefined();
  expect(boxOf({ startMs: 30_000, endMs: 32_000 }, view, 100)).toBeUndefined();
  expect(boxOf({ startMs: 15_000, endMs: 15_001 }, view, 100)).toEqual({ x: 50, width: 2 });
  expect(boxOf({ startMs: 0, endMs: 60_000 }, view, 100)).toEqual({ x: -2, width: 104 });
});
