// Fake microphones: WAV files for Chromium's `--use-file-for-fake-audio-capture`. Generated speech, and on top of it
// one short tone burst a second: the marks by which tests measure when a sound was heard.

import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { BURST_AT_SECONDS, BURST_HZ, BURST_SECONDS } from './burst.ts';
import type { CameraSide } from './code.ts';

const run = promisify(execFile);

const RATE = 48_000;
/** As long as the camera's loop. */
const SECONDS = 10;
const PEAK = 32_767;

const WORDS: Record<CameraSide, { voice: string; text: string }> = {
  buyer: {
    voice: 'de',
    text: 'Guten Tag. Die Lampe ist heute angekommen, aber der Karton war an einer Ecke eingedrückt. Können Sie sich das bitte einmal ansehen?',
  },
  agent: {
    voice: 'en-gb',
    text: 'Hello, thank you for calling. Please hold the parcel a little closer to the camera, so that I can see the damaged corner.',
  },
};

/** Samples of a mono 16-bit PCM WAV file, −1 to 1, and their rate. */
export function readWav(bytes: Buffer): { rate: number; samples: Float32Array } {
  let at = 12;
  let rate = 0;
  while (at + 8 <= bytes.length) {
    const name = bytes.toString('latin1', at, at + 4);
    // Streams of unknown length say 0xffffffff.
    const length = Math.min(bytes.readUInt32LE(at + 4), bytes.length - at - 8);
    if (name === 'fmt ') rate = bytes.readUInt32LE(at + 12);
    if (name === 'data') {
      const samples = new Float32Array(Math.floor(length / 2));
      for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(at + 8 + 2 * i) / PEAK;
      return { rate, samples };
    }
    at += 8 + length + (length % 2);
  }
  throw new Error('no data chunk in the WAV file');
}

function wav(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + 2 * samples.length, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  for (let i = 0; i < samples.length; i++) {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, samples[i] ?? 0)) * PEAK), 44 + 2 * i);
  }
  return bytes;
}

/** Writes the microphone of one side. */
export async function writeMicrophone(path: string, side: CameraSide): Promise<void> {
  const spoken = `${path}.speech`;
  await run('espeak-ng', ['-v', WORDS[side].voice, '-s', '150', '-w', spoken, WORDS[side].text]);
  const speech = readWav(await readFile(spoken));
  await rm(spoken);

  const samples = new Float32Array(RATE * SECONDS);
  for (let i = 0; i < samples.length; i++) {
    const at = (i * speech.rate) / RATE;
    const before = speech.samples[Math.floor(at)] ?? 0;
    const after = speech.samples[Math.floor(at) + 1] ?? 0;
    samples[i] = 0.5 * (before + (after - before) * (at % 1));
  }
  const ramp = 0.002 * RATE;
  const length = BURST_SECONDS * RATE;
  for (let second = 0; second < SECONDS; second++) {
    const start = Math.round((second + BURST_AT_SECONDS) * RATE);
    for (let i = 0; i < length; i++) {
      const edge = Math.min(1, i / ramp, (length - i) / ramp);
      samples[start + i] =
        0.3 * (samples[start + i] ?? 0) + 0.6 * edge * Math.sin((2 * Math.PI * BURST_HZ * i) / RATE);
    }
  }
  await writeFile(path, wav(samples));
}
