import { expect, test } from 'vitest';

import type { ReplayTimeline } from '../../protocol.ts';
import { currentIndex, eventWords, matching, momentsOf, neighbour } from './moments.ts';

const timeline: ReplayTimeline = {
  duration_ms: 60_000,
  complete: true,
  talk: { cell_ms: 100, sides: [], talk_over: [], silence: [] },
  pauses: [
    { start_ms: 20_000, end_ms: 25_000, reason: 'card_data', by: 'Mina', resumed_by_itself: true },
    { start_ms: 55_000, reason: 'card_data', by: '', resumed_by_itself: false },
  ],
  holds: [],
  gaps: [],
  receipts: [
    {
      at_ms: -9_000,
      side: 'buyer',
      recording: true,
      text_version: '3',
      language: 'de',
      purpose: 'quality_review',
    },
  ],
  quality: [],
  quality_truncated: false,
  chat: [
    { at_ms: 12_000, side: 'buyer', name: 'جنى', text: 'المصباح مكسور' },
    { at_ms: 13_000, side: 'agent', name: 'Mina Özil', text: 'Is the shade broken?' },
  ],
  events: [
    { at_ms: -2_000, by: { side: 'agent', name: 'Mina' }, what: { kind: 'connected' } },
    { at_ms: 30_000, by: { side: 'agent', name: 'Mina' }, what: { kind: 'held' } },
  ],
};
const moments = momentsOf(timeline);

test('consent, events, pauses and chat are one list in time order', () => {
  expect(moments.map(({ atMs, text }) => [atMs, text])).toEqual([
    [-9_000, 'The buyer agreed to be recorded'],
    [-2_000, 'Mina answered'],
    [12_000, 'المصباح مكسور'],
    [13_000, 'Is the shade broken?'],
    [20_000, 'Recording paused by Mina: card data'],
    [25_000, 'Recording goes on by itself: the pause was over'],
    [30_000, 'Mina put the buyer on hold'],
    [55_000, 'Recording paused: card data'],
  ]);
  expect(new Set(moments.map(({ id }) => id)).size).toBe(moments.length);
});

test('a search finds words in any order, case and with or without accents', () => {
  const found = (search: string): number[] => matching(moments, search).map(({ atMs }) => atMs);
  expect(found('SHADE ozil')).toEqual([13_000]);
  expect(found('مكسور')).toEqual([12_000]);
  expect(found('card')).toEqual([20_000, 55_000]);
  expect(found(' ')).toHaveLength(moments.length);
  expect(found('toaster')).toEqual([]);
});

test('the list knows where playback is', () => {
  expect(currentIndex(moments, -10_000)).toBe(-1);
  expect(currentIndex(moments, 12_000)).toBe(2);
  expect(currentIndex(moments, 19_999)).toBe(3);
});

test('walking through the moments does not stick', () => {
  expect(neighbour(moments, 12_000, 1)?.atMs).toBe(13_000);
  expect(neighbour(moments, 13_100, -1)?.atMs).toBe(12_000);
  expect(neighbour(moments, 12_000, -1)).toBeUndefined();
  expect(neighbour(moments, 55_000, 1)).toBeUndefined();
});

test('events read as sentences', () => {
  const mina = { side: 'agent', name: 'Mina' } as const;
  const buyer = { side: 'buyer' } as const;
  expect(eventWords({ kind: 'sending', source: 'screen', on: true }, buyer)).toBe(
    'The buyer shared the screen',
  );
  expect(eventWords({ kind: 'muted', whom: buyer, source: 'microphone', on: true }, mina)).toBe(
    'Mina muted the buyer for everybody',
  );
  expect(eventWords({ kind: 'muted', whom: buyer, source: 'camera', on: true }, mina)).toBe(
    'Mina muted the camera of the buyer for everybody',
  );
  expect(eventWords({ kind: 'following', mode: 'whisper' }, { side: 'supervisor', name: 'Sven' })).toBe(
    'Sven spoke to the agent alone',
  );
  expect(eventWords({ kind: 'taken_back' })).toBe('The hold ended');
  expect(eventWords({ kind: 'ended', reason: 'buyer_hung_up' })).toBe('The buyer hung up');
});
