import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * The two staff pages. `npm run build` runs the widget's build first (it empties `dist/`), then this one.
 *
 * `npm run dev` serves all three entry points and passes `/api`, `/demo` and the WebSocket on to a running `vitrine serve`.
 */
export default defineConfig({
  root: path('./src'),
  base: '/',
  publicDir: false,
  build: {
    outDir: path('./dist'),
    emptyOutDir: false,
    target: 'es2022',
    assetsDir: 'assets',
    // No inline scripts or data: URLs, so that the pages live under a strict content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { console: path('./src/console/index.html'), replay: path('./src/replay/index.html') },
    },
  },
  server: {
    proxy: {
      '/api': { target: 'http://127.0.0.1:8080', ws: true },
      '/demo': 'http://127.0.0.1:8080',
    },
  },
});
