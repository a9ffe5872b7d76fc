/**
 * The media of one person: what they send ({@link LocalMedia}), the connection, and what they receive. Survives its
 * connections: after an ICE restart or with a new peer connection the same tracks go on being sent.
 */
import type { EncodingWish, PartyId, SlotView, Source, SourceLine } from '../protocol.ts';
import type { MediaPort } from '../session/call-store.ts';
import { clientStats, type Totals, totals } from './client-stats.ts';
import type { CameraCodec } from './encodings.ts';
import { type RemoteKey, remoteKey, SEND_LINES } from './lines.ts';
import { LocalMedia } from './local.ts';
import { Peer } from './peer.ts';
import { type CallStats, callStats } from './stats.ts';
import { UplinkProbing } from './uplink.ts';
import { Views } from './views.ts';

/**
 * - `new`: no connection asked for
 * - `connecting`: first time
 * - `connected`: media can flow
 * - `interrupted`: was connected; repairing by itself
 */
export type MediaState = 'new' | 'connecting' | 'connected' | 'interrupted';

/** ICE often comes back by itself after a hiccup; after this long without, restart it. */
const PATIENCE_MS = 2_500;
/** An ICE restart that has not helped by then is followed by a new connection, again and again. */
const RESTART_MS = 8_000;
/** How often we look at what the connection measures. */
const LOOK_MS = 1_000;
/** How often what we noticed goes to the server's quality timeline. */
const REPORT_MS = 2_000;

/** How this person sends. */
export interface CallMediaOptions {
  /** Codec of the camera; by default VP8, which every browser encodes well. */
  codec?: CameraCodec | undefined;
}

