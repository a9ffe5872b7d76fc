import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/**
 * `dist/widget.js`: the one file a shop embeds. What it loads after the tap (media code, other languages) goes to
 * `dist/assets/` and is found relative to `widget.js` itself, so the shop may be on another origin.
 */
export default defineConfig({
  root: path('./src'),
  base: './',
  publicDir: false,
  build: {
    outDir: path('./dist'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    rolldownOptions: {
      input: { widget: path('./src/widget/main.ts') },
      preserveEntrySignatures: false,
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: 'assets/widget-[name]-[hash].js',
      },
    },
  },
});
