// What a reviewer does with a recording: seek, play, read, listen, step, come back. The counters in the pictures say
// what is really shown.

import type { Browser, Locator, Page } from '@playwright/test';
import type { Recording, ReplayTimeline } from '../src/protocol.ts';
import { DESKTOP, profile } from './support/browsers.ts';
import { expect, LOGINS, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import type { Buyer } from './support/people.ts';
import { Agent, expectMoving, Staff, shown } from './support/people.ts';
import {
  countersAt,
  offsets,
  quantile,
  random,
  SIDES,
  seekAndWait,
  spread,
  startAndWait,
  timeOf,
  truthOf,
  watch,
} from './support/replay.ts';
import type { Vitrine } from './support/server.ts';

test.use({ actionTimeout: 10_000 });

/** What counts as in step, ms. */
const IN_STEP_MS = 40;

/** A recorded call and the reviewer's page on it. */
interface Review {
  page: Page;
  reviewer: Agent;
  recording: Recording;
  timeline: ReplayTimeline;
  staff: Staff;
  player: Player;
}

/** The player by what its element offers. */
class Player {
  readonly #element: Locator;

  constructor(page: Page) {
    this.#element = page.locator('replay-player');
  }

  seek(ms: number): Promise<void> {
    return this.#element.evaluate(
      (element, ms) => (element as HTMLElement & { seek(ms: number): void }).seek(ms),
      ms,
    );
  }

  play(): Promise<void> {
    return this.#element.evaluate((element) => (element as HTMLElement & { play(): void }).play());
  }

  pause(): Promise<void> {
    return this.#element.evaluate((element) => (element as HTMLElement & { pause(): void }).pause());
  }

  now(): Promise<number> {
    return this.#element.evaluate(
      (element) => (element as HTMLElement & { currentTimeMs: number }).currentTimeMs,
    );
  }
}

/**
 * A call with Arabic chat, a hold, and a while in which both are muted; `undisturbed` ms of it before and after. While it
 * goes on the reviewer looks at it for the first time.
 */
