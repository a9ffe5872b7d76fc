/**
 * The lines of our one offer, and what the server's slots mean for them. Pure: no peer connection here.
 *
 * Order on the wire: microphone, camera, screen (sendonly), 3 audio and 4 video receive slots (recvonly), data channel.
 */
import type { PartyId, SlotView, Source, SourceLine } from '../protocol.ts';

/** Our send lines in the order of the offer. */
export const SEND_LINES = [
  { source: 'microphone', kind: 'audio' },
  { source: 'camera', kind: 'video' },
  { source: 'screen', kind: 'video' },
] as const satisfies readonly { source: Source; kind: 'audio' | 'video' }[];

/** Receive slots in the order of the offer. */
export const RECEIVE_SLOTS = { audio: 3, video: 4 } as const;

/** A source of a party, as a key. */
export type RemoteKey = `${PartyId}/${Source}`;

export function remoteKey(party: PartyId, source: Source): RemoteKey {
  return `${party}/${source}`;
}

/** What a receive line needs to be for {@link remoteTracks}. */
export interface ReceiveLine<Track> {
  mid: string | null;
  track: Track;
}

/** Who is shown by which track now: slots whose line is unknown (an older offer's) are left out. */
export function remoteTracks<Track>(
  slots: readonly SlotView[],
  lines: readonly ReceiveLine<Track>[],
): Map<RemoteKey, Track> {
  const byMid = new Map(lines.map((line) => [line.mid, line.track]));
  const found = new Map<RemoteKey, Track>();
  for (const { mid, shows } of slots) {
    const track = byMid.get(mid);
    if (shows && track !== undefined) found.set(remoteKey(shows.party, shows.source), track);
  }
  return found;
}

/** The `sources` of an offer, once the browser has given the lines their MIDs. */
export function sourceLines(mids: readonly (string | null)[]): SourceLine[] {
  return SEND_LINES.flatMap(({ source }, index) => {
    const mid = mids[index];
    return typeof mid === 'string' ? [{ mid, source }] : [];
  });
}
