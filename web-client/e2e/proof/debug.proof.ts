import { DESKTOP, profile } from '../support/browsers.ts';
import { LOGINS, test } from '../support/fixtures.ts';
import { Agent, Buyer, expectMoving } from '../support/people.ts';

test('debug', async ({ vitrine, buyerBrowser, agentBrowser }) => {
  const [near, far] = [await profile(buyerBrowser, DESKTOP), await profile(agentBrowser, DESKTOP)];
  const buyer = new Buyer(await near.newPage(), vitrine);
  const agent = new Agent(await far.newPage(), vitrine);
  await buyer.page.addInitScript(() => {
    const N = window.WebSocket;
    window.WebSocket = class extends N {
      constructor(u: string) {
        super(u);
        this.addEventListener('message', (m) => {
          if (/send_wish|problem/.test(m.data)) console.log('WS<', m.data.slice(0, 400));
        });
      }
      send(d: string) {
        if (/views|client_stats/.test(d)) console.log('WS>', String(d).slice(0, 300));
        super.send(d);
      }
    } as typeof WebSocket;
  });
  buyer.page.on('console', (m) => console.log('buyer:', m.text()));
  await agent.logIn(...LOGINS.agent);
  await agent.becomeAvailable();
  await buyer.openProduct();
  await buyer.askForHelp({ record: false });
  await agent.accept();
  await expectMoving(buyer.the('remote-video'), 'agent').catch((e) => console.log(String(e).slice(0, 200)));
  for (let i = 0; i < 4; i++) {
    await buyer.page.waitForTimeout(2000);
    for (const p of [buyer, agent]) {
      const out = await p.page.evaluate(async () => {
        const l: string[] = [];
        for (const peer of window.probe.peers)
          for (const s of (await peer.getStats()).values()) {
            if (s.type === 'outbound-rtp')
              l.push(
                `out ${s.kind} ${s.rid ?? ''} act=${s.active} ${s.frameWidth}x${s.frameHeight} fps=${s.framesPerSecond} bytes=${s.bytesSent} key=${s.keyFramesEncoded} pli=${s.pliCount} fir=${s.firCount} nack=${s.nackCount} rtx=${s.retransmittedPacketsSent} target=${s.targetBitrate} ${s.scalabilityMode} ${s.qualityLimitationReason} ${s.codecId}`,
              );
            if (s.type === 'inbound-rtp' && s.packetsReceived)
              l.push(
                `in ${s.kind} mid=${s.mid} ${s.frameWidth}x${s.frameHeight} fps=${s.framesPerSecond} dec=${s.framesDecoded} recv=${s.framesReceived} drop=${s.framesDropped} lost=${s.packetsLost} key=${s.keyFramesDecoded} pli=${s.pliCount} nack=${s.nackCount} bytes=${s.bytesReceived}`,
              );
            if (s.type === 'candidate-pair' && s.nominated)
              l.push(`pair avail=${s.availableOutgoingBitrate} rtt=${s.currentRoundTripTime}`);
          }
        return l.join('\n   ');
      });
      console.log(p === buyer ? 'BUYER' : 'AGENT', i, '\n  ', out);
    }
  }
  if (process.env.SDP)
    console.log(await buyer.page.evaluate(() => window.probe.peers[0]?.remoteDescription?.sdp ?? ''));
  console.log(
    (await (await fetch(`${vitrine.url}/metrics`)).text())
      .split('\n')
      .filter((l) => /sfu|media/.test(l) && !l.startsWith('#') && !/ 0$/.test(l) && !/bucket/.test(l))
      .join('\n'),
  );
});
