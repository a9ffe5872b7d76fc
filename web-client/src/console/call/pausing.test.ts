import { expect, test } from 'vitest';

import { ASKED, leftS, mayEnd, pausedFor } from './pausing.ts';

const since = '2026-11-30T12:00:00Z';
const at = (time: string) => Date.parse(`2026-11-30T${time}Z`);

test('people end what people asked for, and nobody ends a rule of the queue', () => {
  for (const { reason } of ASKED) expect(mayEnd({ paused: { reason, since } })).toBe(true);
  expect(mayEnd({ paused: { reason: 'hold', since } })).toBe(false);
  expect(mayEnd({ paused: { reason: 'consult', since } })).toBe(false);
  expect(mayEnd({})).toBe(false);
});

test('the countdown never goes below zero and is not there without an end', () => {
  const pause = { reason: 'card_data', since, until: '2026-11-30T12:02:00Z' } as const;
  expect(leftS(pause, at('12:00:00.4'))).toBe(120);
  expect(leftS(pause, at('12:01:59.2'))).toBe(1);
  expect(leftS(pause, at('12:02:07'))).toBe(0);
  expect(leftS({ reason: 'hold', since }, at('12:00:00'))).toBeUndefined();
});

test('the banner says why', () => {
  expect(pausedFor('card_data')).toContain('card');
  expect(pausedFor('hold')).toContain('on hold');
});
