import { createServer, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type CallContext, GrpcCall } from './grpc-server-call.ts';
import { GrpcHealth } from './grpc-server-health.ts';
import { EXPORT_SERVICES, type GrpcServices, type GrpcServicesOptions } from './grpc-server-methods.ts';
import { GrpcSession, PATIENCE } from './grpc-server-session.ts';

/** A batch goes out in one go instead of waiting for a round trip every 64 KiB; memory is bounded by the budget, not by these. */
const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 64 * 1024 * 1024;
/** Calls under way on one connection (RFC 9113, 6.5.2: no less than 100). */
const MAX_STREAMS = 100;
/**
 * Above our own limit (grpc-server-call.ts), which answers and counts: what is larger Node resets without a word. The bytes
 * count once the other side has acknowledged our SETTINGS; the fields always, and so bound what HPACK can be made to unfold.
 */
const HARD_HEADER_BYTES = 64 * 1024;
const HARD_HEADER_FIELDS = 256;

/**
 * The three export services and grpc.health.v1 on connections handed in, on node:http2 with our own framing of messages.
 * Spec: grpc doc/PROTOCOL-HTTP2.md. Why not grpc-js: docs/decisions/0007-grpc-on-http2.md.
 */
export function createHttp2Services(options: GrpcServicesOptions): GrpcServices {
  return new Http2Services(options);
}

class Http2Services implements GrpcServices {
  private readonly server = createServer({
    settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: HARD_HEADER_BYTES },
    maxHeaderListPairs: HARD_HEADER_FIELDS,
  });
  private readonly health = new GrpcHealth(Object.values(EXPORT_SERVICES));
  private readonly context: CallContext;
  private readonly sessions = new Map<ServerHttp2Session, GrpcSession>();
  private readonly timer: NodeJS.Timeout;
  private allClosed: (() => void) | null = null;

  constructor(options: GrpcServicesOptions) {
    this.context = { ...options, health: this.health, waiting: new Set(), patience: options.patience ?? PATIENCE };
    this.server.on('session', (session) => this.open(session));
    this.timer = setInterval(() => this.tick(), this.context.patience.tickMs);
    this.timer.unref();
  }
  serve(connection: Duplex): void {
    this.server.emit('connection', connection);
  }
  private open(session: ServerHttp2Session): void {
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    const watched = new GrpcSession(session, this.context.account, this.context.receiver.options.senders, this.context.patience);
    this.sessions.set(session, watched);
    session.on('stream', (stream, headers, _, raw) => this.call(watched, stream, headers, raw));
    session.once('close', () => {
      this.sessions.delete(session);
      if (this.sessions.size === 0) this.allClosed?.();
    });
    if (this.context.isClosing()) session.close();
  }
  /**
   * A sender may reset a stream in the breath that begins it: Node announces it all the same, and respond() throws then
   * (found by tests/fuzz/receivers-bytes).
   */
  private call(session: GrpcSession, stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    stream.on('error', () => undefined);
    if (stream.destroyed || stream.closed) {
      session.heardNoise();
      return;
    }
    try {
      new GrpcCall(stream, headers, session, this.context).start(raw);
    } catch (error) {
      this.context.log(`BUG: OTLP/gRPC call failed: ${(error as Error).stack}`);
      stream.destroy();
    }
  }
  private tick(): void {
    for (const call of this.context.waiting) call.tick();
    for (const session of this.sessions.values()) session.tick();
  }
  async close(deadlineMs: number): Promise<void> {
    this.health.stop();
    const closed = new Promise<void>((resolve) => {
      this.allClosed = resolve;
    });
    for (const session of this.sessions.keys()) session.close();
    const timer = setTimeout(() => {
      for (const session of this.sessions.keys()) session.destroy();
    }, deadlineMs);
    if (this.sessions.size > 0) await closed;
    clearTimeout(timer);
    clearInterval(this.timer);
  }
}
