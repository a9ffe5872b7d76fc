// A tab that is reloaded in the middle of a call comes back into the same call.

import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { Staff } from './support/people.ts';

test('the agent reloads: same buyer, no second ring', async ({ buyer, agent, vitrine }) => {
  await connect(buyer, agent, { record: false });
  let rings = 0;
  agent.page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      if (JSON.parse(String(payload)).type === 'ring') rings += 1;
    }),
  );
  await agent.page.reload();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
  await expect(agent.the('ring')).toBeHidden();
  expect(rings).toBe(0);

  await agent.the('hangup').click();
  await expect(buyer.the('ended')).toBeVisible();
  const number = await agent.wrapUp('answered', 'Reloaded.');
  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  expect((await staff.ticket(number)).call.end_reason).toBe('agent_hung_up');
  const { items } = await staff.get<{ items: unknown[] }>('/calls');
  expect(items, 'one call, not two').toHaveLength(1);
});

test('the buyer reloads: same agent, and the recording goes on', async ({ buyer, agent, vitrine }) => {
  await connect(buyer, agent, { record: true });
  await buyer.page.reload();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
  await agent.the('hangup').click();
  const number = await agent.wrapUp('answered', 'Buyer reloaded.');

  const staff = await Staff.logIn(vitrine, ...LOGINS.supervisor);
  await expect.poll(async () => (await staff.ticket(number)).recording?.complete).toBe(true);
  const id = (await staff.ticket(number)).recording?.id ?? '';
  const { tracks } = await staff.recording(id);
  const cameras = tracks.filter(({ side, source }) => side === 'buyer' && source === 'camera');
  expect(cameras, 'before and after the reload').toHaveLength(2);
  const [before, after] = cameras;
  const end = before?.fragments.at(-1)?.end_ms ?? 0;
  expect(after?.fragments[0]?.start_ms).toBeGreaterThanOrEqual(end - 50);
});
