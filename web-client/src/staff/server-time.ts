/**
 * The server's clock as seen from here. Rings expire and calls began at times the server wrote; an agent's computer may
 * be minutes off, and a countdown must not start at a minus.
 */

/** Below this the difference is the rounding of the `Date` header and the way here, ms. */
const TRUST_OWN_MS = 2_000;

let offsetMs = 0;

/** Takes the `Date` header of an answer that was just received (RFC 9110, 6.6.1). */
export function learnServerTime(header: string | null, nowMs: number): void {
  const server = Date.parse(header ?? '');
  if (Number.isNaN(server)) return;
  // The header counts whole seconds: on average the real time is half a second later.
  const difference = server + 500 - nowMs;
  offsetMs = Math.abs(difference) < TRUST_OWN_MS ? 0 : difference;
}

/** The server's time now, ms since 1970. */
export function serverNow(nowMs: number = Date.now()): number {
  return nowMs + offsetMs;
}
