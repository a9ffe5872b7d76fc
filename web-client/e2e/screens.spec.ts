// Every screen of a call, looked at.

import { DESKTOP, PHONE, profile } from './support/browsers.ts';
import { connect, expect, LOGINS, test } from './support/fixtures.ts';
import { look } from './support/look.ts';
import { Agent, Buyer } from './support/people.ts';

test('every screen of a call is readable, for everybody, at every size', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(240_000);
  await agent.page.goto(`${vitrine.url}/console/`);
  await expect(agent.the('login-submit')).toBeVisible();
  await look(agent.page, 'console-login');
  await agent.fill('login-email', LOGINS.agent[0]);
  await agent.fill('login-password', 'wrong');
  await agent.the('login-submit').click();
  await expect(agent.the('login-problem')).toBeVisible();
  await look(agent.page, 'console-login-refused');
  await agent.logIn(...LOGINS.agent);
  await look(agent.page, 'console-away');

  await buyer.page.goto(`${vitrine.url}/demo/`);
  await look(buyer.page, 'shop');
  await buyer.openProduct();
  await look(buyer.page, 'shop-product');
  await buyer.the('open').click();
  await expect(buyer.the('consent-accept')).toBeVisible();
  await look(buyer.page, 'widget-consent');
  await buyer.the('consent-accept').click();
  await expect(buyer.the('skip-check')).toBeVisible();
  await look(buyer.page, 'widget-check');
  await buyer.the('skip-check').click();
  await expect(buyer.the('waiting')).toBeVisible();
  await look(buyer.page, 'widget-waiting-nobody');

  await agent.becomeAvailable();
  await expect(agent.the('ring')).toBeVisible();
  await look(agent.page, 'console-ring');
  await agent.accept();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
  await buyer.say('Der Karton ist an einer Ecke eingedrückt.');
  await agent.say('I can see it. A new one will be on its way today.');
  await look(buyer.page, 'widget-call');
  await look(agent.page, 'console-call');
  await agent.the('hangup').click();
  await expect(buyer.the('ended')).toBeVisible();
  await look(buyer.page, 'widget-ended');
  await expect(agent.the('outcome')).toBeVisible();
  await look(agent.page, 'console-wrap-up');
  const number = await agent.wrapUp('transport_damage', 'Corner crushed, replacement sent.');
  await look(agent.page, 'console-after');

  const context = await profile(agentBrowser, DESKTOP);
  const reviewer = new Agent(await context.newPage(), vitrine);
  await reviewer.page.goto(`${vitrine.url}/replay/`);
  await expect(reviewer.the('login-submit')).toBeVisible();
  await look(reviewer.page, 'replay-login');
  await reviewer.fill('login-email', LOGINS.reviewer[0]);
  await reviewer.fill('login-password', LOGINS.reviewer[1]);
  await reviewer.the('login-submit').click();
  await expect(reviewer.the('recording-row')).toHaveCount(1);
  await look(reviewer.page, 'replay-list');
  await reviewer.fill('search-input', 'V-999999');
  await expect(reviewer.the('recording-row')).toHaveCount(0);
  await look(reviewer.page, 'replay-nothing-found');
  await reviewer.fill('search-input', number);
  await reviewer.the('recording-row').click();
  await reviewer.page
    .locator('replay-player')
    .evaluate((player) => (player as HTMLElement & { seek(ms: number): void }).seek(3_000));
  await expect(reviewer.the('replay-video-buyer')).toBeVisible();
  await look(reviewer.page, 'replay-player');
  await context.close();
});

test('the screens of a paused recording are readable, also from right to left', async ({ buyer, agent }) => {
  test.setTimeout(240_000);
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct('ar');
  await buyer.askForHelp({ record: true });
  await agent.accept();
  await agent.expectToSeeAndHear('buyer');
  await agent.the('pause-recording').click();
  await expect(agent.the('pause-card_data')).toBeFocused();
  await look(agent.page, 'console-pause-menu');
  await agent.the('pause-card_data').click();
  await expect(agent.the('paused-banner')).toBeVisible();
  await look(agent.page, 'console-paused');
  await expect(buyer.the('recording-state')).toHaveAttribute('data-state', 'paused');
  await look(buyer.page, 'widget-paused-ar');
  await agent.the('own-consent').click();
  await expect(agent.the('own-consent-state')).toBeVisible();
  await look(agent.page, 'console-own-consent');
});

test('the screens of a call that others follow are readable too', async ({
  buyer,
  agent,
  vitrine,
  agentBrowser,
}) => {
  test.setTimeout(240_000);
  await connect(buyer, agent, { record: false });
  const context = await profile(agentBrowser, DESKTOP);
  const supervisor = new Agent(await context.newPage(), vitrine);
  await supervisor.logIn(...LOGINS.supervisor);
  await expect(supervisor.the('floor-call')).toHaveCount(1);
  await look(supervisor.page, 'console-floor');
  await supervisor.the('floor-listen').click();
  await expect(supervisor.the('face-agent')).toBeVisible();
  await look(supervisor.page, 'console-listening');
  await supervisor.the('mode-barge').click();
  await expect(agent.the('face-supervisor')).toBeVisible();
  await look(agent.page, 'console-call-with-supervisor');
  await look(buyer.page, 'widget-call-with-supervisor');
  await agent.the('hold').click();
  await expect(agent.the('held')).toBeVisible();
  await look(agent.page, 'console-hold');
  await look(buyer.page, 'widget-hold');
  await supervisor.the('hangup').click();
  await agent.the('consult').click();
  await expect(agent.the('consult-ask')).toBeVisible();
  await look(agent.page, 'console-consult');
  await agent.the('consult-ask').click();
  await expect(supervisor.the('question-accept')).toBeVisible();
  await look(supervisor.page, 'console-question');
  await context.close();
});

test('the widget reads from right to left in Arabic', async ({ buyer }) => {
  await buyer.openProduct('ar');
  await buyer.the('open').click();
  await expect(buyer.the('consent-accept')).toBeVisible();
  const direction = await buyer
    .the('consent-accept')
    .evaluate((element) => getComputedStyle(element).direction);
  expect(direction).toBe('rtl');
  await look(buyer.page, 'widget-consent-ar');
  await buyer.the('consent-decline').click();
  await buyer.the('skip-check').click();
  await expect(buyer.the('waiting')).toBeVisible();
  await look(buyer.page, 'widget-waiting-ar');
});

test('a buyer whose page cannot get a token is told what to do', async ({ buyerBrowser, vitrine }) => {
  const context = await profile(buyerBrowser, PHONE);
  const buyer = new Buyer(await context.newPage(), vitrine);
  await buyer.page.route('**/demo/token**', (route) =>
    route.fulfill({ status: 500, body: 'the shop is ill' }),
  );
  await buyer.openProduct();
  await buyer.the('open').click();
  await expect(buyer.page.getByRole('alert').first()).toBeVisible();
  await look(buyer.page, 'widget-error');
  await context.close();
});
