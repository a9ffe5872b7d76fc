/** Which part of a recording the lanes show: zoom, pan, and where a moment is on the screen. Pure. */

/** A stretch of session time on the screen. */
export interface TimeView {
  readonly startMs: number;
  readonly endMs: number;
}

/** Closer than this there is nothing more to see: a cell of a waveform is a tenth of a second. */
export const VIEW_MIN_MS = 5_000;

/** Everything. */
export function whole(durationMs: number): TimeView {
  return { startMs: 0, endMs: Math.max(1, durationMs) };
}

/** Whether everything is shown. */
export function isWhole(view: TimeView, durationMs: number): boolean {
  return view.startMs <= 0 && view.endMs >= durationMs;
}

/** The view made `factor` times as long (less than 1: closer), with the moment `aroundMs` where it was on the screen. */
export function zoomed(view: TimeView, factor: number, aroundMs: number, durationMs: number): TimeView {
  const length = view.endMs - view.startMs;
  const wanted = Math.min(
    Math.max(length * factor, Math.min(VIEW_MIN_MS, durationMs)),
    Math.max(1, durationMs),
  );
  const share = Math.min(1, Math.max(0, (aroundMs - view.startMs) / length));
  return fitted(aroundMs - share * wanted, wanted, durationMs);
}

/** The view moved by some time. */
export function panned(view: TimeView, byMs: number, durationMs: number): TimeView {
  return fitted(view.startMs + byMs, view.endMs - view.startMs, durationMs);
}

/** The view that shows a moment: as it is, or turned over like a page. */
export function showing(view: TimeView, atMs: number, durationMs: number): TimeView {
  const length = view.endMs - view.startMs;
  if (atMs >= view.startMs && atMs <= view.endMs) return view;
  return fitted(atMs - length * 0.1, length, durationMs);
}

/** Where a moment is, px from the left edge; outside of the view it is outside of `0..width`. */
export function xOf(view: TimeView, width: number, ms: number): number {
  return ((ms - view.startMs) / (view.endMs - view.startMs)) * width;
}

/** The moment at a place. */
export function msAt(view: TimeView, width: number, x: number): number {
  return view.startMs + (x / Math.max(1, width)) * (view.endMs - view.startMs);
}

const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200].map((s) => s * 1_000);

/** Moments to name on the ruler: round ones, at least `leastPx` apart. */
export function ticks(view: TimeView, width: number, leastPx = 72): number[] {
  const length = view.endMs - view.startMs;
  const step = STEPS_MS.find((ms) => (ms / length) * width >= leastPx) ?? length;
  const moments: number[] = [];
  for (let ms = Math.ceil(view.startMs / step) * step; ms <= view.endMs; ms += step) moments.push(ms);
  return moments;
}

function fitted(startMs: number, length: number, durationMs: number): TimeView {
  const start = Math.max(0, Math.min(startMs, durationMs - length));
  return { startMs: start, endMs: start + length };
}
