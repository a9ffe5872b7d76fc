/** How the connections were, as lines over time. Pure. */
import type { LinkState, ReplayQuality } from '../../../protocol.ts';
import type { Span } from '../../engine/timeline.ts';
import { type TimeView, xOf } from './view.ts';

/** What a line can show. */
export const METRICS = ['rtt', 'loss', 'bitrate', 'frozen'] as const;
export type Metric = (typeof METRICS)[number];

interface MetricDescription {
  readonly label: string;
  readonly unit: string;
  /** The top of the lane is at least this much, so that small figures look small. */
  readonly least: number;
  readonly value: (quality: ReplayQuality, index: number) => number | undefined;
}

/** What each line means. */
export const METRIC: Record<Metric, MetricDescription> = {
  rtt: {
    label: 'Round trip',
    unit: 'ms',
    least: 200,
    value: (quality, index) => quality.rtt_ms[index] ?? undefined,
  },
  loss: {
    label: 'Packets lost',
    unit: '%',
    least: 5,
    value: (quality, index) =>
      Math.max(quality.up_loss_permille[index] ?? 0, quality.down_loss_permille[index] ?? 0) / 10,
  },
  bitrate: {
    label: 'Sent',
    unit: 'kbit/s',
    least: 500,
    value: (quality, index) => quality.up_kbps[index],
  },
  frozen: {
    label: 'Picture frozen',
    unit: 'ms',
    least: 1_000,
    value: (quality, index) => quality.frozen_ms[index],
  },
};

/** Points further apart than this do not belong together: the person was away, ms. */
const BREAK_MS = 6_000;

/** A point speaks for the time before it up to this long, ms. */
const POINT_MS = 2_500;

/** A round figure at or above every value of all lines, for the top of the lane. */
export function topOf(metric: Metric, qualities: readonly ReplayQuality[]): number {
  const { least, value } = METRIC[metric];
  let top = least;
  for (const quality of qualities) {
    for (let index = 0; index < quality.at_ms.length; index += 1)
      top = Math.max(top, value(quality, index) ?? 0);
  }
  const power = 10 ** Math.floor(Math.log10(top));
  return ([1, 2, 5, 10].find((step) => step * power >= top) ?? 10) * power;
}

/** The line of one side in a lane `height` px high. Of the points on one pixel the highest is drawn. */
export function linePath(
  quality: ReplayQuality,
  metric: Metric,
  top: number,
  view: TimeView,
  width: number,
  height: number,
): string {
  const { value } = METRIC[metric];
  let path = '';
  let lastMs = Number.NEGATIVE_INFINITY;
  let column = Number.NEGATIVE_INFINITY;
  let highest = 0;
  let begins = true;
  const flush = (): void => {
    if (column === Number.NEGATIVE_INFINITY) return;
    const y = height - 1 - Math.min(1, highest / top) * (height - 2);
    // A dot where a line of one point would be invisible.
    path += begins ? `M${column} ${y.toFixed(1)}h.01` : `L${column} ${y.toFixed(1)}`;
    begins = false;
    column = Number.NEGATIVE_INFINITY;
  };
  for (let index = 0; index < quality.at_ms.length; index += 1) {
    const atMs = quality.at_ms[index] ?? 0;
    if (atMs < view.startMs - BREAK_MS || atMs > view.endMs + BREAK_MS) continue;
    const figure = value(quality, index);
    if (figure === undefined) continue;
    const x = Math.round(xOf(view, width, atMs));
    if (atMs - lastMs > BREAK_MS) {
      flush();
      begins = true;
    } else if (x !== column) {
      flush();
    }
    highest = x === column ? Math.max(highest, figure) : figure;
    column = x;
    lastMs = atMs;
  }
  flush();
  return path;
}

/** Where a side's connection was not good: stretches with their word. */
export function weakStretches(quality: ReplayQuality): (Span & { readonly link: LinkState })[] {
  const found: { startMs: number; endMs: number; link: LinkState }[] = [];
  for (let index = 0; index < quality.at_ms.length; index += 1) {
    const link = quality.link[index];
    if (link === undefined || link === 'good') continue;
    const endMs = quality.at_ms[index] ?? 0;
    const startMs = Math.max(0, endMs - 2_000);
    const last = found.at(-1);
    if (last !== undefined && last.link === link && startMs - last.endMs <= POINT_MS) last.endMs = endMs;
    else found.push({ startMs, endMs, link });
  }
  return found;
}

/** Where a side's picture stood still. */
export function freezes(quality: ReplayQuality): (Span & { readonly frozenMs: number })[] {
  return quality.at_ms.flatMap((endMs, index) => {
    const frozenMs = quality.frozen_ms[index] ?? 0;
    return frozenMs > 0 ? [{ startMs: Math.max(0, endMs - 2_000), endMs, frozenMs }] : [];
  });
}

/** The figures of one moment, as words with their unit; `undefined` when nothing was measured then. */
export function figuresAt(quality: ReplayQuality, atMs: number): Record<Metric, string> | undefined {
  const index = quality.at_ms.findIndex((ms) => ms >= atMs);
  const endMs = quality.at_ms[index];
  if (endMs === undefined || endMs - atMs > POINT_MS) return undefined;
  const said = (metric: Metric): string => {
    const figure = METRIC[metric].value(quality, index);
    return figure === undefined ? '–' : `${Number(figure.toFixed(1))} ${METRIC[metric].unit}`;
  };
  return { rtt: said('rtt'), loss: said('loss'), bitrate: said('bitrate'), frozen: said('frozen') };
}
