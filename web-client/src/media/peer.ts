/** One `RTCPeerConnection` with the lines of `lines.ts`: offer, answer, ICE restart, data channel. */
import type { EncodingWish, SlotView, Source, SourceLine } from '../protocol.ts';
import type { CameraCodec } from './encodings.ts';
import { negotiateExtensions } from './extensions.ts';
import { RECEIVE_SLOTS, type RemoteKey, remoteTracks, SEND_LINES, sourceLines } from './lines.ts';
import { completeOffer } from './sdp.ts';
import { SendLine } from './send-line.ts';
import { withBandwidth } from './uplink.ts';

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
  /** The server's last answer, as it came. */
  #answer: string | undefined;
  #limit = 0;
  /** Descriptions are set one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

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
  offer(restart = false): Promise<{ sdp: string; sources: SourceLine[] }> {
    return this.#inTurn(async () => {
      if (restart) this.connection.restartIce();
      const sdp = await this.#setOffer();
      const mids = SEND_LINES.map(({ source }) => this.#senders.get(source)?.mid ?? null);
      return { sdp, sources: sourceLines(mids) };
    });
  }

  /** Takes the answer; an answer nobody waits for (to an offer we have replaced) is ignored. */
  answer(sdp: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.connection.signalingState !== 'have-local-offer') return;
      await this.connection.setRemoteDescription({ type: 'answer', sdp });
      this.#answer = sdp;
      this.#limit = 0;
      await Promise.all([...this.#senders.values()].map((line) => line.answered()));
    });
  }

  /**
   * Allows the upload that much from now on. There is no method for it: the server's answer is set once more, with a
   * maximum in it. That is between us and our browser; the server is not asked.
   */
  limitUpload(bitsPerSecond: number): Promise<void> {
    return this.#inTurn(async () => {
      const answer = this.#answer;
      const set = async (limit: number) => {
        if (answer === undefined || this.connection.signalingState !== 'stable') return;
        await this.#setOffer();
        await this.connection.setRemoteDescription({ type: 'answer', sdp: withBandwidth(answer, limit) });
      };
      // Only a maximum that rises is probed.
      if (bitsPerSecond <= this.#limit || this.#limit === 0) await set(0.95 * bitsPerSecond);
      await set(bitsPerSecond);
      this.#limit = bitsPerSecond;
    });
  }

  async #setOffer(): Promise<string> {
    const offer = await this.connection.createOffer();
    try {
      await this.connection.setLocalDescription({ type: 'offer', sdp: completeOffer(offer.sdp ?? '') });
    } catch {
      // A browser that takes no offer but its own.
      await this.connection.setLocalDescription(offer);
    }
    return this.connection.localDescription?.sdp ?? offer.sdp ?? '';
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  /** Puts a track on a send line, or takes it off. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    await this.#senders.get(source)?.put(track);
  }

  /** What the server wants of a send line. */
  async wish(source: Source, encodings: readonly EncodingWish[]): Promise<void> {
    await this.#senders.get(source)?.wish(encodings);
  }

  /** What is sent now, if the network lets us: the ceilings of all live encodings, bits per second. */
  get wanted(): number {
    return [...this.#senders.values()].reduce((sum, line) => sum + line.ceiling, 0);
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
