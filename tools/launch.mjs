// npm start [-- FLAGS]: installs what is missing, builds what is stale, opens the console in Electron when its binary and
// a display are there, else serves the same console to a browser. Runs on Node 20. Never require('electron') here: since
// Electron 42 that starts a download.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureInstalled } from './ensure-installed.mjs';
import { pinnedNode, root } from './pinned-node.mjs';

/** @returns {{ path: string | null, why: string }} */
export function findElectron(env = process.env, base = root, platform = process.platform) {
  const folder = join(base, 'node_modules', 'electron');
  if (!existsSync(join(folder, 'package.json'))) return { path: null, why: 'the electron package is not installed' };
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const exe = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[platform] ?? 'electron';
  const dist = env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, 'dist');
  const path = join(dist, exe);
  if (!existsSync(path)) return { path: null, why: "Electron's binary is not on this machine" };
  const stamp = join(dist, 'version');
  const have = existsSync(stamp) ? readFileSync(stamp, 'utf8').replace(/^v/, '').trim() : null;
  if (have !== version && !env.ELECTRON_OVERRIDE_DIST_PATH)
    return { path: null, why: `Electron's binary is ${have}, the package ${version}` };
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) return { path: null, why: 'there is no display' };
  return { path, why: '' };
}

function sayWhere(line) {
  const ready = JSON.parse(line);
  console.error(`
  Faultline is running.

    Console     ${ready.api}/?token=${ready.token}
    OTLP/HTTP   ${ready.ingest}
    OTLP/gRPC   ${ready.otlpGrpc}

  Open the console's address in a browser; the token in it is asked for once. Stop with Ctrl+C.
`);
}

function serve(node, args) {
  const child = spawn(node, [join(root, 'out/node/cli.js'), 'serve', ...args], { stdio: ['ignore', 'pipe', 'inherit'], cwd: root });
  createInterface({ input: child.stdout }).on('line', (line) => {
    process.stdout.write(`${line}\n`);
    if (line.startsWith('{"ready":true')) sayWhere(line);
  });
  return child;
}

function main(args) {
  const web = args.includes('--web');
  const desktop = args.includes('--desktop');
  const rest = args.filter((arg) => arg !== '--web' && arg !== '--desktop');
  ensureInstalled();
  const node = pinnedNode();
  if (!node) {
    console.error('No Node 24 for this platform came with the packages: install Node 24 and run npm start again.');
    process.exit(1);
  }
  const { status } = spawnSync(node, [join(root, 'tools/build.mjs')], { stdio: ['ignore', 2, 2], cwd: root });
  if (status !== 0) process.exit(1);
  const electron = web ? { path: null, why: '--web' } : findElectron();
  if (!electron.path && desktop) {
    console.error(`Electron cannot start: ${electron.why}. Fetch it with "npx install-electron" where the network allows it.`);
    process.exit(1);
  }
  if (!electron.path && !web) console.error(`The desktop window is not used (${electron.why}); serving the same console to your browser.`);
  const child = electron.path ? spawn(electron.path, [root, ...rest], { stdio: 'inherit', cwd: root }) : serve(node, rest);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2));
