import { expect, test } from 'vitest';

import type { CallState, CallView } from '../protocol.ts';
import { placeOf } from './desk.ts';

const call = (state: CallState): CallView => ({
  id: 'c',
  state,
  requested_at: '2026-01-01T00:00:00Z',
  you: 'a',
  parties: [],
  recording: 'off',
  chat: [],
});

test('a ring never covers a call that goes on or its wrap-up', () => {
  expect(placeOf(call('connected'), true)).toBe('call');
  expect(placeOf(call('wrap_up'), true)).toBe('wrap-up');
});

test('a call that is over makes room for the next ring', () => {
  expect(placeOf(call('ended'), true)).toBe('ring');
  expect(placeOf(call('ended'), false)).toBe('idle');
  expect(placeOf(undefined, false)).toBe('idle');
});
