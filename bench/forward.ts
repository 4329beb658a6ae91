import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Forwarding } from '#contracts/forwarding.ts';
import { cpuSecondsOf, type FaultlineProcess, startFaultline } from '../tests/app/faultline-process.ts';
import { closedLoop, httpSender, openLoop, type Payload } from './load.ts';
import { otlpPayloads } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';

/** A platform that takes everything: what it costs to send is measured, not what it costs to receive. */
async function sink(): Promise<{ readonly url: string; readonly bytes: () => number; readonly server: Server }> {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes: () => bytes, server };
}
const queueOf = async (console: FaultlineProcess): Promise<Forwarding['destinations'][number]> =>
  ((await (await console.fetch('/console/forwarding')).json()) as Forwarding).destinations[0] as Forwarding['destinations'][number];
const sentRequests = ({ counters }: Awaited<ReturnType<typeof queueOf>>): number =>
  counters.sent.traces.requests + counters.sent.logs.requests + counters.sent.metrics.requests;
const act = (console: FaultlineProcess, what: 'pause' | 'resume', name: string): Promise<Response> =>
  console.fetch(`/console/forwarding/destinations/${name}/${what}`, { method: 'POST' });

/** A queue filled while the destination is paused, then worked off: the sending process's CPU and the wall's time. */
async function workOff(label: string, signal: 'traces' | 'logs' | 'metrics', items: number, packed: boolean): Promise<Row> {
  const platform = await sink();
  const console = await startFaultline({ args: ['--no-ui', '--forward', platform.url] });
  try {
    const { name } = await queueOf(console);
    await act(console, 'pause', name);
    await new Promise((done) => setTimeout(done, 1_500));
    const plain = otlpPayloads(signal, { items: 50_000, perRequest: 500, startMs: Date.now() });
    const payloads: readonly Payload[] = packed
      ? plain.map(({ body, items: n }) => ({ body: gzipSync(body, { level: 1 }), items: n }))
      : plain;
    const headers = { 'content-type': 'application/x-protobuf', ...(packed ? { 'content-encoding': 'gzip' } : {}) };
    const sent = await closedLoop(httpSender(`${console.ingest}/v1/${signal}`, headers, 8), payloads, 8, items);
    await console.flush();
    const pid = console.pids()['forwarder'] as number;
    const before = cpuSecondsOf(pid);
    const startedMs = performance.now();
    await act(console, 'resume', name);
    while (sentRequests(await queueOf(console)) < sent.requests) await new Promise((done) => setTimeout(done, 50));
    const wall = (performance.now() - startedMs) / 1000;
    const cpu = cpuSecondsOf(pid) - before;
    return {
      what: label,
      items: sent.items,
      requests: sent.requests,
      'items / CPU-s of the sender': Math.round(sent.items / cpu),
      'queue worked off, items/s': Math.round(sent.items / wall),
      'bytes sent': platform.bytes(),
    };
  } finally {
    await console.stop();
    platform.server.closeAllConnections();
    platform.server.close();
  }
}
/** The same open load with and without a destination, alternating. */
async function acknowledgement(forwarding: boolean, seconds: number): Promise<Row> {
  const platform = await sink();
  const console = await startFaultline({ args: ['--no-ui', ...(forwarding ? ['--forward', platform.url] : [])] });
  try {
    const payloads = otlpPayloads('traces', { items: 50_000, perRequest: 500, startMs: Date.now() });
    const send = httpSender(`${console.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 16);
    await openLoop(send, payloads, 20_000, 2);
    const { p50Ms, p99Ms, items, failed } = await openLoop(send, payloads, 20_000, seconds);
    return {
      what: `acknowledgement at 20 k spans/s, ${forwarding ? 'forwarding' : 'not forwarding'}`,
      items,
      refused: failed,
      'p50 ms': Number(p50Ms.toFixed(2)),
      'p99 ms': Number(p99Ms.toFixed(1)),
    };
  } finally {
    await console.stop();
    platform.server.closeAllConnections();
    platform.server.close();
  }
}

export const forward: Scenario = {
  name: 'forward',
  about:
    'a queue filled while the destination is paused, then sent to a server that takes everything: items per CPU-second of the sending process and per second; acknowledgement with and without forwarding',
  run: async ({ quick }) => {
    const items = quick ? 100_000 : 400_000;
    const rows: Row[] = [
      await workOff('traces, received plain, sent gzip', 'traces', items, false),
      await workOff('traces, received and sent gzip', 'traces', items, true),
      await workOff('logs, received plain, sent gzip', 'logs', items, false),
      await workOff('metrics, received plain, sent gzip', 'metrics', items, false),
    ];
    for (let round = 0; round < (quick ? 1 : 2); round++)
      for (const forwarding of [false, true]) rows.push(await acknowledgement(forwarding, quick ? 5 : 10));
    return rows;
  },
};
