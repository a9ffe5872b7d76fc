/** The titles of queues. Calls carry the name only, so that a title can change. */
import type { QueueInfo } from '../protocol.ts';

const titles = new Map<string, string>();

/** Keeps what the server says its queues are called. */
export function learnQueues(queues: readonly QueueInfo[]): void {
  titles.clear();
  for (const { name, title } of queues) titles.set(name, title);
}

/** What people call a queue; its name when it is not there any more, or not known yet. */
export function queueTitle(name: string): string {
  return titles.get(name) ?? name;
}
