// What must not be stored is not: the agent pauses the recording, both see it, and the file has nothing of the time.

import { writeFile } from 'node:fs/promises';
import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { expectMoving, Staff } from './support/people.ts';
import { recordedBursts, recordedFrames } from './support/recording.ts';

/** From a picture or sound to the session timeline: the network, the browser's jitter buffer and two clocks. */
const LAG_MS_MAX = 300;

test('while the agent has paused the recording nothing is stored, and a reload does not end that', async ({
  buyer,
  agent,
  vitrine,
}, testInfo) => {
  test.setTimeout(180_000);
  await connect(buyer, agent, { record: true });
  await expect(agent.the('recording')).toHaveText('Recording');
  await expectMoving(agent.the('remote-video'), 'buyer', 60);

  await agent.the('pause-recording').click();
  await agent.the('pause-card_data').click();
  const banner = agent.the('paused-banner');
  await expect(banner).toContainText('nothing is stored');
  await expect(banner).toContainText('card data');
  await expect(banner).toContainText(/Goes on in [12]:\d\d/);
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'paused');
  await expect(buyer.page.getByText('nichts wird gespeichert')).toBeVisible();
  const paused = Date.now();
  // The call itself goes on, and a page that is loaded again knows.
  await expectMoving(agent.the('remote-video'), 'buyer', 45);
  await agent.page.reload();
  await expect(banner).toContainText(/Goes on in [12]:\d\d/);
  await agent.expectToSeeAndHear('buyer');
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'paused');
  await agent.the('pause-longer').click();
  await expect(banner).toContainText('Goes on in 2:00');

  const resumed = Date.now();
  // The shortcut does what the button does.
  await agent.page.keyboard.press('p');
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'on');
  await expect(banner).toHaveCount(0);
  await expectMoving(agent.the('remote-video'), 'buyer', 60);
  await buyer.the('hangup').click();
  const number = await agent.wrapUp('answered', 'Card data was read out.');

  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  const summary = (await staff.ticket(number)).recording;
  expect(summary?.pauses).toMatchObject([{ reason: 'card_data', timed_out: false }]);
  const recording = await staff.recording(summary?.id ?? '');
  const startedAt = Date.parse(recording.summary.started_at);
  const inside = (at: number) => {
    const wall = startedAt + at * 1000;
    return wall > paused + LAG_MS_MAX && wall < resumed - LAG_MS_MAX;
  };
  for (const track of recording.tracks.filter(({ source }) => source !== 'screen')) {
    const bytes = await (await staff.api.get(track.url)).body();
    const path = testInfo.outputPath(`${track.id}.${track.mime.includes('webm') ? 'webm' : 'mp4'}`);
    await writeFile(path, bytes);
    const times =
      track.source === 'camera'
        ? (await recordedFrames(path)).map(({ at }) => at)
        : await recordedBursts(path);
    expect(times.filter(inside), `${track.id}: media of the pause`).toEqual([]);
    // Tracks of the agent are new after the reload; each has what lies on its side of it.
    expect(times.length, `${track.id} has media`).toBeGreaterThan(0);
  }
  const camera = recording.tracks.find(({ side, source }) => side === 'buyer' && source === 'camera');
  const starts = camera?.fragments.map(({ start_ms }) => startedAt + start_ms) ?? [];
  expect(starts.some((at) => at < paused)).toBe(true);
  expect(starts.some((at) => at > resumed - LAG_MS_MAX)).toBe(true);
});

test('a queue that leaves holds out stores nothing of them', async ({ buyer, agent, vitrine }) => {
  test.setTimeout(120_000);
  // The demo shop's German-speaking queue does.
  await connect(buyer, agent, { record: true });
  await expect(agent.the('recording')).toHaveText('Recording');
  await agent.the('hold').click();
  await expect(agent.the('paused-banner')).toContainText('on hold');
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'paused');
  await agent.the('take-back').click();
  await expect(agent.the('recording')).toHaveText('Recording');
  await expect(agent.the('paused-banner')).toHaveCount(0);
  await agent.the('hangup').click();
  const number = await agent.wrapUp('answered', 'Held once.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  expect((await staff.ticket(number)).recording?.pauses).toMatchObject([{ reason: 'hold' }]);
});
