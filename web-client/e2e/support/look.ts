// A screen, looked at: by axe in every run, by people when `make screenshots` puts pictures into e2e-artifacts/.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect } from './fixtures.ts';

const PICTURES = process.env.SCREENSHOTS
  ? fileURLToPath(new URL('../../../e2e-artifacts', import.meta.url))
  : null;
const PHONE_SIZE = { width: 360, height: 780 };
const DESK_SIZE = { width: 1440, height: 900 };

interface LookOptions {
  /** The picture shows the whole page, not only what is in view. */
  readonly fullPage?: boolean;
  /** What the picture must have in view. */
  readonly at?: Locator;
  /** It must hold from right to left, too. */
  readonly mirrored?: boolean;
}

/** Looks at what the page shows: nothing sticks out sideways, axe finds nothing serious, in light and in dark. */
export async function look(page: Page, name: string, options: LookOptions = {}): Promise<void> {
  const before = page.viewportSize();
  const picture = async (what: string) => {
    if (!PICTURES) return;
    await mkdir(PICTURES, { recursive: true });
    await options.at?.scrollIntoViewIfNeeded();
    const path = join(PICTURES, `${name}-${what}.png`);
    await page.screenshot({ path, fullPage: options.fullPage ?? false });
  };
  for (const [size, scheme] of [
    [PHONE_SIZE, 'light'],
    [PHONE_SIZE, 'dark'],
    [DESK_SIZE, 'light'],
    [DESK_SIZE, 'dark'],
  ] as const) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    expect.soft(await sideways(page), `${name} at ${size.width}: sticks out sideways`).toEqual([]);
    await picture(`${size.width}-${scheme}`);
    if (options.mirrored && scheme === 'light') {
      const turn = (to: string) =>
        page.evaluate((to) => {
          document.documentElement.dir = to;
        }, to);
      await turn('rtl');
      expect
        .soft(await sideways(page), `${name} at ${size.width}, mirrored: sticks out sideways`)
        .toEqual([]);
      await picture(`${size.width}-rtl`);
      await turn('');
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

/** What is wider than its place: the page, or an open dialog, which would hide that by scrolling. */
async function sideways(page: Page): Promise<string[]> {
  let found: string[] = [];
  // Two frames: the new size and colours have been laid out and painted. What measures its own width takes some more.
  for (let turn = 0; turn < 20; turn += 1) {
    found = await page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      const wide: string[] = [];
      const measure = (element: Element, what: string) => {
        const over = element.scrollWidth - element.clientWidth;
        if (over > 0) wide.push(`${what} by ${over} px`);
      };
      measure(document.documentElement, 'the page');
      const visit = (root: Document | ShadowRoot) => {
        for (const element of root.querySelectorAll('*')) {
          if (element.matches('dialog[open] .content')) measure(element, 'a dialog');
          if (element.shadowRoot) visit(element.shadowRoot);
        }
      };
      visit(document);
      return wide;
    });
    if (found.length === 0) break;
  }
  return found;
}
