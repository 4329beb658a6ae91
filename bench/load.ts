import { Agent, request } from 'node:http';
import { Client, compressionAlgorithms, credentials, type ServiceError } from '@grpc/grpc-js';

/** One prepared request body. */
export interface Payload {
  readonly body: Buffer;
  readonly items: number;
  /** Where times lie in the body (fixed64, nanoseconds), the earliest first: they are moved to the moment of sending. */
  readonly times?: Uint32Array;
}
export type Send = (payload: Payload) => Promise<void>;
export interface LoadResult {
  readonly items: number;
  readonly requests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends over kept-alive HTTP/1.1 connections; rejects on any status but 200 and 204. */
export function httpSender(url: string, headers: Readonly<Record<string, string>>, connections: number): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  return ({ body }) =>
    new Promise((done, fail) => {
      const outgoing = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }, (response) => {
        response.resume();
        response.on('end', () =>
          response.statusCode === 200 || response.statusCode === 204 ? done() : fail(new Error(`HTTP ${response.statusCode}`)),
        );
      });
      outgoing.on('error', fail);
      outgoing.end(body);
    });
}

const SERVICES = { traces: 'trace.v1.TraceService', logs: 'logs.v1.LogsService', metrics: 'metrics.v1.MetricsService' } as const;
export function grpcSender(address: string, signal: keyof typeof SERVICES, { gzip = false } = {}): Send {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.max_send_message_length': -1,
    ...(gzip ? { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip } : {}),
  });
  const path = `/opentelemetry.proto.collector.${SERVICES[signal]}/Export`;
  return ({ body }) =>
    new Promise((done, fail) => {
      const asIs = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest(path, asIs, asIs, body, (error: ServiceError | null) => (error ? fail(error) : done()));
    });
}

/** A sender's times go on: sent again as they were, all rows of a long load would lie in its first second. */
export function moveToNow({ body, times }: Payload): void {
  if (!times || times.length === 0) return;
  const delta = BigInt(Date.now()) * 1_000_000n - body.readBigUInt64LE(times[0] as number);
  // In halves: BigInt arithmetic would cost the generator more than the request.
  const low = Number(BigInt.asUintN(32, delta));
  const high = Number(BigInt.asIntN(32, delta >> 32n));
  for (const at of times) {
    const sum = body.readUInt32LE(at) + low;
    body.writeUInt32LE(sum >>> 0, at);
    body.writeUInt32LE((body.readUInt32LE(at + 4) + high + (sum > 0xffffffff ? 1 : 0)) >>> 0, at + 4);
  }
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
function summarize(latencies: number[], items: number, failed: number, startedMs: number): LoadResult {
  latencies.sort((a, b) => a - b);
  return {
    items,
    requests: latencies.length,
    failed,
    seconds: (performance.now() - startedMs) / 1000,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

/** `workers` requests at a time until `totalItems` are acknowledged. */
export async function closedLoop(send: Send, payloads: readonly Payload[], workers: number, totalItems: number): Promise<LoadResult> {
  const latencies: number[] = [];
  let items = 0;
  let started = 0;
  let failed = 0;
  let next = 0;
  const startedMs = performance.now();
  const work = async (): Promise<void> => {
    while (started < totalItems) {
      const payload = payloads[next++ % payloads.length] as Payload;
      started += payload.items;
      moveToNow(payload);
      const sentMs = performance.now();
      try {
        await send(payload);
        items += payload.items;
        latencies.push(performance.now() - sentMs);
      } catch {
        failed++;
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return summarize(latencies, items, failed, startedMs);
}

/** Requests at a fixed rate whatever the answers do; latency counts from the moment a request was due (no coordinated omission). */
export async function openLoop(send: Send, payloads: readonly Payload[], itemsPerSecond: number, seconds: number): Promise<LoadResult> {
  const latencies: number[] = [];
  let items = 0;
  let failed = 0;
  let sent = 0;
  const perRequest = (payloads[0] as Payload).items;
  const total = Math.floor((itemsPerSecond * seconds) / perRequest);
  const gapMs = (perRequest * 1000) / itemsPerSecond;
  const startedMs = performance.now();
  const pending: Promise<void>[] = [];
  while (sent < total) {
    const dueCount = Math.min(total, Math.floor((performance.now() - startedMs) / gapMs) + 1);
    for (; sent < dueCount; sent++) {
      const dueMs = startedMs + sent * gapMs;
      const payload = payloads[sent % payloads.length] as Payload;
      moveToNow(payload);
      pending.push(
        send(payload).then(
          () => {
            items += payload.items;
            latencies.push(performance.now() - dueMs);
          },
          () => {
            failed++;
          },
        ),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  return summarize(latencies, items, failed, startedMs);
}
