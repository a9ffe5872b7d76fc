/** What an export leaves out, as people type it, and how exports stand, as people read it. */
import type { Export, Redaction } from '../../protocol.ts';

/** A stretch as it is typed. */
export interface Row {
  readonly from: string;
  readonly to: string;
}

/** Rows read: the stretches, or what is wrong with which row. */
export interface Rows {
  readonly redactions: readonly Redaction[];
  /** By number of the row. */
  readonly problems: ReadonlyMap<number, string>;
}

/** `1:05`, `1:02:03.5` or `65` in milliseconds; nothing of anything else. */
export function parseTime(text: string): number | undefined {
  const match = /^(?:(?:(\d+):)?(\d{1,3}):)?(\d+)(?:[.,](\d{1,3}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0', part = ''] = match;
  const above = match[2] !== undefined && Number(seconds) > 59;
  if (above || (match[1] !== undefined && Number(minutes) > 59)) return undefined;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(part.padEnd(3, '0'));
}

/** A place on the timeline as {@link parseTime} reads it, to a tenth of a second. */
export function timeText(ms: number): string {
  const tenths = Math.max(0, Math.round(ms / 100));
  const [seconds, minutes] = [Math.floor(tenths / 10) % 60, Math.floor(tenths / 600) % 60];
  const hours = Math.floor(tenths / 36_000);
  const pad = (value: number) => String(value).padStart(2, '0');
  const clock = hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${minutes}:${pad(seconds)}`;
  return tenths % 10 === 0 ? clock : `${clock}.${tenths % 10}`;
}

/** Reads rows; a row without anything in it does not count. */
export function readRows(rows: readonly Row[], durationMs: number): Rows {
  const redactions: Redaction[] = [];
  const problems = new Map<number, string>();
  rows.forEach(({ from, to }, number) => {
    if (from.trim() === '' && to.trim() === '') return;
    const [start, end] = [parseTime(from), parseTime(to)];
    if (start === undefined || end === undefined) {
      problems.set(number, 'Write times as 1:05 or 1:02:03.5');
    } else if (start >= durationMs) {
      problems.set(number, `The recording ends at ${timeText(durationMs)}`);
    } else if (end <= start) {
      problems.set(number, 'The end must be later than the start');
    } else {
      redactions.push({ start_ms: start, end_ms: Math.min(end, Math.ceil(durationMs)) });
    }
  });
  return { redactions, problems };
}

/** How long what remains is, ms. */
export function remaining(redactions: readonly Redaction[], durationMs: number): number {
  let [left, at] = [durationMs, 0];
  for (const { start_ms, end_ms } of [...redactions].sort((a, b) => a.start_ms - b.start_ms)) {
    const [start, end] = [Math.max(start_ms, at), Math.min(end_ms, durationMs)];
    if (end > start) left -= end - start;
    at = Math.max(at, end);
  }
  return Math.max(0, left);
}

/** Whether an export will change by itself. */
export function isOpen({ status }: Pick<Export, 'status'>): boolean {
  return status === 'queued' || status === 'running';
}

/** How an export stands. */
export function statusWords({ status, progress }: Pick<Export, 'status' | 'progress'>): string {
  switch (status) {
    case 'queued':
      return 'Waiting for others';
    case 'running':
      return `Being made: ${progress} %`;
    case 'done':
      return 'Ready';
    case 'failed':
      return 'Failed';
    case 'cancelled':
      return 'Cancelled';
    case 'deleted':
      return 'No longer kept';
  }
}

/** `840 kB`, `12.4 MB`. */
export function sizeWords(bytes: number): string {
  if (bytes < 999_500) return `${Math.max(1, Math.round(bytes / 1000))} kB`;
  const unit = bytes < 999_500_000 ? ([1e6, 'MB'] as const) : ([1e9, 'GB'] as const);
  const value = bytes / unit[0];
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${unit[1]}`;
}
