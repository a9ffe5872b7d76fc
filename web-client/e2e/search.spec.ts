// Finding recordings among many: filters in the address, the keyboard, saved filters, a sample and its worklist.

import { PHONE, profile } from './support/browsers.ts';
import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { Agent, Buyer, Staff } from './support/people.ts';

/** Somebody who reviews, logged in and looking at a page of the replay console. */
async function reviewing(agent: Agent, hash = '', login = LOGINS.reviewer): Promise<Agent> {
  await agent.page.goto(`${agent.server.url}/replay/${hash}`);
  await agent.fill('login-email', login[0]);
  await agent.fill('login-password', login[1]);
  await agent.the('login-submit').click();
  return agent;
}

test.describe('among many recordings', () => {
  test.use({ filled: 60 });

  test('filters stand in the address, and the keyboard walks through what they find', async ({ agent }) => {
    const reviewer = await reviewing(agent);
    const { page } = reviewer;
    const rows = reviewer.the('recording-row');
    await expect(rows).toHaveCount(25);
    await expect(reviewer.the('result-count')).toHaveText('60 recordings');
    await look(page, 'replay-many', { mirrored: true });

    await test.step('what is chosen is found, counted and in the address', async () => {
      await reviewer.the('filters').click();
      await reviewer.native('filter-market').selectOption('AT');
      await reviewer.native('filter-csat').selectOption('-2');
      await expect(reviewer.the('chip')).toHaveText(['Austria', '2 stars or fewer']);
      await expect(rows.first()).toContainText('Austria');
      expect(page.url()).toContain('market=AT&csat_max=2');
      // The list is on its way when the chips are there already.
      await expect.poll(() => rows.count()).toBeLessThan(12);
      const found = await rows.count();
      await expect(reviewer.the('result-count')).toHaveText(`${found} recordings`);
      await look(page, 'replay-filters', { mirrored: true });
      await page.reload();
      await expect(rows).toHaveCount(found);
      await reviewer.the('chip').first().click();
      await expect(reviewer.the('chip')).toHaveCount(1);
      await reviewer.the('clear-filters').click();
      await expect(rows).toHaveCount(25);
    });

    await test.step('a page of another order goes on where it ended', async () => {
      await reviewer.native('filter-sort').selectOption('longest');
      await expect(rows.first()).toContainText(/3\d:\d\d/);
      await reviewer.the('load-more').click();
      await expect(rows).toHaveCount(50);
      const lengths = await rows.evaluateAll((all) =>
        all.map((row) => {
          const [minutes, seconds] = (row.querySelector('.length')?.textContent ?? '').trim().split(':');
          return Number(minutes) * 60 + Number(seconds);
        }),
      );
      expect(lengths).toEqual([...lengths].sort((one, other) => other - one));
    });

    await test.step('rows by keyboard', async () => {
      await page.keyboard.press('/');
      await page.keyboard.type('aurora');
      await expect(page).toHaveURL(/q=aurora/);
      await expect(reviewer.the('result-count')).toHaveText('12 recordings');
      await page.keyboard.press('Tab');
      await rows.first().focus();
      await page.keyboard.press('j');
      await expect(rows.nth(1)).toBeFocused();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('k');
      await expect(rows.nth(1)).toBeFocused();
      await page.keyboard.press('x');
      await page.keyboard.press('Shift+ArrowDown');
      await expect(page.locator('[role=row][aria-selected=true]')).toHaveCount(2);
      await page.keyboard.press('Escape');
      await expect(page.locator('[role=row][aria-selected=true]')).toHaveCount(0);
      await page.keyboard.press('?');
      await expect(page.getByText('Choose several rows')).toBeVisible();
      await page.keyboard.press('Escape');
      await rows.nth(1).focus();
      const ticket = (await rows.nth(1).locator('.ticket').textContent())?.trim() ?? '?';
      await page.keyboard.press('Enter');
      await expect(page.getByRole('heading', { name: ticket })).toBeVisible();
    });
  });

  test('a filter is saved, becomes the beginning, and its deletion is undone', async ({ agent }) => {
    const reviewer = await reviewing(agent, '#/?flag=comment&sort=lowest_csat');
    await expect(reviewer.the('chip')).toHaveText(['Buyer’s comment']);
    await reviewer.the('save-filter').click();
    await reviewer.fill('filter-name', 'What buyers write');
    await reviewer.the('filter-shared').check();
    await reviewer.the('filter-save').click();
    await expect(reviewer.the('saved-filters')).toHaveText('What buyers write');
    await reviewer.the('saved-filters').click();
    await look(reviewer.page, 'replay-saved-filters', { mirrored: true });
    await reviewer.the('filter-default').click();
    await expect(reviewer.page.getByText('Your list begins with it')).toBeVisible();
    await reviewer.page.goto('about:blank');
    await reviewer.page.goto(`${reviewer.server.url}/replay/`);
    await expect(reviewer.the('chip')).toHaveText(['Buyer’s comment']);
    await reviewer.the('saved-filters').click();
    await reviewer.the('filter-delete').click();
    await expect(reviewer.the('saved-filter')).toHaveCount(0);
    await reviewer.page.keyboard.press('Escape');
    await reviewer.the('toast-action').click();
    await reviewer.the('saved-filters').click();
    await expect(reviewer.the('saved-filter')).toHaveCount(1);
  });

  test('a tenth of each agent’s calls is drawn and worked through', async ({ agent }) => {
    const reviewer = await reviewing(agent);
    const { page } = reviewer;
    await reviewer.the('make-sample').click();
    await reviewer.native('sample-period').selectOption('');
    await expect(reviewer.the('sample-preview')).toContainText(/of 60 recordings/);
    await look(page, 'replay-sample-dialog', { mirrored: true });
    await reviewer.fill('sample-name', 'A tenth of everybody');
    await reviewer.the('sample-make').click();
    const rows = reviewer.the('recording-row');
    // The list of all recordings goes before that of the sample comes.
    await expect(reviewer.the('sample-progress')).toBeVisible();
    await expect.poll(() => rows.count()).toBeLessThan(25);
    await expect(rows.first()).toBeVisible();
    const total = await rows.count();
    expect(total).toBeGreaterThanOrEqual(6);
    await expect(reviewer.the('sample-progress')).toHaveText(`0 of ${total} reviewed, ${total} left`);
    await look(page, 'replay-sample', { mirrored: true });

    await reviewer.the('sample-begin').click();
    await expect(reviewer.the('worklist-place')).toHaveText(`1 of ${total}`);
    await look(page, 'replay-worklist', { mirrored: true });
    await page.keyboard.press('n');
    await expect(reviewer.the('worklist-place')).toHaveText(`2 of ${total}`);
    await page.keyboard.press('p');
    await expect(reviewer.the('worklist-place')).toHaveText(`1 of ${total}`);
    await page.keyboard.press('r');
    await expect(reviewer.the('worklist')).toContainText('1 reviewed');
    await reviewer.the('toast-action').click();
    await expect(reviewer.the('worklist-place')).toHaveText(`2 of ${total}`);
    await page.getByRole('link', { name: 'A tenth of everybody' }).click();
    await page.getByRole('link', { name: 'Worklists' }).click();
    await expect(reviewer.the('sample-row')).toHaveCount(1);
    await look(page, 'replay-worklists', { mirrored: true });
    await page.getByRole('link', { name: 'A tenth of everybody' }).click();
    await expect(reviewer.the('sample-progress')).toHaveText(`1 of ${total} reviewed, ${total - 1} left`);
    await reviewer.the('sample-again').click();
    await expect(page.getByText('Nothing new to add')).toBeVisible();
    await reviewer.the('sample-delete').click();
    await expect(page.getByText('No worklists yet')).toBeVisible();
    await look(page, 'replay-no-worklists', { mirrored: true });
    await page.getByTestId('toast-action').last().click();
    await expect(reviewer.the('sample-progress')).toBeVisible();
  });

  test('recordings under a legal hold are marked and found, for those who may place holds', async ({
    agent,
    vitrine,
  }) => {
    const rights = ['rights', '--config', 'vitrine.toml', '--email', LOGINS.reviewer[0]];
    await vitrine.run(...rights, '--grant', 'hold_recordings');
    const reviewer = await reviewing(agent, '#/?product=aurora');
    const { page } = reviewer;
    const rows = reviewer.the('recording-row');
    await expect(rows).toHaveCount(12);
    const held = await page.evaluate(async () => {
      const list = await (await fetch('/api/v1/recordings?product=aurora&limit=2')).json();
      const [recording] = list.items;
      const body = JSON.stringify({ recording: recording.id, why: 'case 12' });
      const headers = { 'content-type': 'application/json' };
      return (await fetch('/api/v1/holds', { method: 'POST', headers, body })).status;
    });
    expect(held).toBe(201);
    await page.reload();
    await reviewer.the('filters').click();
    await expect(reviewer.the('flag-legal_hold')).toHaveText('Legal hold (1)');
    await reviewer.the('flag-legal_hold').click();
    await expect(rows).toHaveCount(1);
    await expect(rows.first().getByText('Legal hold')).toBeInViewport({ ratio: 1 });
    await expect(reviewer.the('chip')).toContainText(['Product “aurora”', 'Legal hold']);
    await look(page, 'replay-held-list');

    await vitrine.run(...rights, '--reset', 'hold_recordings');
    await page.goto('about:blank');
    await page.goto(`${vitrine.url}/replay/#/?product=aurora`);
    await expect(rows).toHaveCount(12);
    await expect(page.getByText('Legal hold')).toHaveCount(0);
    await reviewer.the('filters').click();
    await expect(reviewer.the('flag-complaint')).toBeVisible();
    await expect(reviewer.the('flag-legal_hold')).toHaveCount(0);
    await page.goto(`${vitrine.url}/replay/#/?flag=legal_hold`);
    await expect(page.getByText('your rights do not include legal holds').first()).toBeVisible();
  });

  test('rows are chosen and marked, and that is undone', async ({ agent }) => {
    const reviewer = await reviewing(agent, '#/?product=aurora');
    await expect(reviewer.the('recording-row')).toHaveCount(12);
    await reviewer.the('choose').nth(0).click();
    await reviewer
      .the('choose')
      .nth(2)
      .click({ modifiers: ['Shift'] });
    await expect(reviewer.page.getByText('3 chosen')).toBeVisible();
    await look(reviewer.page, 'replay-chosen', { mirrored: true });
    await reviewer.the('mark-complaint').click();
    await reviewer.page.goto(`${reviewer.server.url}/replay/#/?flag=complaint`);
    await expect(reviewer.the('recording-row')).toHaveCount(3);
    await reviewer.the('toast-action').click();
    await expect(reviewer.page.getByText('Nothing found')).toBeVisible();
  });
});

