/** What a search says: the fields of the server's `protocol::search`, as the address of the page holds them. No UI. */

/** Every field, in the order addresses are written. */
export const FIELDS = [
  'q',
  'ticket',
  'period',
  'from',
  'to',
  'agent',
  'queue',
  'market',
  'language',
  'product',
  'outcome',
  'csat_min',
  'csat_max',
  'score_min',
  'score_max',
  'duration_min',
  'duration_max',
  'flag',
  'sort',
] as const;

export type Field = (typeof FIELDS)[number];

/** What is looked for; fields that are not there say nothing. */
export type RecordingQuery = { readonly [F in Field]?: string };

/** Reads what stands behind the `?` of an address or in a saved filter; what is no field is left out. */
export function parseQuery(search: string | URLSearchParams): RecordingQuery {
  const given = new URLSearchParams(search);
  return cleaned(Object.fromEntries(FIELDS.map((field) => [field, given.get(field) ?? ''])));
}

/** Without what says nothing, and in one order: equal queries are written the same way. */
export function cleaned(query: RecordingQuery): RecordingQuery {
  return Object.fromEntries(
    FIELDS.flatMap((field): [Field, string][] => {
      const value = query[field]?.trim() ?? '';
      return value === '' || (field === 'sort' && value === 'newest') ? [] : [[field, value]];
    }),
  );
}

/** What stands behind the `?`; empty when nothing is said. */
export function writeQuery(query: RecordingQuery): string {
  return new URLSearchParams(cleaned(query) as Record<string, string>).toString();
}

/** The query with some fields changed. */
export function changed(query: RecordingQuery, changes: RecordingQuery): RecordingQuery {
  return cleaned({ ...query, ...changes });
}

export function sameQuery(one: RecordingQuery, other: RecordingQuery): boolean {
  return writeQuery(one) === writeQuery(other);
}

/** Whether it leaves any recording out. The order is no filter. */
export function isFiltered(query: RecordingQuery): boolean {
  return Object.keys(cleaned(query)).some((field) => field !== 'sort');
}

/** A value of a field with commas in it, as a list. */
export function listOf(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
