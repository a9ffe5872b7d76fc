/** Catalogues and the language they are for: look-up, plurals, numbers and times by the rules of the language. */
import { en } from './en.ts';

export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>;
export type Key = keyof typeof en;
/** What every language has: the keys of English, plural where English is. */
export type Catalogue = { readonly [K in Key]: (typeof en)[K] extends string ? string : Plural };
export type Params = Readonly<Record<string, string | number>>;

/** Languages beside English: loaded when needed. */
const LOADERS: Readonly<Record<string, () => Promise<Catalogue>>> = {
  de: () => import('./de.ts').then((module) => module.de),
  fr: () => import('./fr.ts').then((module) => module.fr),
  ar: () => import('./ar.ts').then((module) => module.ar),
};

/** The words on the button in the page, which must be there before anything is loaded. */
const OPEN: Readonly<Record<string, string>> = {
  en: en.open,
  de: 'Videohilfe',
  fr: 'Aide en vidéo',
  ar: 'مساعدة بالفيديو',
};

const RIGHT_TO_LEFT = new Set(['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']);

/** First part of a BCP 47 tag, e.g. `de` of `de-AT`. */
export function primary(tag: string): string {
  return tag.split(/[-_]/)[0]?.toLowerCase() ?? '';
}

/** The button's label in the best language we have. */
export function openLabel(tag: string): string {
  return OPEN[primary(tag)] ?? en.open;
}

/** Words and formats of one language. */
export class Strings {
  /** BCP 47 tag, region kept (it decides about formats). */
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly #catalogue: Catalogue;
  readonly #plurals: Intl.PluralRules;
  readonly #numbers: Intl.NumberFormat;

  constructor(tag: string, catalogue: Catalogue) {
    this.tag = tag;
    this.dir = RIGHT_TO_LEFT.has(primary(tag)) ? 'rtl' : 'ltr';
    this.#catalogue = catalogue;
    this.#plurals = new Intl.PluralRules(tag);
    this.#numbers = new Intl.NumberFormat(tag);
  }

  /** The words for `key`; `{n}` chooses the plural form, numbers are written as the language does. */
  t(key: Key, params: Params = {}): string {
    const entry: string | Plural = this.#catalogue[key];
    const text =
      typeof entry === 'string' ? entry : (entry[this.#plurals.select(Number(params.n ?? 0))] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = params[name];
      return value === undefined ? whole : typeof value === 'number' ? this.#numbers.format(value) : value;
    });
  }

  /** A wait as whole minutes, e.g. "2–4 minutes". */
  minutesRange([low, high]: readonly [number, number]): string {
    const from = Math.max(1, Math.floor(low / 60));
    const to = Math.max(from, Math.ceil(high / 60));
    const format = new Intl.NumberFormat(this.tag, { style: 'unit', unit: 'minute', unitDisplay: 'long' });
    return from === to ? format.format(to) : format.formatRange(from, to);
  }

  /** A duration in words, minutes and seconds, e.g. "3 minutes, 5 seconds". */
  duration(ms: number): string {
    const seconds = Math.round(ms / 1000);
    const part = (value: number, unit: string) =>
      new Intl.NumberFormat(this.tag, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
    const parts = [
      ...(seconds >= 60 ? [part(Math.floor(seconds / 60), 'minute')] : []),
      ...(seconds < 60 || seconds % 60 > 0 ? [part(seconds % 60, 'second')] : []),
    ];
    return new Intl.ListFormat(this.tag, { type: 'unit', style: 'long' }).format(parts);
  }

  /** A running clock, e.g. "3:05" or "1:02:09". */
  clock(ms: number): string {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const padded = new Intl.NumberFormat(this.tag, { minimumIntegerDigits: 2 });
    const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const head = h > 0 ? `${this.#numbers.format(h)}:${padded.format(m)}` : this.#numbers.format(m);
    return `${head}:${padded.format(s)}`;
  }

  /** Time of day, e.g. "14:05". */
  time(iso: string): string {
    return new Intl.DateTimeFormat(this.tag, { timeStyle: 'short' }).format(new Date(iso));
  }
}

/** English, there from the start. */
export const english = new Strings('en', en);

/** The words for a language; English when we do not have it or it cannot be loaded. */
export async function loadStrings(tag: string): Promise<Strings> {
  if (primary(tag) === 'en') return new Strings(tag, en);
  const loader = LOADERS[primary(tag)];
  if (!loader) return english;
  try {
    return new Strings(tag, await loader());
  } catch {
    return english;
  }
}
