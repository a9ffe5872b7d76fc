/** What this person sends: microphone, camera and screen with their states. */

import type { Source } from '../protocol.ts';
import {
  type CameraChoice,
  DeviceError,
  type Devices,
  listDevices,
  nextCamera,
  openBoth,
  openCamera,
  openMicrophone,
  openScreen,
} from './capture.ts';
import type { DeviceReason } from './errors.ts';

/**
 * - `off`: not open; the device's light is off
 * - `opening`: the browser may be asking the person
 * - `live`: sending
 * - `muted`: open, silent (microphone only)
 * - `failed`: could not be opened, see `reason`
 */
export type SourceState = 'off' | 'opening' | 'live' | 'muted' | 'failed';

export interface LocalSource {
  state: SourceState;
  track: MediaStreamTrack | undefined;
  reason: DeviceReason | undefined;
}

const OFF: LocalSource = { state: 'off', track: undefined, reason: undefined };

/**
 * Opens, mutes, flips and closes; whoever watches puts the tracks on a connection. Operations never overlap.
 *
 * @fires change - a source or the list of devices is different now
 */
export class LocalMedia extends EventTarget {
  microphone: LocalSource = OFF;
  camera: LocalSource = OFF;
  screen: LocalSource = OFF;
  devices: Devices = { microphones: [], cameras: [], speakers: [] };
  /** The camera shows what is in front of the person holding the phone: the picture of themselves is not mirrored. */
  facesAway = false;

