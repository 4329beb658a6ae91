import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { DestinationView, Forwarding } from '#contracts/forwarding.ts';
import { contentOf } from './compare-stores.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { startMixedLoad, startTarget } from './mixed-load.ts';
import { sleep, until } from './until.ts';

/** Two consoles: what one received, by whatever way, the other ends with, once, through outages and kills of both. */
const folders: string[] = [];
const running: FaultlineProcess[] = [];
const closing: (() => void)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  for (const close of closing.splice(0)) close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'faultline-forward-')));
  return folders.at(-1) as string;
}
async function start(dataDir: string, ...args: string[]): Promise<FaultlineProcess> {
  const console = await startFaultline({ dataDir, args: ['--no-ui', ...args] });
  running.push(console);
  return console;
}
const destination = async (console: FaultlineProcess): Promise<DestinationView> =>
  ((await (await console.fetch('/console/forwarding')).json()) as Forwarding).destinations[0] as DestinationView;
async function killed(console: FaultlineProcess, name: 'collector' | 'engine' | 'forwarder'): Promise<void> {
  const pid = console.pids()[name] as number;
  process.kill(pid, 'SIGKILL');
  await until(`another ${name}`, async () => (console.pids()[name] ?? pid) !== pid);
}
/** Everything this console has is at its destination. */
async function delivered(console: FaultlineProcess): Promise<DestinationView> {
  await console.flush();
  let quiet = 0;
  return until('the queue to run empty', async () => {
    const each = await destination(console);
    quiet = each.state === 'idle' && each.queue.requests === 0 && each.queue.bytes === 0 ? quiet + 1 : 0;
    return quiet >= 15 && each;
  });
}
async function scraping(): Promise<{ config: string; close: () => void }> {
  const target = await startTarget();
  closing.push(target.close);
  const config = join(folder(), 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs:\n  - job_name: shop\n    scrape_interval: 1s\n    static_configs:\n      - targets: ['${target.address}']\n`,
  );
  return { config, close: target.close };
}

describe('a second console as the platform', () => {
  it('ends with exactly the same records, through an outage and kill -9 on both sides', async () => {
    const platformDir = folder();
    let platform = await start(platformDir);
    const { ingest } = platform;
    const { config } = await scraping();
    const sender = await start(folder(), '--forward', ingest, '--prometheus-config', config);
    const load = startMixedLoad(sender.ingest);
    await until('the first spans there', async () => Number((await platform.sql('SELECT count(*)::DOUBLE AS n FROM spans'))[0]?.['n']) > 0);
    for (const victim of ['forwarder', 'collector', 'engine'] as const) {
      await killed(sender, victim);
      await sleep(700);
      if (victim !== 'forwarder') await killed(platform, victim);
      await sleep(700);
    }
    // The platform is away for a while, and the process that sends dies meanwhile.
    await platform.stop();
    await sleep(1_500);
    await killed(sender, 'forwarder');
    const waiting = await until('a queue', async () => {
      const each = await destination(sender);
      return each.state === 'waiting' && each.queue.requests > 10 && each;
    });
    expect(waiting.error).toContain('Nothing listens at');
    platform = await start(platformDir, '--ingest', ingest.replace('http://', ''));
    await killed(platform, 'collector');
    await sleep(1_000);
    await load.stop();
    // The target goes, so that nothing new is scraped but failures; then scraping ends with its console's collector.
    process.kill(sender.pids()['collector'] as number, 'SIGSTOP');
    await until(
      'everything read',
      async () => ((await (await sender.fetch('/console/state')).json()) as { journalLagBytes: number }).journalLagBytes === 0,
    );
    const { counters } = await delivered(sender);
    const [here, there] = [await contentOf(sender), await contentOf(platform)];
    process.kill(sender.pids()['collector'] as number, 'SIGCONT');
    expect(there).toEqual(here);
    expect(here['spans']?.n).toBeGreaterThanOrEqual(100);
    expect(here['logs']?.n).toBeGreaterThanOrEqual(100);
    expect(here['histograms']?.n).toBeGreaterThan(10);
    expect(here['scraped']?.n).toBeGreaterThan(50);
    expect(here['exemplars']?.n).toBeGreaterThan(2);
    expect(load.counts.acknowledged).toBeGreaterThan(100);
    expect([counters.failed, counters.dropped, counters.rejectedItems]).toEqual([{}, {}, 0]);
  }, 180_000);
});

describe('a destination of every temper', () => {
  it('is waited for, blocked, counted, and its secrets stay in a file of mode 0600', async () => {
    const answers: { status: number; headers?: Record<string, string> }[] = [];
    const seen: { auth: string | undefined; atMs: number }[] = [];
    const server = createServer((request, response) =>
      request.resume().on('end', () => {
        seen.push({ auth: request.headers.authorization, atMs: Date.now() });
        const { status, headers } = answers.shift() ?? { status: 200 };
        response.writeHead(status, headers ?? {}).end();
      }),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closing.push(() => void server.close());
    const console = await start(folder());
    expect(console.pids()['forwarder'], 'without a destination nothing could send').toBeUndefined();
    const call = async (path: string, body?: unknown, method = 'POST'): Promise<Response> =>
      console.fetch(`/console/forwarding${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // The first eight are under way together; then one finds out whether the destination is back.
    for (let i = 0; i < 7; i++) answers.push({ status: 503 });
    answers.push({ status: 429, headers: { 'retry-after': '2' } }, { status: 400 }, { status: 401 });
    const load = startMixedLoad(console.ingest, 1);
    await until('some requests', async () => load.counts.acknowledged >= 20);
    await load.stop();
    expect((await call('/destinations', { name: 'hostile', url, headers: { Authorization: 'Bearer hunter2hunter2' } })).status).toBe(200);
    const blocked = await until('the block', async () => {
      const each = await destination(console);
      return each.state === 'blocked' && each;
    });
    expect(blocked.error).toContain('refuses the credentials');
    expect(blocked.counters.failed['http_400']?.requests).toBe(1);
    expect(blocked.counters.retries).toBe(8);
    const waited = seen.findIndex((_, i) => i > 0 && seen[i]!.atMs - seen[i - 1]!.atMs >= 1_900);
    expect(waited, 'nothing came within the two seconds of Retry-After').toBeGreaterThan(0);
    await call('/destinations/hostile/resume');
    const done = await delivered(console);
    expect(done.counters.sent.traces.requests + done.counters.sent.logs.requests + done.counters.sent.metrics.requests).toBe(
      load.counts.acknowledged - 1,
    );
    expect(new Set(seen.map(({ auth }) => auth))).toEqual(new Set(['Bearer hunter2hunter2']));
    const file = join(console.dataDir, 'forward/destinations.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const path of ['/console/forwarding', '/console/state', '/metrics'])
      expect(await (await console.fetch(path)).text()).not.toContain('hunter2');
    expect(console.log()).not.toContain('hunter2');
    const metrics = await (await console.fetch('/metrics')).text();
    expect(metrics).toMatch(/faultline_egress_bytes_total [1-9]/);
    expect(metrics).toContain('faultline_forward_lost_items_total{reason="http_400",destination="hostile"}');
    expect(
      (await call('/destinations', { name: 'hostile', url: 'http://elsewhere:1' })).status,
      'another host does not get the headers',
    ).toBe(400);
    expect((await call('/destinations', { name: 'Bad Name', url })).status).toBe(400);
    expect((await call('/destinations/hostile', undefined, 'DELETE')).status).toBe(200);
    await until('the process that sends to end', async () => console.pids()['forwarder'] === undefined);
  }, 120_000);
});
