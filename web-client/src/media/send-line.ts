/** One send line of a connection: its track, its encodings, and the server's wishes for them. */
import type { EncodingWish, Source } from '../protocol.ts';
import {
  type CameraCodec,
  codecsFor,
  type Encoding,
  encodingsOf,
  type Larger,
  larger,
  wanted,
  withoutScalability,
} from './encodings.ts';
import { negotiateExtensions } from './extensions.ts';
import { callStats } from './stats.ts';

/**
 * A larger picture waits so long for the browser to find out that there is room for it, and looks that often: Chromium probes when it may
 * send more.
 */
const ROOM_WAIT_MS = 400;
const ROOM_LOOK_MS = 50;

/** Somebody else changed the parameters between reading and writing: read again, this often. */
const ATTEMPTS = 4;

type Parameters = RTCRtpSendParameters & { degradationPreference?: Preference };
type Preference = 'balanced' | 'maintain-framerate' | 'maintain-resolution';

export class SendLine {
  readonly source: Source;
  readonly #connection: RTCPeerConnection;
  readonly #transceiver: RTCRtpTransceiver;
  readonly #offered: Encoding[];
  #wishes: readonly EncodingWish[] | undefined;
  #answered = false;
  /** Changes of parameters one after the other; each works with the newest wish there is. */
  #work: Promise<void> = Promise.resolve();

  constructor(connection: RTCPeerConnection, source: Source, kind: 'audio' | 'video', codec: CameraCodec) {
    this.source = source;
    this.#connection = connection;
    const capable = globalThis.RTCRtpSender?.getCapabilities?.(kind)?.codecs ?? [];
    const codecs = codecsFor(source, codec, capable);
    // A codec this browser does not have: the camera is sent as if nothing had been said.
    const possible = codec === 'vp8' || codecs ? codec : 'vp8';
    this.#offered = encodingsOf(source, possible);
    this.#transceiver = this.#add(kind);
    if (codecs) this.#transceiver.setCodecPreferences?.(codecs);
    negotiateExtensions(this.#transceiver);
  }

  get mid(): string | null {
    return this.#transceiver.mid;
  }

  /** Highest bit rate of what is being sent, bits per second. */
  get ceiling(): number {
    const { sender } = this.#transceiver;
    if (sender.track === null) return 0;
    const live = sender.getParameters().encodings.filter(({ active }) => active);
    return live.reduce((sum, { maxBitrate }) => sum + (maxBitrate ?? 0), 0);
  }

  /** Puts a track on the line, or takes it off. */
  async put(track: MediaStreamTrack | null): Promise<void> {
    const { sender } = this.#transceiver;
    if (sender.track !== track && this.#connection.signalingState !== 'closed')
      await sender.replaceTrack(track);
  }

  /** The server has answered: what it has left of our encodings is known. */
  answered(): Promise<void> {
    this.#answered = true;
    return this.#change();
  }

  /** The server says what it wants of the line; the last word counts. */
  wish(wishes: readonly EncodingWish[]): Promise<void> {
    this.#wishes = wishes;
    // Before the answer there are no encodings to speak of.
    return this.#answered ? this.#change() : Promise.resolve();
  }

  #add(kind: 'audio' | 'video'): RTCRtpTransceiver {
    const init: RTCRtpTransceiverInit = { direction: 'sendonly', sendEncodings: this.#offered };
    try {
      return this.#connection.addTransceiver(kind, init);
    } catch {
      return this.#connection.addTransceiver(kind, {
        ...init,
        sendEncodings: withoutScalability(this.#offered),
      });
    }
  }

  #change(): Promise<void> {
    this.#work = this.#work.then(() => this.#apply());
    return this.#work;
  }

  async #apply(): Promise<void> {
    const { sender } = this.#transceiver;
    let waited = false;
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (this.#connection.signalingState === 'closed') return;
      const parameters = sender.getParameters() as Parameters;
      const { width = Number.NaN, height = Number.NaN } = sender.track?.getSettings() ?? {};
      const pixels = width * height || undefined;
      const encodings = wanted(parameters.encodings, this.#offered, this.#wishes, pixels);
      const begins = waited ? undefined : encodings && larger(parameters.encodings, encodings, pixels);
      if (begins) {
        waited = true;
        await this.#waitForRoom(begins);
        continue;
      }
      const preference = PREFERENCE[this.source];
      if (!encodings && parameters.degradationPreference === preference) return;
      if (encodings) parameters.encodings = encodings;
      if (preference) parameters.degradationPreference = preference;
      try {
        await sender.setParameters(parameters);
        return;
      } catch (error) {
        // The transaction was overtaken: once more with what is there now.
        if (error instanceof DOMException && error.name === 'InvalidStateError') continue;
        // Browsers without the preference refuse it; the call is the same call.
        if (!encodings) return;
        const again = sender.getParameters();
        again.encodings = encodings as RTCRtpEncodingParameters[];
        await sender.setParameters(again).catch(() => undefined);
        return;
      }
    }
  }

  /** Lets the encoding that is sent have what the larger one is to have, until the browser has found that there is as much. */
  async #waitForRoom({ from, ceiling, room }: Larger): Promise<void> {
    const { sender } = this.#transceiver;
    const enough = async () => {
      const report = await this.#connection.getStats?.().catch(() => undefined);
      const { availableOutgoing } = report ? callStats(report) : {};
      // Browsers that do not tell know nothing of this.
      return availableOutgoing === undefined || availableOutgoing >= room;
    };
    if (await enough()) return;
    const parameters = sender.getParameters();
    const encoding = parameters.encodings[from];
    if (!encoding) return;
    encoding.maxBitrate = ceiling;
    await sender.setParameters(parameters).catch(() => undefined);
    const wishes = this.#wishes;
    for (let passed = 0; passed < ROOM_WAIT_MS; passed += ROOM_LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, ROOM_LOOK_MS));
      // Something else is wanted: that comes first.
      if (this.#wishes !== wishes || (await enough())) return;
    }
  }
}

/**
 * What gives way first when there is too little of something: a camera loses resolution before frames, so that movement and
 * signing stay readable; a screen loses frames, so that text does.
 */
const PREFERENCE: Record<Source, Preference | undefined> = {
  microphone: undefined,
  camera: 'maintain-framerate',
  screen: 'maintain-resolution',
};