async function recordedCall(
  buyer: Buyer,
  agent: Agent,
  vitrine: Vitrine,
  browser: Browser,
  undisturbed: number,
  login: (typeof LOGINS)[keyof typeof LOGINS] = LOGINS.reviewer,
): Promise<Review> {
  const page = await (await profile(browser, DESKTOP)).newPage();
  const reviewer = new Agent(page, vitrine);
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct('ar');
  await buyer.askForHelp({ record: true });
  await agent.accept();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
  await buyer.say('المصباح وصل مكسورًا، هل يمكن استبداله؟');
  await agent.say('I see the crack. A new Aurora is on its way.');
  await agent.page.waitForTimeout(undisturbed);
  await agent.the('hold').click();
  await expect(agent.the('held')).toBeVisible();
  await agent.page.waitForTimeout(2_500);
  await agent.the('hold').click();
  await expect(agent.the('held')).toBeHidden();
  for (const person of [buyer, agent]) await person.the('mute').click();
  await agent.page.waitForTimeout(6_500);
  for (const person of [buyer, agent]) await person.the('mute').click();
  await agent.page.waitForTimeout(undisturbed);

  await page.goto(`${vitrine.url}/replay/`);
  await reviewer.fill('login-email', login[0]);
  await reviewer.fill('login-password', login[1]);
  await reviewer.the('login-submit').click();
  await reviewer.the('recording-row').first().click();
  await expect(page.getByText('Still recording')).toBeVisible();
  await reviewer.the('play').click();
  await expectMoving(reviewer.the('replay-video-buyer'), 'buyer');
  await reviewer.the('play').click();

  await buyer.the('hangup').click();
  const ticket = await agent.wrapUp('transport_damage', 'Glass broken.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.reviewer);
  await expect.poll(async () => (await staff.ticket(ticket)).recording?.complete).toBe(true);
  const [summary] = await staff.recordings(`?ticket=${ticket}`);
  if (!summary) throw new Error('no recording');
  const recording = await staff.recording(summary.id);
  const timeline = await staff.get<ReplayTimeline>(`/recordings/${summary.id}/timeline`);
  await page.goto(`${vitrine.url}/replay/#/r/${summary.id}?t=2`);
  await page.reload();
  await expect(page.getByTestId('lanes')).toBeVisible();
  return { page, reviewer, recording, timeline, staff, player: new Player(page) };
}

test('pictures follow every seek, and both sides stay in step while they play', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(240_000);
  const { page, reviewer, recording, timeline, staff, player } =
    await test.step('a call, and a look at it while it goes on', () =>
      recordedCall(buyer, agent, vitrine, agentBrowser, 6_000));
  const truth = await truthOf(staff, recording);
  const durationMs = recording.summary.duration_ms;
  const wantedAt = (ms: number, more = 1) => ({
    buyer: countersAt(truth.buyer, ms, more),
    agent: countersAt(truth.agent, ms, more),
  });
  /** Moments at which both cameras have a picture whose counter can be read. */
  const moments = (seed: number, count: number): number[] => {
    const next = random(seed);
    const found: number[] = [];
    for (let tries = 0; found.length < count && tries < 10_000; tries += 1) {
      const ms = Math.round(500 + next() * (durationMs - 2_500));
      const { buyer, agent } = wantedAt(ms);
      if (buyer !== null && agent !== null) found.push(ms);
    }
    expect(found).toHaveLength(count);
    return found;
  };

  await test.step('50 seeks at random show the frame that was asked for, ± 1', async () => {
    const took: number[] = [];
    for (const ms of moments(1, 50)) {
      const result = await seekAndWait(page, ms, wantedAt(ms));
      expect(
        result.tookMs,
        `${ms} ms: wanted ${JSON.stringify(wantedAt(ms))}, shown ${JSON.stringify(result.shown)}`,
      ).not.toBeNull();
      took.push(result.tookMs ?? Number.NaN);
      // And it stays there.
      const [still] = await watch(page, 30);
      for (const side of SIDES) {
        expect(wantedAt(ms)[side], `${side} at ${ms} ms`).toContain(still?.shown[side]);
      }
    }
    console.log(`replay: seek, standing: ${spread(took)}`);
  });

  await test.step('it starts where it stands, and both sides stay in step while it plays', async () => {
    const starts: number[] = [];
    const clock: number[] = [];
    const apart: number[] = [];
    for (const ms of moments(2, 10)) {
      await seekAndWait(page, ms, wantedAt(ms));
      starts.push((await startAndWait(page)) ?? Number.NaN);
      await page.waitForTimeout(400);
      const found = offsets(truth, await watch(page, 1_000));
      clock.push(...found.clock);
      apart.push(...found.apart);
      await player.pause();
    }
    console.log(`replay: start: ${spread(starts)}`);
    console.log(`replay: picture against clock: ${spread(clock.map(Math.abs))}`);
    console.log(`replay: one side against the other: ${spread(apart.map(Math.abs))}`);
    expect(quantile(apart.map(Math.abs), 0.5), 'sides in step').toBeLessThan(IN_STEP_MS);
  });

  await test.step('50 seeks while it plays go on from where was asked for', async () => {
    await player.play();
    const took: number[] = [];
    const clock: number[] = [];
    for (const ms of moments(3, 50)) {
      const began = Date.now();
      await player.seek(ms);
      await expect
        .poll(
          async () => {
            const [sample] = await watch(page, 20);
            if (sample === undefined || sample.clockMs <= ms || sample.clockMs > ms + 4_000)
              return 'not there';
            const wanted = wantedAt(sample.clockMs, 2);
            const right = SIDES.every((side) => wanted[side]?.includes(sample.shown[side] ?? -1) ?? true);
            return right ? 'there' : JSON.stringify({ ms, sample, wanted });
          },
          { intervals: [10], timeout: 8_000 },
        )
        .toBe('there');
      took.push(Date.now() - began);
      clock.push(...offsets(truth, await watch(page, 120)).clock);
    }
    console.log(`replay: seek, playing (from outside of the page): ${spread(took)}`);
    console.log(`replay: picture against clock after such a seek: ${spread(clock.map(Math.abs))}`);
    expect(quantile(clock.map(Math.abs), 0.5)).toBeLessThan(IN_STEP_MS);
    await player.pause();
  });

  await test.step('one frame forward, one back', async () => {
    const [ms = 0] = moments(4, 1);
    await seekAndWait(page, ms, wantedAt(ms));
    const now = async () => (await shown(reviewer.the('replay-video-agent')))?.counter;
    // A moment on the edge of a frame shows that one or the one before.
    const here = await now();
    // The camera's loop shows each counter again and again, and leaves out others each time.
    const shownMs = timeOf(truth.agent, here ?? -1, ms) ?? -1;
    const at = truth.agent.findIndex((frame) => frame.at * 1000 === shownMs);
    const frame = (n: number) => truth.agent[at + n]?.code?.counter;
    expect(at, `the frame ${here} is in the file`).toBeGreaterThan(0);
    for (const [key, there] of [
      ['.', 1],
      [',', 0],
      [',', -1],
    ] as const) {
      await page.keyboard.press(key);
      await expect.poll(now).toBe(frame(there));
      // A step looks at the frames around, so its picture may be there before it has ended.
      await page.waitForTimeout(1_000);
      expect(await now()).toBe(frame(there));
    }
  });

  await test.step('silence is skipped and it says so', async () => {
    const silence = timeline.talk.silence.find(([from, to]) => to - from > 4_000);
    const [from, to] = silence ?? [0, 0];
    expect(silence, 'both were muted').toBeDefined();
    await page.keyboard.press('s');
    await expect(page.getByTestId('skip-silence').locator('button')).toHaveAttribute('aria-pressed', 'true');
    await player.seek(from - 700);
    const began = Date.now();
    await player.play();
    await expect(page.getByText(/Skipped 0:0\d of silence/)).toBeVisible();
    await expect.poll(() => player.now(), { intervals: [20] }).toBeGreaterThan(to - 600);
    expect(Date.now() - began, 'less than the silence itself').toBeLessThan(to - from + 700);
    await page.keyboard.press('k');
    await page.keyboard.press('s');
  });
  await page.context().close();
});

