// The two people's browsers: separate Chromium processes, each with its own camera and microphone.

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from '@playwright/test';
import { BURST_HZ, burstDetector } from '../media/burst.ts';
import type { CameraLines } from '../media/camera.ts';
import { type CameraSide, codec } from '../media/code.ts';
import { fakeDevices } from '../media/index.ts';
import { probe } from './probe.ts';

/** Starts Chromium with the fake devices of one side; the camera's picture has so many lines. */
export async function launch(side: CameraSide, lines?: CameraLines): Promise<Browser> {
  const { camera, microphone } = await fakeDevices(side, lines);
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${camera}`,
      `--use-file-for-fake-audio-capture=${microphone}`,
      '--autoplay-policy=no-user-gesture-required',
      // Both people sit at this machine; it may have no other network than loopback.
      '--allow-loopback-in-peer-connection',
      // Nobody looks at either window: neither may be slowed down for that.
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--disable-renderer-backgrounding',
      // CI runs as root in a container.
      '--no-sandbox',
      '--disable-dev-shm-usage',
    ],
  });
}

/** A phone in a buyer's hand. */
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 1,
  hasTouch: true,
};

/** A screen on an agent's desk. */
export const DESKTOP: BrowserContextOptions = { viewport: { width: 1440, height: 900 } };

/** A fresh profile whose pages carry the probe. */
export async function profile(browser: Browser, options: BrowserContextOptions): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const detector = `(rate) => (${burstDetector.toString()})(rate, ${BURST_HZ})`;
  await context.addInitScript({ content: `(${probe.toString()})((${codec.toString()})(), ${detector})` });
  return context;
}
