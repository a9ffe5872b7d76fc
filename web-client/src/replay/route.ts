/** Addresses within the replay console: the part after `#`. */
import type { RecordingQuery } from '../staff/api.ts';

/** Where the reviewer is. */
export type Route =
  | { readonly page: 'search'; readonly query: RecordingQuery }
  | { readonly page: 'player'; readonly id: string; readonly startMs: number };

/** Reads `#/`, `#/?ticket=V-10` and `#/r/<id>?t=83.5` (seconds); anything else is the search. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const fields = new URLSearchParams(search);
  const player = /^\/r\/([^/]+)$/.exec(path);
  if (player?.[1] !== undefined) {
    return { page: 'player', id: decode(player[1]), startMs: parsePlace(fields.get('t')) };
  }
  const field = (name: string): string => fields.get(name) ?? '';
  return {
    page: 'search',
    query: { ticket: field('ticket'), agent: field('agent'), product: field('product') },
  };
}

/** The address of a search. */
export function searchRoute(query: RecordingQuery): string {
  const said = Object.entries(query).filter(([, value]) => value.trim() !== '');
  return said.length === 0 ? '#/' : `#/?${new URLSearchParams(said)}`;
}

/** The address of a moment in a recording. */
export function playerRoute(id: string, atMs: number): string {
  const seconds = Math.floor(Math.max(0, atMs) / 100) / 10;
  return `#/r/${encodeURIComponent(id)}${seconds > 0 ? `?t=${seconds}` : ''}`;
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
