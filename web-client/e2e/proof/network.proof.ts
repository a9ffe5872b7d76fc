// Calls over bad networks, measured: browser to browser, and through the server with the bad leg at either end. Prints a
// table and leaves everything in `test-results/network-proof.json`.
//
// SECONDS (default 60) is the length of a cell, SEED (1) the network's, ONLY a comma-separated choice of traces,
// REFERENCE=0 leaves browser to browser out, SERVER=0 the server.

import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Browser } from '@playwright/test';
import { DESKTOP, profile } from '../support/browsers.ts';
import { expect, LOGINS, test } from '../support/fixtures.ts';
import {
  type Measurement,
  type Quality,
  quality,
  recovery,
  startMeter,
  stopMeter,
} from '../support/meter.ts';
import { BadNetwork } from '../support/network.ts';
import { Agent, Buyer, expectMoving } from '../support/people.ts';
import { callEachOther } from '../support/reference.ts';

const SECONDS = Number(process.env.SECONDS ?? 60);
const SEED = Number(process.env.SEED ?? 1);
const ONLY = process.env.ONLY?.split(',');
/** Before the trace begins and the measurement counts: a call has its first seconds behind it. */
const WARM_UP_MS = 6_000;
const RESULTS = fileURLToPath(new URL('../../test-results/network-proof.json', import.meta.url));

interface Goal {
  trace: string;
  frozen: number;
  concealed: number;
  /** Seconds of the trace at which the rate falls and comes back. */
  step?: { down: number; up: number };
}

const GOALS: Goal[] = [
  { trace: 'loss-5-rtt-50', frozen: 0, concealed: 0.005 },
  { trace: 'rtt-200-burst', frozen: 0.01, concealed: 0.005 },
  { trace: 'step-3-0.3-3', frozen: 0.005, concealed: 0.005, step: { down: 15, up: 35 } },
];
const EXTRA = [
  'lan',
  'wifi-lossy',
  'lte-train',
  'cn-eu-200ms',
  ...(ONLY ?? []).filter((name) => name.includes('/')),
];

interface Cell {
  trace: string;
  way: string;
  quality: Quality;
  recovery?: ReturnType<typeof recovery>;
  load: number;
  measurement: Measurement;
}

const cells: Cell[] = [];

function cell(
  trace: string,
  way: string,
  measurement: Measurement,
  step: Goal['step'],
  offsetMs: number,
): Cell {
  const made: Cell = {
    trace,
    way,
    quality: quality(measurement, offsetMs),
    load: loadavg()[0] ?? Number.NaN,
    measurement,
    ...(step
      ? {
          recovery: recovery(measurement, {
            since: offsetMs + 1000 * step.down,
            at: offsetMs + 1000 * step.up,
          }),
        }
      : {}),
  };
  cells.push(made);
  console.log(line(made));
  return made;
}

const HEAD = `${'network'.padEnd(15)} ${'way'.padEnd(26)} frozen  picture longest  audio  (all)    fps  video  audio  jitter buffer  nack  pli  key  lines    rtt  camera  load  90 % again`;

function line({ trace, way, quality: q, recovery: r, load }: Cell): string {
  const percent = (value: number) => `${(100 * value).toFixed(2)} %`.padStart(7);
  const fixed = (value: number, width: number, digits = 0) => value.toFixed(digits).padStart(width);
  return [
    trace.padEnd(15),
    way.padEnd(26),
    percent(q.frozen),
    percent(q.frozenPicture),
    `${fixed(q.longestGapMs, 4)} ms`,
    percent(q.concealed),
    percent(q.concealedAll),
    fixed(q.fps, 5, 1),
    `${fixed(q.videoKbps, 4)}k`,
    `${fixed(q.audioKbps, 4)}k`,
    `${fixed(q.videoDelayMs, 4)}/${fixed(q.audioDelayMs, 3)} ms`,
    fixed(q.nacks, 5),
    fixed(q.plis, 4),
    fixed(q.keyframes, 4),
    fixed(q.height, 5),
    `${fixed(q.rttMs, 4)} ms`,
    fixed(q.capturedFps, 5, 1),
    fixed(load, 5, 1),
    r
      ? r.seconds === undefined
        ? `never (${fixed(r.beforeKbps, 0)}k, ${fixed(r.lowKbps, 0)}k)`
        : `${r.seconds.toFixed(1)} s (${fixed(r.beforeKbps, 0)}k, ${fixed(r.lowKbps, 0)}k)`
      : '',
    q.frozenAt.length > 0 ? `frozen at ${q.frozenAt.map((at) => at.toFixed(1)).join(' ')}` : '',
  ].join(' ');
}

