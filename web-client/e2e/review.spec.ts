// Quality review as people do it: score by keyboard, comment on a moment, dispute, second score, side by side.

import type { Page } from '@playwright/test';
import { atReplay, connect, expect, LOGINS, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { expectMoving, Staff } from './support/people.ts';

interface Player extends HTMLElement {
  seek(ms: number): void;
  readonly currentTimeMs: number;
}

const seek = (page: Page, ms: number) =>
  page.locator('replay-player').evaluate((player, to) => (player as Player).seek(to), ms);
const now = (page: Page) =>
  page.locator('replay-player').evaluate((player) => (player as Player).currentTimeMs);

/** Answers the question that has the focus, and goes on to the next one. */
async function answer(page: Page, key: string, at: number): Promise<void> {
  const question = page.getByTestId('question').nth(at);
  await question.locator('input[type=radio]').first().focus();
  await page.keyboard.press(key);
  await expect(question.locator('input:checked')).toHaveCount(1);
}

/** Keys that answer the starter form for the best. */
const BEST = ['y', 'y', '5', 'y', '5', '5', 'a', 'y', 'y'];

async function answerAll(page: Page, keys: readonly string[]): Promise<void> {
  for (const [at, key] of keys.entries()) await answer(page, key, at);
}

test('a call is scored, commented on, disputed, scored again, and compared', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(300_000);
  await connect(buyer, agent, { record: true });
  await expectMoving(agent.the('remote-video'), 'buyer', 90);
  await agent.the('hangup').click();
  const number = await agent.wrapUp('transport_damage', 'Corner crushed.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.reviewer);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  const recording = (await staff.ticket(number)).recording?.id;

  const rita = await atReplay(agentBrowser, vitrine, LOGINS.reviewer, `#/r/${recording}`);
  const { page } = rita;

  await test.step('a comment stands at its moment, on the timeline and in the list', async () => {
    await seek(page, 2_000);
    await rita.the('tab-comments').click();
    await rita.the('add-comment').click();
    await rita.fill('comment-text', 'Says hello, but not who she is.');
    await seek(page, 3_500);
    await rita.the('set-end').click();
    await rita.the('save-comment').click();
    await expect(rita.the('comment')).toContainText('0:02–0:03');
    await seek(page, 1_000);
    await rita.the('add-bookmark').click();
    await expect(rita.the('comment')).toHaveCount(2);
    await expect(rita.the('marker')).toHaveCount(2);
    await look(page, 'replay-comments', { mirrored: true, at: rita.the('comment').last() });

    await seek(page, 0);
    await rita
      .the('marker')
      .filter({ visible: true })
      .last()
      .click({ position: { x: 6, y: 6 } });
    await expect.poll(() => now(page)).toBe(2_000);
    await rita.the('comment').first().getByTestId('delete-comment').click();
    await expect(rita.the('comment')).toHaveCount(1);
    await rita.the('undo-delete').click();
    await expect(rita.the('comment')).toHaveCount(2);
    await page.goto(`${vitrine.url}/replay/#/r/${recording}?t=3.5`);
    await page.reload();
    await expect(rita.the('comment')).toHaveCount(2);
    await expect.poll(() => now(page)).toBe(3_500);
  });

  await test.step('the scorecard is filled in by keyboard, keeps itself, and is submitted once complete', async () => {
    await rita.the('tab-score').click();
    await rita.the('begin-score').click();
    await expect(rita.the('question')).toHaveCount(9);
    await answerAll(page, ['n', ...BEST.slice(1, 8)]);
    await expect(rita.the('progress')).toHaveText('8 of 9 answered');
    await expect(rita.the('save-state')).toHaveText('Saved');
    await look(page, 'replay-score', { mirrored: true, at: rita.the('question').first() });
    await page.reload();
    await rita.the('review-row').click();
    await expect(rita.the('progress')).toHaveText('8 of 9 answered');
    await rita.the('submit-score').click();
    // What was left out is said and has the focus.
    await expect(page.getByText('Not answered yet.')).toBeVisible();
    await page.keyboard.press('n');
    await expect(rita.the('live-score')).toHaveText('0 %');
    await page.keyboard.press('y');
    await expect(rita.the('live-score')).toHaveText('91.82 %');
    await rita.the('submit-score').click();
    await expect(rita.the('score-total')).toContainText('91.82 %');
    await look(page, 'replay-score-submitted', { mirrored: true, at: rita.the('score-total') });
  });

  const mina = await atReplay(agentBrowser, vitrine, LOGINS.agent);
  await test.step('the agent reads it and disputes one question', async () => {
    await mina.the('score-row').click();
    await expect(mina.the('score-total')).toContainText('91.82 %');
    await mina.the('dispute-open').click();
    await mina.fill('reason', 'I said my name at 0:01.');
    await mina.page.getByLabel(/greet, give a name/).check();
    await look(mina.page, 'my-review-dispute', { mirrored: true });
    await mina.the('dispute-send').click();
    await expect(mina.the('dispute')).toContainText('open');
  });

  const ada = await atReplay(agentBrowser, vitrine, LOGINS.admin, '#/reviews');
  await test.step('a supervisor asks for a second score, which is blind', async () => {
    const sofia = await atReplay(agentBrowser, vitrine, LOGINS.supervisor, '#/reviews');
    await expect(sofia.the('dispute-row')).toContainText('I said my name');
    await look(sofia.page, 'replay-reviews', { mirrored: true });
    await sofia.the('score-row').click();
    await sofia.the('ask-second').click();
    await sofia.native('second-reviewer').selectOption({ label: 'Ada Lindqvist' });
    await sofia.the('second-send').click();
    await sofia.page.context().close();

    await ada.page.reload();
    await expect(ada.the('second-row')).toHaveCount(1);
    await expect(ada.the('score-row')).toHaveCount(0);
    await ada.page.getByRole('link', { name: 'Score it' }).click();
    await expect(ada.page.getByText('Other scores are sealed')).toBeVisible();
    await expect(ada.the('review-row')).toHaveCount(0);
    await expect(ada.the('marker')).toHaveCount(0);
    await ada.the('start-second').click();
    await answerAll(ada.page, ['y', 'y', '3', 'n', '5', '4', 'a', 'y', 'y']);
    await ada.the('submit-score').click();
    await expect(ada.the('score-total')).toBeVisible();
    await expect(ada.the('marker')).toHaveCount(2);
  });

  await test.step('both scores stand side by side', async () => {
    await ada.the('all-scores').click();
    await expect(ada.the('review-row')).toHaveCount(2);
    await ada.the('calibration').click();
    await expect(ada.the('calibration')).toContainText('Jonas Weber');
    await expect(ada.the('calibration')).toContainText('50 % of the scale');
    await look(ada.page, 'replay-calibration', { mirrored: true });
    await ada.page.context().close();
  });

  await test.step('the reviewer accepts the dispute with a correction, and the agent reads why', async () => {
    await page.goto(`${vitrine.url}/replay/#/reviews`);
    await rita.the('dispute-row').getByRole('link', { name: 'Answer' }).click();
    await rita.the('dispute-accept').click();
    await answer(page, 'y', 0);
    await rita.fill('correction-reason', 'You did, quietly.');
    await rita.the('submit-score').click();
    await expect(rita.the('score-total')).toContainText('100 %');
    await expect(rita.the('dispute')).toContainText('accepted');
    await mina.page.reload();
    await expect(mina.the('score-total')).toContainText('100 %');
    await expect(mina.the('dispute')).toContainText('You did, quietly.');
    await look(mina.page, 'my-review', { mirrored: true });
    await mina.page.context().close();
    await page.context().close();
  });
});

test('a form is built, published when its weights add up, and its next version leaves the first alone', async ({
  agentBrowser,
  vitrine,
}) => {
  test.setTimeout(120_000);
  const sofia = await atReplay(agentBrowser, vitrine, LOGINS.supervisor, '#/forms');
  const { page } = sofia;
  await expect(sofia.the('form-row')).toContainText('Video help');
  await look(page, 'replay-forms', { mirrored: true });
  await sofia.the('new-form').click();
  await sofia.fill('form-title', 'Returns');
  await page.getByLabel('Section 1', { exact: true }).and(page.locator('input')).fill('Facts');
  await page.getByTestId('question-text').fill('Was the order number checked?');
  await page.getByTestId('section-weight').fill('60');
  await expect(sofia.the('weight-total')).toContainText('40 % are missing');
  await expect(sofia.the('flaws')).toContainText('add up to 60 %');
  await expect(sofia.the('publish')).toHaveAttribute('disabled', '');
  await look(page, 'replay-form-builder', { mirrored: true });
  await sofia.the('even-out').click();
  await expect(sofia.the('weight-total')).toContainText('100 %');
  await expect(sofia.the('flaws')).toHaveCount(0);
  await sofia.the('publish').click();
  await expect(page.getByText('Version 1 is published')).toBeVisible();
  await page.getByTestId('question-text').fill('Was the order number asked for and checked?');
  await expect(sofia.the('form-state')).toHaveText('The draft is saved.');
  await sofia.the('publish').click();
  await expect(page.getByText('Version 2 is published')).toBeVisible();

  const staff = await Staff.logIn(vitrine, ...LOGINS.reviewer);
  const forms = await staff.get<{ versions: { id: string; number: number }[] }[]>('/review/forms');
  const first = forms[0]?.versions.find(({ number }) => number === 1);
  const version = await staff.get<{ content: { sections: { questions: { text: string }[] }[] } }>(
    `/review/form-versions/${first?.id}`,
  );
  expect(version.content.sections[0]?.questions[0]?.text).toBe('Was the order number checked?');
  await page.context().close();
});
