/** One `RTCPeerConnection` with the lines of `lines.ts`: offer, answer, ICE restart, data channel. */
import type { SlotView, Source, SourceLine } from '../protocol.ts';
import { RECEIVE_SLOTS, type RemoteKey, remoteTracks, SEND_LINES, sourceLines } from './lines.ts';

/** Highest bit rate of each send line, bits per second. The camera's is enough for 720p30 in VP8. */
const BITRATE_MAX: Record<Source, number> = { microphone: 48_000, camera: 1_500_000, screen: 2_500_000 };
const FRAMERATE_MAX = { camera: 30, screen: 15 } as const;

/** A message on the data channel longer than this is not one of ours (characters). */
const EVENT_MAX = 4_096;

export interface PeerEvents {
  onState: (state: RTCPeerConnectionState) => void;
  onEvent: (event: unknown) => void;
}

export class Peer {
  readonly connection: RTCPeerConnection;
  readonly #senders = new Map<Source, RTCRtpTransceiver>();
  readonly #receivers: RTCRtpTransceiver[] = [];
  readonly #events: RTCDataChannel;

  constructor(handlers: PeerEvents) {
    // The server is ICE-lite with a public address of its own: no STUN or TURN server is needed to find it.
    this.connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    for (const { source, kind } of SEND_LINES) {
      const encoding: RTCRtpEncodingParameters = { maxBitrate: BITRATE_MAX[source] };
      if (source !== 'microphone') encoding.maxFramerate = FRAMERATE_MAX[source];
      this.#senders.set(
        source,
        this.connection.addTransceiver(kind, { direction: 'sendonly', sendEncodings: [encoding] }),
      );
    }
    for (const kind of ['audio', 'video'] as const) {
      for (let slot = 0; slot < RECEIVE_SLOTS[kind]; slot += 1) {
        this.#receivers.push(this.connection.addTransceiver(kind, { direction: 'recvonly' }));
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
    await this.connection.setLocalDescription(offer);
    const sdp = this.connection.localDescription?.sdp ?? offer.sdp ?? '';
    const mids = SEND_LINES.map(({ source }) => this.#senders.get(source)?.mid ?? null);
    return { sdp, sources: sourceLines(mids) };
  }

  /** Takes the answer; an answer nobody waits for (to an offer we have replaced) is ignored. */
  async answer(sdp: string): Promise<void> {
    if (this.connection.signalingState !== 'have-local-offer') return;
    await this.connection.setRemoteDescription({ type: 'answer', sdp });
    await this.#preferFramerate();
  }

  /** Puts a track on a send line, or takes it off. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    const sender = this.#senders.get(source)?.sender;
    if (sender && sender.track !== track && this.connection.signalingState !== 'closed') {
      await sender.replaceTrack(track);
    }
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

  /** A camera that must give way loses resolution before frames: movement and signing stay readable. */
  async #preferFramerate() {
    const sender = this.#senders.get('camera')?.sender;
    if (!sender) return;
    const parameters = sender.getParameters() as RTCRtpSendParameters & { degradationPreference?: string };
    parameters.degradationPreference = 'maintain-framerate';
    // Browsers without this preference refuse it; the call is the same call.
    await sender.setParameters(parameters).catch(() => undefined);
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
