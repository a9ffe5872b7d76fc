import { expect, test } from 'vitest';

import { holeAt, holeFollows, type Ranges } from './buffered.ts';

function ranges(...spans: [number, number][]): Ranges {
  return {
    length: spans.length,
    start: (index) => spans[index]?.[0] ?? Number.NaN,
    end: (index) => spans[index]?.[1] ?? Number.NaN,
  };
}

test('a moment between two ranges is in a hole, one that a browser bridges is not', () => {
  const buffered = ranges([0, 4], [4.1, 8]);
  expect(holeAt(buffered, 3.99)).toBeUndefined();
  expect(holeAt(buffered, 4.05)).toEqual({ until: 4.1 });
  expect(holeAt(buffered, 4.09)).toBeUndefined();
  expect(holeAt(buffered, 9)).toEqual({ until: undefined });
});

test('just before a hole of the recording nobody waits for more', () => {
  const buffered = ranges([0, 4], [4.1, 8]);
  expect(holeFollows(buffered, 3.9, 0.3, 8)).toBe(true);
  expect(holeFollows(buffered, 3.5, 0.3, 8), 'there is enough before it').toBe(false);
  expect(holeFollows(buffered, 4.05, 0.3, 8), 'that is the hole').toBe(false);
});

test('where more is still on its way there is something to wait for', () => {
  expect(holeFollows(ranges([0, 4]), 3.9, 0.3, 4)).toBe(false);
  expect(holeFollows(ranges([0, 4]), 3.9, 0.3, 4.01)).toBe(false);
});
