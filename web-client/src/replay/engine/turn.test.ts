import { expect, test } from 'vitest';

import { turnAt } from './turn.ts';

test('a picture is turned as the phone was held at that moment', () => {
  const turns = [
    { at_ms: 500, degrees: 90 },
    { at_ms: 2000, degrees: 0 },
    { at_ms: 3000, degrees: 270 },
  ];
  expect([0, 500, 1999, 2000, 9000].map((t) => turnAt(turns, t))).toEqual([90, 90, 90, 0, 270]);
  expect(turnAt([], 10)).toBe(0);
});
