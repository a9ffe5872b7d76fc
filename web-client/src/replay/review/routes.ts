/** Addresses of the pages of quality review: the part after `#`. */

/** Where somebody is, when it is one of these pages. */
export type ReviewRoute =
  | { readonly page: 'reviews' }
  | { readonly page: 'forms' }
  | { readonly page: 'form'; readonly id: string }
  | { readonly page: 'calibration'; readonly id: string }
  | { readonly page: 'my-reviews'; readonly id: string | undefined };

/** Reads `/reviews`, `/forms`, `/forms/<id>`, `/r/<recording>/calibration`, `/my-reviews`, `/my-reviews/<id>`. */
export function parseReviewRoute(path: string): ReviewRoute | undefined {
  const [, first, second, third, ...more] = path.split('/').map(decode);
  if (more.length > 0) return undefined;
  switch (first) {
    case 'reviews':
      return second === undefined ? { page: 'reviews' } : undefined;
    case 'forms':
      if (third !== undefined) return undefined;
      return second ? { page: 'form', id: second } : { page: 'forms' };
    case 'r':
      return second && third === 'calibration' ? { page: 'calibration', id: second } : undefined;
    case 'my-reviews':
      return third === undefined ? { page: 'my-reviews', id: second || undefined } : undefined;
    default:
      return undefined;
  }
}

/** The address of a score beside its recording. */
export function reviewHref(recording: string, review: string): string {
  return `#/r/${encodeURIComponent(recording)}?review=${encodeURIComponent(review)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
