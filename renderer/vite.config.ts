import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = path.dirname(fileURLToPath(import.meta.url));
/** Where `vite dev` finds a running engine. */
const engine = process.env['FAULTLINE_API_URL'] ?? 'http://127.0.0.1:4400';

/** The page: renderer/ -> out/renderer. Everything it needs is in the bundle; it loads nothing from elsewhere. */
export default defineConfig({
  root: here,
  plugins: [
    paraglideVitePlugin({
      project: path.join(here, 'project.inlang'),
      outdir: path.join(here, 'paraglide'),
      strategy: ['localStorage', 'preferredLanguage', 'baseLocale'],
      disableAsyncLocalStorage: true,
      emitTsDeclarations: true,
    }),
    svelte({ configFile: path.join(here, '../svelte.config.js') }),
  ],
  // A content policy of 'self' leaves no room for inlined scripts; fonts and pictures stay files, too.
  build: { outDir: path.join(here, '../out/renderer'), emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 2_000 },
  server: { proxy: { '/console': engine } },
});
