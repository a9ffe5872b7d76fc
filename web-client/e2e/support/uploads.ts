// What a page really sends of its camera, layer by layer.

import type { Agent, Buyer } from './people.ts';

/** What a page uploads of its camera, by RID (`''` where there is one encoding). */
export interface Upload {
  rid: string;
  active: boolean;
  bytes: number;
  height: number;
  mode: string;
  codec: string;
}

export function uploads(person: Buyer | Agent): Promise<Upload[]> {
  return person.page.evaluate(async () => {
    const found: Upload[] = [];
    for (const peer of window.probe.peers.filter(({ connectionState }) => connectionState === 'connected')) {
      const camera = peer.getTransceivers().find(({ sender }) => sender.track?.kind === 'video');
      const report = await peer.getStats();
      for (const one of report.values()) {
        if (one.type !== 'outbound-rtp' || one.kind !== 'video' || one.mid !== camera?.mid) continue;
        found.push({
          rid: one.rid ?? '',
          active: one.active,
          bytes: one.bytesSent,
          height: one.frameHeight ?? 0,
          mode: one.scalabilityMode ?? '',
          codec: report.get(one.codecId)?.mimeType ?? '',
        });
      }
    }
    return found.sort((a, b) => a.height - b.height);
  });
}

/** RIDs that really upload: their bytes grow over a moment. */
export async function uploading(person: Buyer | Agent): Promise<string[]> {
  const before = new Map((await uploads(person)).map(({ rid, bytes }) => [rid, bytes]));
  await person.page.waitForTimeout(1_000);
  // A few packets are no upload: an encoding that is being paused still empties its queue.
  return (await uploads(person))
    .filter(({ rid, bytes }) => bytes - (before.get(rid) ?? 0) > 2_000)
    .map(({ rid }) => rid)
    .sort();
}

/** What the camera uploads altogether, kbit/s over two seconds. */
export async function uploadKbps(person: Buyer | Agent): Promise<number> {
  const sent = async () => (await uploads(person)).reduce((sum, { bytes }) => sum + bytes, 0);
  const before = await sent();
  await person.page.waitForTimeout(2_000);
  return ((await sent()) - before) / 250;
}
