import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { openJournalReader } from '#collectors/pipeline/journal-reader.ts';
import { RecordKind } from '#contracts/journal.ts';
import type { CollectorStatus, FromChild, ToChild } from '#contracts/processes.ts';
import { limitsSchema, type Settings } from '#contracts/settings.ts';
import { journalFolder } from './start-collector.ts';

let dataDir: string;
let children: ChildProcess[];
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'faultline-collector-'));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});
const anyPort = { host: '127.0.0.1', port: 0 };
const settings = (more: Partial<Settings> = {}): Settings => ({
  dataDir,
  api: anyPort,
  ingest: anyPort,
  otlpGrpc: anyPort,
  otlpGrpcServer: 'http2',
  prometheusConfig: null,
  retentionSeconds: 0,
  maxSizeBytes: 1e9,
  forward: [],
  durability: 'sync',
  demo: null,
  token: 'a token of sixteen',
  ui: false,
  limits: limitsSchema.parse({ diskReserveBytes: 0 }),
  ...more,
});
type Of<T extends FromChild['type']> = Extract<FromChild, { type: T }>;
interface Collector {
  readonly child: ChildProcess;
  send(message: ToChild): void;
  next<T extends FromChild['type']>(type: T, fits?: (message: Of<T>) => boolean): Promise<Of<T>>;
  readonly exited: Promise<readonly [number | null, string | null]>;
}
function spawn(): Collector {
  const child = fork(path.join(import.meta.dirname, 'main.ts'), [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  children.push(child);
  const seen: FromChild[] = [];
  const waiting: (() => void)[] = [];
  child.on('message', (message) => {
    seen.push(message as FromChild);
    for (const wake of waiting.splice(0)) wake();
  });
  const exited = new Promise<readonly [number | null, string | null]>((resolve) =>
    child.once('exit', (code, signal) => resolve([code, signal])),
  );
  return {
    child,
    exited,
    send: (message) => void child.send(message),
    next: async (type, fits = () => true) => {
      for (;;) {
        const at = seen.findIndex((message) => message.type === type && fits(message as never));
        if (at >= 0) return seen.splice(0, at + 1).at(-1) as never;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
  };
}
async function started(more: Partial<Settings> = {}): Promise<Collector & { ingest: string }> {
  const collector = spawn();
  collector.send({ type: 'start', settings: settings(more) });
  const { addresses } = await collector.next('ready');
  return { ...collector, ingest: addresses['ingest'] as string };
}
const spans = JSON.stringify({
  resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '5b8efff798038103d269b633813fc60c', spanId: 'eee19b7ec3c1b174', name: 'a' }] }] }],
});
const body = transcodeJson('traces', Buffer.from(spans), { maxDepth: 32 }) as Uint8Array<ArrayBuffer>;
const post = (ingest: string): Promise<Response> =>
  fetch(`${ingest}/v1/traces`, { method: 'POST', headers: { 'content-type': 'application/x-protobuf' }, body });
async function countRecords(kind?: number): Promise<number> {
  const reader = await openJournalReader(journalFolder(dataDir), 0);
  let count = 0;
  for (let some = await reader.read(1 << 20); some.length > 0; some = await reader.read(1 << 20))
    count += some.filter((record) => kind === undefined || record.kind === kind).length;
  await reader.close();
  return count;
}
const accepted = ({ sources }: CollectorStatus): number => sources.find((s) => s.source === 'otlp-http')?.accepted.traces.items ?? 0;