test('a reviewer reads what was written and what happened, looks from every side, and comes back', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(240_000);
  const { page, reviewer, recording, timeline, player } = await test.step('a call', () =>
    recordedCall(buyer, agent, vitrine, agentBrowser, 2_000, LOGINS.supervisor));
  const durationMs = recording.summary.duration_ms;

  await test.step('the server tells what lies on the timeline', () => {
    expect(timeline.talk.sides.map(({ side }) => side)).toEqual(['buyer', 'agent']);
    for (const voice of timeline.talk.sides) {
      expect(voice.talk_ms).toBeGreaterThan(2_000);
      expect(voice.loudness_lufs).toBeLessThan(0);
      expect(Buffer.from(voice.peaks, 'base64').length).toBe(Math.ceil(durationMs / timeline.talk.cell_ms));
    }
    expect(
      timeline.talk.silence.some(([from, to]) => to - from > 4_000),
      'both were muted',
    ).toBe(true);
    const [hold] = timeline.holds;
    expect((hold?.[1] ?? 0) - (hold?.[0] ?? 0)).toBeGreaterThan(2_000);
    expect(timeline.quality.map(({ side }) => side)).toEqual(['buyer', 'agent']);
    expect(timeline.chat.map(({ side }) => side)).toEqual(['buyer', 'agent']);
    const kinds = timeline.events.map(({ what }) => what.kind);
    for (const kind of ['connected', 'held', 'taken_back', 'sending', 'ended']) expect(kinds).toContain(kind);
  });

  await test.step('what the buyer wrote is hidden until somebody says what for', async () => {
    await expect(reviewer.the('moment').first()).toBeVisible();
    await expect(reviewer.the('moment').filter({ hasText: 'مكسورًا' })).toHaveCount(0);
    await page.getByRole('tab', { name: 'Ticket' }).click();
    await look(page, 'replay-privacy', { fullPage: true, mirrored: true });
    await reviewer.the('open-unmask').click();
    await reviewer.fill('why', 'The buyer asked for a copy.');
    await reviewer.the('do').click();
    await expect(reviewer.the('masked')).toHaveCount(0);
    await page.reload();
    await page.getByRole('tab', { name: 'Events' }).click();
  });

  await test.step('chat and events are read, found and jumped to', async () => {
    const [line] = timeline.chat;
    if (!line) throw new Error('no chat');
    await reviewer.the('moment').filter({ hasText: 'مكسورًا' }).click();
    expect(Math.abs((await player.now()) - line.at_ms)).toBeLessThan(2);
    await expect(page.locator('[data-testid="moment"][aria-current="true"]')).toContainText('مكسورًا');
    await page.getByTestId('moments-search').fill('مكسورا');
    await expect(reviewer.the('moment')).toHaveCount(1);
    await page.getByTestId('moments-search').fill('on hold');
    await expect(reviewer.the('moment')).toHaveCount(1);
    await page.getByTestId('moments-search').fill('');
    await page.locator('replay-moments').getByRole('button', { name: 'Chat', exact: true }).click();
    await expect(reviewer.the('moment')).toHaveCount(timeline.chat.length);
    await page.locator('replay-moments').getByRole('button', { name: 'All', exact: true }).click();
  });

  await test.step('what the lanes show is in a table, too', async () => {
    await page.getByText('As a table').click();
    for (const what of ['Nobody speaks', 'Buyer on hold']) {
      await expect(page.locator('replay-stretch-table')).toContainText(what);
    }
    await page.getByText('As a table').click();
  });

  await test.step('zoom by keys, and a slider moves the part that is shown', async () => {
    await page.locator('h1').click();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await expect(page.getByTestId('pan')).toBeVisible();
    const before = await page.getByTestId('pan').getAttribute('aria-valuetext');
    await page.keyboard.press('PageDown');
    await expect(page.getByTestId('pan')).not.toHaveAttribute('aria-valuetext', before ?? '');
    await look(page, 'replay-zoomed', { fullPage: true });
    await page.keyboard.press('0');
    await expect(page.getByTestId('pan')).toHaveCount(0);
  });

  await test.step('every view, large and small', async () => {
    await player.seek(4_000);
    await look(page, 'replay-beside', { fullPage: true, mirrored: true });
    await reviewer.native('view').selectOption('main');
    await look(page, 'replay-main');
    await reviewer.native('view').selectOption('corner');
    await reviewer.the('swap').click();
    await look(page, 'replay-corner', { mirrored: true });
  });

  await test.step('the place and the looks are there again', async () => {
    await player.seek(9_000);
    await page.goto(`${vitrine.url}/replay/`);
    await reviewer.the('recording-row').first().click();
    await expect(reviewer.the('resumed')).toContainText('0:09');
    await expect(reviewer.native('view')).toHaveValue('corner');
    expect(Math.abs((await player.now()) - 9_000)).toBeLessThan(5);
    await page.keyboard.press('f');
    await expect.poll(() => page.evaluate(() => document.fullscreenElement?.tagName)).toBe('REPLAY-APP');
  });
  await page.context().close();
});