/** Browser to browser. */
async function reference(trace: string, step: Goal['step'], buyerBrowser: Browser, agentBrowser: Browser) {
  const network = new BadNetwork(trace, SEED);
  const [buyer, agent] = [await profile(buyerBrowser, DESKTOP), await profile(agentBrowser, DESKTOP)];
  try {
    const [near, far] = [await buyer.newPage(), await agent.newPage()];
    await callEachOther(near, far, network);
    await expectMoving(near.getByTestId('remote-video'), 'agent');
    await expectMoving(far.getByTestId('remote-video'), 'buyer');
    await near.waitForTimeout(WARM_UP_MS);
    await startMeter(near.getByTestId('remote-video'));
    await startMeter(far.getByTestId('remote-video'));
    await network.begin();
    await near.waitForTimeout(1000 * SECONDS);
    cell(trace, 'browser to browser, down', await stopMeter(near.getByTestId('remote-video')), step, 0);
    cell(trace, 'browser to browser, up', await stopMeter(far.getByTestId('remote-video')), step, 0);
    console.log(`  network: ${JSON.stringify(await network.report())}`);
  } finally {
    await network.stop();
    await buyer.close();
    await agent.close();
  }
}

for (const { trace, step, ...goal } of [
  ...GOALS,
  ...EXTRA.map((trace): Goal => ({ trace, frozen: 1, concealed: 1 })),
]) {
  const wanted = ONLY ? ONLY.includes(trace) : GOALS.some((one) => one.trace === trace);
  if (!wanted) continue;
  test.describe(trace, () => {
    test('browser to browser', async ({ buyerBrowser, agentBrowser }) => {
      test.skip(process.env.REFERENCE === '0');
      await reference(trace, step, buyerBrowser, agentBrowser);
    });

    test('through the server', async ({ vitrine, buyerBrowser, agentBrowser }) => {
      test.skip(process.env.SERVER === '0');
      const network = new BadNetwork(trace, SEED);
      const [near, far] = [await profile(buyerBrowser, DESKTOP), await profile(agentBrowser, DESKTOP)];
      await network.hold(near);
      const buyer = new Buyer(await near.newPage(), vitrine);
      const agent = new Agent(await far.newPage(), vitrine);
      try {
        await agent.logIn(...LOGINS.agent);
        await agent.becomeAvailable();
        await buyer.openProduct();
        await buyer.askForHelp({ record: false });
        await agent.accept();
        await expectMoving(buyer.the('remote-video'), 'agent');
        await expectMoving(agent.the('remote-video'), 'buyer');
        await buyer.page.waitForTimeout(WARM_UP_MS);
        await startMeter(buyer.the('remote-video'));
        await startMeter(agent.the('remote-video'));
        await network.begin();
        await buyer.page.waitForTimeout(1000 * SECONDS);
        const down = cell(trace, 'server, receiver bad', await stopMeter(buyer.the('remote-video')), step, 0);
        const up = cell(trace, 'server, sender bad', await stopMeter(agent.the('remote-video')), step, 0);
        console.log(`  network: ${JSON.stringify(await network.report())}`);
        for (const { way, quality: q, recovery: r } of [down, up]) {
          expect.soft(q.frozen, `${trace}, ${way}: frozen by getStats`).toBeLessThanOrEqual(goal.frozen);
          expect
            .soft(q.frozenPicture, `${trace}, ${way}: frozen by the picture`)
            .toBeLessThanOrEqual(goal.frozen);
          expect.soft(q.concealed, `${trace}, ${way}: sound made up`).toBeLessThanOrEqual(goal.concealed);
          if (r) expect.soft(r.seconds ?? 99, `${trace}, ${way}: seconds until 90 % again`).toBeLessThan(5);
        }
      } finally {
        await network.stop();
        await near.close();
        await far.close();
      }
    });
  });
}

test.afterAll(async () => {
  if (cells.length === 0) return;
  console.log(`\n${HEAD}\n${cells.map(line).join('\n')}\n`);
  await mkdir(fileURLToPath(new URL('.', `file://${RESULTS}`)), { recursive: true });
  await writeFile(RESULTS, JSON.stringify(cells));
});
