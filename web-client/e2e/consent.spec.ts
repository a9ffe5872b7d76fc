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

test.describe('where everybody must agree', () => {
  test.use({ settings: { 'recording.regions': { AT: 'all_parties' } } });

  test('nothing is recorded before the agent has agreed, nor after they took it back', async ({
    buyer,
    agent,
    vitrine,
  }) => {
    test.setTimeout(120_000);
    await agent.logIn(...LOGINS.agent);
    await expect(agent.the('own-consent-card')).toBeVisible();
    await agent.becomeAvailable();
    await buyer.openProduct();
    await buyer.askForHelp({ record: true });
    await expect(agent.the('ring')).toContainText('Not recorded: you have not agreed');
    await agent.accept();
    await agent.expectToSeeAndHear('buyer');
    await expect(agent.the('recording')).toHaveText('Not recorded: you have not agreed');
    expect(await vitrine.mediaFiles()).toEqual([]);

    await agent.the('decide').click();
    await agent.the('own-consent-agree').last().click();
    await expect(agent.the('recording')).toHaveText('Recording');
    await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'on');
    await expect.poll(async () => (await vitrine.mediaFiles()).length).toBeGreaterThanOrEqual(2);

    await agent.the('own-consent').click();
    await expect(agent.the('own-consent-state')).toContainText('You agreed on');
    await agent.the('own-consent-decline').last().click();
    await expect(agent.the('recording')).toHaveText('Recording ended: you have not agreed');
    await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'stopped');
    await expect(buyer.the('withdraw'), 'what there is can still be deleted').toBeVisible();
    await expectMoving(agent.the('remote-video'), 'buyer');
    await agent.the('hangup').click();
    const number = await agent.wrapUp('answered', 'Changed my mind.');

    const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
    const { receipts, recording } = await staff.ticket(number);
    expect(receipts.map(({ side, recording }) => [side, recording])).toEqual([
      ['buyer', true],
      ['agent', true],
      ['agent', false],
    ]);
    expect(recording?.complete, 'what was agreed to stays').toBe(true);
    await expect(agent.the('own-consent-card'), 'nobody is asked twice').toHaveCount(0);
  });
});

test.describe('where nothing is recorded', () => {
  test.use({ settings: { 'recording.regions': { AT: 'never' } } });

  test('the buyer is not asked, and the call is the same', async ({ buyer, agent, vitrine }) => {
    await agent.logIn(...LOGINS.agent);
    await agent.becomeAvailable();
    await buyer.openProduct();
    await buyer.the('open').click();
    await expect(buyer.the('never-recorded')).toBeVisible();
    await buyer.the('go-on').click();
    await buyer.the('skip-check').click();
    await agent.accept();
    await agent.expectToSeeAndHear('buyer');
    await expect(agent.the('recording')).toHaveText('Not recorded: not allowed in this country');
    await expect(buyer.the('agree')).toHaveCount(0);
    expect(await vitrine.mediaFiles()).toEqual([]);
  });
});
