/** What the console says and allows about a pause of the recording. No UI. */
import type { CallView, PauseReason, RecordingPause } from '../../protocol.ts';

/** Seconds a pause lasts unless somebody ends it or makes it longer. */
export const PAUSE_S = 120;

/** What an agent may say is the reason, the commonest first. */
export const ASKED: readonly { readonly reason: PauseReason; readonly words: string }[] = [
  { reason: 'card_data', words: 'Card data' },
  { reason: 'credentials', words: 'Password or identity document' },
  { reason: 'other', words: 'Something else' },
];

/** Why, as a sentence. */
export function pausedFor(reason: PauseReason): string {
  switch (reason) {
    case 'card_data':
      return 'For card data.';
    case 'credentials':
      return 'For a password or an identity document.';
    case 'other':
      return '';
    case 'hold':
      return 'This queue does not record while the buyer is on hold.';
    case 'consult':
      return 'This queue does not record while you ask a colleague.';
  }
}

/** Whether a pause is one that people end; the others end with the hold or the consult. */
export function mayEnd(call: Pick<CallView, 'paused'>): boolean {
  return ASKED.some(({ reason }) => reason === call.paused?.reason);
}

/** Seconds until the recording goes on by itself; nothing when something else has to happen first. */
export function leftS(pause: RecordingPause, nowMs: number): number | undefined {
  if (pause.until === undefined) return undefined;
  return Math.max(0, Math.ceil((Date.parse(pause.until) - nowMs) / 1000));
}
