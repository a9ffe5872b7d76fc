/** Times, lengths and names as people read them, in the language of the browser. */

const pad = (value: number): string => String(value).padStart(2, '0');

/** `1:05`, `1:02:03`: a length or a place on a timeline, from milliseconds. */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours > 0 ? `${hours}:${pad(minutes % 60)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** `1 minute 5 seconds`, for screen readers. */
export function spokenTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ];
  const said = parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return said.length > 0 ? said.join(' ') : '0 seconds';
}

/** Date and time of day of an RFC 3339 time. */
export function dateTime(iso: string, locale?: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(date);
}

/** Time of day of an RFC 3339 time. */
export function timeOfDay(iso: string, locale?: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(date);
}

/** "German (Austria)" for `de-AT`; the tag itself when it is not one. */
export function languageName(tag: string, locale?: string): string {
  return displayName(tag, 'language', locale);
}

/** "Austria" for `AT`. */
export function countryName(code: string, locale?: string): string {
  return displayName(code.toUpperCase(), 'region', locale);
}

function displayName(code: string, type: 'language' | 'region', locale?: string): string {
  try {
    return new Intl.DisplayNames(locale === undefined ? [] : [locale], { type }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** "transport damage" for an outcome code whose label is not known (any more). */
export function codeWords(code: string): string {
  return code.replaceAll('_', ' ');
}
