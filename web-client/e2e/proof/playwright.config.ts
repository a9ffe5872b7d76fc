import { fileURLToPath } from 'node:url';
import { defineConfig } from '@playwright/test';

/** Measurements that take minutes: `make network-proof`. */
export default defineConfig({
  testDir: fileURLToPath(new URL('.', import.meta.url)),
  testMatch: '*.proof.ts',
  outputDir: fileURLToPath(new URL('../../test-results', import.meta.url)),
  workers: 1,
  retries: 0,
  timeout: 600_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  use: { trace: 'off', screenshot: 'off' },
});
