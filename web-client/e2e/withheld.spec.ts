// A buyer withdraws while a legal hold keeps the recording: it ends at once, is locked, and everybody is told so.

import { stat } from 'node:fs/promises';
import { atReplay, connect, expect, LOGINS, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { expectMoving, Staff } from './support/people.ts';

test('a withdrawal under a legal hold ends the recording and locks it', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(180_000);
  await connect(buyer, agent, { record: true });
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'on');
  await expect.poll(async () => (await vitrine.mediaFiles()).length).toBeGreaterThanOrEqual(4);
  const admin = await Staff.logIn(vitrine, ...LOGINS.admin);
  await expect.poll(async () => (await admin.recordings()).length).toBe(1);
  const id = (await admin.recordings())[0]?.id ?? '';
  const data = { buyer_of: id, why: 'Court case 12/26.' };
  expect((await admin.api.post('/api/v1/holds', { data })).status()).toBe(201);

  await buyer.the('withdraw').click();
  await buyer.the('withdraw-confirm').click();
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'withheld');
  await expect(agent.the('recording')).toHaveText('Recording ended and locked');
  await expect(buyer.the('agree'), 'they may think better of it').toBeVisible();
  const sizes = async () =>
    Promise.all((await vitrine.mediaFiles()).map(async (path) => (await stat(path)).size));
  const before = await sizes();
  expect(before.length, 'what is held is not deleted').toBeGreaterThanOrEqual(4);
  await expectMoving(agent.the('remote-video'), 'buyer', 60);
  expect(await sizes(), 'and nothing is added').toEqual(before);
  await look(buyer.page, 'widget-call-withheld');

  await buyer.the('hangup').click();
  await expect(buyer.the('ended')).toContainText('beendet und gesperrt');
  await look(buyer.page, 'widget-ended-withheld', { mirrored: true });
  await agent.wrapUp('answered', 'Withdrawn under a hold.');

  const reviewer = await atReplay(agentBrowser, vitrine, LOGINS.reviewer);
  await expect(reviewer.the('recording-row')).toContainText('Consent withdrawn');
  await look(reviewer.page, 'replay-list-withheld', { mirrored: true });
  await reviewer.page.goto(`${vitrine.url}/replay/#/r/${id}`);
  await expect(reviewer.page.getByText('This recording is locked')).toBeVisible();
  await look(reviewer.page, 'replay-withheld', { mirrored: true });

  const ada = await atReplay(agentBrowser, vitrine, LOGINS.admin, `#/r/${id}`);
  await ada.page.getByRole('tab', { name: 'Ticket' }).click();
  await expect(ada.the('withheld')).toContainText('Consent withdrawn');
  await look(ada.page, 'replay-withheld-admin', { at: ada.the('withheld'), mirrored: true });
  await ada.the('open-lift').click();
  await expect(ada.page.getByText('deleted within minutes and for good')).toBeVisible();
  await look(ada.page, 'replay-withheld-lift');
});
