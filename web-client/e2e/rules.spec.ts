// Who hears whom, in real browsers: the server forwards what the rules say, whatever the pages would like.

import { DESKTOP, profile } from './support/browsers.ts';
import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { Agent, expectMoving, expectNoPicture } from './support/people.ts';

test('a supervisor listens unseen, the agent holds and takes back, and everybody is where they were', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(180_000);
  await connect(buyer, agent, { record: false });
  const context = await profile(agentBrowser, DESKTOP);
  const supervisor = new Agent(await context.newPage(), vitrine);
  await supervisor.logIn(...LOGINS.supervisor);

  await test.step('the supervisor finds the call on the floor and listens', async () => {
    await expect(supervisor.the('floor-call')).toHaveCount(1);
    await supervisor.the('floor-listen').click();
    await expectMoving(supervisor.the('remote-video'), 'buyer');
    await expectMoving(supervisor.the('face-agent'), 'agent');
    await expect(agent.the('person-supervisor')).toContainText('listens');
    await expect(buyer.page.getByText('Sofia')).toHaveCount(0);
  });

  await test.step('on hold nobody has anything of the other', async () => {
    await agent.the('hold').click();
    await expectNoPicture(buyer.the('remote-video'));
    await expectNoPicture(agent.the('remote-video'));
    await expect(agent.the('on-hold')).toBeVisible();
    await expect(agent.the('held')).toBeVisible();
    await agent.the('take-back').click();
    await buyer.expectToSeeAndHear('agent');
    await agent.expectToSeeAndHear('buyer');
    await expectMoving(supervisor.the('remote-video'), 'buyer');
  });

  await test.step('whispering reaches the agent only, barging in everybody', async () => {
    await supervisor.the('mode-whisper').click();
    await expect(agent.the('person-supervisor')).toContainText('whispers');
    await expect.poll(() => playing(agent, 'voice-supervisor')).toBe(true);
    expect(await buyer.page.locator('audio.guest').count()).toBe(0);
    await supervisor.the('mode-barge').click();
    await expect(buyer.page.locator('audio.guest')).toHaveCount(1);
    await supervisor.the('mode-listen').click();
    await expect(buyer.page.locator('audio.guest')).toHaveCount(0);
    await expect.poll(() => playing(agent, 'voice-supervisor')).toBe(false);
  });

  await test.step('who is muted by the server is muted for everybody', async () => {
    await agent.the('mute-buyer').click();
    await expect
      .poll(() => agent.page.evaluate(() => window.probe.loudness(400)), {
        message: 'the buyer is not heard',
      })
      .toBeLessThan(0.001);
    await agent.the('mute-buyer').click();
    await agent.expectToSeeAndHear('buyer');
  });

  await supervisor.the('hangup').click();
  await expect(supervisor.the('floor-call')).toHaveCount(1);
  await expect(agent.the('person-supervisor')).toHaveCount(0);
  await agent.the('hangup').click();
  await expect(supervisor.the('floor-call')).toHaveCount(0);
  await context.close();
});

test('the agent asks a colleague, and the buyer hears nothing of it', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(180_000);
  await connect(buyer, agent, { record: false });
  const context = await profile(agentBrowser, DESKTOP);
  const colleague = new Agent(await context.newPage(), vitrine);
  await colleague.logIn(...LOGINS.otherAgent);
  await agent.the('consult').click();
  await agent.the('consult-ask').click();
  await expect(agent.the('asking')).toBeVisible();
  await colleague.the('question-accept').click();
  await expectMoving(colleague.the('remote-video'), 'agent');
  await expectMoving(agent.the('remote-video'), 'agent');
  await expectNoPicture(buyer.the('remote-video'));
  await expect.poll(() => buyer.page.evaluate(() => window.probe.loudness(400))).toBeLessThan(0.001);
  await agent.the('consult').click();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
  await expect(colleague.the('availability')).toBeVisible();
  await context.close();
});

/** Whether an audio element has sound to play. */
function playing(person: Agent, testId: string): Promise<boolean> {
  return person.the(testId).evaluate((audio) => {
    const stream = (audio as HTMLAudioElement).srcObject as MediaStream | null;
    return (
      (stream?.getAudioTracks().some((track) => !track.muted) ?? false) && !(audio as HTMLAudioElement).paused
    );
  });
}
