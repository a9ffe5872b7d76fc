import { expect, test } from 'vitest';

import { learnServerTime, serverNow } from './server-time.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');

test('a computer that is five minutes behind counts in the server’s time', () => {
  learnServerTime('Thu, 01 Jan 2026 12:05:00 GMT', NOW);
  expect(serverNow(NOW)).toBe(NOW + 300_500);
});

test('a difference that may be rounding is none', () => {
  learnServerTime('Thu, 01 Jan 2026 12:00:01 GMT', NOW);
  expect(serverNow(NOW)).toBe(NOW);
});

test('an answer without a date changes nothing', () => {
  learnServerTime('Thu, 01 Jan 2026 11:00:00 GMT', NOW);
  learnServerTime(null, NOW);
  learnServerTime('soon', NOW);
  expect(serverNow(NOW)).toBe(NOW - 3_600_000 + 500);
});
