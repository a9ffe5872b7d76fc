// Nobody is recorded who has not agreed, and who takes it back is forgotten.

import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { expectMoving, Staff } from './support/people.ts';

test('a declined call is the same call and leaves no byte of media', async ({ buyer, agent, vitrine }) => {
  await connect(buyer, agent, { record: false });
  expect(await vitrine.mediaFiles()).toEqual([]);
  await agent.the('hangup').click();
  await expect(buyer.the('ended')).toBeVisible();
  const number = await agent.wrapUp('answered', 'Not recorded.');

  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  const ticket = await staff.ticket(number);
  expect(ticket.recording ?? null).toBeNull();
  expect(ticket.receipts.map(({ recording }) => recording)).toEqual([false]);
  expect(await staff.recordings()).toEqual([]);
  expect(await vitrine.mediaFiles()).toEqual([]);
  expect(await vitrine.recordingFiles()).toEqual([]);
});

test('withdrawing in the middle of a call stops and deletes the recording, and both see it', async ({
  buyer,
  agent,
  vitrine,
}) => {
  await connect(buyer, agent, { record: true });
  await expect.poll(() => vitrine.mediaFiles(), { message: 'media is being written' }).not.toEqual([]);
  await buyer.the('withdraw').click();
  await buyer.the('withdraw-confirm').click();

  await expect.poll(() => vitrine.mediaFiles(), { message: 'nothing is left' }).toEqual([]);
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'deleted');
  await expect(agent.the('recording')).toContainText(/deleted/i);
  // The call itself goes on.
  await expectMoving(agent.the('remote-video'), 'buyer');
  await expectMoving(buyer.the('remote-video'), 'agent');
  expect(await vitrine.mediaFiles()).toEqual([]);

  await buyer.the('hangup').click();
  const number = await agent.wrapUp('answered', 'Withdrawn.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  const ticket = await staff.ticket(number);
  expect(ticket.recording ?? null).toBeNull();
  expect(ticket.receipts.map(({ recording }) => recording)).toEqual([true, false]);
  expect(await vitrine.mediaFiles()).toEqual([]);
});

test('agreeing in the middle of a call records from then on', async ({ buyer, agent, vitrine }) => {
  await connect(buyer, agent, { record: false });
  expect(await vitrine.mediaFiles()).toEqual([]);
  const agreed = Date.now();
  await buyer.the('agree').click();
  await buyer.the('agree-confirm').click();
  await expect.poll(async () => (await vitrine.mediaFiles()).length).toBeGreaterThanOrEqual(4);
  await expectMoving(agent.the('remote-video'), 'buyer', 60);
  await buyer.the('hangup').click();
  const number = await agent.wrapUp('answered', 'Agreed late.');

  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  const ticket = await staff.ticket(number);
  expect(ticket.receipts.map(({ recording }) => recording)).toEqual([false, true]);
  expect(Date.parse(ticket.recording?.started_at ?? '')).toBeGreaterThanOrEqual(agreed);
});
