import { expect, test } from 'vitest';

import { keepLooks, keepPlace, PLACES_MAX, recallLooks, recallPlace, type Store } from './memory.ts';

function store(entries: Record<string, string> = {}): Store {
  const kept = new Map(Object.entries(entries));
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

test('looks come back, and what cannot be read is as usual', () => {
  const shelf = store();
  keepLooks(shelf, { view: 'corner', first: 'buyer', skipSilence: true });
  expect(recallLooks(shelf)).toEqual({ view: 'corner', first: 'buyer', skipSilence: true });
  const usual = { view: 'beside', first: 'agent', skipSilence: false };
  expect(recallLooks(undefined)).toEqual(usual);
  expect(recallLooks(store({ 'vitrine.replay.looks': '{"view":"upside down"' }))).toEqual(usual);
  expect(recallLooks(store({ 'vitrine.replay.looks': '{"view":"upside down","first":7}' }))).toEqual(usual);
});

test('a reviewer goes on where they were, but not from the very end', () => {
  const shelf = store();
  keepPlace(shelf, 'r1', 30_000, 60_000);
  keepPlace(shelf, 'r2', 2_000, 60_000);
  expect([recallPlace(shelf, 'r1'), recallPlace(shelf, 'r2')]).toEqual([30_000, undefined]);
  keepPlace(shelf, 'r1', 59_000, 60_000);
  expect(recallPlace(shelf, 'r1')).toBeUndefined();
});

test('the places of the last recordings are remembered, not of all there ever were', () => {
  const shelf = store();
  for (let n = 0; n <= PLACES_MAX; n += 1) keepPlace(shelf, `r${n}`, 10_000 + n, 60_000);
  expect(recallPlace(shelf, 'r0')).toBeUndefined();
  expect(recallPlace(shelf, 'r1')).toBe(10_001);
  expect(recallPlace(shelf, `r${PLACES_MAX}`)).toBe(10_000 + PLACES_MAX);
});

test('a store that refuses is no reason to stop', () => {
  const refusing: Store = {
    getItem: () => 'null',
    setItem: () => {
      throw new DOMException('full', 'QuotaExceededError');
    },
  };
  keepPlace(refusing, 'r1', 30_000, 60_000);
  expect(recallPlace(refusing, 'r1')).toBeUndefined();
});
