import type { ReactiveController, ReactiveControllerHost } from 'lit';

import type { LevelMeter, LocalSource } from '../media/index.ts';
import type { MediaModule } from './flow.ts';

const LOOK_MS = 200;
/** Speech, not a cough: this loud this many looks in a row. */
const LOUD = 0.55;
const LOOKS = 3;
/** The hint stays this many looks after the last loud one. */
const STAY_LOOKS = 20;

/** Notices that somebody speaks into a muted microphone. Listens to a copy of the track; nothing of it is sent. */
export class MutedSpeech implements ReactiveController {
  speaking = false;
  readonly #host: ReactiveControllerHost;
  #track: MediaStreamTrack | undefined;
  #copy: MediaStreamTrack | undefined;
  #meter: LevelMeter | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  /** Listens while the microphone is muted. */
  watch(module: MediaModule | undefined, microphone: LocalSource | undefined): void {
    const track = microphone?.state === 'muted' ? microphone.track : undefined;
    if (track === this.#track) return;
    this.#stop();
    this.#track = track;
    if (!track || !module) return;
    this.#copy = track.clone();
    this.#copy.enabled = true;
    this.#meter = new module.LevelMeter(this.#copy);
    let loud = 0;
    let stay = 0;
    this.#timer = setInterval(() => {
      loud = (this.#meter?.level ?? 0) > LOUD ? loud + 1 : 0;
      stay = loud >= LOOKS ? STAY_LOOKS : Math.max(0, stay - 1);
      this.#set(stay > 0);
    }, LOOK_MS);
  }

  hostDisconnected(): void {
    this.#stop();
    this.#track = undefined;
  }

  #stop() {
    clearInterval(this.#timer);
    this.#meter?.close();
    this.#copy?.stop();
    this.#meter = this.#copy = undefined;
    this.#set(false);
  }

  #set(speaking: boolean) {
    if (speaking === this.speaking) return;
    this.speaking = speaking;
    this.#host.requestUpdate();
  }
}
