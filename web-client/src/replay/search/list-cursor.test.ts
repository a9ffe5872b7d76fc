import { expect, test } from 'vitest';

import { ListCursor } from './list-cursor.ts';

function cursor(ids = 'abcde'): ListCursor {
  const list = new ListCursor();
  list.ids = [...ids];
  return list;
}

test('moving stops at both ends', () => {
  const list = cursor();
  list.by(-1);
  expect(list.id).toBe('a');
  list.by(2);
  expect(list.id).toBe('c');
  list.to(99);
  expect(list.id).toBe('e');
  expect(cursor('').by(1)).toBe(false);
});

test('who is on a row stays on it when rows come and go', () => {
  const list = cursor();
  list.to(2);
  list.toggle();
  list.toggle('e');
  list.ids = [...'xabcd'];
  expect([list.id, list.chosen]).toEqual(['c', ['c']]);
  list.ids = ['x'];
  expect([list.id, list.chosen]).toEqual(['x', []]);
  list.ids = [];
  expect([list.id, list.at]).toEqual([undefined, 0]);
});

test('a stretch is chosen from where it began', () => {
  const list = cursor();
  list.to(1);
  list.by(1, true);
  list.by(1, true);
  expect(list.chosen).toEqual([...'bcd']);
  list.to(0);
  list.toggle();
  expect(list.chosen).toEqual([...'abcd']);
  list.toggle('b');
  expect(list.chosen).toEqual([...'acd']);
});

test('all are chosen, then none', () => {
  const list = cursor('ab');
  list.toggleAll();
  expect(list.chosen).toEqual(['a', 'b']);
  list.toggleAll();
  expect(list.chosen).toEqual([]);
  list.toggle();
  expect([list.clear(), list.clear()]).toEqual([true, false]);
});
