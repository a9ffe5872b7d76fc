// Exports: the `ffmpeg` that makes them, which a test can slow down or let fail, and what is in a finished one.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Area } from './recording.ts';

const run = promisify(execFile);
const LIMIT = 256 * 1024 * 1024;

/** How the studio's `ffmpeg` behaves: as it is, at a third of the speed that the call had, or it gives up. */
export type Pace = 'own' | 'slow' | 'fails';

// It is the real one. Inputs read slowly make it slow; with the paces on file it can be changed while the server runs.
const SCRIPT = `#!/bin/sh
case "$*" in *-filter_complex*) pace=$(cat "$(dirname "$0")/pace") ;; esac
if [ "$pace" = fails ]; then
  echo "track-0: No space left on device" >&2
  exit 1
fi
left=$#
while [ "$left" -gt 0 ]; do
  if [ "$pace" = slow ] && [ "$1" = -i ]; then set -- "$@" -readrate 0.33; fi
  set -- "$@" "$1"
  shift
  left=$((left - 1))
done
exec ffmpeg "$@"
`;

/** A folder with such an `ffmpeg`. */
export class Studio {
  readonly ffmpeg: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.ffmpeg = join(folder, 'ffmpeg');
  }

  static async open(): Promise<Studio> {
    const studio = new Studio(await mkdtemp(join(tmpdir(), 'vitrine-e2e-studio-')));
    await writeFile(studio.ffmpeg, SCRIPT);
    await chmod(studio.ffmpeg, 0o755);
    await studio.pace('own');
    return studio;
  }

  /** For exports that are begun from now on. */
  async pace(pace: Pace): Promise<void> {
    await writeFile(join(this.#folder, 'pace'), pace);
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Where things are in an export, as `signaling/src/exports/graph.rs` lays them out; for cameras of 16 to 9. */
export const LAYOUT = {
  agent: { x: 0, y: 140, width: 640, height: 360 },
  buyer: { x: 640, y: 140, width: 640, height: 360 },
  /** Date and time, in the middle of the bar. */
  time: { x: 440, y: 650, width: 400, height: 30 },
} as const satisfies Record<string, Area>;

/** What `ffprobe` says about a file. */
export interface Probed {
  readonly streams: {
    readonly codec_name: string;
    readonly width?: number;
    readonly height?: number;
    readonly channels?: number;
  }[];
  readonly format: { readonly duration: string; readonly tags: { readonly title?: string } };
}

export async function probed(path: string): Promise<Probed> {
  const wanted = 'stream=codec_name,width,height,channels:format=duration:format_tags=title';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', wanted, '-of', 'json', path]);
  return JSON.parse(stdout);
}

/** The share of an area that is bright at a moment, 0 to 1: writing on a dark ground. */
export async function brightness(path: string, seconds: number, area: Area): Promise<number> {
  const { width, height, x, y } = area;
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-ss', String(seconds), '-i', path, '-frames:v', '1', '-vf']
      .concat(`crop=${width}:${height}:${x}:${y},format=gray`)
      .concat(['-f', 'rawvideo', '-']),
    { encoding: 'buffer', maxBuffer: LIMIT },
  );
  if (stdout.length !== width * height) throw new Error(`no picture at ${seconds} s of ${path}`);
  return stdout.filter((luma) => luma > 140).length / stdout.length;
}

/** Length of what {@link loudness} gives one value for, s. */
export const CELL_S = 0.02;

/** Loudness of one channel (0: left, 1: right) from the beginning of the session on, one value a cell. */
export async function loudness(path: string, channel = 0): Promise<number[]> {
  const rate = 8_000;
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-copyts', '-i', path, '-vn', '-af']
      .concat(`pan=mono|c0=c${channel},aresample=${rate}:async=1:min_hard_comp=0.01:first_pts=0`)
      .concat(['-f', 'f32le', '-']),
    { encoding: 'buffer', maxBuffer: LIMIT },
  );
  const samples = new Float32Array(new Uint8Array(stdout).buffer);
  const size = CELL_S * rate;
  return Array.from({ length: Math.floor(samples.length / size) }, (_, cell) => {
    const squares = samples.subarray(cell * size, (cell + 1) * size).reduce((sum, x) => sum + x * x, 0);
    return Math.sqrt(squares / size);
  });
}

/** How alike two courses of loudness are: 1 the same, 0 nothing in common. A cell more or less does not count. */
export function likeness(one: readonly number[], other: readonly number[]): number {
  return Math.max(...[-1, 0, 1].map((shift) => correlation(one.slice(1 + shift), other.slice(1))));
}

/** Pearson's. */
function correlation(one: readonly number[], other: readonly number[]): number {
  const length = Math.min(one.length, other.length);
  const mean = (values: readonly number[]) =>
    values.slice(0, length).reduce((sum, value) => sum + value, 0) / length;
  const [a, b] = [mean(one), mean(other)];
  let [both, left, right] = [0, 0, 0];
  for (let at = 0; at < length; at += 1) {
    const [x, y] = [(one[at] ?? 0) - a, (other[at] ?? 0) - b];
    both += x * y;
    left += x * x;
    right += y * y;
  }
  return both / Math.sqrt(left * right);
}
