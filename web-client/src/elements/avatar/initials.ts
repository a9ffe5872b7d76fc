/** First letters of the first and last word of a name, at most two, by grapheme (so that no accent is torn off). */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{M}\p{N}]+/u).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked
    .map((word) => word?.match(/^\p{L}\p{M}*|^\p{N}/u)?.[0] ?? '')
    .join('')
    .toLocaleUpperCase();
}
