/** The few figures of `getStats` we show or test, out of the report's many. */

/** One direction of one kind of media. */
export interface FlowStats {
  /** MID of the line. */
  mid: string | undefined;
  kind: 'audio' | 'video';
  /** Codec, e.g. `video/VP8`. */
  codec: string | undefined;
  bytes: number;
  packets: number;
  /** Packets lost so far (receiving: counted here; sending: as the server reports). */
  lost: number;
  /** Frames a second, video only. */
  fps: number | undefined;
  /** Frames decoded or encoded so far, video only. */
  frames: number | undefined;
  width: number | undefined;
  height: number | undefined;
}

export interface CallStats {
  /** Round trip to the server, milliseconds. */
  rttMs: number | undefined;
  /** Name of the SRTP protection profile, e.g. `AEAD_AES_128_GCM`. */
  srtpCipher: string | undefined;
  /** e.g. `DTLS 1.2` as the browser writes it (`FEFD`). */
  tlsVersion: string | undefined;
  /** Bits per second the browser thinks it may send. */
  availableOutgoing: number | undefined;
  receiving: FlowStats[];
  sending: FlowStats[];
}

type Entry = Record<string, unknown> & { id: string; type: string };

/** Picks the figures out of a report. */
export function callStats(report: { forEach(each: (entry: unknown) => void): void }): CallStats {
  const entries = new Map<string, Entry>();
  report.forEach((one) => {
    const entry = one as Entry;
    entries.set(entry.id, entry);
  });
  const all = [...entries.values()];
  const transport = all.find((entry) => entry.type === 'transport');
  const pair = entries.get(text(transport?.selectedCandidatePairId) ?? '');
  const rtt = number(pair?.currentRoundTripTime);
  return {
    rttMs: rtt === undefined ? undefined : rtt * 1000,
    srtpCipher: text(transport?.srtpCipher),
    tlsVersion: text(transport?.tlsVersion),
    availableOutgoing: number(pair?.availableOutgoingBitrate),
    receiving: all.filter((entry) => entry.type === 'inbound-rtp').map((entry) => flow(entry, entries, 'in')),
    sending: all.filter((entry) => entry.type === 'outbound-rtp').map((entry) => flow(entry, entries, 'out')),
  };
}

function flow(entry: Entry, entries: Map<string, Entry>, direction: 'in' | 'out'): FlowStats {
  const incoming = direction === 'in';
  const remote = entries.get(text(entry.remoteId) ?? '');
  return {
    mid: text(entry.mid),
    kind: entry.kind === 'audio' ? 'audio' : 'video',
    codec: text(entries.get(text(entry.codecId) ?? '')?.mimeType),
    bytes: number(incoming ? entry.bytesReceived : entry.bytesSent) ?? 0,
    packets: number(incoming ? entry.packetsReceived : entry.packetsSent) ?? 0,
    lost: number(incoming ? entry.packetsLost : remote?.packetsLost) ?? 0,
    fps: number(entry.framesPerSecond),
    frames: number(incoming ? entry.framesDecoded : entry.framesEncoded),
    width: number(entry.frameWidth),
    height: number(entry.frameHeight),
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