  #cameraChoice: CameraChoice = {};
  #microphoneId: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor() {
    super();
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#refresh);
    this.#refresh();
  }

  /** What the other side can see or hear now. */
  get sending(): Source[] {
    const live: Source[] = [];
    for (const source of ['microphone', 'camera', 'screen'] as const)
      if (this[source].state === 'live') live.push(source);
    return live;
  }

  get canFlip(): boolean {
    return this.devices.cameras.length >= 2 && this.camera.state === 'live';
  }

  get canShareScreen(): boolean {
    return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
  }

  get microphoneId(): string | undefined {
    return this.microphone.track?.getSettings().deviceId;
  }

  get cameraId(): string | undefined {
    return this.camera.track?.getSettings().deviceId;
  }

  /** Both with one question; when one is missing or refused, the other alone if that works. */
  openBoth(): Promise<void> {
    return this.#serial(async () => {
      if (this.microphone.track && this.camera.track) return;
      this.#set('microphone', { state: 'opening' });
      this.#set('camera', { state: 'opening' });
      try {
        const { microphone, camera } = await openBoth();
        this.#took('microphone', microphone);
        this.#took('camera', camera);
      } catch {
        // The browser does not say which of the two it was: ask one by one.
        await this.#openMicrophone();
        await this.#openCamera();
      }
      this.#refresh();
    });
  }

  openMicrophone(deviceId?: string): Promise<void> {
    return this.#serial(async () => {
      this.#microphoneId = deviceId ?? this.#microphoneId;
      await this.#openMicrophone();
      this.#refresh();
    });
  }

  openCamera(deviceId?: string): Promise<void> {
    return this.#serial(async () => {
      if (deviceId) this.#cameraChoice = { deviceId };
      await this.#openCamera();
      this.#refresh();
    });
  }

  /** Mutes or unmutes; opens the microphone when it is not open yet. */
  async setMuted(muted: boolean): Promise<void> {
    const track = this.microphone.track;
    if (!track) {
      if (!muted) await this.openMicrophone();
      return;
    }
    track.enabled = !muted;
    this.#set('microphone', { state: muted ? 'muted' : 'live', track });
  }

  /** Off stops the device, so that its light goes out; on opens it again. */
  setCamera(on: boolean): Promise<void> {
    if (on) return this.openCamera();
    return this.#serial(async () => this.#stop('camera'));
  }

  /** Changes to the other camera; when that one does not open, the first one comes back and this throws. @throws {DeviceError} */
  flip(): Promise<void> {
    return this.#serial(async () => {
      const settings = this.camera.track?.getSettings();
      const next = nextCamera(
        { deviceId: settings?.deviceId, facing: settings?.facingMode },
        this.devices.cameras,
      );
      if (!next) return;
      const before = this.#cameraChoice;
      const back: CameraChoice = settings?.deviceId ? { deviceId: settings.deviceId } : before;
      this.#cameraChoice = next;
      await this.#openCamera();
      // Read through a function: the compiler does not know that #openCamera has changed it.
      const failure = this.#failure('camera');
      if (failure) {
        this.#cameraChoice = back;
        await this.#openCamera();
        throw new DeviceError(failure);
      }
    });
  }

  /** Lets the person pick a screen. @throws {DeviceError} */
  shareScreen(): Promise<void> {
    return this.#serial(async () => {
      this.#set('screen', { state: 'opening' });
      try {
        this.#took('screen', await openScreen());
      } catch (error) {
        this.#set('screen', { state: 'off' });
        throw error;
      }
    });
  }

  stopScreen(): void {
    this.#stop('screen');
  }

  /** Stops microphone and camera, so that their lights go out; they can be opened again. */
  letGo(): Promise<void> {
    return this.#serial(async () => {
      this.#stop('microphone');
      this.#stop('camera');
    });
  }

  /** Stops everything. */
  close(): void {
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.#refresh);
    for (const source of ['microphone', 'camera', 'screen'] as const) this.#stop(source);
  }

  #failure(source: Source): DeviceReason | undefined {
    return this[source].reason;
  }

  async #openMicrophone() {
    const muted = this.microphone.state === 'muted';
    await this.#open('microphone', async () => {
      try {
        return await openMicrophone(this.#microphoneId);
      } catch (error) {
        if (this.#microphoneId === undefined) throw error;
        this.#microphoneId = undefined;
        return await openMicrophone();
      }
    });
    if (muted) await this.setMuted(true);
  }

  #openCamera() {
    return this.#open('camera', () => openCamera(this.#cameraChoice));
  }

  async #open(source: 'microphone' | 'camera', opener: () => Promise<MediaStreamTrack>) {
    // Phones open one camera at a time: let go of the old one first.
    const before = this[source].track;
    if (before) this.#release(before);
    this.#set(source, { state: 'opening' });
    try {
      this.#took(source, await opener());
    } catch (error) {
      this.#set(source, { state: 'failed', reason: error instanceof DeviceError ? error.reason : 'unknown' });
    }
  }

  #took(source: Source, track: MediaStreamTrack) {
    if (this.#closed) {
      track.stop();
      return;
    }
    const before = this[source].track;
    if (before && before !== track) this.#release(before);
    track.addEventListener('ended', () => this.#ended(source, track));
    if (source === 'camera') this.facesAway = track.getSettings().facingMode === 'environment';
    this.#set(source, { state: 'live', track });
  }

  /** The device went away by itself (unplugged, permission withdrawn, "stop sharing" in the browser's bar). */
  #ended(source: Source, track: MediaStreamTrack) {
    if (this[source].track !== track) return;
    if (source === 'screen') {
      this.#set(source, { state: 'off' });
      return;
    }
    this.#set(source, { state: 'failed', reason: 'lost' });
    if (source === 'microphone') {
      this.#microphoneId = undefined;
      void this.openMicrophone();
    } else {
      this.#cameraChoice = {};
    }
  }

  #stop(source: Source) {
    const track = this[source].track;
    if (track) this.#release(track);
    this.#set(source, { state: 'off' });
  }

  #release(track: MediaStreamTrack) {
    track.stop();
  }

  #set(source: Source, next: Partial<LocalSource> & { state: SourceState }) {
    this[source] = { ...OFF, ...next };
    this.dispatchEvent(new Event('change'));
  }

  #serial<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(work);
    this.#queue = run.catch(() => undefined);
    return run;
  }

  readonly #refresh = () => {
    void listDevices().then((devices) => {
      this.devices = devices;
      this.dispatchEvent(new Event('change'));
    });
  };
}
