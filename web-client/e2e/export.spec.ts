// What happens to a recording after the call: it is exported, held, unmasked and erased, and the log says who and why.

import { readFile, writeFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import type { ErasureCertificate, Signed, SigningKeyInfo } from '../src/protocol.ts';
import { atReplay, test as base, connect, expect, LOGINS } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { type Agent, expectMoving, Staff } from './support/people.ts';
import { recordedFrames } from './support/recording.ts';
import { countersAt, quantile, SIDES, type Truth, timeOf, truthOf } from './support/replay.ts';
import { brightness, CELL_S, LAYOUT, likeness, loudness, probed, Studio } from './support/studio.ts';

const test = base.extend<{ studio: Studio }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
  studio: async ({}, use) => {
    const studio = await Studio.open();
    await use(studio);
    await studio.close();
  },
  settings: async ({ studio }, use) => use({ export: { ffmpeg: studio.ffmpeg } }),
});

// What cannot be pressed is said soon, not at the end of the test.
test.use({ actionTimeout: 10_000 });

/** Left out of the export, seconds of the session. */
const [FROM_S, TO_S] = [3, 5];

const FOR = { cut: 'Complaint 4711, for the carrier', whole: 'Kept by the lawyers' };

/** Presses a button and keeps what the browser is given to download. */
async function download(page: Page, press: () => Promise<void>, path: string): Promise<string> {
  const [got] = await Promise.all([page.waitForEvent('download'), press()]);
  await got.saveAs(path);
  return got.suggestedFilename();
}

/** Opens a dialog about privacy or keeping, says what for, and does it. */
async function decide(person: Agent, what: string, why: string): Promise<void> {
  await person.the(`open-${what}`).click();
  // Nothing is done without a reason.
  await expect(person.the('do')).toHaveAttribute('disabled', '');
  await person.fill('why', why);
  await person.the('do').click();
}

/** Pictures and voices are what the tracks have, on their side, without what was left out. */
async function expectExported(
  path: string,
  truth: Truth,
  voices: Record<'agent' | 'buyer', number[]>,
): Promise<void> {
  for (const side of SIDES) {
    const frames = await recordedFrames(path, LAYOUT[side]);
    const late: number[] = [];
    for (const { at, code } of frames) {
      const session = at < FROM_S ? at : at + TO_S - FROM_S;
      if (code === null) continue;
      expect(code.side, `${side} at ${at} s`).toBe(side);
      const from = timeOf(truth[side], code.counter, session * 1000) ?? Number.NaN;
      expect(from >= FROM_S * 1000 && from < TO_S * 1000, `${side} at ${at} s is of ${from} ms`).toBe(false);
      // Until the camera's next frame what was there before the cut stays.
      if (session >= TO_S && session - TO_S < 0.2) continue;
      // A camera whose frames come in bursts is not sampled to the frame.
      const wanted = countersAt(truth[side], session * 1000, 3);
      if (wanted === null) continue;
      expect(wanted, `${side} at ${at} s, ${session} s of the call`).toContain(code.counter);
      late.push(session * 1000 - from);
    }
    expect(late.length, `pictures of the ${side}`).toBeGreaterThan(frames.length / 2);
    expect(Math.abs(quantile(late, 0.5)), `${side} in its place`).toBeLessThan(40);
  }
  const left = await loudness(path, 0);
  const right = await loudness(path, 1);
  for (const [heard, own, other] of [
    [left, voices.agent, voices.buyer],
    [right, voices.buyer, voices.agent],
  ] as const) {
    const without = own.filter((_, cell) => cell < FROM_S / CELL_S || cell >= TO_S / CELL_S);
    expect(likeness(heard, without), 'the voice of this side').toBeGreaterThan(0.9);
    expect(likeness(heard, other), 'the voice of the other').toBeLessThan(0.5);
  }
}

