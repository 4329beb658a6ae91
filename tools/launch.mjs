// npm start [-- --web | --desktop] [-- FLAGS OF faultline serve]: installs what is missing, builds what is stale, opens
// the console in Electron where its binary and a display are, else serves the same console and says where to look.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { findElectron } from './find-electron.mjs';
import { buildStale, installMissing, nodeFor } from './prepare.mjs';

const root = resolve(import.meta.dirname, '..');

/** The ready line in words. */
export function describeReady({ version, api, ingest, otlpGrpc, token }, demo = false) {
  return [
    '',
    `Faultline ${version} is ready.`,
    '',
    `  Look at     ${api}/?token=${encodeURIComponent(token)}`,
    `  Send OTLP   ${ingest} (HTTP), ${otlpGrpc} (gRPC)`,
    `              export OTEL_EXPORTER_OTLP_ENDPOINT=${ingest}`,
    ...(demo ? ['  Demo        a simulated shop trades; something goes wrong in it soon'] : []),
    '  Stop        Ctrl-C',
    '',
  ].join('\n');
}
/** Whether a shop runs in which something goes wrong. */
function demoOf(args) {
  const at = args.indexOf('--demo');
  return args.some((arg) => arg.startsWith('--demo=') && arg !== '--demo=none') || (at >= 0 && args[at + 1] !== 'none');
}
function hold(child) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`cannot start ${child.spawnfile}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
function openWindow(electron, args) {
  hold(spawn(electron, [root, ...args], { stdio: 'inherit', cwd: process.cwd() }));
}
function openForBrowser(node, args) {
  // Its own group in a terminal would miss Ctrl-C; signals reach both, and the second is ignored.
  const child = spawn(node, [join(root, 'out/node/cli.js'), 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: process.cwd(),
  });
  hold(child);
  createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      const ready = JSON.parse(line);
      console.log(ready.ready ? describeReady(ready, demoOf(args)) : line);
    } catch {
      console.log(line);
    }
  });
}
function launch(args) {
  const flags = args.filter((arg) => arg !== '--web' && arg !== '--desktop');
  if (!installMissing(root)) process.exit(1);
  const electron = args.includes('--web') ? { path: null, why: '--web' } : findElectron(root);
  if (!electron.path && args.includes('--desktop')) {
    console.error(`Electron cannot start: ${electron.why}. "npx install-electron" fetches it where the network allows it.`);
    process.exit(1);
  }
  const node = nodeFor(root);
  if (!node || !buildStale(root, node)) process.exit(1);
  if (electron.path) return openWindow(electron.path, flags);
  console.error(`No desktop window (${electron.why}): serving the console to your browser.`);
  return openForBrowser(node, flags);
}
if (process.argv[1] === import.meta.filename) launch(process.argv.slice(2));
