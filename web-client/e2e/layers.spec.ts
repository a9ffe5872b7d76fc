// What a camera uploads follows what is looked at: layers by RID and inside one stream, in real browsers.

import type { Browser } from '@playwright/test';
import { SPOKEN } from '../src/media/extensions.ts';
import { DESKTOP, launch, profile } from './support/browsers.ts';
import { test as base, connect, expect, LOGINS } from './support/fixtures.ts';
import { frozenPicture, quality, startMeter, stopMeter } from './support/meter.ts';
import { BadNetwork } from './support/network.ts';
import { Agent, type Buyer, expectMoving } from './support/people.ts';
import { uploading, uploadKbps, uploads } from './support/uploads.ts';

/** A camera large enough that Chromium makes three layers of it. */
const LINES = 540;

const test = base.extend<object, { buyerBrowser: Browser }>({
  buyerBrowser: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
    async ({}, use) => {
      const browser = await launch('buyer', LINES);
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
});

/** Lines of the picture a person gets. */
function lines(person: Buyer | Agent): Promise<number> {
  return person
    .the('remote-video')
    .evaluate((element) => (element instanceof HTMLVideoElement ? element.videoHeight : 0));
}

/** A call whose buyer's camera is sent in this codec. */
async function callInCodec(buyer: Buyer, agent: Agent, codec: string): Promise<void> {
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct();
  await buyer.page
    .locator('video-help')
    .evaluate((element, name) => element.setAttribute('codec', name), codec);
  await buyer.askForHelp({ record: false });
  await agent.accept();
  await expectMoving(agent.the('remote-video'), 'buyer');
  await expectMoving(buyer.the('remote-video'), 'agent');
}

/** Somebody more joins the call and looks at the buyer, in this width or as large as the window allows. */
async function listenIn(one: Agent, login: readonly [string, string], width?: number): Promise<Agent> {
  await one.logIn(...login);
  await one.the('floor-listen').first().click();
  const picture = one.the('remote-video').first();
  await expectMoving(picture, 'buyer');
  if (width === undefined) return one;
  await picture.evaluate((video, width) => {
    Object.assign((video as HTMLElement).style, { width: `${width}px`, height: `${(width * 9) / 16}px` });
  }, width);
  return one;
}

const becomes = (what: () => Promise<unknown>, message: string, timeout = 15_000) =>
  expect.poll(what, { message, timeout, intervals: [250] });

/** What a leg carries has to be found out first, which takes longer on a machine that does other things. */
const FOUND_OUT_MS = 60_000;

/** Header extensions of our lines that the server's answer keeps, by what the line carries; of the first line of each kind. */
async function answered(person: Buyer | Agent): Promise<Record<'audio' | 'video', string[]>> {
  const answer = await person.page.evaluate(() => {
    const connected = window.probe.peers.find(({ connectionState }) => connectionState === 'connected');
    return connected?.remoteDescription?.sdp ?? '';
  });
  const lines = answer.split(/^m=/m);
  const of = (kind: string) =>
    [...(lines.find((line) => line.startsWith(kind)) ?? '').matchAll(/^a=extmap:\d+ (\S+)/gm)].map(
      ([, uri]) => uri ?? '',
    );
  return { audio: of('audio'), video: of('video') };
}

test('in a call of two one layer is uploaded, and it follows the size of the picture without a stop', async ({
  buyer,
  agent,
}) => {
  await connect(buyer, agent, { record: false });

  await test.step('every header extension the server speaks is agreed on, layers and times among them', async () => {
    const { audio, video } = await answered(buyer);
    const isSound = (uri: string) => uri.endsWith('audio-level');
    expect(video.sort(), 'of the camera').toEqual(SPOKEN.filter((uri) => !isSound(uri)).sort());
    const ofSound = /audio-level|mid$|transport-wide-cc|abs-send-time|abs-capture-time/;
    expect(audio.sort(), 'of the microphone').toEqual(SPOKEN.filter((uri) => ofSound.test(uri)).sort());
  });

  await test.step('a large picture: the large layer, and only that', async () => {
    await becomes(() => lines(agent), 'lines at the agent').toBe(LINES);
    await becomes(() => uploading(buyer), 'layers uploaded').toEqual(['f']);
  });

  await startMeter(agent.the('remote-video'));

  await test.step('a small window: a small layer', async () => {
    await agent.page.setViewportSize({ width: 400, height: 420 });
    await becomes(() => lines(agent), 'lines at the agent').toBeLessThanOrEqual(LINES / 2);
    await becomes(async () => (await uploading(buyer)).length, 'layers uploaded').toBe(1);
    expect(await uploading(buyer)).not.toContain('f');
    await expectMoving(agent.the('remote-video'), 'buyer');
  });

  await test.step('a large window: the large layer again', async () => {
    await agent.page.setViewportSize({ width: 1440, height: 900 });
    await becomes(() => lines(agent), 'lines at the agent').toBe(LINES);
    await becomes(() => uploading(buyer), 'layers uploaded').toEqual(['f']);
    await expectMoving(agent.the('remote-video'), 'buyer');
  });

  await test.step('nobody looks: nothing is uploaded, and the sound goes on', async () => {
    const hide = (hidden: boolean) =>
      agent.the('remote-video').evaluate((video, hidden) => {
        (video as HTMLElement).style.display = hidden ? 'none' : '';
      }, hidden);
    await hide(true);
    await becomes(() => uploading(buyer), 'layers uploaded').toEqual([]);
    await expect.poll(() => agent.page.evaluate(() => window.probe.loudness(400))).toBeGreaterThan(0.005);
    await hide(false);
    await expectMoving(agent.the('remote-video'), 'buyer');
  });

  const { samples, glances } = await stopMeter(agent.the('remote-video'));
  // Up to where the picture was hidden.
  const hiddenAt = glances.findIndex(({ at }, i) => (glances[i + 1]?.at ?? at) - at > 1_500);
  const seen = hiddenAt > 0 ? glances.slice(0, hiddenAt + 1) : glances;
  const { longestMs } = frozenPicture(seen, seen[0]?.at ?? 0, seen.at(-1)?.at ?? 0);
  console.log(
    `layers: longest stop while layers changed ${longestMs.toFixed(0)} ms, ${samples.length} samples`,
  );
  expect(longestMs, 'no stop while layers changed').toBeLessThan(1_000);
});

for (const codec of ['vp8', 'h264'] as const) {
  test(`three people who look at three sizes get three layers of one camera in ${codec.toUpperCase()}`, async ({
    buyer,
    agent,
    agentBrowser,
    vitrine,
  }) => {
    await callInCodec(buyer, agent, codec);
    const listen = async (login: readonly [string, string], width: number) =>
      listenIn(new Agent(await (await profile(agentBrowser, DESKTOP)).newPage(), vitrine), login, width);
    const middle = await listen(LOGINS.supervisor, 420);
    const small = await listen(LOGINS.admin, 200);
    await becomes(() => uploading(buyer), 'layers uploaded').toEqual(['f', 'h', 'q']);
    await becomes(() => lines(agent), 'lines at the agent').toBe(LINES);
    await becomes(() => lines(middle), 'lines in the middle').toBe(LINES / 2);
    // A quarter, cut to what the encoder can divide.
    await becomes(() => lines(small), 'lines at the smallest').toBeLessThanOrEqual(LINES / 4 + 1);
    for (const { codec: sent } of await uploads(buyer)) expect(sent.toLowerCase()).toBe(`video/${codec}`);
    for (const one of [agent, middle, small]) await expectMoving(one.the('remote-video').first(), 'buyer');

    await small.the('hangup').click();
    await becomes(() => uploading(buyer), 'layers uploaded without the smallest').toEqual(['f', 'h']);
    await middle.the('hangup').click();
    await becomes(() => uploading(buyer), 'layers uploaded to the agent alone').toEqual(['f']);
    for (const one of [small, middle]) await one.page.context().close();
  });
}

test('of two who look at the same size, the one whose leg becomes narrow gets a smaller layer, the other does not', async ({
  buyer,
  agent,
  agentBrowser,
  vitrine,
}) => {
  test.setTimeout(180_000);
  await connect(buyer, agent, { record: false });
  const network = new BadNetwork('step-3-0.3-3');
  const context = await profile(agentBrowser, DESKTOP);
  try {
    await network.hold(context);
    const far = await listenIn(new Agent(await context.newPage(), vitrine), LOGINS.supervisor);
    const picture = far.the('remote-video').first();

    await test.step('wide: the large layer for both', async () => {
      // Room for the largest pictures of two cameras.
      await network.set('down.rate_kbps = 10_000');
      for (const one of [agent, far]) await becomes(() => lines(one), 'lines', FOUND_OUT_MS).toBe(LINES);
    });

    await startMeter(agent.the('remote-video'));

    await test.step('narrow: a smaller one for whoever is behind it, beside the large one', async () => {
      // The sound of two and the smallest pictures: nothing else could be thought to fit.
      await network.set('down.rate_kbps = 350');
      await becomes(() => lines(far), 'lines behind the narrow leg').toBeLessThanOrEqual(LINES / 2);
      await becomes(() => uploading(buyer), 'layers uploaded', FOUND_OUT_MS).toEqual(['f', 'q']);
      await becomes(() => lines(agent), 'lines of the other', FOUND_OUT_MS).toBe(LINES);
      await expectMoving(picture, 'buyer');
      expect(await lines(far), 'lines behind the narrow leg').toBeLessThanOrEqual(LINES / 2);
    });

    await test.step('wide again: the large layer for both', async () => {
      await network.set('down.rate_kbps = 10_000');
      await becomes(() => lines(far), 'lines', FOUND_OUT_MS).toBe(LINES);
      await expectMoving(picture, 'buyer');
    });

    // A bound for a machine that does other things at the same time.
    expect(quality(await stopMeter(agent.the('remote-video'))).frozenPicture).toBeLessThan(0.25);
  } finally {
    await context.close();
    await network.stop();
  }
});

for (const codec of ['vp9', 'av1'] as const) {
  test(`a camera in ${codec.toUpperCase()} sends three layers in one stream, and each viewer gets what fits`, async ({
    buyer,
    agent,
  }) => {
    await callInCodec(buyer, agent, codec);
    await becomes(() => lines(agent), 'lines at the agent').toBe(LINES);
    const [only, ...more] = await uploads(buyer);
    expect(more).toEqual([]);
    expect(only?.codec.toLowerCase()).toBe(`video/${codec}`);
    expect(only?.mode).toMatch(/^L3T3/);
    const large = await uploadKbps(buyer);
    await agent.page.setViewportSize({ width: 400, height: 420 });
    await becomes(() => lines(agent), 'lines at the agent').toBeLessThanOrEqual(LINES / 2);
    await becomes(() => uploadKbps(buyer), 'upload for a small view').toBeLessThan(0.6 * large);
    await expectMoving(agent.the('remote-video'), 'buyer');
    await agent.page.setViewportSize({ width: 1440, height: 900 });
    await becomes(() => lines(agent), 'lines at the agent').toBe(LINES);
    await becomes(() => uploadKbps(buyer), 'upload for a large view').toBeGreaterThan(0.7 * large);
    await expectMoving(agent.the('remote-video'), 'buyer');
  });
}
