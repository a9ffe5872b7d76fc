// Calls over bad networks, briefly: does it work at all? How well it works takes minutes to measure: `make network-proof`.

import { DESKTOP, PHONE, profile } from './support/browsers.ts';
import { expect, LOGINS, test } from './support/fixtures.ts';
import { type Quality, quality, readMeter, startMeter, stopMeter } from './support/meter.ts';
import { BadNetwork } from './support/network.ts';
import { Agent, Buyer, expectMoving } from './support/people.ts';
import { uploading } from './support/uploads.ts';

const MEASURED_MS = 8_000;

/** What the leg carries before it becomes narrow (and after), and while it is: as in the trace of that name. */
const NARROW_KBPS = 300;
const WIDE_KBPS = 3_000;
/** Lines of both cameras, and of the picture each sends in its smaller layer. */
const LINES = { whole: 360, half: 180 };
/** Rates are looked at over so long. */
const LATELY_MS = 2_500;

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

inCall.describe('a rate that falls and comes back', () => {
  // The trace stays at its first moment, 3 Mbit/s: the steps are made by hand, when the call is ready for them.
  inCall.use({ networkTrace: 'step-3-0.3-3' });
  inCall(
    'on a leg that becomes narrow both sides send and get a smaller picture, and the large one when it is wide again',
    async ({ buyer, agent, network }) => {
      inCall.setTimeout(180_000);
      await talk({ buyer, agent });
      // The buyer's leg is the way of both pictures: up of one, down of the other.
      const ends = [buyer, agent];
      for (const one of ends) await startMeter(one.the('remote-video'));
      const lately = (one: Buyer | Agent) =>
        readMeter(one.the('remote-video'), LATELY_MS).then((some) => quality(some));
      /** What both ends measure fulfils this at the same time, sooner or later. */
      const become = async (fulfil: (now: Quality, at: number) => void): Promise<Quality[]> => {
        let now: Quality[] = [];
        await expect(async () => {
          now = await Promise.all(ends.map(lately));
          now.forEach(fulfil);
        }).toPass({ timeout: 60_000, intervals: [500] });
        return now;
      };
      /** Of cameras this small there are two layers: `h` is whole, `q` half as large. */
      const uploadOnly = async (rid: string) => {
        for (const one of ends)
          await expect.poll(() => uploading(one), { message: 'layers uploaded' }).toEqual([rid]);
      };
      const rate = (kbps: number) => network.set(`both.rate_kbps = ${kbps}`);

      let before: Quality[] = [];
      await inCall.step('wide: large pictures, at rates a narrow leg has no room for', async () => {
        const large = ({ height, videoKbps }: Quality) => {
          expect(height, 'lines received').toBe(LINES.whole);
          expect(videoKbps, 'received').toBeGreaterThan(2 * NARROW_KBPS);
        };
        await become(large);
        await uploadOnly('h');
        // Until now the rates may have been growing.
        await buyer.page.waitForTimeout(LATELY_MS);
        before = await become(large);
      });

      await inCall.step('narrow: both send less than it carries, the smaller layer alone', async () => {
        await rate(NARROW_KBPS);
        const small = ({ height, videoKbps, sentKbps }: Quality) => {
          expect(sentKbps, 'sent').toBeLessThan(NARROW_KBPS);
          expect(videoKbps, 'received').toBeLessThan(NARROW_KBPS);
          expect(height, 'lines received').toBe(LINES.half);
        };
        await become(small);
        await uploadOnly('q');
        await buyer.expectToSeeAndHear('agent');
        await agent.expectToSeeAndHear('buyer');
        // And so it stays.
        await become(small);
      });

      await inCall.step('wide again: what there was before', async () => {
        await rate(WIDE_KBPS);
        await become(({ height, videoKbps }, at) => {
          expect(height, 'lines received').toBe(LINES.whole);
          expect(videoKbps, 'received').toBeGreaterThan(0.8 * (before[at]?.videoKbps ?? Number.NaN));
        });
      });

      for (const one of ends) {
        const seen = quality(await stopMeter(one.the('remote-video')));
        // Bounds for a machine that does other things at the same time.
        expect(seen.frozenPicture).toBeLessThan(0.25);
        expect(seen.concealed).toBeLessThan(0.05);
        expect(seen.fps).toBeGreaterThan(5);
      }
    },
  );
});