test('a buyer rates the call by keyboard, and the reviewer finds it by that', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  await connect(buyer, agent, { record: true });
  await agent.the('hangup').click();
  await expect(buyer.the('rating')).toBeVisible();
  await buyer.the('rate-3').focus();
  await buyer.page.keyboard.press('ArrowLeft');
  await expect(buyer.the('rating')).toHaveAttribute('data-state', 'saved');
  await buyer.fill('rate-comment', 'Das Bild blieb oft stehen.');
  await look(buyer.page, 'widget-rating');
  await buyer.the('rate-send').click();
  await expect(buyer.the('rate-send')).toHaveCount(0);
  await expect(buyer.the('rating')).toHaveAttribute('data-state', 'saved');
  await buyer.the('done').click();

  const staff = await Staff.logIn(vitrine, ...LOGINS.reviewer);
  const [recording] = await staff.recordings('?csat_max=2&flag=comment');
  expect(recording?.rating).toMatchObject({ stars: 2, comment: 'Das Bild blieb oft stehen.' });
  const context = await profile(agentBrowser, PHONE);
  const reviewer = await reviewing(new Agent(await context.newPage(), vitrine), `#/r/${recording?.id}`);
  await reviewer.page.getByRole('tab', { name: 'Ticket' }).click();
  await expect(reviewer.page.getByText('Das Bild blieb oft stehen.')).toBeVisible();
  await context.close();
});

test('the rating reads from right to left in Arabic', async ({ buyerBrowser, agent, vitrine }) => {
  const context = await profile(buyerBrowser, { ...PHONE, locale: 'ar' });
  const buyer = new Buyer(await context.newPage(), vitrine);
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct('ar');
  await buyer.askForHelp({ record: false });
  await agent.accept();
  await buyer.expectToSeeAndHear('agent');
  await agent.the('hangup').click();
  await buyer.the('rate-4').check();
  const places = await Promise.all(
    ['rate-1', 'rate-5'].map(async (star) => (await buyer.the(star).boundingBox())?.x ?? 0),
  );
  expect(places[0]).toBeGreaterThan(places[1] ?? 0);
  await look(buyer.page, 'widget-rating-ar');
  await context.close();
});
