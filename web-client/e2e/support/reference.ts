// The yardstick for bad networks: the two browsers call each other directly, through the same seeded network, no server.

import type { Page } from '@playwright/test';
import type { BadNetwork } from './network.ts';

const PAGE = 'https://reference.test/';

async function open(page: Page): Promise<void> {
  // getUserMedia wants a secure context; this one needs no server and no network.
  await page.route(PAGE, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<!doctype html><video data-testid="remote-video" style="width:640px" autoplay muted playsinline></video><audio autoplay></audio>',
    }),
  );
  await page.goto(PAGE);
}

/**
 * Both ends of one call, as a browser makes it by default, each with its camera and microphone. `offerer` is behind the
 * network: only it hears an address, and that is the network's.
 */
export async function callEachOther(offerer: Page, answerer: Page, network: BadNetwork): Promise<void> {
  await open(offerer);
  await open(answerer);
  const connect = async (page: Page): Promise<void> =>
    page.evaluate(async () => {
      const peer = new RTCPeerConnection();
      const remote = new MediaStream();
      peer.addEventListener('track', ({ track }) => {
        remote.addTrack(track);
        const player = document.querySelector(track.kind) as HTMLMediaElement;
        player.srcObject = new MediaStream([track]);
      });
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
      for (const track of stream.getTracks()) peer.addTrack(track, stream);
      (window as unknown as { peer: RTCPeerConnection }).peer = peer;
    });
  /** What the product allows its cameras, so that the two can be compared. */
  const limit = (page: Page): Promise<void> =>
    page.evaluate(async () => {
      const { peer } = window as unknown as { peer: RTCPeerConnection };
      for (const sender of peer.getSenders()) {
        const parameters = sender.getParameters();
        const maxBitrate = sender.track?.kind === 'video' ? 1_700_000 : 32_000;
        for (const encoding of parameters.encodings) encoding.maxBitrate = maxBitrate;
        await sender.setParameters(parameters);
      }
    });
  await connect(offerer);
  await connect(answerer);
  const offer = await offerer.evaluate(async () => {
    const { peer } = window as unknown as { peer: RTCPeerConnection };
    await peer.setLocalDescription();
    return peer.localDescription?.sdp ?? '';
  });
  const answer = await answerer.evaluate(async (sdp) => {
    const { peer } = window as unknown as { peer: RTCPeerConnection };
    // The offer came before any candidate: whoever answers knows no way but the one the other takes.
    await peer.setRemoteDescription({ type: 'offer', sdp: sdp.replace(/^a=candidate:.*\r\n/gm, '') });
    await peer.setLocalDescription();
    while (peer.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
    return peer.localDescription?.sdp ?? '';
  }, offer);
  const rewritten = await network.rewrite(answer);
  await offerer.evaluate(async (sdp) => {
    const { peer } = window as unknown as { peer: RTCPeerConnection };
    await peer.setRemoteDescription({ type: 'answer', sdp });
  }, rewritten);
  await limit(offerer);
  await limit(answerer);
}
