import type { Action, Me } from '../../protocol.ts';

/** Who is logged in at the replay console; set when they enter. */
export const viewer: { me: Me | undefined } = { me: undefined };

/** Whether whoever is logged in may do something. The server decides; this only saves controls that would be refused. */
export function may(action: Action): boolean {
  return viewer.me?.rights.includes(action) ?? false;
}
