/** Addresses within the replay console: the part after `#`. */
import { parseReviewRoute, type ReviewRoute } from './review/routes.ts';
import { parseQuery, type RecordingQuery, writeQuery } from './search/query.ts';

/** Where the reviewer is. */
export type Route =
  | ReviewRoute
  | { readonly page: 'audit' }
  | { readonly page: 'search'; readonly query: RecordingQuery }
  | { readonly page: 'samples' }
  | { readonly page: 'sample'; readonly id: string }
  | {
      readonly page: 'player';
      readonly id: string;
      readonly startMs: number;
      /** The worklist the recording is gone through in. */
      readonly worklist: string | undefined;
      /** A score to open beside it. */
      readonly review: string | undefined;
    };

/**
 * Reads `#/`, `#/?q=V-10`, `#/samples`, `#/samples/<id>` and `#/r/<id>?t=83.5&w=<worklist>` (seconds); anything else is
 * the search.
 */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const fields = new URLSearchParams(search);
  if (/^\/audit\/?$/.test(path)) return { page: 'audit' };
  const player = /^\/r\/([^/]+)$/.exec(path);
  if (player?.[1] !== undefined) {
    return {
      page: 'player',
      id: decode(player[1]),
      startMs: parsePlace(fields.get('t')),
      worklist: fields.get('w') || undefined,
      review: fields.get('review') || undefined,
    };
  }
  if (/^\/samples\/?$/.test(path)) return { page: 'samples' };
  const sample = /^\/samples\/([^/]+)$/.exec(path);
  if (sample?.[1] !== undefined) return { page: 'sample', id: decode(sample[1]) };
  return parseReviewRoute(path) ?? { page: 'search', query: parseQuery(fields) };
}

/** The address of a search. */
export function searchRoute(query: RecordingQuery): string {
  const said = writeQuery(query);
  return said === '' ? '#/' : `#/?${said}`;
}

/** The address of a moment in a recording, in a worklist if it is gone through in one. */
export function playerRoute(id: string, atMs: number, worklist?: string): string {
  const seconds = Math.floor(Math.max(0, atMs) / 100) / 10;
  const fields = new URLSearchParams({
    ...(seconds > 0 ? { t: String(seconds) } : {}),
    ...(worklist ? { w: worklist } : {}),
  });
  return `#/r/${encodeURIComponent(id)}${fields.size > 0 ? `?${fields}` : ''}`;
}

/** Seconds (`83.5`) or minutes and seconds (`1:23`, `1:02:03`) as milliseconds; 0 when it is neither. */
function parsePlace(text: string | null): number {
  const parts = (text ?? '').split(':').map(Number);
  if (parts.length > 3 || parts.some((part) => !Number.isFinite(part) || part < 0)) {
    return 0;
  }
  return Math.round(parts.reduce((sum, part) => sum * 60 + part, 0) * 1000);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
