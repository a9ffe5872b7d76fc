import { expect, test } from 'vitest';

import { parseRoute, playerRoute, searchRoute } from './route.ts';

test('the audit log has an address', () => {
  expect(parseRoute('#/audit')).toEqual({ page: 'audit' });
});

test('a link to a moment leads to that moment', () => {
  expect(parseRoute(playerRoute('rec 1', 83_450))).toEqual({
    page: 'player',
    id: 'rec 1',
    startMs: 83_400,
    worklist: undefined,
  });
  expect(parseRoute('#/r/abc?t=1:02:03')).toMatchObject({ startMs: 3_723_000 });
});

test('a place that makes no sense is the beginning', () => {
  for (const place of ['-5', 'soon', '1:2:3:4', '', 'Infinity']) {
    expect(parseRoute(`#/r/abc?t=${place}`)).toMatchObject({ id: 'abc', startMs: 0 });
  }
});

test('filters survive in the address', () => {
  const query = { ticket: 'V-1042', agent: 'Mina & Co', csat_max: '2' };
  expect(parseRoute(searchRoute(query))).toEqual({ page: 'search', query });
  expect(searchRoute({ ticket: ' ', agent: '' })).toBe('#/');
});

test('a worklist has its address, and a recording keeps the worklist it is gone through in', () => {
  expect(parseRoute('#/samples')).toEqual({ page: 'samples' });
  expect(parseRoute('#/samples/w1')).toEqual({ page: 'sample', id: 'w1' });
  expect(parseRoute(playerRoute('r1', 1_500, 'w1'))).toEqual({
    page: 'player',
    id: 'r1',
    startMs: 1_500,
    worklist: 'w1',
  });
  expect(playerRoute('r1', 0)).toBe('#/r/r1');
});

test('an unknown address is the search', () => {
  for (const hash of ['', '#', '#/nowhere', '#/r/', '#/r/a/b', '#/samples/a/b']) {
    expect(parseRoute(hash).page).toBe('search');
  }
  expect(parseRoute('#/r/%E0%A4%A')).toMatchObject({ page: 'player', id: '%E0%A4%A' });
});
