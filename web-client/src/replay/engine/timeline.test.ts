import { expect, test } from 'vitest';

import type { Fragment } from '../../protocol.ts';
import { TrackTimeline } from './timeline.ts';

/** Fragments from `[start, end, keyframe]`, one after another in the file, 100 bytes each. */
function fragments(...list: [start: number, end: number, keyframe?: boolean][]): Fragment[] {
  return list.map(([start_ms, end_ms, keyframe = true], index) => ({
    bytes: { offset: 500 + index * 100, length: 100 },
    start_ms,
    end_ms,
    keyframe,
  }));
}

test('a late track has a gap before it, and none is left after its end', () => {
  const track = new TrackTimeline(fragments([4_000, 6_000], [6_000, 8_000]), 'video');
  expect(track.presenceAt(0)).toEqual({ kind: 'gap', untilMs: 4_000 });
  expect(track.presenceAt(4_000)).toMatchObject({ kind: 'media' });
  expect(track.presenceAt(7_999)).toMatchObject({ kind: 'media', span: { startMs: 4_000, endMs: 8_000 } });
  expect(track.presenceAt(8_000)).toEqual({ kind: 'gap' });
  expect(track.endMs).toBe(8_000);
});

test('a frame that comes a little late does not make a gap, a camera that was off does', () => {
  const track = new TrackTimeline(fragments([0, 2_000], [2_200, 4_000], [9_000, 11_000]), 'video');
  expect(track.spans).toEqual([
    { startMs: 0, endMs: 4_000 },
    { startMs: 9_000, endMs: 11_000 },
  ]);
  expect(track.presenceAt(6_000)).toEqual({ kind: 'gap', untilMs: 9_000 });
});

test('for sound a hole of 100 ms is a gap, a rounded millisecond is not', () => {
  const track = new TrackTimeline(fragments([0, 1_000], [1_001, 2_000], [2_100, 3_000]), 'audio');
  expect(track.spans).toEqual([
    { startMs: 0, endMs: 2_000 },
    { startMs: 2_100, endMs: 3_000 },
  ]);
});

test('decoding of a picture begins at the last keyframe before it', () => {
  const track = new TrackTimeline(
    fragments([0, 2_000], [2_000, 4_000, false], [4_000, 6_000], [6_000, 8_000, false]),
    'video',
  );
  expect(track.entryFor(3_500)).toBe(0);
  expect(track.entryFor(4_000)).toBe(2);
  expect(track.entryFor(7_999)).toBe(2);
});

test('decoding in a gap begins with the fragment after it, and nowhere when nothing follows', () => {
  const track = new TrackTimeline(fragments([0, 2_000], [9_000, 11_000]), 'video');
  expect(track.entryFor(5_000)).toBe(1);
  expect(track.entryFor(12_000)).toBeUndefined();
  expect(new TrackTimeline([], 'video').entryFor(0)).toBeUndefined();
});

test('sound begins one fragment early so that Opus has converged, but never before a gap', () => {
  const track = new TrackTimeline(fragments([0, 1_000], [1_000, 2_000], [5_000, 6_000]), 'audio');
  expect(track.entryFor(1_500)).toBe(0);
  expect(track.entryFor(5_500)).toBe(2);
});

test('an index in the wrong order or with empty fragments is read all the same', () => {
  const list = fragments([2_000, 4_000], [0, 2_000], [5_000, 4_500]);
  list.push({ bytes: { offset: 900, length: 0 }, start_ms: 4_000, end_ms: 6_000, keyframe: true });
  const track = new TrackTimeline(list, 'video');
  expect(track.spans).toEqual([{ startMs: 0, endMs: 4_000 }]);
});

test('small holes of sound add up, rounded milliseconds do not', () => {
  const track = new TrackTimeline(
    fragments([0, 1_000], [1_020, 2_000], [2_001, 3_000], [3_030, 4_000]),
    'audio',
  );
  expect(track.spans).toHaveLength(1);
  expect(track.missingBetween(0, 900)).toBe(0);
  expect(track.missingBetween(0, 1_500)).toBe(20);
  expect(track.missingBetween(500, 3_999)).toBe(50);
  expect(track.missingBetween(1_100, 3_999)).toBe(30);
});
