// Eyes and ears inside the pages under test. `probe()` is injected before any script of the page (see `browsers.ts`)
// and only watches: it keeps the peer connections and captured streams the page makes, reads counters out of
// pictures and finds the tone bursts in sound.

import type { codec, FrameCode } from '../media/code.ts';

/** A frame that was read, and when. */
export interface SeenFrame extends FrameCode {
  /** Wall clock of this machine, milliseconds since the epoch, when the page got the frame. */
  at: number;
}

/** What the devices of a page have been producing, as the page itself got it, before any encoder. */
export interface CaptureLog {
  frames: SeenFrame[];
  /** Wall clock at the start of each tone burst, milliseconds since the epoch. */
  bursts: number[];
}

/** What is injected as `window.probe`. */
export interface Probe {
  peers: RTCPeerConnection[];
  streams: MediaStream[];
  /** Reads the counter a picture shows right now. */
  read(picture: HTMLVideoElement): FrameCode | null;
  /** Wall clock of the last click on each element with a `data-testid`. */
  clicks: Record<string, number>;
  /** Waits until the picture inside the element with this `data-testid` shows a readable frame; wall clock of then. */
  firstFrame(testId: string): Promise<number>;
  /** Starts to log what the newest captured camera and microphone produce. */
  watchCapture(): void;
  captured(): CaptureLog;
  /** Root mean square of the sound received from the other side over `ms`, full scale = 1. */
  loudness(ms: number): Promise<number>;
  /** The same of what the page's own players (`<audio>`, `<video>`) play. */
  playbackLoudness(ms: number): Promise<number>;
}

declare global {
  /** https://w3c.github.io/mediacapture-transform/ as Chromium has it; TypeScript's DOM does not know it yet. */
  class MediaStreamTrackProcessor<T> {
    constructor(init: { track: MediaStreamTrack });
    readonly readable: ReadableStream<T>;
  }
  interface Window {
    probe: Probe;
  }
}

/** Runs in the page: nothing outside this function is reachable. */
export function probe(
  code: ReturnType<typeof codec>,
  detector: (rate: number) => (samples: ArrayLike<number>) => number[],
): void {
  const peers: RTCPeerConnection[] = [];
  const streams: MediaStream[] = [];
  const log: CaptureLog = { frames: [], bursts: [] };
  const wallClock = () => performance.timeOrigin + performance.now();

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      peers.push(this);
    }
  };
  if (navigator.mediaDevices) {
    const native = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      const stream = await native(constraints);
      streams.push(stream);
      return stream;
    };
  }

  const clicks: Record<string, number> = {};
  window.addEventListener(
    'click',
    (event) => {
      for (const target of event.composedPath()) {
        const name = target instanceof Element ? target.getAttribute('data-testid') : null;
        if (name) clicks[name] = wallClock();
      }
    },
    { capture: true },
  );

  /** Every element, those inside shadow roots too. */
  function everything(root: Document | ShadowRoot | Element): Element[] {
    return [...root.querySelectorAll('*')].flatMap((element) =>
      element.shadowRoot ? [element, ...everything(element.shadowRoot)] : [element],
    );
  }

  const canvas = document.createElement('canvas');
  canvas.width = code.COLUMNS * 8;
  canvas.height = 16;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const readBand = (picture: CanvasImageSource, width: number, height: number) => {
    if (!context || width === 0 || height === 0) return null;
    const top = code.TOP * height;
    context.drawImage(
      picture,
      0,
      top,
      width,
      (code.BOTTOM - code.TOP) * height,
      0,
      0,
      canvas.width,
      canvas.height,
    );
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return code.decode(code.cells(data, canvas.width, canvas.height));
  };

  async function watchCamera(track: MediaStreamTrack): Promise<void> {
    const reader = new MediaStreamTrackProcessor<VideoFrame>({ track }).readable.getReader();
    for (;;) {
      const { value: frame } = await reader.read();
      if (!frame) return;
      const at = wallClock();
      const seen = readBand(frame, frame.displayWidth, frame.displayHeight);
      if (seen) log.frames.push({ ...seen, at });
      frame.close();
    }
  }

  async function watchMicrophone(track: MediaStreamTrack): Promise<void> {
    const reader = new MediaStreamTrackProcessor<AudioData>({ track }).readable.getReader();
    let detect: ReturnType<typeof detector> | undefined;
    for (;;) {
      const { value: data } = await reader.read();
      if (!data) return;
      const samples = new Float32Array(data.numberOfFrames);
      data.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      detect ??= detector(data.sampleRate);
      // The page gets a piece when its last sample has been captured.
      const began = wallClock() - (data.numberOfFrames / data.sampleRate) * 1000;
      for (const offset of detect(samples)) log.bursts.push(began + offset * 1000);
      data.close();
    }
  }

  async function loudnessOf(tracks: MediaStreamTrack[], ms: number): Promise<number> {
    if (tracks.length === 0) return 0;
    const audio = new AudioContext();
    try {
      await audio.resume();
      const analyser = audio.createAnalyser();
      analyser.fftSize = 2048;
      for (const track of tracks) audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let sum = 0;
      let count = 0;
      const until = performance.now() + ms;
      while (performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 40));
        analyser.getFloatTimeDomainData(samples);
        for (const sample of samples) sum += sample * sample;
        count += samples.length;
      }
      return Math.sqrt(sum / Math.max(1, count));
    } finally {
      await audio.close();
    }
  }

  type Player = HTMLMediaElement & { captureStream(): MediaStream };
  const players = () =>
    everything(document).filter((element) => element instanceof HTMLMediaElement) as Player[];

  window.probe = {
    peers,
    streams,
    read: (picture) => readBand(picture, picture.videoWidth, picture.videoHeight),
    clicks,
    async firstFrame(testId) {
      for (;;) {
        const holder = everything(document).find((element) => element.getAttribute('data-testid') === testId);
        const inside = holder ? [holder, ...everything(holder.shadowRoot ?? holder)] : [];
        const video = inside.find((element) => element instanceof HTMLVideoElement);
        if (video && readBand(video, video.videoWidth, video.videoHeight)) return wallClock();
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    },
    watchCapture() {
      const live = (kind: string) =>
        streams
          .flatMap((stream) => stream.getTracks())
          .filter((track) => track.kind === kind && track.readyState === 'live')
          .at(-1);
      const camera = live('video');
      const microphone = live('audio');
      // Clones: muting or stopping what the page has does not blind the watcher.
      if (camera) void watchCamera(camera.clone());
      if (microphone) void watchMicrophone(microphone.clone());
    },
    captured: () => log,
    loudness: (ms) =>
      loudnessOf(
        peers
          .filter((peer) => peer.connectionState === 'connected')
          .flatMap((peer) => peer.getReceivers().map((receiver) => receiver.track))
          .filter((track) => track.kind === 'audio' && track.readyState === 'live' && !track.muted),
        ms,
      ),
    playbackLoudness: (ms) =>
      loudnessOf(
        players()
          .filter((player) => !player.paused)
          .flatMap((player) => player.captureStream().getAudioTracks()),
        ms,
      ),
  };
}
