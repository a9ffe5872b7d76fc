// The real server: the `vitrine` binary on free ports with an empty data directory.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { request } from '@playwright/test';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function binary(): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const path = process.env.VITRINE_BIN ?? join(target, 'debug', 'vitrine');
  if (!existsSync(path))
    throw new Error(`${path} is not there: build it (\`make e2e\` does) or set VITRINE_BIN`);
  return path;
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port to be had');
  return address.port;
}

/** Settings beyond the fixture's own, as TOML sections, e.g. `{ desk: { ring_seconds: 5 } }`. */
export type MoreSettings = Record<string, Record<string, string | number | boolean>>;

/** A running server. */
export class Vitrine {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #log: string[];
  readonly #directory: string;

  private constructor(url: string, directory: string, process: ChildProcess, log: string[]) {
    this.url = url;
    this.#directory = directory;
    this.#process = process;
    this.#log = log;
  }

  /** Starts one, with so many recorded calls that never were, and waits until it takes calls. */
  static async start(more: MoreSettings = {}, filled = 0): Promise<Vitrine> {
    const directory = await mkdtemp(join(tmpdir(), 'vitrine-e2e-'));
    const port = await freePort();
    const settings: MoreSettings = {
      ...more,
      http: { listen: `127.0.0.1:${port}`, ...more.http },
      media: { port: 0, ...more.media },
      data: { dir: join(directory, 'data'), ...more.data },
      demo: { enabled: true, ...more.demo },
      log: { filter: process.env.VITRINE_LOG ?? 'info', ...more.log },
    };
    const toml = Object.entries(settings)
      .map(([section, values]) => {
        const lines = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
        return [`[${section}]`, ...lines, ''].join('\n');
      })
      .join('\n');
    const config = join(directory, 'vitrine.toml');
    await writeFile(config, toml);
    if (filled > 0) {
      const fill = join(dirname(binary()), 'examples', 'fill');
      await promisify(execFile)(fill, [join(directory, 'data'), String(filled)]);
    }

    const log: string[] = [];
    const child = spawn(binary(), ['serve', '--config', config], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (piece) => log.push(String(piece)));
    child.stderr.on('data', (piece) => log.push(String(piece)));
    const scheme = settings.http?.self_signed ? 'https' : 'http';
    const server = new Vitrine(`${scheme}://127.0.0.1:${port}`, directory, child, log);
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async #ready(): Promise<void> {
    // Playwright's client, because Node's `fetch` cannot be told to take a certificate nobody vouches for.
    const api = await request.newContext({ ignoreHTTPSErrors: true });
    try {
      const until = Date.now() + 20_000;
      while (Date.now() < until) {
        if (this.#process.exitCode !== null) break;
        const answer = await api.get(`${this.url}/readyz`).catch(() => null);
        if (answer?.ok()) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    } finally {
      await api.dispose();
    }
    throw new Error(`vitrine did not become ready:\n${this.log()}`);
  }

  /** Runs another command of the program; answers what it says. */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(binary(), args, { cwd: this.#directory });
    return stdout;
  }

  /** Everything it has printed, without colours. */
  log(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
    return this.#log.join('').replace(/\x1b\[[0-9;]*m/g, '');
  }

  /** Asks it to stop and waits; answers how it ended (0 = in good order). */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      const impatient = setTimeout(() => this.#process.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(impatient);
    }
    await rm(this.#directory, { recursive: true, force: true });
    return this.#process.exitCode;
  }

  /**
   * Every file in the data directory that holds media. Media is sealed, so it is told by what it is not: the manifests
   * beside it. Plain media, told by its first bytes, must not be there at all.
   */
  async mediaFiles(): Promise<string[]> {
    for (const entry of await readdir(join(this.#directory, 'data'), {
      recursive: true,
      withFileTypes: true,
    })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const head = Buffer.alloc(12);
      // A file that is deleted while we look has no media any more.
      const file = await open(path).catch(() => null);
      if (!file) continue;
      await file.read(head, 0, head.length, 0);
      await file.close();
      const webm = head.readUInt32BE(0) === 0x1a45dfa3;
      const mp4 = ['ftyp', 'styp', 'moof'].includes(head.toString('latin1', 4, 8));
      if (webm || mp4) throw new Error(`${path} is media that anybody can play`);
    }
    const files = await this.recordingFiles();
    return files.filter((file) => !['manifest.jsonl', 'manifest.new', '.lock'].includes(basename(file)));
  }

  /** The secret that the demo shop signs its tokens with, for tests that play a shop that errs. */
  async shopSecret(): Promise<string> {
    return (await readFile(join(this.#directory, 'data', 'demo-shop.secret'), 'utf8')).trim();
  }

  /** Every file below `recordings/` that holds anything, whatever that is. */
  async recordingFiles(): Promise<string[]> {
    const folder = join(this.#directory, 'data', 'recordings');
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const sizes = await Promise.all(
      files.map(async (file) => (await stat(file).catch(() => ({ size: 0 }))).size),
    );
    return files.filter((_, at) => (sizes[at] ?? 0) > 0);
  }

  /** The current value of a figure on `/metrics`, all its labels added up. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }
}
