/** Showing and hearing streams: first frame, the browser's autoplay rule, level meter, test tone. */

/** Calls back once, when a frame of the video is on the screen; the answer stops waiting. */
export function onFirstFrame(video: HTMLVideoElement, then: () => void): () => void {
  if ('requestVideoFrameCallback' in video) {
    const handle = video.requestVideoFrameCallback(() => then());
    return () => video.cancelVideoFrameCallback(handle);
  }
  const element = video as HTMLVideoElement;
  element.addEventListener('loadeddata', then, { once: true });
  return () => element.removeEventListener('loadeddata', then);
}

/**
 * Plays an element. Says `blocked` when the browser wants a tap first (sound without one, after a reload);
 * call again from the tap.
 */
export async function play(element: HTMLMediaElement): Promise<'playing' | 'blocked'> {
  try {
    await element.play();
    return 'playing';
  } catch (error) {
    // AbortError: the stream was replaced meanwhile; that one has a play() of its own.
    return error instanceof DOMException && error.name === 'NotAllowedError' ? 'blocked' : 'playing';
  }
}

/** Measures how loud a microphone is, 0–1, on a scale on which speech fills most of the bar. */
export class LevelMeter {
  readonly #context: AudioContext;
  readonly #analyser: AnalyserNode;
  readonly #source: MediaStreamAudioSourceNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(track: MediaStreamTrack) {
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    void this.#context.resume();
  }

  get level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return levelOf(Math.sqrt(sum / this.#samples.length));
  }

  close(): void {
    this.#source.disconnect();
    void this.#context.close();
  }
}

/** Root mean square 0–1 → bar 0–1: −60 dB is empty, −10 dB is full. */
export function levelOf(rms: number): number {
  if (rms <= 0) return 0;
  return Math.min(1, Math.max(0, (20 * Math.log10(rms) + 60) / 50));
}

/** Plays two soft notes on a speaker (the default one, or by id where the browser can choose). */
export async function playTestTone(speakerId?: string): Promise<void> {
  const context = new AudioContext();
  try {
    if (speakerId && 'setSinkId' in context) {
      await (context as AudioContext & { setSinkId(id: string): Promise<void> }).setSinkId(speakerId);
    }
    await context.resume();
    const begin = context.currentTime + 0.05;
    for (const [index, hertz] of [523.25, 783.99].entries()) {
      const at = begin + index * 0.35;
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
      const note = new OscillatorNode(context, { frequency: hertz });
      note.connect(gain).connect(context.destination);
      note.start(at);
      note.stop(at + 0.65);
    }
    await new Promise((done) => setTimeout(done, 1_200));
  } finally {
    await context.close();
  }
}