test('a recording is exported without a stretch, held, unmasked and erased, and the log has all of it', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
  studio,
}, testInfo) => {
  test.setTimeout(240_000);
  await connect(buyer, agent, { record: true });
  // Some ten seconds of it.
  for (let part = 0; part < 3; part += 1) await expectMoving(agent.the('remote-video'), 'buyer', 90);
  await agent.the('hangup').click();
  const number = await agent.wrapUp('transport_damage', 'Corner crushed.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.admin);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  const id = (await staff.ticket(number)).recording?.id ?? '';
  const recording = await staff.recording(id);
  const durationS = recording.summary.duration_ms / 1000;
  const truth = await truthOf(staff, recording);
  const voice = async (side: string) => {
    const track = recording.tracks.find((track) => track.side === side && track.source === 'microphone');
    const path = testInfo.outputPath(`${side}-voice`);
    await writeFile(path, await (await staff.api.get(track?.url ?? '')).body());
    return loudness(path);
  };
  const voices = { agent: await voice('agent'), buyer: await voice('buyer') };

  const ada = await atReplay(agentBrowser, vitrine, LOGINS.admin, `#/r/${id}`);
  const { page } = ada;
  await page.getByRole('tab', { name: 'Ticket' }).click();
  const exports = ada.the('export');
  const status = (of: number, status: string) =>
    expect(exports.nth(of)).toHaveAttribute('data-status', status);

  await test.step('what is missing or wrong in the dialog is said', async () => {
    await ada.the('export-new').click();
    await ada.the('export-add-row').click();
    await ada.fill('export-from-0', `0:0${TO_S}`);
    await ada.fill('export-to-0', `0:0${FROM_S}`);
    await ada.the('export-ask').click();
    await expect(page.getByText('Say what the export is for')).toBeVisible();
    await expect(page.getByText('The end must be later than the start')).toBeVisible();
    await look(page, 'replay-export-dialog', { mirrored: true });
    await ada.fill('export-reason', FOR.cut);
    await ada.fill('export-from-0', `0:0${FROM_S}`);
    await ada.fill('export-to-0', `0:0${TO_S}`);
    await page.getByLabel('Show date and time in the picture').check();
  });

  await test.step('it is made in the background, tells how far it is, and is cancelled', async () => {
    await studio.pace('slow');
    await ada.the('export-ask').click();
    await status(0, 'running');
    await expect(exports.first().getByRole('progressbar')).toHaveAttribute('value', /^[1-9]/);
    await look(page, 'replay-export-running', { mirrored: true, at: ada.the('export-cancel') });
    await ada.the('export-cancel').click();
    await status(0, 'cancelled');
  });

  await test.step('one that fails says why, and is made again as a cancelled one is', async () => {
    await studio.pace('fails');
    await ada.the('export-new').click();
    await expect(ada.native('export-reason')).toHaveValue('');
    await ada.fill('export-reason', FOR.whole);
    await ada.the('export-ask').click();
    await status(0, 'failed');
    await expect(exports.first()).toContainText('No space left on device');
    await studio.pace('own');
    await exports.last().getByTestId('export-retry').click();
    await status(1, 'done');
    await look(page, 'replay-exports', { mirrored: true, at: ada.the('export-download') });
    await exports.first().getByTestId('export-retry').click();
    await status(0, 'done');
  });

  await test.step('the file shows both sides side by side, each voice on its own side, and not what was left out', async () => {
    const [whole, cut] = [testInfo.outputPath('whole.mp4'), testInfo.outputPath('cut.mp4')];
    const press = (of: number) => () => exports.nth(of).getByTestId('export-download').click();
    expect(await download(page, press(0), whole)).toMatch(
      new RegExp(`^${number}-\\d{4}-\\d\\d-\\d\\d\\.mp4$`),
    );
    await download(page, press(1), cut);
    const said = await probed(cut);
    expect(said.streams).toMatchObject([
      { codec_name: 'h264', width: 1280, height: 720 },
      { codec_name: 'aac', channels: 2 },
    ]);
    expect(said.format.tags.title).toContain(`${number} · exported for Ada Lindqvist`);
    const length = async (path: string) => Number((await probed(path)).format.duration);
    expect(Math.abs((await length(whole)) - durationS)).toBeLessThan(0.1);
    expect(Math.abs((await length(cut)) - (durationS - (TO_S - FROM_S)))).toBeLessThan(0.1);
    await expectExported(cut, truth, voices);
    for (const at of [1, 4]) {
      expect(await brightness(cut, at, LAYOUT.time), 'date and time').toBeGreaterThan(0.04);
      expect(await brightness(whole, at, LAYOUT.time), 'no date, no time').toBe(0);
    }
  });

  await test.step('who the buyer is stays hidden until somebody says what for', async () => {
    await expect(ada.the('masked')).toBeVisible();
    await decide(ada, 'unmask', 'They want a copy of what they said.');
    await expect(ada.the('masked')).toHaveCount(0);
  });

  await test.step('what is held is not erased, until the hold is lifted', async () => {
    await decide(ada, 'hold', 'Court case 12/26.');
    await expect(ada.the('holds')).toContainText('Court case 12/26.');
    await look(page, 'replay-held', { mirrored: true, at: ada.the('open-erase') });
    await ada.the('open-erase').click();
    await ada.fill('why', 'Article 17, asked for by mail.');
    await expect(ada.the('do')).toHaveAttribute('disabled', '');
    await ada.fill('confirm', 'erase');
    await ada.the('do').click();
    await expect(page.getByRole('alert')).toContainText('A legal hold keeps it');
    await expect(page.locator('replay-govern vt-banner')).toContainText('Court case 12/26.');
    await look(page, 'replay-erase-refused', { mirrored: true });
    await page.keyboard.press('Escape');
    await decide(ada, 'lift', 'The case is closed.');
    await expect(ada.the('kept')).toBeVisible();
  });

  await test.step('the buyer is erased with all that was made of it, and a certificate proves it', async () => {
    const url = (await staff.get<{ url?: string }[]>(`/recordings/${id}/exports`))[0]?.url ?? '';
    expect((await staff.api.get(url)).status()).toBe(200);
    await ada.the('open-erase').click();
    await page.getByLabel('The buyer: every recording').check();
    await ada.fill('why', 'Article 17, asked for by mail.');
    await ada.fill('confirm', 'ERASE');
    await ada.the('do').click();
    await expect(ada.the('erased')).toContainText(
      '1 recording and what 1 call knew of the buyer are erased.',
    );
    await look(page, 'replay-erased', { mirrored: true });
    const certificate = testInfo.outputPath('certificate.json');
    await download(page, () => ada.the('certificate').click(), certificate);
    const { public_key } = await staff.get<SigningKeyInfo>('/signing-key');
    await vitrine.run('erasure', 'verify', certificate, '--public-key', public_key);
    const { statement }: Signed<ErasureCertificate> = JSON.parse(await readFile(certificate, 'utf8'));
    expect(statement.recordings.map(({ recording }) => recording)).toEqual([id]);
    await page.getByRole('button', { name: 'All recordings' }).click();
    await expect(page.getByText('No recordings yet')).toBeVisible();
    expect((await staff.api.get(url)).status(), 'exports go with their recording').toBe(404);
    expect(await vitrine.mediaFiles()).toEqual([]);
  });

  await test.step('the log has it all, with reasons, and is whole', async () => {
    await page.getByRole('link', { name: 'Audit log' }).click();
    const entries = ada.the('entry');
    await expect(entries.filter({ hasText: 'Erasure finished' })).toHaveCount(1);
    await ada.the('verify').click();
    await expect(page.getByText('The log is whole')).toBeVisible();
    await look(page, 'replay-audit', { mirrored: true });
    const only = async (event: string, words: string, reasons: string[]) => {
      await ada.native('event').selectOption(event);
      await expect(entries.filter({ hasNotText: words })).toHaveCount(0);
      await expect(entries).toHaveCount(reasons.length);
      for (const [at, reason] of reasons.entries()) {
        await expect(entries.nth(at)).toContainText('Ada Lindqvist');
        await expect(entries.nth(at)).toContainText(reason);
      }
    };
    // Newest first; making one again is asking for it again.
    await only('exported', 'Exported', [FOR.whole, FOR.cut, FOR.whole, FOR.cut]);
    await only('export_downloaded', 'Downloaded an export', [FOR.cut, FOR.whole]);
    await only('unmasked', 'Read personal data', ['They want a copy of what they said.']);
    await only('hold_placed', 'Placed a hold', ['Court case 12/26.']);
    await only('hold_lifted', 'Lifted a hold', ['The case is closed.']);
    await only('erasure_requested', 'Erasure asked for', ['Article 17, asked for by mail.']);
  });
  await page.context().close();
});

