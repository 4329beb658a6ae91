import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSecondsOf, type FaultlineProcess, ownCpuSecondsOf, rssBytesOf, startFaultline } from '../tests/app/faultline-process.ts';
import { closedLoop, grpcSender, httpSender, type Payload, type Send } from './load.ts';
import { otlpPayloads, type Signal } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';
import { WRITE_HEADERS, writePayloads } from './write-payloads.ts';

const round = (value: number, digits = 1): number => Number(value.toFixed(digits));
const storeBytes = (folder: string): number =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.duckdb') || name.endsWith('.duckdb.wal'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);

interface Case {
  readonly signal: Signal;
  readonly protocol: 'http' | 'grpc' | 'grpc-js' | 'remote write' | 'http gzip' | 'grpc gzip' | 'grpc-js gzip';
  readonly items: number;
  readonly perRequest: number;
}
const CASES: readonly Case[] = [
  { signal: 'traces', protocol: 'http', items: 2_000_000, perRequest: 500 },
  { signal: 'traces', protocol: 'grpc', items: 2_000_000, perRequest: 500 },
  { signal: 'traces', protocol: 'grpc-js', items: 2_000_000, perRequest: 500 },
  { signal: 'traces', protocol: 'http gzip', items: 1_500_000, perRequest: 500 },
  { signal: 'traces', protocol: 'grpc gzip', items: 1_500_000, perRequest: 500 },
  { signal: 'traces', protocol: 'grpc-js gzip', items: 1_500_000, perRequest: 500 },
  { signal: 'logs', protocol: 'http', items: 3_000_000, perRequest: 500 },
  { signal: 'logs', protocol: 'grpc', items: 3_000_000, perRequest: 500 },
  { signal: 'logs', protocol: 'grpc-js', items: 3_000_000, perRequest: 500 },
  { signal: 'metrics', protocol: 'http', items: 6_000_000, perRequest: 1000 },
  { signal: 'metrics', protocol: 'remote write', items: 6_000_000, perRequest: 1000 },
  { signal: 'metrics', protocol: 'grpc', items: 6_000_000, perRequest: 1000 },
  { signal: 'metrics', protocol: 'grpc-js', items: 6_000_000, perRequest: 1000 },
];
const nameOf = ({ signal, protocol }: Case): string => `${signal}/${protocol.replace(' ', '-')}`;

/** user + system CPU of the two processes a record passes through. */
function cpuByProcess(faultline: FaultlineProcess): { collector: number; engine: number } {
  const pids = faultline.pids();
  return { collector: ownCpuSecondsOf(pids['collector'] as number), engine: ownCpuSecondsOf(pids['engine'] as number) };
}

async function measure(one: Case, items: number): Promise<Row> {
  const grpcJs = one.protocol.startsWith('grpc-js') ? ['--otlp-grpc-server', 'grpc-js'] : [];
  const faultline = await startFaultline({ args: ['--no-ui', '--retention', 'off', ...grpcJs] });
  try {
    const isWrite = one.protocol === 'remote write';
    const payloads: readonly Payload[] = isWrite
      ? writePayloads({ series: 10_000, perRequest: one.perRequest, steps: 20, startMs: Date.now() - 600_000, stepMs: 15_000 })
      : otlpPayloads(one.signal, {
          items: 64_000,
          perRequest: one.perRequest,
          // A gRPC client compresses by itself.
          gzip: one.protocol === 'http gzip',
          startMs: Date.now(),
        });
    const headers: Readonly<Record<string, string>> = isWrite
      ? WRITE_HEADERS
      : { 'content-type': 'application/x-protobuf', ...(one.protocol === 'http gzip' ? { 'content-encoding': 'gzip' } : {}) };
    const send: Send = one.protocol.startsWith('grpc')
      ? grpcSender(faultline.otlpGrpc, one.signal, { gzip: one.protocol.endsWith('gzip') })
      : httpSender(`${faultline.ingest}${isWrite ? '/api/v1/write' : `/v1/${one.signal}`}`, headers, 4);
    await closedLoop(send, payloads, 4, 50_000);
    await faultline.flush();
    const cpuBefore = cpuSecondsOf(faultline.pid);
    const partsBefore = cpuByProcess(faultline);
    const bytesBefore = storeBytes(faultline.dataDir);
    const wallBefore = performance.now();
    const load = await closedLoop(send, payloads, 4, items);
    const drained = await faultline.fetch('/console/admin/flush?durable=1', { method: 'POST' });
    if (!drained.ok) throw new Error(`flush answered ${drained.status}`);
    const wall = (performance.now() - wallBefore) / 1000;
    const cpu = cpuSecondsOf(faultline.pid) - cpuBefore;
    const parts = cpuByProcess(faultline);
    return {
      signal: one.signal,
      protocol: one.protocol,
      items: load.items,
      failed: load.failed,
      'k items/CPU-s': round(load.items / cpu / 1000),
      'collector us/item': round(((parts.collector - partsBefore.collector) * 1e6) / load.items, 2),
      'engine us/item': round(((parts.engine - partsBefore.engine) * 1e6) / load.items, 2),
      'k items/s wall, acked': round(load.items / load.seconds / 1000),
      'k items/s wall, stored': round(load.items / wall / 1000),
      'ack p50 ms': round(load.p50Ms),
      'ack p99 ms': round(load.p99Ms),
      'bytes/item': round((storeBytes(faultline.dataDir) - bytesBefore) / load.items),
      'RSS MB': Math.round(rssBytesOf(faultline.pid) / 1e6),
    };
  } finally {
    await faultline.stop();
  }
}

/** Closed loop, 4 connections, fdatasync before the answer, until everything is in the day files. */
export const ingest: Scenario = {
  name: 'ingest',
  about: 'closed loop, 4 connections, durability sync, CPU of all our processes until all rows are in the day files',
  run: async ({ quick, only, turns }) => {
    const rows: Row[] = [];
    const cases = only.length === 0 ? CASES : CASES.filter((one) => only.includes(nameOf(one)));
    if (cases.length === 0) throw new Error(`--only takes some of ${CASES.map(nameOf).join(', ')}`);
    for (let turn = 0; turn < turns; turn++)
      for (const one of cases) {
        const row = await measure(one, quick ? one.items / 2 : one.items);
        if (turns > 1) process.stdout.write(`${JSON.stringify(row)}\n`);
        rows.push(row);
      }
    return rows;
  },
};
