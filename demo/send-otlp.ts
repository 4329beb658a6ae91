import { Client, credentials, status as GrpcStatus, type ServiceError } from '@grpc/grpc-js';
import { toOtlpJson } from './otlp-json.ts';
import type { Signal } from './simulation/instance.ts';

export type Transport = 'http-protobuf' | 'http-json' | 'grpc';
export interface SenderOptions {
  /** Base address of OTLP/HTTP, e.g. http://127.0.0.1:4318. */
  readonly ingestUrl: string;
  /** HOST:PORT of OTLP/gRPC; without it gRPC senders use HTTP. */
  readonly otlpGrpcAddress?: string;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}
export interface Sender {
  /** Resolves once the receiver acknowledged the body, refused it for good, or the sender was stopped. */
  send(transport: Transport, signal: Signal, body: Uint8Array): Promise<void>;
  readonly counts: { acknowledged: number; refused: number; retries: number };
  close(): void;
}
const GRPC_PATHS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
};
const FIRST_BACKOFF_MS = 250;
const LAST_BACKOFF_MS = 5000;

/** What to do after one attempt: undefined = done, a number = try again after that many ms. */
type Verdict = { readonly done: true; readonly refusedBecause: string } | { readonly done: false; readonly afterMs: number | null };
const ACCEPTED: Verdict = { done: true, refusedBecause: '' };

/** Waits; ends early without an error when the signal fires. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
  });
}
async function overHttp(options: SenderOptions, signal: Signal, body: Uint8Array, json: boolean): Promise<Verdict> {
  const payload = json ? JSON.stringify(toOtlpJson(signal, body)) : (body as Uint8Array<ArrayBuffer>);
  const response = await fetch(`${options.ingestUrl}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': json ? 'application/json' : 'application/x-protobuf' },
    body: payload,
    signal: options.signal,
  });
  const answer = await response.text();
  if (response.ok) return ACCEPTED;
  // OTLP names exactly these as worth another attempt.
  if ([429, 502, 503, 504].includes(response.status)) {
    const seconds = Number(response.headers.get('retry-after'));
    return { done: false, afterMs: seconds > 0 ? seconds * 1000 : null };
  }
  return { done: true, refusedBecause: `${response.status} ${answer.slice(0, 200)}` };
}
function overGrpc(client: Client, signal: Signal, body: Uint8Array): Promise<Verdict> {
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      GRPC_PATHS[signal],
      same,
      same,
      Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      (error: ServiceError | null) => {
        if (!error) resolve(ACCEPTED);
        else if (
          [GrpcStatus.UNAVAILABLE, GrpcStatus.RESOURCE_EXHAUSTED, GrpcStatus.ABORTED, GrpcStatus.DEADLINE_EXCEEDED].includes(error.code)
        )
          resolve({ done: false, afterMs: null });
        else resolve({ done: true, refusedBecause: `${error.code} ${error.details}` });
      },
    );
  });
}
/** Sends bodies until they are acknowledged, as a well-behaved OTLP exporter does (429/503 with Retry-After, backing off). */
export function createSender(options: SenderOptions): Sender {
  const client = options.otlpGrpcAddress ? new Client(options.otlpGrpcAddress, credentials.createInsecure()) : null;
  const counts = { acknowledged: 0, refused: 0, retries: 0 };
  const attempt = async (transport: Transport, signal: Signal, body: Uint8Array): Promise<Verdict> => {
    try {
      if (transport === 'grpc' && client) return await overGrpc(client, signal, body);
      return await overHttp(options, signal, body, transport === 'http-json');
    } catch (error) {
      if (!options.signal.aborted && counts.retries === 0)
        options.log(`cannot reach ${options.ingestUrl}: ${String((error as Error).cause ?? error)}`);
      return { done: false, afterMs: null };
    }
  };
  return {
    counts,
    async send(transport, signal, body) {
      let backoffMs = FIRST_BACKOFF_MS;
      while (!options.signal.aborted) {
        const verdict = await attempt(transport, signal, body);
        if (verdict.done) {
          if (verdict.refusedBecause) {
            counts.refused += 1;
            options.log(`a ${signal} body of ${body.length} bytes was refused over ${transport}: ${verdict.refusedBecause}`);
          } else counts.acknowledged += 1;
          return;
        }
        counts.retries += 1;
        await sleep(verdict.afterMs ?? backoffMs, options.signal);
        backoffMs = Math.min(backoffMs * 2, LAST_BACKOFF_MS);
      }
    },
    close: () => client?.close(),
  };
}
