/** Where each lane stands. Pure. */

/** The lanes from top to bottom. */
export type RowId = 'ruler' | 'agent' | 'buyer' | 'seen' | 'quality' | 'moments';

/** One lane. */
export interface Row {
  readonly id: RowId;
  /** Its name at its side; the ruler needs none. */
  readonly label: string;
  /** Top edge of what is drawn, px. */
  readonly y: number;
  readonly height: number;
}

const HEIGHTS: readonly (readonly [RowId, string, number])[] = [
  ['ruler', '', 20],
  ['agent', 'Agent’s voice', 44],
  ['buyer', 'Buyer’s voice', 44],
  ['seen', 'Pictures', 18],
  ['quality', 'Connection', 52],
  ['moments', 'Chat, events', 18],
];

/** Between two lanes, px. */
const GAP = 4;

/** Height of a name above its lane where there is no room beside it, px. */
export const LABEL_HEIGHT = 18;

/** The lanes that have something to show; `stacked`: names stand above their lanes. */
export function rowsOf(has: Readonly<Record<'voices' | 'quality', boolean>>, stacked: boolean): Row[] {
  let y = 0;
  const rows: Row[] = [];
  for (const [id, label, height] of HEIGHTS) {
    if ((id === 'agent' || id === 'buyer') && !has.voices) continue;
    if (id === 'quality' && !has.quality) continue;
    if (stacked && label !== '') y += LABEL_HEIGHT;
    rows.push({ id, label, y, height });
    y += height + GAP;
  }
  return rows;
}

/** Height of all lanes, px. */
export function heightOf(rows: readonly Row[]): number {
  const last = rows.at(-1);
  return last === undefined ? 0 : last.y + last.height;
}
