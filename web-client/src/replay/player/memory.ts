/** What the browser remembers of a reviewer's player: how they like to look, and where they were. */
import type { RecordedSide } from '../../protocol.ts';

/** How the two sides are shown. */
export const VIEWS = ['beside', 'main', 'corner'] as const;
export type View = (typeof VIEWS)[number];

/** What each view is called. */
export const VIEW_NAMES: Record<View, string> = {
  beside: 'Side by side',
  main: 'One large, one small',
  corner: 'Picture in picture',
};

/** How somebody likes to look. */
export interface Looks {
  readonly view: View;
  /** The side that is large, or first. */
  readonly first: RecordedSide;
  readonly skipSilence: boolean;
}

/** Places of so many recordings are remembered. */
export const PLACES_MAX = 100;

/** A place this near to the beginning or the end is none, ms. */
export const EDGE_MS = 5_000;

const LOOKS_KEY = 'vitrine.replay.looks';
const PLACES_KEY = 'vitrine.replay.places';

const USUAL: Looks = { view: 'beside', first: 'agent', skipSilence: false };

/** As much of `Storage` as is needed; a browser may refuse even that. */
export type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** The looks of last time, or the usual ones. */
export function recallLooks(store: Store | undefined): Looks {
  const said = read(store, LOOKS_KEY) as Partial<Looks> | undefined;
  return {
    view: VIEWS.find((view) => view === said?.view) ?? USUAL.view,
    first: said?.first === 'buyer' ? 'buyer' : USUAL.first,
    skipSilence: said?.skipSilence === true,
  };
}

export function keepLooks(store: Store | undefined, looks: Looks): void {
  write(store, LOOKS_KEY, looks);
}

/** Where somebody was in a recording, ms of session time; `undefined` when they were at its beginning or end. */
export function recallPlace(store: Store | undefined, recording: string): number | undefined {
  const found = places(store).find(([id]) => id === recording)?.[1];
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

/** Remembers a place; at the beginning and the end there is nothing to go on with. */
export function keepPlace(
  store: Store | undefined,
  recording: string,
  atMs: number,
  durationMs: number,
): void {
  const others = places(store).filter(([id]) => id !== recording);
  const worth = atMs >= EDGE_MS && atMs <= durationMs - EDGE_MS;
  const kept: Places = worth ? [...others, [recording, Math.round(atMs)]] : others;
  write(store, PLACES_KEY, kept.slice(-PLACES_MAX));
}

/** Oldest first. */
type Places = [id: string, atMs: number][];

function places(store: Store | undefined): Places {
  const said = read(store, PLACES_KEY);
  return Array.isArray(said) ? said.filter((entry): entry is Places[number] => Array.isArray(entry)) : [];
}

function read(store: Store | undefined, key: string): unknown {
  try {
    return JSON.parse(store?.getItem(key) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

function write(store: Store | undefined, key: string, value: unknown): void {
  try {
    store?.setItem(key, JSON.stringify(value));
  } catch {
    // Full, or forbidden: then nothing is remembered.
  }
}

/** The browser's store, unless it is forbidden. */
export function browserStore(): Store | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
