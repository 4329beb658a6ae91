import type { Http2Server } from 'node:http2';
import {
  type handleServerStreamingCall,
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
import { GrpcHealth, type HealthError } from './grpc-server-health.ts';
import { EXPORT_SERVICES, exportPath, type GrpcServices, type GrpcServicesOptions, HEALTH_PATHS } from './grpc-server-methods.ts';
import { refusedStatus } from './grpc-server-status.ts';
import { GrpcCode, Refusal, refusalAnswer } from './receiver-refusal.ts';
import { encodeExportResponse } from './receiver-response.ts';

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
  if (code === GrpcCode.unimplemented) return /encoding/.test(details) ? 'unsupported_encoding' : 'malformed';
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

function statusOf(error: unknown, { account, log }: GrpcServicesOptions, counted: WeakSet<Metadata>): Partial<StatusObject> {
  const { code, message, details } = refusedStatus(error, account, log);
  const metadata = new Metadata();
  if (details) metadata.set('grpc-status-details-bin', details);
  counted.add(metadata);
  return { code, details: message, metadata };
}

async function receiveCall(kind: OtlpKind, body: Buffer, peer: string, options: GrpcServicesOptions): Promise<Buffer> {
  const { receiver, account } = options;
  if (options.isClosing()) throw new Refusal('shutting_down');
  const { budget, senders } = receiver.options;
  const connection = senders.connection(peer.replace(/:\d+$/, ''), account.source);
  const reservation = budget.reserve(body.length, connection.sender);
  if (!reservation) throw new Refusal(budget.denial);
  try {
    const { rejected, message } = await receiver.receive({ kind, format: 'protobuf', encoding: 'identity', body, account, connection });
    return encodeExportResponse(rejected, message);
  } finally {
    reservation.free();
  }
}
const exporter =
  (kind: OtlpKind, options: GrpcServicesOptions, counted: WeakSet<Metadata>): handleUnaryCall<Buffer, Buffer> =>
  (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
    receiveCall(kind, call.request, call.getPeer(), options).then(
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

const healthHandlers = (
  health: GrpcHealth,
): { check: handleUnaryCall<Buffer, Buffer>; watch: handleServerStreamingCall<Buffer, Buffer> } => ({
  check: (call, callback) => {
    const answer = health.check(call.request);
    if (Buffer.isBuffer(answer)) callback(null, answer);
    else callback(answer as HealthError);
  },
  watch: (call) => {
    const error = health.watch(call.request, call);
    if (error) {
      call.emit('error', error);
      return;
    }
    const forget = (): void => health.forget(call);
    call.on('cancelled', forget);
    call.on('close', forget);
  },
});

/**
 * The three export services and grpc.health.v1 on connections handed in, by grpc-js: for clients our own server does not
 * suit. It inflates gzip itself and holds two copies of every message; what that costs: docs/decisions/0007-grpc-on-http2.md.
 */
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
  const health = new GrpcHealth(Object.values(EXPORT_SERVICES));
  for (const kind of Object.keys(EXPORT_SERVICES) as OtlpKind[])
    server.addService({ export: method(exportPath(kind)) }, { export: exporter(kind, options, counted) });
  server.addService({ check: method(HEALTH_PATHS.check), watch: method(HEALTH_PATHS.watch, true) }, { ...healthHandlers(health) });
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
