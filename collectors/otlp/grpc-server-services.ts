import type { Http2Server } from 'node:http2';
import type { Duplex } from 'node:stream';
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerUnaryCall,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import { invariant } from '#contracts/errors.ts';
import type { ReasonCode } from '#contracts/reasons.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { GrpcHealth, HEALTH_PATHS } from './grpc-server-health.ts';
import type { Receiver } from './receiver.ts';
import { GrpcCode, Refusal, refusalAnswer } from './receiver-refusal.ts';
import { encodeExportResponse, encodeStatus } from './receiver-response.ts';

export interface GrpcServicesOptions {
  readonly receiver: Receiver;
  readonly account: SourceAccount;
  readonly isClosing: () => boolean;
  readonly log: (line: string) => void;
}
export interface GrpcServices {
  /** Takes a connection whose first bytes are an HTTP/2 preface. */
  serve(connection: Duplex): void;
  /** Refuses new calls and waits for those under way; cuts them off at the deadline. */
  close(deadlineMs: number): Promise<void>;
}

const SERVICES: Readonly<Record<OtlpKind, string>> = {
  traces: 'opentelemetry.proto.collector.trace.v1.TraceService',
  metrics: 'opentelemetry.proto.collector.metrics.v1.MetricsService',
  logs: 'opentelemetry.proto.collector.logs.v1.LogsService',
};
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
const asIs = (bytes: Buffer): Buffer => bytes;
/** Raw bytes in and out: the body is checked as it stands and decoded by the engine. */
const method = (path: string, responseStream = false): MethodDefinition<Buffer, Buffer> => ({
  path,
  requestStream: false,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

/** What grpc-js refuses by itself, before a handler sees it. */
function ownRefusal(code: number, details: string): ReasonCode | null {
  if (code === GrpcCode.resourceExhausted) return /decompress/.test(details) ? 'decompressed_too_large' : 'body_too_large';
  if (code === GrpcCode.unimplemented) return 'unsupported_encoding';
  return /decompress/i.test(details) ? 'bad_compression' : null;
}
/**
 * Counts those refusals. They do not pass the responders of interceptors, but they do pass this one method of the call.
 * The canary is the row "over the decompressed limit" of tests/conformance/receivers-grpc: it wants the count.
 */
const countRefusals =
  (account: SourceAccount, counted: WeakSet<Metadata>): ServerInterceptor =>
  (_, call) => {
    const sendStatus = call.sendStatus.bind(call);
    call.sendStatus = (status) => {
      const ours = status.code === GrpcCode.ok || (status.metadata && counted.has(status.metadata as Metadata));
      const reason = ours ? null : ownRefusal(status.code ?? GrpcCode.internal, status.details ?? '');
      if (reason === null) return sendStatus(status);
      const { sentence } = new Refusal(reason, status.details ?? '');
      account.refuse(reason, sentence);
      // grpc-js calls a broken body INTERNAL; to OTLP that is bad data.
      sendStatus({ ...status, code: refusalAnswer(reason).grpcCode, details: sentence });
    };
    return new ServerInterceptingCall(call);
  };

/** Trailers of a refusal. RetryInfo only where the same request can succeed later: without it, senders must not retry. */
function trailersOf(code: number, message: string, retrySeconds: number): Metadata {
  const metadata = new Metadata();
  if (retrySeconds > 0) metadata.set('grpc-status-details-bin', encodeStatus(code, message, retrySeconds));
  return metadata;
}
function statusOf(error: unknown, options: GrpcServicesOptions, counted: WeakSet<Metadata>): Partial<StatusObject> {
  if (!(error instanceof Refusal)) options.log(`BUG: OTLP/gRPC call failed: ${(error as Error)?.stack ?? error}`);
  const refusal = error instanceof Refusal ? error : new Refusal('journal_failed', 'The call failed inside');
  const { grpcCode, retrySeconds } = refusalAnswer(refusal.reason);
  options.account.refuse(refusal.reason, refusal.sentence);
  const metadata = trailersOf(grpcCode, refusal.sentence, retrySeconds);
  counted.add(metadata);
  return { code: grpcCode, details: refusal.sentence, metadata };
}

async function receiveCall(kind: OtlpKind, body: Buffer, options: GrpcServicesOptions): Promise<Buffer> {
  const { receiver, account } = options;
  if (options.isClosing()) throw new Refusal('shutting_down');
  const reservation = receiver.options.budget.reserve(body.length);
  if (!reservation) throw new Refusal('backpressure');
  try {
    const { rejected, message } = await receiver.receive({ kind, format: 'protobuf', encoding: 'identity', body, account });
    return encodeExportResponse(rejected, message);
  } finally {
    reservation.free();
  }
}
const exporter =
  (kind: OtlpKind, options: GrpcServicesOptions, counted: WeakSet<Metadata>): handleUnaryCall<Buffer, Buffer> =>
  (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    receiveCall(kind, call.request, options).then(
      (answer) => callback(null, answer),
      (error: unknown) => callback(statusOf(error, options, counted)),
    );
  };

/**
 * grpc-js 1.14 answers in the same turn in which a stream begins, and dies of it when the sender has reset that stream
 * already: an exception nobody can catch, for a few bytes from the network (found by tests/fuzz/receivers-bytes). And it
 * leaves the server's windows at the protocol's 64 KiB, so that a batch of 300 kB waits five round trips. Its HTTP/2
 * servers are reached where it keeps them; canary: "reads large batches in one go" in tests/conformance/receivers-grpc.
 */
function harden(server: Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<Http2Server, unknown> };
  invariant(http2Servers !== undefined && http2Servers.size > 0, 'grpc-js keeps its HTTP/2 servers elsewhere now');
  for (const http2 of http2Servers.keys()) {
    const listeners = http2.listeners('stream');
    http2.removeAllListeners('stream');
    http2.on('stream', (stream, ...rest) => {
      stream.on('error', () => undefined);
      if (stream.destroyed) return;
      try {
        for (const listener of listeners) listener.call(http2, stream, ...rest);
      } catch {
        stream.destroy();
      }
    });
    http2.on('session', (session) => {
      session.settings({ initialWindowSize: STREAM_WINDOW_BYTES });
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    });
  }
}

/** The three export services and grpc.health.v1 on connections handed in. */
export function createGrpcServices(options: GrpcServicesOptions): GrpcServices {
  const { limits } = options.receiver.options;
  const counted = new WeakSet<Metadata>();
  const server = new Server({
    interceptors: [countRefusals(options.account, counted)],
    // LIMIT: grpc-js has one limit for messages as sent and inflated; what is sent plain is held to maxBodyBytes after.
    'grpc.max_receive_message_length': limits.maxDecompressedBytes,
    // LIMIT: grpc-js buffers every message whole before anyone is asked, so this bounds what one connection can hold.
    'grpc.max_concurrent_streams': 32,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
  });
  const health = new GrpcHealth(Object.values(SERVICES));
  for (const [kind, service] of Object.entries(SERVICES) as [OtlpKind, string][])
    server.addService({ export: method(`/${service}/Export`) }, { export: exporter(kind, options, counted) });
  server.addService(
    { check: method(HEALTH_PATHS.check), watch: method(HEALTH_PATHS.watch, true) },
    { check: health.check, watch: health.watch },
  );
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  harden(server);
  return {
    serve: (connection) => injector.injectConnection(connection),
    close: (deadlineMs) =>
      new Promise((resolve) => {
        health.stop();
        const timer = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, deadlineMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}
