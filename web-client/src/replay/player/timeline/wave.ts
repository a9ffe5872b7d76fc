/** The recorder's peaks as bars of a waveform. Pure. */
import type { Span } from '../../engine/timeline.ts';
import { msAt, type TimeView, xOf } from './view.ts';

/** From one bar to the next, px. */
export const PITCH_PX = 3;

/** Peaks as they come: base64, one byte a cell. What is no base64 is no waveform. */
export function decodePeaks(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}

/** Bars of one voice as two paths: where it speaks, and the rest. */
export interface WavePaths {
  readonly speech: string;
  readonly rest: string;
}

/**
 * The bars of a voice around the middle of a lane `height` px high: each as high as the loudest of the cells it covers.
 * `speech` must be in time order.
 */
export function wavePaths(
  peaks: Uint8Array,
  cellMs: number,
  speech: readonly Span[],
  view: TimeView,
  width: number,
  height: number,
): WavePaths {
  const middle = height / 2;
  let spoken = '';
  let rest = '';
  let at = 0;
  for (let x = PITCH_PX / 2; x < width; x += PITCH_PX) {
    const fromMs = msAt(view, width, x - PITCH_PX / 2);
    const toMs = msAt(view, width, x + PITCH_PX / 2);
    const first = Math.max(0, Math.floor(fromMs / cellMs));
    const last = Math.min(peaks.length, Math.max(first + 1, Math.ceil(toMs / cellMs)));
    let peak = 0;
    for (let cell = first; cell < last; cell += 1) peak = Math.max(peak, peaks[cell] ?? 0);
    const half = (peak / 255) * (middle - 1);
    if (half < 0.5) continue;
    while (at < speech.length && (speech[at]?.endMs ?? 0) <= fromMs) at += 1;
    const speaks = (speech[at]?.startMs ?? Number.POSITIVE_INFINITY) < toMs;
    const bar = `M${x.toFixed(1)} ${(middle - half).toFixed(1)}V${(middle + half).toFixed(1)}`;
    if (speaks) spoken += bar;
    else rest += bar;
  }
  return { speech: spoken, rest };
}

/** A stretch as far as it is in view, px; at least so wide that it can be seen. */
export function boxOf(
  span: Span,
  view: TimeView,
  width: number,
  leastPx = 2,
): { readonly x: number; readonly width: number } | undefined {
  const from = Math.max(-2, xOf(view, width, span.startMs));
  const to = Math.min(width + 2, xOf(view, width, span.endMs));
  return to < from || from > width || to < 0 ? undefined : { x: from, width: Math.max(leastPx, to - from) };
}
