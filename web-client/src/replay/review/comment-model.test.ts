import { expect, test } from 'vitest';

import type { NewComment, TimelineComment } from '../../protocol.ts';
import { markersOf, placeOf, withComment, withEnd } from './comment-model.ts';

const comment = (id: string, at_ms: number, more: Partial<TimelineComment> = {}): TimelineComment => ({
  id,
  kind: 'comment',
  at_ms,
  text: `words of ${id}`,
  author: { id: 'u', name: 'Rita' },
  created_at: '2026-11-21T20:00:00Z',
  own: true,
  ...more,
});

test('comments that are not settled are on the timeline', () => {
  const markers = markersOf([
    comment('a', 1_000, { end_ms: 2_000 }),
    comment('b', 3_000, { resolved_by: { id: 'v', name: 'Sven' } }),
    comment('c', 4_000, { kind: 'bookmark', text: '' }),
    comment('d', 5_000, { text: 'x'.repeat(200) }),
  ]);
  expect(markers.map(({ id }) => id)).toEqual(['a', 'c', 'd']);
  expect(markers[0]).toEqual({
    id: 'a',
    kind: 'comment',
    atMs: 1_000,
    endMs: 2_000,
    label: 'Rita: words of a',
  });
  expect(markers[1]?.label).toBe('Rita: Bookmark');
  expect(markers[2]?.label).toHaveLength('Rita: '.length + 80);
});

test('a changed comment takes its new place', () => {
  const list = [comment('a', 1_000), comment('b', 2_000)];
  expect(withComment(list, comment('a', 3_000)).map(({ id }) => id)).toEqual(['b', 'a']);
  expect(withComment(list, comment('c', 1_500)).map(({ id }) => id)).toEqual(['a', 'c', 'b']);
});

test('a stretch runs forward whatever end was set first', () => {
  const start: NewComment = { kind: 'comment', at_ms: 5_000, text: '' };
  expect(placeOf(start)).toBe('0:05');
  expect(placeOf(withEnd(start, 9_000.4))).toBe('0:05–0:09');
  expect(withEnd(start, 2_000)).toMatchObject({ at_ms: 2_000, end_ms: 5_000 });
  expect(withEnd({ ...start, end_ms: 9_000 }, 5_000)).toEqual(start);
});
