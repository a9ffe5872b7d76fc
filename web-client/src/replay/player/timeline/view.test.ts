import { expect, test } from 'vitest';

import { isWhole, msAt, panned, showing, ticks, VIEW_MIN_MS, whole, xOf, zoomed } from './view.ts';

const HOUR = 3_600_000;

test('zooming keeps the moment under the pointer where it is', () => {
  const view = zoomed(whole(HOUR), 0.5, 900_000, HOUR);
  expect(view.endMs - view.startMs).toBe(HOUR / 2);
  expect(xOf(view, 1000, 900_000)).toBeCloseTo(250);
  expect(msAt(view, 1000, 250)).toBeCloseTo(900_000);
});

test('a view never leaves the recording and is never shorter than can be seen', () => {
  let view = whole(HOUR);
  for (let times = 0; times < 40; times += 1) view = zoomed(view, 0.5, HOUR, HOUR);
  expect(view).toEqual({ startMs: HOUR - VIEW_MIN_MS, endMs: HOUR });
  expect(panned(view, 60_000, HOUR)).toEqual(view);
  expect(panned(view, -2 * HOUR, HOUR)).toEqual({ startMs: 0, endMs: VIEW_MIN_MS });
  for (let times = 0; times < 40; times += 1) view = zoomed(view, 2, 0, HOUR);
  expect(isWhole(view, HOUR)).toBe(true);
  expect(zoomed(whole(2_000), 0.1, 500, 2_000)).toEqual(whole(2_000));
});

test('a playhead that leaves the view turns the page', () => {
  const view = { startMs: 10_000, endMs: 20_000 };
  expect(showing(view, 15_000, HOUR)).toBe(view);
  expect(showing(view, 20_100, HOUR)).toEqual({ startMs: 19_100, endMs: 29_100 });
  expect(showing(view, 0, HOUR)).toEqual({ startMs: 0, endMs: 10_000 });
});

test('the ruler names round moments that have room', () => {
  expect(ticks(whole(60_000), 720)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
  expect(ticks({ startMs: 61_000, endMs: 66_000 }, 720)).toEqual([
    61_000, 62_000, 63_000, 64_000, 65_000, 66_000,
  ]);
  const many = ticks(whole(2 * HOUR), 320);
  expect(many.length).toBeLessThanOrEqual(5);
});
