import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { startDemo } from '#demo/start-demo.ts';

/** A receiver that counts what it acknowledges and refuses as it is told to. */
interface Receiver {
  readonly url: string;
  readonly seen: { path: string; type: string; bytes: number; status: number }[];
  close(): Promise<void>;
}
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
async function receiver(statusFor: (count: number) => number): Promise<Receiver> {
  const seen: Receiver['seen'] = [];
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    const status = statusFor(seen.length);
    seen.push({ path: request.url ?? '', type: request.headers['content-type'] ?? '', bytes: body.length, status });
    response.writeHead(status, status === 200 ? {} : { 'retry-after': '1' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  closers.push(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, close };
}
const same = (bytes: Buffer): Buffer => bytes;
async function grpcReceiver(): Promise<{ address: string; bodies: { path: string; bytes: number }[] }> {
  const bodies: { path: string; bytes: number }[] = [];
  const server = new Server();
  for (const [name, service] of [
    ['trace', 'TraceService'],
    ['logs', 'LogsService'],
    ['metrics', 'MetricsService'],
  ]) {
    const path = `/opentelemetry.proto.collector.${name}.v1.${service}/Export`;
    const definition: ServiceDefinition = {
      Export: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    };
    server.addService(definition, {
      Export: (call: { request: Buffer }, answer: (error: null, reply: Buffer) => void) => {
        bodies.push({ path, bytes: call.request.length });
        answer(null, Buffer.alloc(0));
      },
    });
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  closers.push(async () => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, bodies };
}
const start = async (options: Partial<Parameters<typeof startDemo>[0]> & { ingestUrl: string }) => {
  const demo = await startDemo({ scenario: 'bad_deploy', seed: 3, historyMs: 60_000, requestsPerSecond: 4, log: () => {}, ...options });
  closers.push(() => demo.stop());
  return demo;
};

describe('startDemo', () => {
  it('sends history over HTTP protobuf, HTTP JSON and gRPC, then goes on, the trouble still ahead', async () => {
    const http = await receiver(() => 200);
    const grpc = await grpcReceiver();
    const demo = await start({ ingestUrl: http.url, otlpGrpcAddress: grpc.address });
    await demo.backfilled;
    expect(new Set(http.seen.map((request) => request.path))).toEqual(new Set(['/v1/traces', '/v1/logs', '/v1/metrics']));
    expect(new Set(http.seen.map((request) => request.type))).toEqual(new Set(['application/x-protobuf', 'application/json']));
    expect(grpc.bodies.some((body) => body.path.includes('TraceService'))).toBe(true);
    const aheadMs = demo.truth().onsetMs - Date.now();
    expect(aheadMs).toBeGreaterThan(5_000);
    expect(aheadMs).toBeLessThanOrEqual(13_000);
    const sent = http.seen.length;
    await expect.poll(() => http.seen.length, { timeout: 20_000 }).toBeGreaterThan(sent);
  });
  it('waits as Retry-After says and sends the same body again', async () => {
    const http = await receiver((count) => (count < 3 ? (count % 2 ? 429 : 503) : 200));
    const demo = await start({ ingestUrl: http.url });
    await demo.backfilled;
    expect(demo.counts.retries).toBe(3);
    const refused = http.seen.filter((request) => request.status !== 200);
    for (const request of refused)
      expect(http.seen.some((other) => other.status === 200 && other.path === request.path && other.bytes === request.bytes)).toBe(true);
  });
  it('counts a body that is refused for good and goes on', async () => {
    const http = await receiver((count) => (count === 0 ? 400 : 200));
    const lines: string[] = [];
    const demo = await start({ ingestUrl: http.url, log: (line) => lines.push(line) });
    await demo.backfilled;
    expect(demo.counts.refused).toBe(1);
    expect(lines.join('\n')).toContain('refused over http');
  });
  it('serves /metrics of four hosts that its prometheus.yml leads to; stop closes and removes them', async () => {
    const http = await receiver(() => 200);
    const demo = await start({ ingestUrl: http.url });
    // Before, shop time runs ahead of the clock: nobody may scrape it.
    await demo.backfilled;
    const config = await readFile(demo.prometheusConfigFile, 'utf8');
    const targetsFile = JSON.parse(/files: \[(.*)\]/.exec(config)![1]!) as string;
    const groups = JSON.parse(await readFile(targetsFile, 'utf8')) as { targets: string[]; labels: { node: string } }[];
    expect(groups.map((group) => group.labels.node)).toEqual(['shop-node-1', 'shop-node-2', 'shop-node-3', 'shop-node-4']);
    const url = `http://${groups[0]!.targets[0]}/metrics`;
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toContain('version=0.0.4');
    const text = await response.text();
    for (const type of ['counter', 'gauge', 'histogram']) expect(text).toMatch(new RegExp(`^# TYPE \\w+ ${type}$`, 'm'));
    expect((await fetch(`http://${groups[0]!.targets[0]}/`)).status).toBe(404);
    await demo.stop();
    await expect(fetch(url)).rejects.toThrow();
    await expect(stat(demo.prometheusConfigFile)).rejects.toThrow();
  });
  it('stops at once while the receiver is away', async () => {
    const http = await receiver(() => 200);
    await http.close();
    closers.length = 0;
    const demo = await start({ ingestUrl: http.url });
    await expect.poll(() => demo.counts.retries, { timeout: 10_000 }).toBeGreaterThan(0);
    await demo.stop();
    expect(demo.counts.acknowledged).toBe(0);
  });
});

describe('demo/main.ts', () => {
  const run = (args: readonly string[]) => spawn(process.execPath, ['demo/main.ts', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  it('refuses an unknown scenario with exit code 2 and the names it knows', async () => {
    const child = run(['--scenario', 'earthquake']);
    let talk = '';
    child.stderr.on('data', (part) => {
      talk += String(part);
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(2);
    expect(talk).toContain('slow_dependency');
  });
  it('runs as a child process, says when the history is in, and ends on SIGTERM', async () => {
    const http = await receiver(() => 200);
    const child = run(['--ingest', http.url, '--scenario', 'none', '--history-minutes', '1', '--rate', '2']);
    let said = '';
    child.stdout.on('data', (part) => {
      said += String(part);
    });
    await expect.poll(() => said, { timeout: 30_000 }).toContain('"backfilled":true');
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  });
});
