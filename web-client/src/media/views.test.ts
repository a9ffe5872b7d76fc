import { expect, test } from 'vitest';

import { patience, sizes } from './views.ts';

test('a slot is as large as its largest picture, in device pixels; what has no size is not shown', () => {
  const shown = [
    { mid: '7', width: 100, height: 50 },
    { mid: '6', width: 160, height: 90 },
    { mid: '6', width: 640.4, height: 360.2 },
    { mid: '8', width: 0, height: 90 },
  ];
  expect(sizes(shown, 2)).toEqual([
    { mid: '6', width: 1281, height: 720 },
    { mid: '7', width: 200, height: 100 },
  ]);
  expect(sizes([{ mid: '6', width: 90_000, height: 9 }], 3)).toEqual([
    { mid: '6', width: 16_384, height: 27 },
  ]);
});

test('growing is told at once, shrinking when the layout has settled, hiding after a glance elsewhere', () => {
  const small = [{ mid: '6', width: 160, height: 90 }];
  const large = [{ mid: '6', width: 640, height: 360 }];
  const grow = patience(small, large) ?? Number.NaN;
  const shrink = patience(large, small) ?? Number.NaN;
  const hide = patience(large, []) ?? Number.NaN;
  expect(patience(large, large)).toBeUndefined();
  expect(patience([], small)).toBe(grow);
  expect(grow).toBeLessThan(shrink);
  expect(shrink).toBeLessThan(hide);
});
