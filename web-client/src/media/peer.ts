/** One `RTCPeerConnection` with the lines of `lines.ts`: offer, answer, ICE restart, data channel. */
import type { EncodingWish, SlotView, Source, SourceLine } from '../protocol.ts';
import type { CameraCodec } from './encodings.ts';
import { negotiateExtensions } from './extensions.ts';
import { RECEIVE_SLOTS, type RemoteKey, remoteTracks, SEND_LINES, sourceLines } from './lines.ts';
import { completeOffer } from './sdp.ts';
import { SendLine } from './send-line.ts';

/** A message on the data channel longer than this is not one of ours (characters). */
const EVENT_MAX = 4_096;

export interface PeerEvents {
  onState: (state: RTCPeerConnectionState) => void;
  onEvent: (event: unknown) => void;
}

export class Peer {
  readonly connection: RTCPeerConnection;
  readonly #senders = new Map<Source, SendLine>();
  readonly #receivers: RTCRtpTransceiver[] = [];
  readonly #events: RTCDataChannel;

  constructor(handlers: PeerEvents, codec: CameraCodec = 'vp8') {
    // The server is ICE-lite with a public address of its own: no STUN or TURN server is needed to find it.
    this.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    for (const { source, kind } of SEND_LINES) {
      this.#senders.set(source, new SendLine(this.connection, source, kind, codec));
    }
    for (const kind of ['audio', 'video'] as const) {
      for (let slot = 0; slot < RECEIVE_SLOTS[kind]; slot += 1) {
        const line = this.connection.addTransceiver(kind, { direction: 'recvonly' });
        negotiateExtensions(line);
        this.#receivers.push(line);
      }
    }
    this.#events = this.connection.createDataChannel('events', { negotiated: true, id: 0, ordered: true });
    this.#events.addEventListener('message', (message) => {
      const event = parseEvent(message.data);
      if (event !== undefined) handlers.onEvent(event);
    });
    this.connection.addEventListener('connectionstatechange', () =>
      handlers.onState(this.connection.connectionState),
    );
  }

  /** Makes the offer (again, with new ICE credentials, when `restart`). */
  async offer(restart = false): Promise<{ sdp: string; sources: SourceLine[] }> {
    if (restart) this.connection.restartIce();
    const offer = await this.connection.createOffer();
    try {
      await this.connection.setLocalDescription({ type: 'offer', sdp: completeOffer(offer.sdp ?? '') });
    } catch {
      // A browser that takes no offer but its own.
      await this.connection.setLocalDescription(offer);
    }
    const sdp = this.connection.localDescription?.sdp ?? offer.sdp ?? '';
    const mids = SEND_LINES.map(({ source }) => this.#senders.get(source)?.mid ?? null);
    return { sdp, sources: sourceLines(mids) };
  }

  /** Takes the answer; an answer nobody waits for (to an offer we have replaced) is ignored. */
  async answer(sdp: string): Promise<void> {
    if (this.connection.signalingState !== 'have-local-offer') return;
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
    await Promise.all([...this.#senders.values()].map((line) => line.answered()));
  }

  /** Puts a track on a send line, or takes it off. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    await this.#senders.get(source)?.put(track);
  }

  /** What the server wants of a send line. */
  async wish(source: Source, encodings: readonly EncodingWish[]): Promise<void> {
    await this.#senders.get(source)?.wish(encodings);
  }

  /** The slot a received track belongs to. */
  midOf(track: MediaStreamTrack): string | undefined {
    return this.#receivers.find((line) => line.receiver.track === track)?.mid ?? undefined;
  }

  /** Which track shows whom, by the server's slots. */
  remote(slots: readonly SlotView[]): Map<RemoteKey, MediaStreamTrack> {
    return remoteTracks(
      slots,
      this.#receivers.map((line) => ({ mid: line.mid, track: line.receiver.track })),
    );
  }

  sendEvent(event: unknown): void {
    if (this.#events.readyState === 'open') this.#events.send(JSON.stringify(event));
  }

  close(): void {
    this.connection.close();
  }
}

function parseEvent(data: unknown): unknown {
  if (typeof data !== 'string' || data.length > EVENT_MAX) return undefined;
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
