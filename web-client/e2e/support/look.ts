// A screen, looked at: by axe in every run, by people when `make screenshots` puts pictures into e2e-artifacts/.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect } from './fixtures.ts';

const PICTURES = process.env.SCREENSHOTS
  ? fileURLToPath(new URL('../../../e2e-artifacts', import.meta.url))
  : null;
const PHONE_SIZE = { width: 360, height: 780 };
const DESK_SIZE = { width: 1440, height: 900 };

/** Looks at what the page shows: nothing sticks out sideways, axe finds nothing serious, in light and in dark. */
export async function look(page: Page, name: string, options: { fullPage?: boolean } = {}): Promise<void> {
  const before = page.viewportSize();
  for (const [size, scheme] of [
    [PHONE_SIZE, 'light'],
    [PHONE_SIZE, 'dark'],
    [DESK_SIZE, 'light'],
    [DESK_SIZE, 'dark'],
  ] as const) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    // Two frames: the new size and colours have been laid out and painted. What measures its own width takes some more.
    let sideways = 1;
    for (let turn = 0; turn < 20 && sideways > 0; turn += 1) {
      await page.evaluate(
        () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
      );
      sideways = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
    }
    expect.soft(sideways, `${name} at ${size.width}: sticks out sideways`).toBeLessThanOrEqual(0);
    if (PICTURES) {
      await mkdir(PICTURES, { recursive: true });
      const path = join(PICTURES, `${name}-${size.width}-${scheme}.png`);
      await page.screenshot({ path, fullPage: options.fullPage ?? false });
    }
    // Colours on a phone, both schemes; what is different on a wide screen once.
    if (size === DESK_SIZE && scheme === 'dark') continue;
    const { violations } = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
      .setLegacyMode(true)
      .analyze();
    const serious = violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary}`).join('; ')}`,
      );
    expect.soft(serious, `${name} at ${size.width}, ${scheme}`).toEqual([]);
  }
  if (before) await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}
