import { expect, test } from 'vitest';

import { KEEP_MS, skipAt, skipsOf } from './skip.ts';

test('a silence is skipped but for a little at both ends', () => {
  expect(skipsOf([{ startMs: 10_000, endMs: 20_000 }])).toEqual([
    { startMs: 10_000 + KEEP_MS, endMs: 20_000 - KEEP_MS },
  ]);
});

test('a silence around a pause of the recording is one skip, whatever order they come in', () => {
  const skips = skipsOf([
    { startMs: 14_000, endMs: 20_000 },
    { startMs: 5_000, endMs: 8_000 },
    { startMs: 8_000, endMs: 14_040 },
  ]);
  expect(skips).toEqual([{ startMs: 5_000 + KEEP_MS, endMs: 20_000 - KEEP_MS }]);
});

test('a silence that is hardly longer than what is kept of it is not worth a jump', () => {
  expect(skipsOf([{ startMs: 0, endMs: 2_400 }])).toEqual([]);
});

test('a moment is in a skip from its beginning up to but not including its end', () => {
  const skips = skipsOf([{ startMs: 0, endMs: 10_000 }]);
  expect([499, 500, 9_499, 9_500].map((ms) => skipAt(skips, ms) !== undefined)).toEqual([
    false,
    true,
    true,
    false,
  ]);
});
