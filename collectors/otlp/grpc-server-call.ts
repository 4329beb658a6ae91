import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type ContentEncoding, parseContentEncoding } from '#collectors/pipeline/decompress.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import type { GrpcHealth, HealthError, HealthWatcher } from './grpc-server-health.ts';
import { framed, MessageReader } from './grpc-server-message.ts';
import { EXPORT_SERVICES, exportPath, type GrpcServicesOptions, HEALTH_PATHS, notGrpc } from './grpc-server-methods.ts';
import type { GrpcPatience, GrpcSession } from './grpc-server-session.ts';
import { type CallStatus, refusedStatus, statusHeaders } from './grpc-server-status.ts';
import { type Learn, learnerOf } from './receiver-body.ts';
import { GrpcCode, Refusal } from './receiver-refusal.ts';
import { encodeExportResponse } from './receiver-response.ts';

/** What all calls share. */
export interface CallContext extends GrpcServicesOptions {
  readonly health: GrpcHealth;
  /** Those whose sender is being waited for: each is told of every tick. */
  readonly waiting: Set<GrpcCall>;
  readonly patience: GrpcPatience;
}
type Route = { readonly export: OtlpKind } | 'check' | 'watch';

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ...(Object.keys(EXPORT_SERVICES) as OtlpKind[]).map((kind) => [exportPath(kind), { export: kind }] as const),
  [HEALTH_PATHS.check, 'check'],
  [HEALTH_PATHS.watch, 'watch'],
]);
const MAX_HEADER_BYTES = 16 * 1024;
/** RFC 9113, 6.5.2: what a field takes besides name and value. */
const FIELD_BYTES = 32;
const ACCEPTED_ENCODINGS = 'identity,gzip,zstd';
const OK_HEADERS = [':status', '200', 'content-type', 'application/grpc+proto', 'grpc-accept-encoding', ACCEPTED_ENCODINGS];
const OK_TRAILERS = { 'grpc-status': '0' };
const PLAIN = { sendDate: false, endStream: false } as const;
const WITH_TRAILERS = { sendDate: false, waitForTrailers: true } as const;
const ALL_SAID = { sendDate: false, endStream: true } as const;
const TIMEOUT_SECONDS: Readonly<Record<string, number>> = { H: 3600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS);
}
/** Seconds the sender waits for an answer; Infinity when it does not say, or not in the words of the specification. */
export function timeoutSeconds(header: unknown): number {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(header ?? '')) ?? [];
  return amount === undefined ? Number.POSITIVE_INFINITY : Number(amount) * (TIMEOUT_SECONDS[unit ?? ''] ?? 0);
}
const isGrpc = (contentType: string | undefined): boolean => /^application\/grpc(?:\+proto)?\s*(?:;|$)/i.test(contentType ?? '');
/** Names and values in turns. */
function headerBytes(raw: readonly string[]): number {
  let bytes = (raw.length / 2) * FIELD_BYTES;
  for (const text of raw) bytes += text.length;
  return bytes;
}

