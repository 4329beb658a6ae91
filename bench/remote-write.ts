import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '#main/collector/port-owner.ts';
import { cpuSecondsOf, rssBytesOf, startFaultline } from '../tests/app/faultline-process.ts';
import { closedLoop, httpSender, type Payload } from './load.ts';
import type { Row, Scenario } from './run.ts';
import { WRITE_HEADERS, writePayloads } from './write-payloads.ts';

const SERIES = 10_000;
const PER_REQUEST = 1_000;
const CONNECTIONS = 2;
/** VictoriaMetrics writes its newest rows every five seconds. */
const PEER_REST_MS = 12_000;
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).reduce(
    (sum, entry) =>
      sum + (entry.isFile() ? (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.blocks ?? 0) : 0) * 512,
    0,
  );

/** Somebody who receives remote write. */
export interface Receiver {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Asks its Prometheus API: /api/v1/... */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Everything acknowledged is in files, as far as it can be asked for that. */
  settle(): Promise<void>;
  /** Waits until what is only in memory by design has been written: no part of the rate. */
  rest(): Promise<void>;
  bytes(): number;
  /** Makes of what is stored the form it is kept in for long, and says how many bytes that takes. */
  compact(): Promise<number>;
  stop(): Promise<void>;
}
export async function faultline(): Promise<Receiver> {
  const own = await startFaultline({ args: ['--no-ui', '--retention', 'off'] });
  return {
    name: 'Faultline',
    url: `${own.ingest}/api/v1/write`,
    pid: own.pid,
    ask: (path, init) => own.fetch(path, init),
    settle: async () => {
      const answer = await own.fetch('/console/admin/flush?durable=1', { method: 'POST' });
      if (!answer.ok) throw new Error(`flush answered ${answer.status}`);
    },
    rest: () => Promise.resolve(),
    bytes: () =>
      readdirSync(own.dataDir)
        .filter((name) => /\.duckdb(?:\.wal)?$/.test(name))
        .reduce((sum, name) => sum + statSync(join(own.dataDir, name)).size, 0),
    compact: async () => {
      const answer = await own.fetch('/console/admin/flush?compact=1', { method: 'POST' });
      if (!answer.ok) throw new Error(`compaction answered ${answer.status}`);
      // The day's file keeps the room its rows had, for rows to come: what is in use counts, and the catalog with the series.
      const catalog = readdirSync(own.dataDir).filter((name) => name.startsWith('catalog.duckdb'));
      const inUse = Number(/^faultline_compaction_last_bytes_after (\S+)$/m.exec(await (await own.fetch('/metrics')).text())?.[1]);
      return inUse + catalog.reduce((sum, name) => sum + statSync(join(own.dataDir, name)).size, 0);
    },
    stop: async () => void (await own.stop()),
  };
}
async function peer(
  name: string,
  binary: string,
  args: (folder: string, address: string) => string[],
  flush: string,
  compact: string,
): Promise<Receiver> {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-peer-'));
  const port = (await findFreePort('127.0.0.1', 23_000 + (process.pid % 5_000))) as number;
  const address = `127.0.0.1:${port}`;
  const child: ChildProcess = spawn(binary, args(folder, address), { stdio: 'ignore', cwd: folder });
  const exited = new Promise((done) => child.once('exit', done));
  for (let i = 0; ; i++) {
    const ready = await fetch(`http://${address}/metrics`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    if (i > 200) throw new Error(`${name} is not ready`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return {
    name,
    url: `http://${address}/api/v1/write`,
    pid: child.pid as number,
    ask: (path, init) => fetch(`http://${address}${path}`, init),
    settle: async () => {
      if (flush !== '') await fetch(`http://${address}${flush}`);
    },
    rest: () => new Promise((done) => setTimeout(done, PEER_REST_MS)),
    bytes: () => bytesIn(folder),
    compact: async () => {
      const answer = await fetch(`http://${address}${compact}`, { method: 'POST' });
      const snapshot = ((await answer.json().catch(() => ({}))) as { data?: { name?: string } }).data?.name;
      await new Promise((done) => setTimeout(done, PEER_REST_MS));
      return bytesIn(snapshot ? join(folder, 'data', 'snapshots', snapshot) : folder);
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
export const VICTORIA = process.env['FAULTLINE_BENCH_VICTORIA'] ?? '/usr/bin/victoria-metrics';
export const PROMETHEUS = process.env['FAULTLINE_BENCH_PROMETHEUS'] ?? '/usr/bin/prometheus';
export const victoria = () =>
  peer(
    'VictoriaMetrics',
    VICTORIA,
    (folder, address) => [`-storageDataPath=${folder}/data`, `-httpListenAddr=${address}`, '-retentionPeriod=10y'],
    '/internal/force_flush',
    '/internal/force_merge',
  );
export const prometheus = () =>
  peer(
    'Prometheus',
    PROMETHEUS,
    (folder, address) => [
      '--config.file=/dev/null',
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-admin-api',
    ],
    '',
    // Its blocks, without the log and what is in memory.
    '/api/v1/admin/tsdb/snapshot',
  );

async function measure(start: () => Promise<Receiver>, payloads: readonly Payload[]): Promise<Row> {
  const receiver = await start();
  try {
    const send = httpSender(receiver.url, WRITE_HEADERS, CONNECTIONS);
    // The first step makes the series known: that is no part of the rate.
    const first = payloads.slice(0, SERIES / PER_REQUEST);
    const rest = payloads.slice(first.length);
    await closedLoop(send, first, 1, SERIES);
    await receiver.settle();
    await receiver.rest();
    const cpuBefore = cpuSecondsOf(receiver.pid);
    const bytesBefore = receiver.bytes();
    const load = await closedLoop(send, rest, CONNECTIONS, rest.length * PER_REQUEST);
    const ackedCpu = cpuSecondsOf(receiver.pid) - cpuBefore;
    await receiver.settle();
    const cpu = cpuSecondsOf(receiver.pid) - cpuBefore;
    await receiver.rest();
    return {
      receiver: receiver.name,
      samples: load.items,
      failed: load.failed,
      'k samples/CPU-s': round(load.items / cpu / 1000),
      'k samples/CPU-s until the last answer': round(load.items / ackedCpu / 1000),
      'k samples/s wall, acked': round(load.items / load.seconds / 1000),
      'ack p50 ms': round(load.p50Ms),
      'ack p99 ms': round(load.p99Ms),
      'bytes/sample': round((receiver.bytes() - bytesBefore) / load.items, 2),
      'RSS MB': Math.round(rssBytesOf(receiver.pid) / 1e6),
    };
  } finally {
    await receiver.stop();
  }
}

/** The same remote write 1.0 payload, one receiver after the other, in turns. */
export const remoteWrite: Scenario = {
  name: 'remote-write',
  about: `remote write 1.0, ${SERIES} series, ${PER_REQUEST} series a request, ${CONNECTIONS} connections, peers in turns where their binaries are`,
  run: async ({ quick, turns }) => {
    const payloads = writePayloads({
      series: SERIES,
      perRequest: PER_REQUEST,
      steps: quick ? 101 : 301,
      startMs: Date.now() - 7_200_000,
      stepMs: 15_000,
    });
    const receivers = [faultline, ...(existsSync(VICTORIA) ? [victoria] : []), ...(existsSync(PROMETHEUS) ? [prometheus] : [])];
    const rows: Row[] = [];
    for (let turn = 0; turn < turns; turn++)
      for (const start of receivers) {
        const row = await measure(start, payloads);
        process.stdout.write(`${JSON.stringify(row)}\n`);
        rows.push(row);
      }
    return rows;
  },
};
