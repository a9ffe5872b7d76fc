import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Real calls through the real server. `make e2e` sets everything up; see `support/`. */
export default defineConfig({
  testDir: path('.'),
  testMatch: '*.spec.ts',
  outputDir: path('../test-results'),
  // Two browsers encode and decode video on what may be two cores: one call at a time.
  workers: 1,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: process.env.CI
    ? [['list']]
    : [['list'], ['html', { open: 'never', outputFolder: path('../playwright-report') }]],
  use: { trace: 'off', screenshot: 'only-on-failure' },
});
