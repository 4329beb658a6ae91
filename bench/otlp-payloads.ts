import { gzipSync } from 'node:zlib';
import type { Payload } from './load.ts';
import { logPayloads, metricPayloads, tracePayloads } from './payloads.ts';

export type Signal = 'traces' | 'logs' | 'metrics';
const MAKE = { traces: tracePayloads, logs: logPayloads, metrics: metricPayloads } as const;

/** Request bodies of `perRequest` items each, `items` in all, made once before the clock starts. */
export function otlpPayloads(signal: Signal, options: { items: number; perRequest: number; startMs: number; gzip?: boolean }): Payload[] {
  const { items, perRequest, startMs, gzip = false } = options;
  return MAKE[signal]({
    seed: 7,
    bodies: Math.ceil(items / perRequest),
    items: perRequest,
    startUnixNano: BigInt(startMs) * 1_000_000n,
  }).map((bytes) => ({
    body: gzip ? gzipSync(bytes, { level: 1 }) : Buffer.from(bytes),
    items: perRequest,
  }));
}
