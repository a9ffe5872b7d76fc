// The generated cameras and microphones, made once and kept in a cache that no commit sees.

import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CameraLines, writeCamera } from './camera.ts';
import type { CameraSide } from './code.ts';
import { writeMicrophone } from './microphone.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface FakeDevices {
  camera: string;
  microphone: string;
}

async function made(path: string, make: (path: string) => Promise<void>): Promise<string> {
  try {
    await access(path);
  } catch {
    // Renamed when whole: an interrupted run leaves no half file behind that the next one would trust.
    const whole = path.replace(/(\.\w+)$/, `.part$1`);
    await make(whole);
    await rename(whole, path);
  }
  return path;
}

/** Paths of the files that one side's browser is started with. */
export async function fakeDevices(side: CameraSide, lines: CameraLines = 360): Promise<FakeDevices> {
  // A changed generator makes new files.
  const version = createHash('sha256');
  for (const file of ['code.ts', 'camera.ts', 'microphone.ts', 'burst.ts'])
    version.update(await readFile(join(here, file)));
  const cache = join(here, '../../node_modules/.cache/vitrine-e2e', version.digest('hex').slice(0, 12));
  await mkdir(cache, { recursive: true });
  return {
    camera: await made(join(cache, `${side}-${lines}.y4m`), (path) => writeCamera(path, side, lines)),
    microphone: await made(join(cache, `${side}.wav`), (path) => writeMicrophone(path, side)),
  };
}
