import { closeSync, existsSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { bytesText } from '#contracts/figure-text.ts';
import type { Settings } from '#contracts/settings.ts';
import { describePortOwner, findFreePort } from '#main/collector/port-owner.ts';
import { readSettings } from './read-settings.ts';
import { placeOfProcess } from './serve.ts';
import { installationRoot } from './version.ts';
import { findRunning } from './with-console.ts';

type Level = 'ok' | 'note' | 'fault';
interface Finding {
  readonly level: Level;
  readonly about: string;
  readonly says: string;
}
const finding = (level: Level, about: string, says: string): Finding => ({ level, about, says });

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 22 || (major === 22 && minor >= 18);
  return finding(fits ? 'ok' : 'fault', 'Node', `${process.version} at ${process.execPath}${fits ? '' : ': 22.18 or newer is needed'}`);
}
function packages(root: string): Finding[] {
  const require = createRequire(join(root, 'package.json'));
  return ['@duckdb/node-bindings', '@grpc/grpc-js', '@hono/node-server'].map((name) => {
    try {
      require.resolve(name);
      return finding('ok', name, 'installed');
    } catch {
      return finding('fault', name, 'not installed: run "npm ci"');
    }
  });
}
function build(root: string): Finding[] {
  const parts = { 'command line and processes': 'out/node/cli.js', page: 'out/renderer/index.html' };
  return Object.entries(parts).map(([about, file]) =>
    existsSync(join(root, file)) ? finding('ok', about, `built: ${file}`) : finding('fault', about, `not built: run "npm run build"`),
  );
}
/** The folder itself, or the nearest one above it that is there. */
function existing(folder: string): string {
  return existsSync(folder) || folder === dirname(folder) ? folder : existing(dirname(folder));
}
const SYNCS = 20;
function dataFolder({ dataDir, limits }: Settings): Finding[] {
  const place = existing(dataDir);
  const about = `data folder ${dataDir}`;
  try {
    const probe = mkdtempSync(join(place, '.faultline-doctor-'));
    const file = openSync(join(probe, 'probe'), 'w');
    const startedMs = performance.now();
    for (let i = 0; i < SYNCS; i++) {
      writeSync(file, Buffer.alloc(4096), 0, 4096, i * 4096);
      fdatasyncSync(file);
    }
    const syncMs = (performance.now() - startedMs) / SYNCS;
    closeSync(file);
    rmSync(probe, { recursive: true });
    const { bavail, bsize } = statfsSync(place);
    const freeBytes = bavail * bsize;
    return [
      finding('ok', about, place === dataDir ? 'can be written' : 'will be made'),
      finding(syncMs < 20 ? 'ok' : 'note', 'disk sync', `${syncMs.toFixed(2)} ms: every acknowledgement waits for one`),
      finding(
        freeBytes > limits.diskReserveBytes * 2 ? 'ok' : 'fault',
        'disk',
        `${bytesText(freeBytes)} free; below ${bytesText(limits.diskReserveBytes)} nothing is received`,
      ),
    ];
  } catch (error) {
    return [finding('fault', about, `cannot be written: ${(error as Error).message}`)];
  }
}
async function ports(settings: Settings, running: boolean): Promise<Finding[]> {
  const wanted = { api: settings.api, ingest: settings.ingest, 'otlp-grpc': settings.otlpGrpc };
  const findings: Finding[] = [];
  for (const [name, address] of Object.entries(wanted)) {
    const about = `port ${address.port} (--${name})`;
    const next = address.port === 0 ? 0 : await findFreePort(address.host, address.port - 1);
    if (next === address.port) findings.push(finding('ok', about, 'free'));
    else if (running) findings.push(finding('ok', about, 'in use, by this console or another program'));
    else
      findings.push(
        finding('fault', about, `taken by ${describePortOwner(address.port) ?? 'another program'}; ${next ?? 'none near it'} is free`),
      );
  }
  return findings;
}
function desktop(root: string): Finding {
  const electron = ['electron', 'electron.exe', 'Electron.app'].some((name) => existsSync(join(root, 'node_modules/electron/dist', name)));
  const display = process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
  if (electron && display) return finding('ok', 'desktop window', 'Electron and a display are here');
  return finding(
    'note',
    'desktop window',
    `none (${electron ? 'no display' : 'no Electron binary'}): the console is served to your browser`,
  );
}

/** `faultline doctor`: what this machine has and lacks; exit code 1 when something keeps the console from running. */
export async function doctor(flags: { readonly data?: string; readonly json?: boolean }): Promise<number> {
  const { settings, configFile } = readSettings(flags.data === undefined ? {} : { data: flags.data }, placeOfProcess());
  const root = installationRoot();
  const running = await findRunning(settings.dataDir);
  const findings = [
    node(),
    ...packages(root),
    ...build(root),
    finding('ok', 'configuration', configFile ?? 'no faultline.yaml: defaults, flags and environment'),
    ...dataFolder(settings),
    finding('ok', 'running', running ? `${running.api} (process ${running.pid})` : 'nothing on this data folder'),
    ...(await ports(settings, running !== null)),
    finding(freemem() > 5e8 ? 'ok' : 'note', 'memory', `${bytesText(freemem())} free of ${bytesText(totalmem())}`),
    desktop(root),
  ];
  const text = findings.map(({ level, about, says }) => `${level.padEnd(5)} ${about}: ${says}\n`).join('');
  process.stdout.write(flags.json ? `${JSON.stringify(findings)}\n` : text);
  return findings.some(({ level }) => level === 'fault') ? 1 : 0;
}