/** One call: collects its message, has it received, answers. */
export class GrpcCall {
  private readonly stream: ServerHttp2Stream;
  private readonly session: GrpcSession;
  private readonly context: CallContext;
  private readonly headers: IncomingHttpHeaders;
  private readonly reader: MessageReader;
  private encoding: ContentEncoding = 'identity';
  private state: 'receiving' | 'working' | 'answered' = 'receiving';
  /** By its own grpc-timeout, before we lose patience. */
  private readonly senderGivesUp: boolean;
  private ticksLeft: number;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: GrpcSession, context: CallContext) {
    this.stream = stream;
    this.headers = headers;
    this.session = session;
    this.context = context;
    const { options, pool } = context.receiver;
    this.reader = new MessageReader({
      maxBytes: options.limits.maxBodyBytes,
      pool,
      budget: options.budget,
      connection: session.connection,
      learn: this.learner(),
    });
    const { callTicks, tickMs } = context.patience;
    const senderTicks = Math.ceil((timeoutSeconds(headers['grpc-timeout']) * 1000) / tickMs);
    this.senderGivesUp = senderTicks < callTicks;
    this.ticksLeft = Math.min(callTicks, senderTicks);
  }
  private learner(): Learn | null {
    return learnerOf(this.context.receiver.options.senders, this.session.connection, (compressed) =>
      compressed ? parseContentEncoding(String(this.headers['grpc-encoding'] ?? '')) : 'identity',
    );
  }
  /** @param raw names and values of the headers in turns */
  start(raw: readonly string[]): void {
    const { stream, context } = this;
    context.waiting.add(this);
    stream.once('close', () => this.closed());
    if (!isGrpc(this.headers['content-type'])) {
      this.refuseHttp(415, new Refusal('wrong_protocol', notGrpc('HTTP/2', context.httpAddress()), ''));
      return;
    }
    if (this.headers[':method'] !== 'POST') {
      this.refuseHttp(405, new Refusal('wrong_method', `The method is ${this.headers[':method']}, gRPC has only POST`, ''));
      return;
    }
    const bytes = headerBytes(raw);
    if (bytes > MAX_HEADER_BYTES) {
      this.refuse(new Refusal('malformed', `The headers have ${bytes} bytes, the limit is ${MAX_HEADER_BYTES}`, 'Send less metadata.'));
      return;
    }
    const path = String(this.headers[':path']);
    const route = ROUTES.get(path);
    if (route === undefined) {
      const todo = 'This port receives OTLP: Export of TraceService, MetricsService and LogsService.';
      this.refuse(new Refusal('unknown_path', `There is no method ${path.slice(0, 200)} here`, todo));
      return;
    }
    // Calls that began before are finished; senders do not begin new ones after GOAWAY, but some may cross it.
    if (context.isClosing()) {
      this.refuse(new Refusal('shutting_down'));
      return;
    }
    stream.on('data', (chunk: Buffer) => this.take(chunk));
    stream.once('end', () => this.ended(route));
  }
  private take(chunk: Buffer): void {
    if (this.state !== 'receiving') return;
    const refusal = this.reader.add(chunk) ?? this.refuseEncoding();
    if (refusal) this.refuse(refusal);
  }
  /** Null while the encoding is not known, or is one of ours. */
  private refuseEncoding(): Refusal | null {
    if (!this.reader.compressed || this.encoding !== 'identity') return null;
    const name = String(this.headers['grpc-encoding'] ?? 'identity');
    const encoding = parseContentEncoding(name);
    if (encoding === 'identity') return new Refusal('bad_compression', 'The message says that it is compressed, but not how');
    if (encoding === null) return new Refusal('unsupported_encoding', `The message is compressed with "${name.slice(0, 100)}"`);
    this.encoding = encoding;
    return null;
  }
  private ended(route: Route): void {
    // A stream that is reset "ends" too.
    if (this.state !== 'receiving' || this.stream.closed || this.stream.destroyed) return;
    const refusal = this.reader.end();
    if (refusal) {
      this.refuse(refusal);
      return;
    }
    this.state = 'working';
    this.context.waiting.delete(this);
    if (route === 'check' || route === 'watch') this.answerHealth(route);
    else void this.export(route.export);
  }

  private async export(kind: OtlpKind): Promise<void> {
    const { context, reader } = this;
    try {
      const { receiver, account } = context;
      const { rejected, message } = await receiver.receive({
        kind,
        format: 'protobuf',
        encoding: this.encoding,
        body: reader.bytes,
        account,
        connection: this.session.connection,
      });
      this.session.acceptedCall();
      this.answer(framed(encodeExportResponse(rejected, message)));
    } catch (error) {
      this.refuse(error);
    } finally {
      reader.free();
    }
  }
  private answer(frame: Buffer): void {
    this.state = 'answered';
    const { stream, context } = this;
    if (stream.destroyed || stream.closed) return;
    this.ticksLeft = context.patience.callTicks;
    context.waiting.add(this);
    stream.respond(OK_HEADERS, WITH_TRAILERS);
    stream.once('wantTrailers', sendOkTrailers);
    stream.end(frame);
  }
  private answerHealth(route: 'check' | 'watch'): void {
    const { health } = this.context;
    const body = Buffer.from(this.reader.bytes);
    this.reader.free();
    if (route === 'watch') {
      this.watch(body);
      return;
    }
    const answer = health.check(body);
    if (Buffer.isBuffer(answer)) this.answer(framed(answer));
    else this.sendStatus({ code: answer.code, message: answer.details, details: null });
  }
  private watch(body: Buffer): void {
    const { stream, context } = this;
    const watcher: HealthWatcher = {
      write: (message) => {
        if (stream.destroyed || stream.closed) return;
        if (!stream.headersSent) {
          stream.respond(OK_HEADERS, WITH_TRAILERS);
          stream.once('wantTrailers', sendOkTrailers);
        }
        stream.write(framed(message));
      },
      end: () => stream.end(),
    };
    stream.once('close', () => context.health.forget(watcher));
    const error: HealthError | null = context.health.watch(body, watcher);
    if (error) this.sendStatus({ code: error.code, message: error.details, details: null });
  }

  /** Counts the refusal and ends the call with its status. What the sender still writes is not read. */
  private refuse(error: unknown): void {
    const { account, log, receiver } = this.context;
    receiver.options.senders.refused(this.session.connection);
    this.sendStatus(refusedStatus(error, account, log), error instanceof Refusal && error.reason === 'unsupported_encoding');
  }
  private sendStatus(status: CallStatus, sayEncodings = false): void {
    const headers = statusHeaders(status);
    if (sayEncodings) headers.push('grpc-accept-encoding', ACCEPTED_ENCODINGS);
    this.endWith(() => {
      this.stream.respond(headers, ALL_SAID);
      this.stopSender();
    });
  }
  /** For what is no gRPC, and so would not understand a gRPC status. */
  private refuseHttp(status: number, refusal: Refusal): void {
    this.context.account.refuse(refusal.reason, refusal.sentence);
    this.endWith(() => {
      this.stream.respond([':status', String(status), 'content-type', 'text/plain; charset=utf-8'], PLAIN);
      // Its body is dropped until the sentence is out, which a closed window can hold up.
      this.stream.resume();
      this.stream.end(`${refusal.sentence}\n`, () => this.stopSender());
    });
  }
  private endWith(respond: () => void): void {
    const { stream, reader, context } = this;
    if (this.state === 'receiving') reader.free();
    this.state = 'answered';
    if (stream.destroyed || stream.closed) return;
    this.ticksLeft = context.patience.callTicks;
    context.waiting.add(this);
    respond();
  }
  /** RFC 9113, 8.1: NO_ERROR after a whole answer asks the sender to stop without taking the answer back. */
  private stopSender(): void {
    if (!this.stream.readableEnded) this.stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** While the sender is waited for. */
  tick(): void {
    if (--this.ticksLeft > 0) return;
    this.context.waiting.delete(this);
    // The answer is not taken.
    if (this.state === 'answered') this.stream.close(constants.NGHTTP2_CANCEL);
    else if (this.senderGivesUp) this.expire();
    else this.refuse(new Refusal('too_slow'));
  }
  /** No RetryInfo: nobody waits for it. */
  private expire(): void {
    const { sentence } = new Refusal('too_slow');
    this.context.account.refuse('too_slow', sentence);
    this.sendStatus({ code: GrpcCode.deadlineExceeded, message: sentence, details: null });
  }
  private closed(): void {
    this.context.waiting.delete(this);
    // What is being received now still reads the message.
    if (this.state !== 'receiving') return;
    this.state = 'answered';
    this.reader.free();
    this.session.heardNoise();
    if (this.reader.begun) this.context.account.refuse('malformed', 'A sender took its call back before the message was whole.');
  }
}
