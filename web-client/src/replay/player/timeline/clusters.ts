/** Markers that would lie on each other are one. Pure. */
import type { TimelineMarker } from '../marker.ts';
import { type TimeView, xOf } from './view.ts';

/** Markers that share a place on the screen. */
export interface Cluster {
  /** Left edge of the button, px. */
  readonly x: number;
  /** In time order, at least one. */
  readonly markers: readonly TimelineMarker[];
}

/** The buttons of the markers in view, each at least `size` px from the one before it. */
export function clustersOf(
  markers: readonly TimelineMarker[],
  view: TimeView,
  width: number,
  size = 26,
): Cluster[] {
  const clusters: { x: number; markers: TimelineMarker[] }[] = [];
  const inView = markers
    .filter(({ atMs, endMs }) => (endMs ?? atMs) >= view.startMs && atMs <= view.endMs)
    .sort((a, b) => a.atMs - b.atMs);
  for (const marker of inView) {
    // The middle of the button is the moment; at the edges it stays inside.
    const x = Math.min(Math.max(0, xOf(view, width, marker.atMs) - size / 2), Math.max(0, width - size));
    const last = clusters.at(-1);
    if (last !== undefined && x - last.x < size) last.markers.push(marker);
    else clusters.push({ x, markers: [marker] });
  }
  return clusters;
}

/** Which of a cluster is picked: the one after the one picked last, in a circle. */
export function nextOf(cluster: Cluster, lastId: string | undefined): TimelineMarker | undefined {
  const last = cluster.markers.findIndex(({ id }) => id === lastId);
  return cluster.markers[(last + 1) % cluster.markers.length];
}
