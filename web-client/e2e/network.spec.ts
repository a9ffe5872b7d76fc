// Calls over bad networks, briefly: does it work at all? How well it works takes minutes to measure: `make network-proof`.

import { DESKTOP, PHONE, profile } from './support/browsers.ts';
import { expect, LOGINS, test } from './support/fixtures.ts';
import { quality, startMeter, stopMeter } from './support/meter.ts';
import { BadNetwork } from './support/network.ts';
import { Agent, Buyer, expectMoving } from './support/people.ts';

const MEASURED_MS = 8_000;

interface Call {
  buyer: Buyer;
  agent: Agent;
  network: BadNetwork;
}

/** A call whose buyer is behind a bad network. The trace has not begun yet. */
const inCall = test.extend<Call & { networkTrace: string }>({
  networkTrace: ['lan', { option: true }],
  network: async ({ networkTrace }, use) => {
    const network = new BadNetwork(networkTrace);
    await use(network);
    await network.stop();
  },
  buyer: async ({ buyerBrowser, vitrine, network }, use) => {
    const context = await profile(buyerBrowser, PHONE);
    await network.hold(context);
    await use(new Buyer(await context.newPage(), vitrine));
    await context.close();
  },
  agent: async ({ agentBrowser, vitrine }, use) => {
    const context = await profile(agentBrowser, DESKTOP);
    await use(new Agent(await context.newPage(), vitrine));
    await context.close();
  },
});

async function talk({ buyer, agent }: Pick<Call, 'buyer' | 'agent'>): Promise<void> {
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct();
  await buyer.askForHelp({ record: false });
  await agent.accept();
  await buyer.expectToSeeAndHear('agent');
  await agent.expectToSeeAndHear('buyer');
}

inCall.describe('losses', () => {
  inCall.use({ networkTrace: 'loss-5-rtt-50' });
  inCall('5 % of the packets are lost and nobody notices much', async ({ buyer, agent, network }) => {
    await talk({ buyer, agent });
    for (const one of [buyer, agent]) await startMeter(one.the('remote-video'));
    const begun = await network.begin();
    expect(begun.up.packets).toBe(0);
    await buyer.page.waitForTimeout(MEASURED_MS);
    const report = await network.report();
    expect(report.up.lost, 'the network did lose packets').toBeGreaterThan(5);
    for (const one of [buyer, agent]) {
      const seen = quality(await stopMeter(one.the('remote-video')));
      // Bounds for a machine that does other things at the same time.
      expect(seen.frozenPicture).toBeLessThan(0.25);
      expect(seen.concealed).toBeLessThan(0.05);
      expect(seen.fps).toBeGreaterThan(5);
    }
  });
});

inCall(
  'another address in the middle of a call: sound and picture go on',
  async ({ buyer, agent, network }) => {
    await talk({ buyer, agent });
    await network.begin();
    const before = await network.report();
    const peers = await buyer.page.evaluate(() => window.probe.peers.length);
    await network.rebind();
    await expectMoving(agent.the('remote-video'), 'buyer');
    await expectMoving(buyer.the('remote-video'), 'agent');
    await buyer.expectToSeeAndHear('agent');
    expect((await network.report()).addresses, 'the server saw another address').toBeGreaterThan(
      before.addresses,
    );
    expect(await buyer.page.evaluate(() => window.probe.peers.length), 'on the same connection').toBe(peers);
  },
);

inCall.describe('no UDP', () => {
  inCall.use({ networkTrace: 'udp-blocked' });
  inCall('where UDP is blocked the call goes over TCP', async ({ buyer, agent }) => {
    await talk({ buyer, agent });
    const protocols = await buyer.page.evaluate(async () => {
      const found: string[] = [];
      for (const peer of window.probe.peers) {
        const report = await peer.getStats();
        for (const one of report.values()) {
          if (one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded')
            found.push(report.get(one.localCandidateId)?.protocol);
        }
      }
      return found;
    });
    expect(protocols).toContain('tcp');
  });
});
