// A bad network between one browser and whoever it talks to: `loadtest proxy` plays it in user space, and the answers that
// page gets name the proxy's address instead of the server's. Nothing in the product knows.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BrowserContext } from '@playwright/test';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function binary(): string {
  const beside = process.env.VITRINE_BIN ? join(dirname(process.env.VITRINE_BIN), 'loadtest') : undefined;
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const paths = [process.env.LOADTEST_BIN, beside, join(target, 'debug', 'loadtest')];
  const path = paths.find((one) => one !== undefined && existsSync(one));
  if (path === undefined)
    throw new Error('no `loadtest` binary: build it (`make e2e` does) or set LOADTEST_BIN');
  return path;
}

/** One direction, since `begin`. */
export interface DirectionReport {
  packets: number;
  bytes: number;
  lost: number;
  overflowed: number;
  blocked: number;
  backlog_ms: number;
  /** The most a packet waited for the bottleneck, and at which second that was. */
  longest_wait_ms: number;
  longest_wait_at_s: number;
}

export interface NetworkReport {
  at_s: number;
  /** From the browser. */
  up: DirectionReport;
  /** To the browser. */
  down: DirectionReport;
  addresses: number;
}

/** Where a proxy relays to. */
interface Target {
  udp: string;
  tcp: string | undefined;
}

/** A running proxy. */
class Relay {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #turn: Promise<unknown> = Promise.resolve();
  udp = '';
  tcp: string | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    if (!process.stdout) throw new Error('no standard output');
    this.#lines = createInterface(process.stdout)[Symbol.asyncIterator]();
  }

  static async start(trace: string, seed: number, to: Target): Promise<Relay> {
    const tcp = to.tcp ? ['--tcp-listen', '127.0.0.1:0', '--tcp-to', to.tcp] : [];
    const args = ['proxy', '--trace', trace, '--seed', String(seed), '--to', to.udp, ...tcp, '--control'];
    const proxy = new Relay(spawn(binary(), args, { stdio: ['pipe', 'pipe', 'inherit'] }));
    const first = JSON.parse(await proxy.#line()) as { udp: string; tcp: string | null };
    proxy.udp = first.udp;
    proxy.tcp = first.tcp ?? undefined;
    return proxy;
  }

  /** Sends a line and waits for its answer; one at a time. */
  command(line: string): Promise<NetworkReport> {
    const run = this.#turn.then(async () => {
      this.#process.stdin?.write(`${line}\n`);
      const answer = JSON.parse(await this.#line()) as NetworkReport | { error: string };
      if ('error' in answer) throw new Error(`${line}: ${answer.error}`);
      return answer;
    });
    this.#turn = run.catch(() => undefined);
    return run;
  }

  stop(): void {
    this.#process.stdin?.end();
    this.#process.kill();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the proxy has ended');
    return value;
  }
}

/** A network that is bad for whoever is put behind it. */
export class BadNetwork {
  readonly #trace: string;
  readonly #seed: number;
  readonly #proxies = new Map<string, Promise<Relay>>();

  /** @param trace name or path, see `loadtest traces --list` */
  constructor(trace: string, seed = 1) {
    this.#trace = trace;
    this.#seed = seed;
  }

  /** From now on, what pages of this context hear about addresses leads through the network. */
  async hold(context: BrowserContext): Promise<void> {
    await context.exposeFunction('behindBadNetwork', (sdp: string) => this.rewrite(sdp));
    await context.addInitScript(() => {
      const { prototype } = window.RTCPeerConnection;
      const native = prototype.setRemoteDescription as (
        description: RTCSessionDescriptionInit,
      ) => Promise<void>;
      const ask = (window as unknown as { behindBadNetwork(sdp: string): Promise<string> }).behindBadNetwork;
      prototype.setRemoteDescription = async function (description: RTCSessionDescriptionInit) {
        const sdp = description.sdp === undefined ? undefined : await ask(description.sdp);
        await native.call(this, { type: description.type, ...(sdp === undefined ? {} : { sdp }) });
      };
    });
  }

  /** The session description with the network's addresses in place of the far side's. */
  async rewrite(sdp: string): Promise<string> {
    const lines = sdp.split('\r\n');
    const candidates = lines.map((line) =>
      /^(a=candidate:\S+ \d+ )(udp|tcp)( \d+ )(\S+ \d+)( .*)$/i.exec(line),
    );
    const address = (transport: string) =>
      candidates.find((match) => match?.[2]?.toLowerCase() === transport)?.[4]?.replace(' ', ':');
    const udp = address('udp');
    if (udp === undefined) return sdp;
    const proxy = await this.towards({ udp, tcp: address('tcp') });
    const kept = lines.flatMap((line, at) => {
      const match = candidates[at];
      if (!match) return [line];
      const [, head, transport, priority, real, tail] = match;
      const listen = transport?.toLowerCase() === 'tcp' ? proxy.tcp : proxy.udp;
      const known = [udp, address('tcp')].includes(real?.replace(' ', ':'));
      // A second address would be a way round the network.
      return listen && known ? [`${head}${transport}${priority}${listen.replace(':', ' ')}${tail}`] : [];
    });
    return kept.join('\r\n');
  }

  /** The proxy towards an address, started when it is first needed. */
  towards(to: Target): Promise<Relay> {
    const known = this.#proxies.get(to.udp);
    if (known) return known;
    const proxy = Relay.start(this.#trace, this.#seed, to);
    this.#proxies.set(to.udp, proxy);
    return proxy;
  }

  /** The trace begins now. */
  begin(): Promise<NetworkReport> {
    return this.#all('begin');
  }

  /** Conditions as in a trace's step, e.g. `both.rate_kbps = 300`. */
  set(change: string): Promise<NetworkReport> {
    return this.#all(`set ${change}`);
  }

  /** The address behind the network changes. */
  rebind(): Promise<NetworkReport> {
    return this.#all('rebind');
  }

  report(): Promise<NetworkReport> {
    return this.#all('report');
  }

  async stop(): Promise<void> {
    for (const proxy of this.#proxies.values()) (await proxy.catch(() => undefined))?.stop();
  }

  async #all(line: string): Promise<NetworkReport> {
    const proxies = await Promise.all(this.#proxies.values());
    const reports = await Promise.all(proxies.map((proxy) => proxy.command(line)));
    // The newest one carries the connection.
    const last = reports.at(-1);
    if (!last) throw new Error('nobody has connected through this network');
    return last;
  }
}
