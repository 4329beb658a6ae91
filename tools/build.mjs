// npm run build: bundles the processes, the Electron shell and the console into out/. Skips what is not stale.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'vite';
import { root } from './pinned-node.mjs';

const NODE_FOLDERS = ['contracts', 'query', 'analytics', 'collectors', 'store', 'demo', 'protos', 'main'];
const ignored = /(?:\.test\.ts|\.bench\.ts|\.md)$|\/paraglide\//;

function* filesOf(path) {
  if (!existsSync(path)) return;
  if (statSync(path).isFile()) return yield path;
  for (const name of readdirSync(path).sort()) if (name !== 'node_modules') yield* filesOf(join(path, name));
}
/** Content hash of everything a target is made of: mtimes lie after a clone or a checkout. */
function fingerprint(inputs) {
  const hash = createHash('sha256');
  for (const input of [...inputs, 'package-lock.json', 'package.json', 'tools/build.mjs']) {
    for (const file of filesOf(join(root, input))) {
      const name = relative(root, file);
      if (!ignored.test(`/${name}`)) hash.update(name).update('\0').update(readFileSync(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

const nodeBuild = (entries, outDir, format = 'es', external = []) => ({
  configFile: false,
  root,
  logLevel: 'warn',
  ssr: { external: true, noExternal: [] },
  build: {
    ssr: true,
    target: 'node22',
    outDir,
    emptyOutDir: true,
    minify: false,
    sourcemap: true,
    rollupOptions: {
      input: entries,
      external: [/^node:/, /^@duckdb\//, ...external],
      output: { format, entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
    },
  },
});
const existing = (entries) =>
  Object.fromEntries(
    Object.entries(entries)
      .filter(([, file]) => existsSync(join(root, file)))
      .map(([name, file]) => [name, join(root, file)]),
  );

const TARGETS = [
  {
    name: 'node',
    inputs: NODE_FOLDERS,
    out: 'out/node',
    run: () =>
      build(
        nodeBuild(
          existing({ cli: 'main/cli/main.ts', collector: 'main/collector/main.ts', engine: 'main/engine/main.ts', demo: 'demo/main.ts' }),
          join(root, 'out/node'),
        ),
      ),
  },
  {
    name: 'shell',
    inputs: ['contracts', 'main/shell', 'main/preload', 'main/supervisor', 'main/cli'],
    out: 'out/shell',
    run: async () => {
      await build(nodeBuild(existing({ main: 'main/shell/main.ts' }), join(root, 'out/shell'), 'es', ['electron']));
      // A sandboxed preload must be CommonJS, also in a "type": "module" package.
      await build(nodeBuild(existing({ preload: 'main/preload/bridge.ts' }), join(root, 'out/preload'), 'cjs', ['electron']));
    },
    when: () => existsSync(join(root, 'main/shell/main.ts')),
  },
  {
    name: 'renderer',
    inputs: ['contracts', 'renderer', 'svelte.config.js'],
    out: 'out/renderer',
    run: () => build({ configFile: join(root, 'renderer/vite.config.ts'), logLevel: 'warn' }),
    when: () => existsSync(join(root, 'renderer/vite.config.ts')),
  },
];

export async function buildStale({ force = false, only = null } = {}) {
  const built = [];
  for (const target of TARGETS) {
    if ((only && !only.includes(target.name)) || target.when?.() === false) continue;
    const stamp = join(root, 'out', `.${target.name}.stamp`);
    const now = fingerprint(target.inputs);
    if (!force && existsSync(stamp) && existsSync(join(root, target.out)) && readFileSync(stamp, 'utf8') === now) continue;
    const startedMs = performance.now();
    await target.run();
    mkdirSync(join(root, 'out'), { recursive: true });
    writeFileSync(stamp, now);
    built.push(target.name);
    console.error(`built ${target.name} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
  }
  return built;
}

if (process.argv[1] === import.meta.filename) {
  const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
  const built = await buildStale({ force: process.argv.includes('--force'), only: only.length > 0 ? only : null });
  if (built.length === 0) console.error('out/ is up to date');
}
