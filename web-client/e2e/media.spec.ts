// Before anything is measured with them: are the fake devices and the probe right? No server takes part.

import { execFileSync } from 'node:child_process';
import { expect, test } from '@playwright/test';
import { FRAMES_PER_SECOND, framesBetween } from './media/code.ts';
import { fakeDevices } from './media/index.ts';
import { callMyself } from './support/baseline.ts';
import { launch, profile } from './support/browsers.ts';
import { align, recordedBursts, recordedFrames } from './support/recording.ts';

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

test('the measurement of a recording finds an A/V offset and a wrong start that were put there', async () => {
  const testInfo = test.info();
  const { camera, microphone } = await fakeDevices('buyer');
  const [video, audio] = [testInfo.outputPath('video.webm'), testInfo.outputPath('audio.mp4')];
  const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-v', 'error', '-y', ...args]);
  // A second of silence before the recording, and the sound 150 ms later than that.
  ffmpeg(
    '-itsoffset',
    '1.000',
    '-i',
    camera,
    '-t',
    '6',
    '-c:v',
    'libvpx',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-b:v',
    '600k',
    '-copyts',
    video,
  );
  ffmpeg('-itsoffset', '1.150', '-i', microphone, '-t', '6', '-c:a', 'libopus', '-copyts', audio);
  const startedAt = 1_700_000_000_000;
  const log = {
    frames: Array.from({ length: 180 }, (_, counter) => ({
      side: 'buyer' as const,
      counter,
      at: startedAt + 1000 + (1000 * counter) / FRAMES_PER_SECOND,
    })),
    bursts: [0.5, 1.5, 2.5, 3.5, 4.5].map((second) => startedAt + 1000 + 1000 * second),
  };
  const right = align(await recordedFrames(video), await recordedBursts(audio), log, startedAt);
  expect(right.frames).toBeGreaterThan(100);
  expect(right.bursts).toBeGreaterThanOrEqual(4);
  expect(Math.abs(right.avOffsetMs + 150)).toBeLessThan(15);
  expect(Math.abs(right.videoLagMs)).toBeLessThan(5);
  const shifted = align(await recordedFrames(video), await recordedBursts(audio), log, startedAt + 300);
  expect(Math.abs(shifted.videoLagMs - 300)).toBeLessThan(5);
});
