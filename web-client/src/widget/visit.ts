/**
 * The running visit in `sessionStorage`, so that a reload of the product page comes back into the same line or call.
 * It lives as long as the tab and is written only after the buyer has asked for help. No cookie, nothing else.
 */
import type { BuyerSession, ConsentChoice } from '../protocol.ts';

export interface Visit {
  session: BuyerSession;
  /** Missing when the buyer was not asked. */
  consent?: ConsentChoice;
  /** The camera was on when the page was left. */
  camera: boolean;
}

const key = (server: string) => `vitrine:${server}`;

export function saveVisit(server: string, visit: Visit): void {
  try {
    sessionStorage.setItem(key(server), JSON.stringify(visit));
  } catch {
    // Storage may be full or forbidden: then a reload loses the call, which is no reason not to have one.
  }
}

export function clearVisit(server: string): void {
  try {
    sessionStorage.removeItem(key(server));
  } catch {
    // As above.
  }
}

/** The visit to come back to, if there is one that is still good. */
export function loadVisit(server: string, now: number = Date.now()): Visit | undefined {
  try {
    const visit: unknown = JSON.parse(sessionStorage.getItem(key(server)) ?? 'null');
    return isVisit(visit) && Date.parse(visit.session.expires_at) > now ? visit : undefined;
  } catch {
    return undefined;
  }
}

function isVisit(value: unknown): value is Visit {
  if (typeof value !== 'object' || value === null) return false;
  const { session, consent } = value as Partial<Visit>;
  return (
    typeof session?.session_token === 'string' &&
    (consent === undefined || typeof consent.recording === 'boolean')
  );
}
