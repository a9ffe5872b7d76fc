import { expect, test } from 'vitest';

import { parseReviewRoute, reviewHref } from './routes.ts';

test.each([
  ['/reviews', { page: 'reviews' }],
  ['/forms', { page: 'forms' }],
  ['/forms/', { page: 'forms' }],
  ['/forms/a%20b', { page: 'form', id: 'a b' }],
  ['/r/7/calibration', { page: 'calibration', id: '7' }],
  ['/my-reviews', { page: 'my-reviews', id: undefined }],
  ['/my-reviews/7', { page: 'my-reviews', id: '7' }],
])('%s is a page of its own', (path, route) => {
  expect(parseReviewRoute(path)).toEqual(route);
});

test.each(['', '/', '/r/7', '/r/7/other', '/reviews/7', '/forms/1/2', '/my-reviews/1/2', '/r//calibration'])(
  '%j is none of them',
  (path) => {
    expect(parseReviewRoute(path)).toBeUndefined();
  },
);

test('a score is opened beside its recording', () => {
  expect(reviewHref('1', 'a/b')).toBe('#/r/1?review=a%2Fb');
});
