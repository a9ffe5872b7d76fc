// One real call, end to end: the five steps from the tap to the replay.

import { writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import type { Recording } from '../src/protocol.ts';
import { type CameraSide, framesBetween } from './media/code.ts';
import { callMyself } from './support/baseline.ts';
import { DESKTOP, profile } from './support/browsers.ts';
import { expect, LOGINS, test } from './support/fixtures.ts';
import { Agent, expectMoving, expectNoPicture, Staff, shown } from './support/people.ts';
import type { CaptureLog } from './support/probe.ts';
import { align, recordedBursts, recordedFrames } from './support/recording.ts';

/** Larger than what ITU-R BT.1359 calls noticeable in neither direction would allow, and never more. */
const AV_OFFSET_MS_MAX = 80;
/** A recorded picture may be this far from the moment it was captured: network, jitter and the clock of a page. */
const LAG_MS_MAX = 300;

test('a buyer gets help, the agent writes it down, a reviewer sees it again', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(180_000);
  const times: Record<string, number> = {};
  let ticketNumber = '';
  const captured = {} as Record<CameraSide, CaptureLog>;

  await test.step('1. the buyer taps, agrees to be recorded, skips the check and waits', async () => {
    await agent.logIn(...LOGINS.agent);
    await agent.becomeAvailable();
    await buyer.openProduct();
    await buyer.askForHelp({ record: true });
    times['tap to waiting (with both choices clicked)'] = await since(buyer.page, 'open');
    times['last choice to waiting'] = await since(buyer.page, 'skip-check');
  });

  await test.step('2. the agent sees whom and what it is about, and accepts', async () => {
    const ring = agent.the('ring');
    await expect(ring).toBeVisible();
    // What the demo shop signed: product, language, order.
    await expect(ring).toContainText(/lamp|chair|mug/i);
    await expect(ring).toContainText(/German|Deutsch|\bde\b/i);
    await expect(ring).toContainText(/order/i);
    // Which line it comes from, by the buyer's country and language.
    await expect(ring).toContainText('German-speaking countries');
    const frames = [buyer, agent].map(({ page }) =>
      page.evaluate(() => window.probe.firstFrame('remote-video')),
    );
    await agent.the('accept').click();
    const [atBuyer, atAgent] = await Promise.all(frames);
    const accepted = await agent.page.evaluate(() => window.probe.clicks.accept ?? 0);
    times['accept to first frame at the buyer'] = (atBuyer ?? 0) - accepted;
    times['accept to first frame at the agent'] = (atAgent ?? 0) - accepted;
    for (const { page } of [buyer, agent]) await page.evaluate(() => window.probe.watchCapture());
  });

  await test.step('2. both see and hear each other through the server, under AES-GCM', async () => {
    await buyer.expectToSeeAndHear('agent');
    await agent.expectToSeeAndHear('buyer');
    expect(await buyer.srtpCipher()).toContain('GCM');
    expect(await agent.srtpCipher()).toContain('GCM');
  });

  await test.step('2. mute', async () => {
    await buyer.the('mute').click();
    await expect.poll(() => agent.page.evaluate(() => window.probe.loudness(300))).toBeLessThan(0.001);
    await buyer.the('mute').click();
    await expect.poll(() => agent.page.evaluate(() => window.probe.loudness(400))).toBeGreaterThan(0.005);
  });

  await test.step('2. camera off and on', async () => {
    await agent.the('camera').click();
    await expectNoPicture(buyer.the('remote-video'));
    await agent.the('camera').click();
    await expectMoving(buyer.the('remote-video'), 'agent');
    // The camera may have been opened anew: watch the new one too.
    await agent.page.evaluate(() => window.probe.watchCapture());
  });

  await test.step('2. chat both ways', async () => {
    await buyer.say('Der Karton ist eingedrückt.');
    await expect(agent.page.getByText('Der Karton ist eingedrückt.')).toBeVisible();
    await agent.say('I see it, a new one is on its way. <b>No</b> charge.');
    await expect(buyer.page.getByText('I see it, a new one is on its way. <b>No</b> charge.')).toBeVisible();
  });

  await test.step('2. some more seconds of an undisturbed call for the recording', async () => {
    const count = () => agent.page.evaluate(() => window.probe.captured().bursts.length);
    const before = await count();
    await expect.poll(count, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 5);
    await expectMoving(agent.the('remote-video'), 'buyer');
  });

  await test.step('4. on hang-up the agent writes outcome and notes; a ticket has it all', async () => {
    for (const [side, { page }] of [
      ['buyer', buyer],
      ['agent', agent],
    ] as const) {
      captured[side] = await page.evaluate(() => window.probe.captured());
    }
    await buyer.the('hangup').click();
    await expect(buyer.the('ended')).toBeVisible();
    ticketNumber = await agent.wrapUp('transport_damage', 'Corner of the box crushed. Replacement sent.');
    expect(ticketNumber).toMatch(/^V-\d+$/);

    const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
    await expect.poll(async () => (await staff.ticket(ticketNumber)).recording?.complete).toBe(true);
    const ticket = await staff.ticket(ticketNumber);
    expect(ticket).toMatchObject({
      number: ticketNumber,
      outcome: 'transport_damage',
      notes: 'Corner of the box crushed. Replacement sent.',
      call: { state: 'ended', end_reason: 'buyer_hung_up' },
    });
    expect(ticket.closed_at).toBeTruthy();
    expect(ticket.call.context.product?.sku).toBeTruthy();
    expect(ticket.call.context.order?.number).toBeTruthy();
    expect(ticket.receipts).toHaveLength(1);
    expect(ticket.receipts[0]).toMatchObject({ recording: true, subject: ticket.call.context.subject });
    expect(ticket.receipts[0]?.text_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  const staff = await Staff.logIn(vitrine, ...LOGINS.reviewer);
  const [summary] = await staff.recordings(`?ticket=${encodeURIComponent(ticketNumber)}`);
  if (!summary) throw new Error(`no recording of ticket ${ticketNumber}`);
  const recording = await staff.recording(summary.id);
  const startedAt = Date.parse(summary.started_at);

  await test.step('3. four tracks were recorded, picture and sound of each side in step', async () => {
    for (const side of ['buyer', 'agent'] as const) {
      const frames = await recordedFrames(await download(staff, recording, side, 'camera'));
      const bursts = await recordedBursts(await download(staff, recording, side, 'microphone'));
      const readable = frames.filter(({ code }) => code?.side === side);
      expect(readable.length, `readable frames of the ${side}`).toBeGreaterThan(0.9 * frames.length);
      const alignment = align(frames, bursts, captured[side], startedAt);
      console.log(
        `recording, ${side}: ${JSON.stringify(alignment, (_, v) => (typeof v === 'number' ? Math.round(v) : v))}`,
      );
      expect(alignment.frames).toBeGreaterThan(100);
      expect(alignment.bursts).toBeGreaterThanOrEqual(5);
      expect(Math.abs(alignment.avOffsetMs), `A/V offset of the ${side}`).toBeLessThan(AV_OFFSET_MS_MAX);
      expect(Math.abs(alignment.videoLagMs), `lag of the ${side}'s picture`).toBeLessThan(LAG_MS_MAX);
    }
  });

  await test.step('5. the reviewer finds it by ticket, agent and product', async () => {
    for (const search of [`ticket=${ticketNumber}`, `agent=${summary.agent}`, `product=${summary.sku}`]) {
      const found = await staff.recordings(`?${search}`);
      expect(
        found.map(({ id }) => id),
        search,
      ).toContain(summary.id);
    }
    expect(await staff.recordings('?ticket=V-999999')).toEqual([]);
  });

  await test.step('5. and replays both sides in step, with sound, seeking', async () => {
    const context = await profile(agentBrowser, DESKTOP);
    const page = await context.newPage();
    const reviewer = new Agent(page, vitrine);
    await page.goto(`${vitrine.url}/replay/`);
    await reviewer.fill('login-email', LOGINS.reviewer[0]);
    await reviewer.fill('login-password', LOGINS.reviewer[1]);
    await reviewer.the('login-submit').click();
    await reviewer.fill('search-input', ticketNumber);
    await page.getByTestId('recording-row').filter({ hasText: ticketNumber }).click();
    const player = page.locator('replay-player');
    await expect(player).toBeVisible();

    const duration = summary.duration_ms;
    for (const part of [0.85, 0.3, 0.6, 0.95]) {
      const at = Math.round(duration * part);
      await player.evaluate((element, ms) => (element as ReplayPlayer).seek(ms), at);
      const late = async (side: CameraSide): Promise<number | null> => {
        const wanted = counterAt(captured[side], startedAt + at);
        const now = await shown(page.getByTestId(`replay-video-${side}`));
        return now && wanted !== null ? framesBetween(now.counter, wanted) : null;
      };
      // Nothing was captured while a camera was off: nothing to compare there.
      const sides = (['buyer', 'agent'] as const).filter(
        (side) => counterAt(captured[side], startedAt + at) !== null,
      );
      expect(sides).not.toEqual([]);
      for (const side of sides) {
        await expect
          .poll(async () => Math.abs((await late(side)) ?? Number.NaN), { message: `${side} at ${at} ms` })
          .toBeLessThanOrEqual((LAG_MS_MAX * 30) / 1000);
      }
      if (sides.length === 2) {
        const apart = async () =>
          Math.abs(((await late('buyer')) ?? Number.NaN) - ((await late('agent')) ?? 0));
        await expect
          .poll(apart, { message: `both sides in step at ${at} ms, frames` })
          .toBeLessThanOrEqual(4);
      }
    }

    await player.evaluate((element) => (element as ReplayPlayer).seek(0));
    await page.getByTestId('play').click();
    for (const side of ['buyer', 'agent'] as const)
      await expectMoving(page.getByTestId(`replay-video-${side}`), side);
    await expect.poll(() => page.evaluate(() => window.probe.playbackLoudness(400))).toBeGreaterThan(0.005);
    await expect
      .poll(() => player.evaluate((element) => (element as ReplayPlayer).currentTimeMs))
      .toBeGreaterThan(2_000);
    await context.close();
  });

  await test.step('printed, not judged: how long it took', async () => {
    const context = await profile(agentBrowser, DESKTOP);
    times['browser to browser, SDP to first frame'] = await callMyself(await context.newPage());
    await context.close();
    for (const [what, ms] of Object.entries(times)) console.log(`time: ${what}: ${ms.toFixed(0)} ms`);
  });
});

interface ReplayPlayer extends HTMLElement {
  seek(ms: number): void;
  readonly currentTimeMs: number;
}

/** Milliseconds since the last click on a control of the page. */
function since(page: Page, testId: string): Promise<number> {
  return page.evaluate(
    (name) => performance.timeOrigin + performance.now() - (window.probe.clicks[name] ?? Number.NaN),
    testId,
  );
}

/** The counter a camera had produced last at a wall clock time; null when it produced none within half a second. */
function counterAt(log: CaptureLog, wallClock: number): number | null {
  const last = log.frames.filter(({ at }) => at <= wallClock).at(-1);
  return last && wallClock - last.at < 500 ? last.counter : null;
}

/** Fetches a track and leaves it in the test's output directory. */
async function download(
  staff: Staff,
  recording: Recording,
  side: CameraSide,
  source: 'camera' | 'microphone',
): Promise<string> {
  const tracks = recording.tracks.filter((track) => track.side === side && track.source === source);
  expect(tracks, `tracks of the ${side}'s ${source}`).toHaveLength(1);
  const track = tracks[0] as (typeof tracks)[number];
  const answer = await staff.api.get(track.url);
  expect(answer.status()).toBe(200);
  const path = test.info().outputPath(`${side}-${track.id}`);
  await writeFile(path, await answer.body());
  return path;
}
