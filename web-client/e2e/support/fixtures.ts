// What every journey starts with: a server of its own, one buyer and one agent in browsers of their own.

import { type Browser, test as base, expect } from '@playwright/test';
import { DESKTOP, launch, PHONE, profile } from './browsers.ts';
import { Agent, Buyer } from './people.ts';
import { type MoreSettings, Vitrine } from './server.ts';

/** The demo accounts, as `vitrine serve --demo` prints them. */
export const LOGINS = {
  agent: ['agent@demo.example', 'vitrine-demo'],
  otherAgent: ['agent2@demo.example', 'vitrine-demo'],
  reviewer: ['reviewer@demo.example', 'vitrine-demo'],
  supervisor: ['supervisor@demo.example', 'vitrine-demo'],
  admin: ['admin@demo.example', 'vitrine-demo'],
} as const satisfies Record<string, readonly [string, string]>;

interface Fixtures {
  /** Settings of this test's server beyond the usual ones: `test.use({ settings: … })`. */
  settings: MoreSettings;
  /** So many recorded calls that never were stand in this test's server when it starts. */
  filled: number;
  vitrine: Vitrine;
  buyer: Buyer;
  agent: Agent;
}

interface SharedFixtures {
  buyerBrowser: Browser;
  agentBrowser: Browser;
}

export const test = base.extend<Fixtures, SharedFixtures>({
  buyerBrowser: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
    async ({}, use) => {
      const browser = await launch('buyer');
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  agentBrowser: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the fixtures wanted from this pattern
    async ({}, use) => {
      const browser = await launch('agent');
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  settings: [{}, { option: true }],
  filled: [0, { option: true }],
  vitrine: async ({ settings, filled }, use, testInfo) => {
    const server = await Vitrine.start(settings, filled);
    await use(server);
    const ended = await server.stop();
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('vitrine.log', { body: server.log(), contentType: 'text/plain' });
      console.log(`--- vitrine's log\n${server.log().slice(-20_000)}---`);
    }
    expect(ended, 'vitrine stops in good order when asked').toBe(0);
    expect(server.log(), 'no panic').not.toContain('panicked at');
  },
  buyer: async ({ buyerBrowser, vitrine }, use) => {
    const context = await profile(buyerBrowser, PHONE);
    await use(new Buyer(await context.newPage(), vitrine));
    await context.close();
  },
  agent: async ({ agentBrowser, vitrine }, use) => {
    const context = await profile(agentBrowser, DESKTOP);
    const agent = new Agent(await context.newPage(), vitrine);
    await use(agent);
    await context.close();
  },
});

export { expect };

/** Both are in one call and see and hear each other. */
export async function connect(buyer: Buyer, agent: Agent, choice: { record: boolean }): Promise<void> {
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct();
  await buyer.askForHelp(choice);
  await agent.accept();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
}

/** Somebody logged in at the replay console, in a profile of their own, at a place in it (`#/audit`). */
export async function atReplay(
  browser: Browser,
  vitrine: Vitrine,
  [email, password]: readonly [string, string],
  place = '',
): Promise<Agent> {
  const context = await profile(browser, DESKTOP);
  const person = new Agent(await context.newPage(), vitrine);
  await person.page.goto(`${vitrine.url}/replay/${place}`);
  await person.fill('login-email', email);
  await person.fill('login-password', password);
  await person.the('login-submit').click();
  await expect(person.the('logout')).toBeVisible();
  return person;
}