test('the audit log is filtered by what, whom and when, and says so when nothing fits', async ({
  agentBrowser,
  vitrine,
}) => {
  const ada = await atReplay(agentBrowser, vitrine, LOGINS.admin, '#/audit');
  const { page } = ada;
  const entries = ada.the('entry');
  await Staff.logIn(vitrine, ...LOGINS.reviewer);
  await page.reload();
  await expect(entries.filter({ hasText: 'Jonas Weber' })).not.toHaveCount(0);
  const all = await entries.count();
  await ada.native('event').selectOption('login_succeeded');
  await expect(entries.filter({ hasNotText: 'Logged in' })).toHaveCount(0);
  await entries.filter({ hasText: 'Jonas Weber' }).first().getByTestId('by').click();
  await expect(entries.filter({ hasNotText: 'Jonas Weber' })).toHaveCount(0);
  await expect(entries).not.toHaveCount(0);
  await ada.native('from').fill('2031-01-01');
  await page.keyboard.press('Tab');
  await expect(page.getByText('Nothing that matches has been logged')).toBeVisible();
  await look(page, 'replay-audit-empty', { mirrored: true });
  await ada.the('clear').click();
  await expect(entries).toHaveCount(all);
  await page.context().close();

  const jonas = await atReplay(agentBrowser, vitrine, LOGINS.reviewer, '#/audit');
  await expect(jonas.page.getByText('The audit log is for administrators')).toBeVisible();
  await jonas.page.context().close();
});