describe('the collector process', () => {
  it('says ready with its addresses, tells of new records and its state, drains and stops', async () => {
    const collector = await started();
    expect((await post(collector.ingest)).status).toBe(200);
    const { committed } = await collector.next('advanced');
    const { status } = await collector.next('collector-status', (message) => accepted(message.status) === 1);
    expect(status).toMatchObject({ pid: collector.child.pid, accepting: true, refusing: '', journal: { committed, released: 0 } });
    expect(status.sources.map((s) => [s.source, s.state])).toEqual([
      ['otlp-http', 'receiving'],
      ['otlp-grpc', 'listening'],
      ['remote-write', 'listening'],
      ['zipkin', 'listening'],
      ['loki', 'listening'],
      ['journald', 'listening'],
    ]);
    collector.send({ type: 'released', position: committed });
    await collector.next('collector-status', (message) => message.status.journal.released === committed);
    collector.send({ type: 'stop', deadlineMs: 5_000 });
    await collector.next('stopped');
    expect(await collector.exited).toEqual([0, null]);
  });

  it('keeps what it acknowledged over kill -9 and goes on on the same data', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const collector = await started();
      for (let i = 0; i < 20; i++) acknowledged += (await post(collector.ingest)).status === 200 ? 1 : 0;
      const inFlight = Promise.allSettled([post(collector.ingest), post(collector.ingest)]);
      collector.child.kill('SIGKILL');
      await collector.exited;
      acknowledged += (await inFlight).filter((r) => r.status === 'fulfilled' && r.value.status === 200).length;
    }
    expect(acknowledged).toBeGreaterThanOrEqual(60);
    expect(await countRecords()).toBeGreaterThanOrEqual(acknowledged);
  });

  it('answers what is under way when it is told to stop', async () => {
    const collector = await started();
    const answers = Array.from({ length: 30 }, () =>
      post(collector.ingest).then(
        (r) => r.status,
        () => 0,
      ),
    );
    await Promise.race(answers);
    collector.send({ type: 'stop', deadlineMs: 5_000 });
    expect(await collector.exited).toEqual([0, null]);
    const statuses = await Promise.all(answers);
    expect(await countRecords()).toBe(statuses.filter((status) => status === 200).length);
  });

  it('stops when its supervisor is gone', async () => {
    const collector = await started();
    collector.child.disconnect();
    expect(await collector.exited).toEqual([0, null]);
  });

  it('names who has a taken port and offers another', async () => {
    const first = await started();
    const { hostname, port } = new URL(first.ingest);
    const second = spawn();
    second.send({
      type: 'start',
      settings: settings({ dataDir: path.join(dataDir, 'other'), ingest: { host: hostname, port: Number(port) } }),
    });
    const { code, message } = await second.next('fatal');
    expect(code).toBe('port_taken');
    expect(message).toContain(`Port ${port}`);
    if (process.platform === 'linux') expect(message).toContain(`process ${first.child.pid}`);
    expect(message).toMatch(/Free: --ingest 127\.0\.0\.1:\d+\./);
    expect(await second.exited).toEqual([1, null]);
  });

  it('refuses a data folder in use, and one that is none', async () => {
    await started();
    const second = spawn();
    second.send({ type: 'start', settings: settings() });
    expect((await second.next('fatal')).code).toBe('data_dir_locked');
    writeFileSync(path.join(dataDir, 'file'), '');
    const third = spawn();
    third.send({ type: 'start', settings: settings({ dataDir: path.join(dataDir, 'file') }) });
    expect((await third.next('fatal')).code).toBe('data_dir_not_writable');
  });
});

describe('scraping', () => {
  let target: Server;
  afterEach(() => target?.close());
  it('goes through the same journal', async () => {
    target = createServer((_, response) => response.setHeader('content-type', 'text/plain; version=0.0.4').end('jobs_total 1\n'));
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', () => resolve()));
    const config = path.join(dataDir, 'prometheus.yml');
    const { port } = target.address() as AddressInfo;
    writeFileSync(
      config,
      `scrape_configs:\n  - job_name: shop\n    scrape_interval: 1s\n    static_configs:\n      - targets: ['127.0.0.1:${port}']\n`,
    );
    const collector = await started({ prometheusConfig: config });
    await collector.next('collector-status', ({ status }) =>
      status.sources.some((s) => s.source.startsWith('scrape:shop:') && s.state === 'receiving'),
    );
    expect(await countRecords(RecordKind.scrape)).toBeGreaterThan(0);
    expect((await post(collector.ingest)).status).toBe(200);
  });
  it('names a configuration that does not parse', async () => {
    const config = path.join(dataDir, 'prometheus.yml');
    writeFileSync(config, 'scrape_configs: {');
    const collector = spawn();
    collector.send({ type: 'start', settings: settings({ prometheusConfig: config }) });
    expect((await collector.next('fatal')).code).toBe('config_invalid');
  });
});
