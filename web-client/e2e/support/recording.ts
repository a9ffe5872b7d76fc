// What is in a recorded file, found with a second opinion: ffmpeg decodes, the code and the bursts say what was
// captured when.
//
// How the A/V offset of a recording is measured
//
// While the call runs, the publisher's own page logs when (wall clock) its camera produced which counter and when its
// microphone produced a burst (`CaptureLog`, taken from clones of the captured tracks, before any encoder). Every
// recorded frame and burst is then looked up in that log, one by one, so neither a slow camera nor a restart of it
// matters:
//
//     lag = (time in the recording) − (time it was captured − start of the recording)
//
// A recording that is right has the same lag in picture and sound. Its A/V offset is the difference of the two
// medians, positive where the picture comes late. What the page adds to the log (one 10 ms sound buffer, a few
// milliseconds until a frame reaches the page) is part of the error, far below what is tested for.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { BURST_HZ, burstDetector } from '../media/burst.ts';
import { codec, type FrameCode } from '../media/code.ts';
import type { CaptureLog } from './probe.ts';

const run = promisify(execFile);
const LIMIT = 512 * 1024 * 1024;

/** A recorded frame: what it shows and when, seconds of session time. */
export interface RecordedFrame {
  at: number;
  /** Null where the picture cannot be read, e.g. a camera that was off. */
  code: FrameCode | null;
}

/** A part of a picture, pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Decodes a video file and reads every frame, or the camera's picture that is an area of it. */
export async function recordedFrames(path: string, area?: Area): Promise<RecordedFrame[]> {
  const { COLUMNS, TOP, BOTTOM, decode } = codec();
  const [width, height] = [COLUMNS * 8, 16];
  const camera = area ? `crop=${area.width}:${area.height}:${area.x}:${area.y},` : '';
  const { stdout, stderr } = await run(
    'ffmpeg',
    // -copyts: times as they are in the file, not counted from its first frame.
    ['-hide_banner', '-nostats', '-copyts', '-i', path, '-an', '-fps_mode', 'passthrough', '-pix_fmt', 'gray']
      .concat([
        '-vf',
        `showinfo,${camera}crop=iw:ih*${(BOTTOM - TOP).toFixed(2)}:0:ih*${TOP},scale=${width}:${height}:flags=area`,
      ])
      .concat(['-f', 'rawvideo', '-']),
    { encoding: 'buffer', maxBuffer: LIMIT },
  );
  const times = [...stderr.toString().matchAll(/ n: *\d+ .*?pts_time: *([\d.]+)/g)].map((match) =>
    Number(match[1]),
  );
  const size = width * height;
  if (times.length !== stdout.length / size) {
    throw new Error(`ffmpeg showed ${times.length} times for ${stdout.length / size} frames of ${path}`);
  }
  return times.map((at, frame) => {
    const luma: number[] = [];
    for (let cell = 0; cell < 2 * COLUMNS; cell++) {
      // The middle pixels of a cell of 8 × 8.
      const [x0, y0] = [(cell % COLUMNS) * 8 + 3, Math.floor(cell / COLUMNS) * 8 + 3];
      let sum = 0;
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        sum += stdout[frame * size + (y0 + dy) * width + x0 + dx] ?? 0;
      }
      luma.push(sum / 4);
    }
    return { at, code: decode(luma) };
  });
}

/** Decodes a sound file; answers when bursts begin, seconds of session time. */
export async function recordedBursts(path: string): Promise<number[]> {
  const rate = 48_000;
  const { stdout, stderr } = await run(
    'ffmpeg',
    ['-hide_banner', '-nostats', '-copyts', '-i', path, '-vn', '-ac', '1', '-ar', String(rate)].concat([
      '-af',
      'ashowinfo',
      '-f',
      'f32le',
      '-',
    ]),
    { encoding: 'buffer', maxBuffer: LIMIT },
  );
  const samples = new Float32Array(stdout.buffer, stdout.byteOffset, stdout.byteLength / 4);
  const detect = burstDetector(rate, BURST_HZ);
  const found: number[] = [];
  // Frame by frame, because a gap in the file is a jump of time that the samples alone do not show.
  let at = 0;
  for (const match of stderr.toString().matchAll(/ n:\d+ .*?pts_time:([\d.]+) .*?nb_samples:(\d+)/g)) {
    const [time, length] = [Number(match[1]), Number(match[2])];
    for (const offset of detect(samples.subarray(at, at + length))) found.push(time + offset);
    at += length;
  }
  return found;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing to take a median of');
  return middle;
}

/** How a side's recorded tracks lie against what its devices produced; milliseconds. */
export interface Alignment {
  /** How much later than captured a picture is on the session timeline, and how many frames that was seen on. */
  videoLagMs: number;
  frames: number;
  /** The same of sound. */
  audioLagMs: number;
  bursts: number;
  /** Positive: the picture comes later than its sound. */
  avOffsetMs: number;
  /** The largest distance of a single frame from the median. */
  videoSpreadMs: number;
}

/** Compares recorded tracks with the log of who published them. `startedAt`: wall clock of session time zero. */
export function align(
  frames: RecordedFrame[],
  bursts: number[],
  log: CaptureLog,
  startedAt: number,
): Alignment {
  const nearest = (candidates: number[], wanted: number) =>
    candidates.reduce<number | null>(
      (best, at) => (best === null || Math.abs(at - wanted) < Math.abs(best - wanted) ? at : best),
      null,
    );
  const video: number[] = [];
  for (const { at, code } of frames) {
    if (!code) continue;
    const wanted = startedAt + at * 1000;
    const same = log.frames.filter((seen) => seen.counter === code.counter && seen.side === code.side);
    const captured = nearest(
      same.map((seen) => seen.at),
      wanted,
    );
    // Half a loop away is another time the same counter was shown, while nothing was logged for this one.
    if (captured !== null && Math.abs(captured - wanted) < 4_000) video.push(wanted - captured);
  }
  const audio: number[] = [];
  for (const burst of bursts) {
    const wanted = startedAt + burst * 1000;
    const captured = nearest(log.bursts, wanted);
    if (captured !== null && Math.abs(captured - wanted) < 500) audio.push(wanted - captured);
  }
  const [videoLagMs, audioLagMs] = [median(video), median(audio)];
  return {
    videoLagMs,
    frames: video.length,
    audioLagMs,
    bursts: audio.length,
    avOffsetMs: videoLagMs - audioLagMs,
    videoSpreadMs: Math.max(...video.map((lag) => Math.abs(lag - videoLagMs))),
  };
}
