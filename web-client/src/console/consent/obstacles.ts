/** Why a call is not recorded, in the words of the console. No UI. */
import type { ConsentReceipt, ConsentText, Obstacle } from '../../protocol.ts';

/** What stands against recording, as the end of a sentence that begins "Not recorded:". `mine`: the call is ours. */
export function because(obstacles: readonly Obstacle[], mine: boolean): string {
  const agent = mine ? 'you have not agreed' : 'the agent has not agreed';
  const words: Record<Obstacle, string> = {
    queue: 'this queue never is',
    region: 'not allowed in this country',
    buyer: 'the buyer has not agreed',
    agent,
  };
  const [first, ...more] = obstacles;
  if (first === undefined) return '';
  if (more.length === 0) return words[first];
  return mine ? 'neither of you has agreed' : 'neither side has agreed';
}

/** Whether somebody has still to choose: they never did, or of other words, or read them in another language. */
export function mustChoose(words: ConsentText | undefined, receipt: ConsentReceipt | undefined): boolean {
  if (words === undefined) return false;
  return receipt?.text_version !== words.version || receipt.language !== words.language;
}
