/** What `npm run build` makes: inputs decide whether a target is stale, outputs prove that it was built. */
const SOURCES = ['analytics', 'collectors', 'contracts', 'demo', 'exporters', 'main', 'models', 'protos', 'query', 'store'];
const SHARED = ['package.json', 'package-lock.json', 'tools/build.mjs', 'tools/build-targets.mjs'];

export const TARGETS = [
  {
    name: 'node',
    inputs: [...SOURCES, ...SHARED],
    outDir: 'out/node',
    format: 'es',
    entries: {
      cli: 'main/cli/main.ts',
      collector: 'main/collector/main.ts',
      engine: 'main/engine/main.ts',
      llm: 'main/llm/main.ts',
      promql: 'main/promql/main.ts',
      importer: 'main/importer/main.ts',
      forwarder: 'main/forwarder/main.ts',
      demo: 'demo/main.ts',
    },
  },
  { name: 'shell', inputs: [...SOURCES, ...SHARED], outDir: 'out/shell', format: 'es', entries: { main: 'main/shell/main.ts' } },
  // A sandboxed preload must be CommonJS.
  {
    name: 'preload',
    inputs: ['main/preload', 'contracts', ...SHARED],
    outDir: 'out/preload',
    format: 'cjs',
    entries: { bridge: 'main/preload/bridge.ts' },
  },
  {
    name: 'renderer',
    inputs: ['renderer', 'contracts', 'svelte.config.js', ...SHARED],
    outDir: 'out/renderer',
    viteConfig: 'renderer/vite.config.ts',
    // Written by the build itself: as inputs they would make every first build stale at once.
    ignored: ['renderer/paraglide', ...['.meta.json', '.gitignore', 'README.md', 'cache'].map((name) => `renderer/project.inlang/${name}`)],
  },
];
