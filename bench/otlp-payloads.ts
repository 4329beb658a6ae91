import { gzipSync } from 'node:zlib';
import type { Payload } from './load.ts';
import { logPayloads, metricPayloads, tracePayloads } from './payloads.ts';

export type Signal = 'traces' | 'logs' | 'metrics';
const MAKE = { traces: tracePayloads, logs: logPayloads, metrics: metricPayloads } as const;

const HOUR_NS = 3_600_000_000_000n;
/** Where a body's times are: eight bytes that read as a time within hours of its start (one random id in 10^6 may, and does no harm). */
function timesIn(body: Buffer, startNs: bigint): Uint32Array {
  const found: { at: number; time: bigint }[] = [];
  const high = Number(startNs >> 48n);
  for (let at = 0; at + 8 <= body.length; at++) {
    if (body.readUInt16LE(at + 6) !== high) continue;
    const time = body.readBigUInt64LE(at);
    if (time >= startNs - HOUR_NS && time < startNs + HOUR_NS) {
      found.push({ at, time });
      at += 7;
    }
  }
  return Uint32Array.from(found.sort((a, b) => (a.time < b.time ? -1 : 1)).map(({ at }) => at));
}

/** Request bodies of `perRequest` items each, `items` in all, made once before the clock starts. */
export function otlpPayloads(signal: Signal, options: { items: number; perRequest: number; startMs: number; gzip?: boolean }): Payload[] {
  const { items, perRequest, startMs, gzip = false } = options;
  const startNs = BigInt(startMs) * 1_000_000n;
  return MAKE[signal]({
    seed: 7,
    bodies: Math.ceil(items / perRequest),
    items: perRequest,
    startUnixNano: startNs,
  }).map((bytes) => {
    const body = Buffer.from(bytes);
    return gzip ? { body: gzipSync(body, { level: 1 }), items: perRequest } : { body, items: perRequest, times: timesIn(body, startNs) };
  });
}