export class CallMedia extends EventTarget implements MediaPort {
  readonly local: LocalMedia;
  state: MediaState = 'new';
  onOffer: MediaPort['onOffer'];
  onSending: MediaPort['onSending'];
  onEvent: MediaPort['onEvent'];
  onViews: MediaPort['onViews'];
  onStats: MediaPort['onStats'];
  /** How large the others are shown: elements say which pictures are theirs. */
  readonly views = new Views((track) => this.#peer?.midOf(track));

  readonly #options: CallMediaOptions;
  #peer: Peer | undefined;
  #offer: { sdp: string; sources: SourceLine[] } | undefined;
  #slots: SlotView[] = [];
  #remote = new Map<RemoteKey, MediaStream>();
  #told = '';
  #repair: ReturnType<typeof setTimeout> | undefined;
  #restarted = false;
  #held = false;
  #totals: Totals | undefined;
  #probing = new UplinkProbing();
  #looking: ReturnType<typeof setInterval> | undefined;

  /** @param local what was opened before (in the device check); by default nothing is open yet */
  constructor(local: LocalMedia = new LocalMedia(), options: CallMediaOptions = {}) {
    super();
    this.local = local;
    this.#options = options;
    local.addEventListener('change', this.#onLocal);
    this.views.onChange = (slots) => this.onViews?.(slots);
    globalThis.addEventListener?.('online', this.#onNetwork);
    networkInformation()?.addEventListener('change', this.#onNetwork);
  }

  get sending(): Source[] {
    return this.local.sending;
  }

  /**
   * While set, the tracks stay off the connection: who waits for a call for hours sends nothing, because nobody
   * watches and it would cost them their upload. Putting the tracks on needs no negotiation.
   */
  get held(): boolean {
    return this.#held;
  }

  set held(held: boolean) {
    if (held === this.#held) return;
    this.#held = held;
    if (this.#peer) void this.#putTracks(this.#peer);
  }

  /** What a party sends, as a stream with that one track; stable while it is the same track. */
  stream(party: PartyId, source: Source): MediaStream | undefined {
    return this.#remote.get(remoteKey(party, source));
  }

  /** Connects; called again, it begins anew with a fresh connection. */
  start(): void {
    clearTimeout(this.#repair);
    this.#peer?.close();
    this.#restarted = false;
    this.#set(this.state === 'connected' || this.state === 'interrupted' ? 'interrupted' : 'connecting');
    const peer: Peer = new Peer(
      {
        onState: (state) => {
          if (peer === this.#peer) this.#onPeer(state);
        },
        onEvent: (event) => this.onEvent?.(event),
      },
      this.#options.codec,
    );
    this.#peer = peer;
    this.#totals = undefined;
    this.#probing = new UplinkProbing();
    clearInterval(this.#looking);
    this.#looking = setInterval(() => void this.#look(peer), LOOK_MS);
    this.#refreshRemote();
    void this.#putTracks(peer).then(() => this.#makeOffer(peer, false));
    this.#repair = setTimeout(() => this.#mend(), RESTART_MS);
  }

  repeatOffer(): void {
    if (this.#offer) this.onOffer?.(this.#offer);
  }

  async setAnswer(sdp: string): Promise<void> {
    this.#offer = undefined;
    await this.#peer?.answer(sdp);
    this.#refreshRemote();
    this.views.repeat();
  }

  setSlots(slots: SlotView[]): void {
    this.#slots = slots;
    this.#refreshRemote();
  }

  setSendWish(source: Source, encodings: EncodingWish[]): void {
    void this.#peer?.wish(source, encodings);
  }

  sendEvent(event: unknown): void {
    this.#peer?.sendEvent(event);
  }

  /** What the connection measures now; `undefined` without one. */
  async stats(): Promise<CallStats | undefined> {
    return this.#peer ? callStats(await this.#peer.connection.getStats()) : undefined;
  }

  /** The connection under it, for measuring. */
  get connection(): RTCPeerConnection | undefined {
    return this.#peer?.connection;
  }

  /** Ends the connection but keeps the devices open. */
  disconnect(): void {
    clearTimeout(this.#repair);
    clearInterval(this.#looking);
    this.#peer?.close();
    this.#peer = undefined;
    this.#offer = undefined;
    this.#slots = [];
    this.#refreshRemote();
    this.#set('new');
  }

  /** Ends it all. */
  close(): void {
    this.local.removeEventListener('change', this.#onLocal);
    globalThis.removeEventListener?.('online', this.#onNetwork);
    networkInformation()?.removeEventListener('change', this.#onNetwork);
    this.views.close();
    this.disconnect();
    this.local.close();
  }

  async #makeOffer(peer: Peer, restart: boolean) {
    const offer = await peer.offer(restart).catch(() => undefined);
    if (!offer || peer !== this.#peer) return;
    this.#offer = offer;
    this.onOffer?.(offer);
  }

  #onPeer(state: RTCPeerConnectionState) {
    if (state === 'connected') {
      clearTimeout(this.#repair);
      this.#restarted = false;
      this.#set('connected');
    } else if (state === 'disconnected' || state === 'failed') {
      this.#set('interrupted');
      clearTimeout(this.#repair);
      this.#repair = setTimeout(() => this.#mend(), state === 'failed' ? 0 : PATIENCE_MS);
    }
  }

  /** First an ICE restart (keeps keys and decoders), then new connections until one works. */
  #mend() {
    const peer = this.#peer;
    if (!peer) return;
    const answered = peer.connection.remoteDescription !== null;
    if (this.#restarted || !answered || peer.connection.connectionState === 'closed') {
      this.start();
      return;
    }
    this.#restarted = true;
    void this.#makeOffer(peer, true);
    this.#repair = setTimeout(() => this.#mend(), RESTART_MS);
  }

  /**
   * Wi-Fi went, mobile came: the browser may go on for seconds with an address that is dead. New candidates cost one
   * message, and the old path is used until a new one works.
   */
  readonly #onNetwork = () => {
    const peer = this.#peer;
    if (!peer || this.state === 'new' || peer.connection.remoteDescription === null) return;
    // An offer is on its way already.
    if (this.#offer) return;
    void this.#makeOffer(peer, true);
  };

  async #look(peer: Peer) {
    if (this.state !== 'connected') return;
    const report = await peer.connection.getStats().catch(() => undefined);
    if (!report || peer !== this.#peer) return;
    const now = totals(report);
    if (this.#totals === undefined) this.#totals = now;
    // A little early is not late: the timer's and the report's clock are two.
    if (now.at - this.#totals.at >= REPORT_MS - LOOK_MS / 2) {
      const stats = clientStats(this.#totals, now);
      this.#totals = now;
      if (stats) this.onStats?.(stats);
    }
    const { availableOutgoing } = callStats(report);
    const limit = this.#probing.look({ at: now.at, available: availableOutgoing ?? 0, wanted: peer.wanted });
    // Where it cannot be set, the browser finds its way alone, only slower.
    if (limit !== undefined) await peer.limitUpload(limit).catch(() => undefined);
    // Pictures change what they show without an event that says so.
    this.views.check();
  }

  readonly #onLocal = () => {
    if (this.#peer) void this.#putTracks(this.#peer);
    const sending = this.sending;
    const told = sending.join();
    if (told !== this.#told) {
      this.#told = told;
      this.onSending?.(sending);
    }
    this.dispatchEvent(new Event('change'));
  };

  async #putTracks(peer: Peer) {
    // A line that cannot take its track (connection just closed) must not keep the others from theirs.
    await Promise.allSettled(
      SEND_LINES.map(({ source }) =>
        peer.send(source, (this.#held ? undefined : this.local[source].track) ?? null),
      ),
    );
  }

  #refreshRemote() {
    const tracks = this.#peer?.remote(this.#slots) ?? new Map<RemoteKey, MediaStreamTrack>();
    const next = new Map<RemoteKey, MediaStream>();
    for (const [key, track] of tracks) {
      const before = this.#remote.get(key);
      next.set(key, before?.getTracks()[0] === track ? before : new MediaStream([track]));
    }
    this.#remote = next;
    this.dispatchEvent(new Event('change'));
  }

  #set(state: MediaState) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}

/** https://wicg.github.io/netinfo/, where the browser has it. */
function networkInformation(): EventTarget | undefined {
  return (globalThis.navigator as (Navigator & { connection?: EventTarget }) | undefined)?.connection;
}
