// The yardstick beside which the product's own set-up times are printed: the same browser, the same fake devices,
// no server at all.

import type { Page } from '@playwright/test';

/**
 * Two peer connections in one page call each other with that page's camera and microphone, and stay connected.
 * Returns the milliseconds from the first line of SDP to the first frame shown.
 */
export async function callMyself(page: Page): Promise<number> {
  // getUserMedia wants a secure context; this one needs no server and no network.
  await page.route('https://baseline.test/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><video muted playsinline></video>' }),
  );
  await page.goto('https://baseline.test/');
  return page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    const video = document.querySelector('video') as HTMLVideoElement;
    const started = performance.now();
    const here = new RTCPeerConnection();
    const there = new RTCPeerConnection();
    here.onicecandidate = ({ candidate }) => candidate && there.addIceCandidate(candidate);
    there.onicecandidate = ({ candidate }) => candidate && here.addIceCandidate(candidate);
    there.ontrack = ({ streams }) => {
      video.srcObject = streams[0] ?? null;
      void video.play();
    };
    for (const track of stream.getTracks()) here.addTrack(track, stream);
    await here.setLocalDescription();
    await there.setRemoteDescription(here.localDescription as RTCSessionDescription);
    await there.setLocalDescription();
    await here.setRemoteDescription(there.localDescription as RTCSessionDescription);
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    return performance.now() - started;
  });
}
