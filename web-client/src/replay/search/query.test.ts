import { expect, test } from 'vitest';

import { changed, isFiltered, listOf, parseQuery, sameQuery, writeQuery } from './query.ts';

test('a query reads as it was written, in one order, without what says nothing', () => {
  const query = parseQuery('sort=longest&agent=Mina+%26+Co&csat_max=2&q=+&colour=red');
  expect(query).toEqual({ agent: 'Mina & Co', csat_max: '2', sort: 'longest' });
  expect(writeQuery(query)).toBe('agent=Mina+%26+Co&csat_max=2&sort=longest');
  expect(parseQuery(writeQuery(query))).toEqual(query);
  expect(writeQuery(parseQuery('sort=newest'))).toBe('');
});

test('a field is changed by giving it another value, and taken away by an empty one', () => {
  const query = changed({ q: 'lamp', market: 'AT' }, { market: '', sort: 'longest' });
  expect(query).toEqual({ q: 'lamp', sort: 'longest' });
  expect(sameQuery(query, { sort: 'longest', q: ' lamp ' })).toBe(true);
  expect(sameQuery(query, {})).toBe(false);
});

test('an order alone leaves nothing out', () => {
  expect(isFiltered({ sort: 'longest' })).toBe(false);
  expect(isFiltered({ flag: 'comment' })).toBe(true);
});

test('lists are written with commas', () => {
  expect(listOf('AT, DE,')).toEqual(['AT', 'DE']);
  expect(listOf(undefined)).toEqual([]);
});
