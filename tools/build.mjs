// build.mjs [TARGET...] [--force]: builds what is stale. A target is stale when the hash of its inputs differs from the
// one noted at its last build (contents, not times: a fresh checkout has any times).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { TARGETS } from './build-targets.mjs';

const root = resolve(import.meta.dirname, '..');
const notes = join(root, 'out/.built');

function* filesOf(path, ignored) {
  if (!existsSync(path) || ignored.includes(relative(root, path))) return;
  if (!statSync(path).isDirectory()) return void (yield path);
  for (const name of readdirSync(path).sort()) {
    if (name !== 'node_modules' && !/\.(?:test|bench)\.ts$/.test(name)) yield* filesOf(join(path, name), ignored);
  }
}
function hashOf(target) {
  const hash = createHash('sha256');
  for (const input of target.inputs) {
    for (const file of filesOf(join(root, input), target.ignored ?? []))
      hash.update(`${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}
const noteOf = (target) => join(notes, target.name);
/** Names of the targets whose inputs changed since they were built. */
export function staleTargets() {
  return TARGETS.filter((target) => {
    const note = noteOf(target);
    return !existsSync(join(root, target.outDir)) || !existsSync(note) || readFileSync(note, 'utf8') !== hashOf(target);
  }).map((target) => target.name);
}

/**
 * Small packages of pure JavaScript that every start needs: as one file instead of hundreds they load in a quarter of the
 * time (zod alone 80 ms against 20 ms on a busy two-core machine).
 */
const BUNDLED = ['zod', 'yaml', 'commander', 'hono', '@hono/node-server'];
/** Other packages stay outside of the bundle: natives, workers and data files keep their places. Our own code goes in. */
async function bundle(target) {
  const { build } = await import('vite');
  const missing = Object.values(target.entries).filter((entry) => !existsSync(join(root, entry)));
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`);
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    ssr: { external: true, noExternal: BUNDLED },
    build: {
      ssr: true,
      outDir: join(root, target.outDir),
      emptyOutDir: true,
      target: 'node22',
      minify: false,
      sourcemap: true,
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(target.entries).map(([name, entry]) => [name, join(root, entry)])),
        external: ['electron', ...builtinModules],
        // Chunks lie beside the entries: code finds its neighbours from import.meta.dirname.
        output: {
          format: target.format,
          entryFileNames: target.format === 'cjs' ? '[name].cjs' : '[name].js',
          chunkFileNames: 'chunk-[name]-[hash].js',
        },
      },
    },
  });
}
function buildPage(target) {
  const vite = join(root, 'node_modules/vite/bin/vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error', '-c', join(root, target.viteConfig)], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('vite build failed, see above');
}
async function main(args) {
  const names = args.filter((arg) => !arg.startsWith('-'));
  const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
  if (unknown.length > 0) {
    console.error(`no target ${unknown.join(', ')}; there are ${TARGETS.map((target) => target.name).join(', ')}`);
    return 2;
  }
  const stale = args.includes('--force') ? TARGETS.map((target) => target.name) : staleTargets();
  let failed = 0;
  for (const target of TARGETS) {
    if ((names.length > 0 && !names.includes(target.name)) || !stale.includes(target.name)) continue;
    const startedMs = performance.now();
    // Before the build: a file saved meanwhile makes the target stale again.
    const hash = hashOf(target);
    rmSync(noteOf(target), { force: true });
    try {
      await (target.viteConfig ? buildPage(target) : bundle(target));
      mkdirSync(notes, { recursive: true });
      writeFileSync(noteOf(target), hash);
      console.error(`built ${target.outDir} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    } catch (error) {
      failed++;
      console.error(`cannot build ${target.outDir}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return failed > 0 ? 1 : 0;
}
if (process.argv[1] === import.meta.filename) process.exit(await main(process.argv.slice(2)));
