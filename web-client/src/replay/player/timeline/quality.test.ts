import { expect, test } from 'vitest';

import type { ReplayQuality } from '../../../protocol.ts';
import { figuresAt, freezes, linePath, topOf, weakStretches } from './quality.ts';
import { whole } from './view.ts';

/** Two seconds a point; `rtt` null: the connection was away. */
function quality(rtt: (number | null)[], more: Partial<ReplayQuality> = {}): ReplayQuality {
  const zeros = rtt.map(() => 0);
  return {
    side: 'buyer',
    at_ms: rtt.map((_, index) => (index + 1) * 2_000),
    link: rtt.map(() => 'good'),
    rtt_ms: rtt,
    up_loss_permille: zeros,
    down_loss_permille: zeros,
    up_kbps: zeros,
    down_kbps: zeros,
    frozen_ms: zeros,
    concealed_permille: zeros,
    ...more,
  };
}

test('the top of the lane is round, holds every value and does not make small figures look large', () => {
  expect(topOf('rtt', [quality([20, 40])])).toBe(200);
  expect(topOf('rtt', [quality([20, 420]), quality([610])])).toBe(1_000);
  expect(topOf('loss', [])).toBe(5);
});

test('a line breaks where nobody was there', () => {
  const away = quality([40, 40, null, null, null, null, 40, 40]);
  expect(linePath(away, 'rtt', 200, whole(16_000), 160, 40).split('M').length - 1).toBe(2);
  expect(linePath(quality([40, null, 40]), 'rtt', 200, whole(6_000), 60, 40).split('M').length - 1).toBe(1);
});

test('of the points on one pixel the worst is drawn', () => {
  const long = quality(Array.from({ length: 3_600 }, (_, index) => (index === 1_801 ? 190 : 10)));
  const path = linePath(long, 'rtt', 200, whole(7_200_000), 400, 41);
  const heights = [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(heights.length).toBeLessThanOrEqual(401);
  expect(Math.min(...heights)).toBeLessThan(4);
});

test('weak stretches of the same word that follow each other are one', () => {
  const link = ['good', 'fair', 'fair', 'poor', 'good', 'fair'] as ReplayQuality['link'];
  expect(weakStretches(quality([1, 1, 1, 1, 1, 1], { link }))).toEqual([
    { startMs: 2_000, endMs: 6_000, link: 'fair' },
    { startMs: 6_000, endMs: 8_000, link: 'poor' },
    { startMs: 10_000, endMs: 12_000, link: 'fair' },
  ]);
});

test('a freeze lies before the moment it was told', () => {
  expect(freezes(quality([1, 1], { frozen_ms: [0, 700] }))).toEqual([
    { startMs: 2_000, endMs: 4_000, frozenMs: 700 },
  ]);
});

test('the figures of a moment are those of the point that covers it', () => {
  const measured = quality([40, 45], { up_loss_permille: [0, 12], down_loss_permille: [3, 0] });
  expect(figuresAt(measured, 3_000)).toEqual({
    rtt: '45 ms',
    loss: '1.2 %',
    bitrate: '0 kbit/s',
    frozen: '0 ms',
  });
  expect(figuresAt(measured, 1_000)?.loss).toBe('0.3 %');
  expect(figuresAt(measured, 4_001)).toBeUndefined();
  expect(figuresAt(quality([null]), 1_000)?.rtt).toBe('–');
});
