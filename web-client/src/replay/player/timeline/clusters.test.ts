import { expect, test } from 'vitest';

import type { TimelineMarker } from '../marker.ts';
import { clustersOf, nextOf } from './clusters.ts';
import { whole } from './view.ts';

const marker = (atMs: number, endMs?: number): TimelineMarker => ({
  id: `m${atMs}`,
  atMs,
  ...(endMs === undefined ? {} : { endMs }),
  kind: 'comment',
  label: 'Look',
});

test('buttons never lie on each other: near markers share one', () => {
  const clusters = clustersOf(
    [marker(50_000), marker(10_000), marker(10_500), marker(12_000)],
    whole(60_000),
    600,
    24,
  );
  expect(clusters.map(({ markers }) => markers.map(({ id }) => id))).toEqual([
    ['m10000', 'm10500', 'm12000'],
    ['m50000'],
  ]);
  for (let n = 1; n < clusters.length; n += 1) {
    expect((clusters[n]?.x ?? 0) - (clusters[n - 1]?.x ?? 0)).toBeGreaterThanOrEqual(24);
  }
});

test('coming closer takes them apart, and what is out of view has no button', () => {
  const view = { startMs: 10_000, endMs: 12_000 };
  const clusters = clustersOf(
    [marker(10_000), marker(10_500), marker(50_000), marker(2_000, 11_000)],
    view,
    600,
    24,
  );
  expect(clusters.map(({ markers }) => markers.length)).toEqual([2, 1]);
});

test('each press of a shared button picks the next one', () => {
  const [cluster] = clustersOf([marker(1_000), marker(1_100)], whole(60_000), 600);
  if (cluster === undefined) throw new Error('one button');
  expect(nextOf(cluster, undefined)?.id).toBe('m1000');
  expect(nextOf(cluster, 'm1000')?.id).toBe('m1100');
  expect(nextOf(cluster, 'm1100')?.id).toBe('m1000');
  expect(nextOf(cluster, 'other')?.id).toBe('m1000');
});
