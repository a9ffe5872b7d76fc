// Before anything is measured with them: are the fake devices and the probe right? No server takes part.

import { expect, test } from '@playwright/test';
import { framesBetween } from './media/code.ts';
import { callMyself } from './support/baseline.ts';
import { launch, profile } from './support/browsers.ts';

test('a counter survives a plain browser-to-browser call and runs at camera speed', async () => {
  const browser = await launch('agent');
  const page = await (await profile(browser, {})).newPage();
  const firstFrameMs = await callMyself(page);
  expect(firstFrameMs).toBeGreaterThan(0);
  await page.evaluate(() => window.probe.watchCapture());

  await test.step('nearly every received frame is readable and says whose it is', async () => {
    const reads = await page.evaluate(async () => {
      const video = document.querySelector('video') as HTMLVideoElement;
      const reads = [];
      while (reads.length < 60) {
        await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        reads.push(window.probe.read(video));
      }
      return reads;
    });
    const readable = reads.filter((frame) => frame !== null);
    expect(readable.length).toBeGreaterThanOrEqual(57);
    expect(new Set(readable.map(({ side }) => side))).toEqual(new Set(['agent']));
    const steps = readable
      .slice(1)
      .map(({ counter }, at) => framesBetween(readable[at]?.counter ?? 0, counter));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
  });

  await test.step('camera and microphone keep the time their files promise', async () => {
    await expect
      .poll(() => page.evaluate(() => window.probe.captured().bursts.length), { timeout: 20_000 })
      .toBeGreaterThanOrEqual(4);
    const { frames, bursts } = await page.evaluate(() => window.probe.captured());
    const gaps = bursts.slice(1).map((at, i) => at - (bursts[i] ?? 0));
    for (const gap of gaps) expect(Math.abs(gap - 1000)).toBeLessThan(60);
    const [first, last] = [frames[0], frames.at(-1)];
    if (!first || !last) throw new Error('the camera showed nothing');
    const passed = frames
      .slice(1)
      .reduce((sum, { counter }, i) => sum + framesBetween(frames[i]?.counter ?? 0, counter), 0);
    const perSecond = (1000 * passed) / (last.at - first.at);
    expect(perSecond).toBeGreaterThan(27);
    expect(perSecond).toBeLessThan(31);
  });

  await test.step('what arrives can be heard', async () => {
    await expect.poll(() => page.evaluate(() => window.probe.loudness(500))).toBeGreaterThan(0.01);
  });
  await browser.close();
});
