import { expect, test } from 'vitest';

import type { Fragment } from '../../protocol.ts';
import { FragmentStore } from './fragment-store.ts';

/** Fragments of 4 bytes each. */
const fragments: readonly Fragment[] = Array.from({ length: 6 }, (_, number) => ({
  bytes: { offset: 100 + 4 * number, length: 4 },
  start_ms: 1000 * number,
  end_ms: 1000 * (number + 1),
  keyframe: true,
}));

/** What stands in the file from the fragment of this number on. */
const bytes = (first: number, last: number): ArrayBuffer =>
  Uint8Array.from({ length: 4 * (last - first + 1) }, (_, at) => 4 * first + at).buffer;

test('a run is there when each of its fragments is, however they came', () => {
  const store = new FragmentStore();
  store.put(fragments.slice(0, 2), bytes(0, 1));
  store.put(fragments.slice(2, 5), bytes(2, 4));
  expect(store.take(fragments.slice(1, 4))).toEqual(new Uint8Array(bytes(1, 3)));
  expect(store.take(fragments.slice(4, 6))).toBeUndefined();
});

test('what was not used for longest goes first', () => {
  const store = new FragmentStore(12);
  store.put(fragments.slice(0, 3), bytes(0, 2));
  expect(store.take(fragments.slice(0, 1))).toBeDefined();
  store.put(fragments.slice(3, 4), bytes(3, 3));
  expect(store.take(fragments.slice(0, 1))).toEqual(new Uint8Array(bytes(0, 0)));
  expect(store.take(fragments.slice(1, 2))).toBeUndefined();
  expect(store.take(fragments.slice(2, 4))).toEqual(new Uint8Array(bytes(2, 3)));
});

test('what grew since is fetched again', () => {
  const store = new FragmentStore();
  store.put(fragments.slice(0, 1), bytes(0, 0));
  const [first] = fragments;
  if (first) expect(store.take([{ ...first, bytes: { offset: 100, length: 8 } }])).toBeUndefined();
});
