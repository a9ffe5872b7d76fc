/** How a recorded picture must be turned: phones turn in the middle of a call. */
import type { Turn } from '../../protocol.ts';

/** Clockwise degrees at a moment of session time. The first turn also counts before it began. */
export function turnAt(turns: readonly Turn[], tMs: number): number {
  const latest = turns.findLast((turn) => turn.at_ms <= tMs) ?? turns[0];
  return latest?.degrees ?? 0;
}
