import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { ContentEncoding } from '#collectors/pipeline/decompress.ts';
import type { SenderConnection } from '#collectors/pipeline/senders.ts';
import { receiveWrite, WRITE_PATH, writeVersionOf, writtenHeaders } from '#collectors/prometheus/write-receiver.ts';
import { IMPORT_HEADER, isFileFormat } from '#contracts/file-formats.ts';
import { ARRIVAL_HEADER, BATCH_ID, BATCH_ID_HEADER, RULES_SOURCE } from '#contracts/forward-headers.ts';
import type { Address } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { declaredLength, readBody, SenderGone } from './http-server-body.ts';
import { refuseHttp2 } from './http-server-grpc-refusal.ts';
import { checkHost, checkOrigin, isLoopbackOrigin, preflightHeaders } from './http-server-guard.ts';
import { compressionOf, PUSH_PATHS, type PushPath } from './http-server-push.ts';
import type { Forwarded, Receiver } from './receiver.ts';
import { type BodyOptions, learnerOf } from './receiver-body.ts';
import { type FirstBytes, tellByFirstBytes } from './receiver-first-bytes.ts';
import { Refusal, refusalAnswer } from './receiver-refusal.ts';
import { encodeExportResponse, encodeStatus, exportResponseJson, statusJson } from './receiver-response.ts';

export interface HttpServerOptions {
  readonly address: Address;
  readonly receiver: Receiver;
  readonly nowMs: () => number;
  /** Where gRPC goes, HOST:PORT, for the sentence to those who send it here. */
  readonly grpcAddress: () => string;
  /** Body of /healthz, JSON-able. */
  readonly health: () => unknown;
  readonly log: (line: string) => void;
  /** Other patience with slow senders than the default. */
  readonly timeouts?: HttpTimeouts;
}
export interface HttpTimeouts {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
}
export interface RunningHttpServer {
  readonly address: Address;
  readonly account: SourceAccount;
  /** Of Prometheus remote write, which comes in by the same port. */
  readonly writeAccount: SourceAccount;
  /** Of the other protocols on it, and of files being imported, by format. */
  readonly pushAccounts: readonly SourceAccount[];
  /** Takes no new request; resolves when those under way are answered, at the latest at the deadline. Safe twice. */
  close(deadlineMs: number): Promise<void>;
}
/** text: how what is not OTLP is answered. */
type Encoding = 'protobuf' | 'json' | 'text';

const PATHS: Readonly<Record<string, OtlpKind>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
  '/v1development/profiles': 'profiles',
};
/** Where other versions of the profiles signal are sent. */
const OTHER_PROFILES = /^\/v1(?:[a-z]+\d*)?\/profiles$/;
const CONTENT_TYPE = { protobuf: 'application/x-protobuf', json: 'application/json', text: 'text/plain; charset=utf-8' } as const;
const METHODS = 'POST, OPTIONS';
/** Slow senders: a header within ten seconds, the whole request within a minute, two minutes of silence in between. */
const TIMEOUTS: HttpTimeouts = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 120_000,
  connectionsCheckingInterval: 2_000,
};
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 4_096;
/** Of a body nobody wants, this much is read so that the sender gets to see the answer. */
const DRAIN_BYTES = 64 * 1024 * 1024;
const DRAIN_MS = 5_000;

// Importing node:http as an ES module reads every export, also the lazy ones that load undici and http2: 45 ms and 15 MB
// before the port is open. Measured on Node 24.21.
const { createServer } = process.getBuiltinModule('node:http');

/** Opens the port. @throws the listen error (EADDRINUSE ...) */
export async function startHttpServer(options: HttpServerOptions): Promise<RunningHttpServer> {
  const receiver = new OtlpHttpServer(options);
  await receiver.listen();
  return receiver;
}

function encodingOf(request: IncomingMessage): 'protobuf' | 'json' {
  const header = request.headers['content-type'] ?? '';
  const type = (header.split(';')[0] as string).trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'protobuf';
  if (type === 'application/json') return 'json';
  if (type.startsWith('application/grpc')) throw new Refusal('wrong_protocol', 'gRPC was sent to the HTTP port');
  throw new Refusal('unsupported_content_type', `The content type is "${header.slice(0, 200)}"`);
}

const answerOf = (encoding: Encoding, grpcCode: number, sentence: string): string | Uint8Array =>
  encoding === 'text' ? `${sentence}\n` : encoding === 'json' ? statusJson(grpcCode, sentence) : encodeStatus(grpcCode, sentence);

/** What a forwarding console says of the body; null for every other sender. */
function forwardedOf({ headers }: IncomingMessage): Forwarded | null {
  const batch = headers[BATCH_ID_HEADER];
  if (batch === undefined) return null;
  if (typeof batch !== 'string' || !BATCH_ID.test(batch))
    throw new Refusal('malformed', `${BATCH_ID_HEADER} is "${String(batch).slice(0, 100)}", not parts of A-Z a-z 0-9 _ - joined by "."`);
  const arrival = headers[ARRIVAL_HEADER];
  return { batch, arrivalUnixNano: typeof arrival === 'string' && /^\d{1,19}$/.test(arrival) ? BigInt(arrival) : null };
}

class OtlpHttpServer implements RunningHttpServer {
  readonly account: SourceAccount;
  readonly writeAccount: SourceAccount;
  readonly pushAccounts: SourceAccount[];
  address: Address;
  private readonly options: HttpServerOptions;
  private readonly server: Server;
  /** By protocol: one client may speak several over a connection. */
  private readonly connections = new WeakMap<Socket, Record<string, SenderConnection>>();
  /** Connections whose first bytes have not told yet who they are for. */
  private readonly undecided = new Set<Socket>();
  private closing: Promise<void> | null = null;

  constructor(options: HttpServerOptions) {
    this.options = options;
    this.address = options.address;
    this.account = new SourceAccount('otlp-http', 'otlp-http', options.nowMs);
    this.writeAccount = new SourceAccount('remote-write', 'remote-write', options.nowMs);
    this.pushAccounts = Object.values(PUSH_PATHS).map(({ source }) => new SourceAccount(source, source, options.nowMs));
    this.server = createServer({
      ...(options.timeouts ?? TIMEOUTS),
      maxHeaderSize: MAX_HEADER_BYTES,
      noDelay: true,
      highWaterMark: 256 * 1024,
    });
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.on('request', (request, response) => void this.handle(request, response));
    // Without a listener Node says "continue" before anything is checked.
    this.server.on('checkContinue', (request, response) => void this.handle(request, response, true));
    this.lookFirst();
    this.server.on('clientError', (error, socket) => this.refuseBytes(error as ParserError, socket as Socket));
    this.server.on('drop', () => this.account.refuse('backpressure', `more than ${MAX_CONNECTIONS} connections`));
  }
  /** Puts a look at the first bytes before the server's own listener for connections. */
  private lookFirst(): void {
    const serve = this.server.listeners('connection');
    this.server.removeAllListeners('connection');
    const bytes: FirstBytes = {
      http2: (socket) => {
        const sentence = this.wrongProtocol();
        this.account.refuse('wrong_protocol', sentence);
        void refuseHttp2(socket, sentence);
      },
      other: (socket) => {
        this.undecided.delete(socket);
        for (const listener of serve) listener.call(this.server, socket);
        socket.resume();
      },
      silent: () => this.account.refuse('too_slow', 'A connection was opened and nothing was sent.'),
    };
    this.server.on('connection', (socket) => {
      this.undecided.add(socket);
      socket.once('close', () => this.undecided.delete(socket));
      tellByFirstBytes(socket, bytes);
    });
  }
  async listen(): Promise<void> {
    const { host, port } = this.options.address;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host, port, backlog: 511 }, () => {
        this.server.removeListener('error', reject);
        resolve();
      });
    });
    this.server.on('error', (error) => this.options.log(`OTLP/HTTP: ${error.message}`));
    this.address = { host, port: (this.server.address() as AddressInfo).port };
    this.account.address = `http://${host.includes(':') ? `[${host}]` : host}:${this.address.port}`;
    this.writeAccount.address = `${this.account.address}${WRITE_PATH}`;
    for (const [path, { source }] of Object.entries(PUSH_PATHS)) this.pushAccount(source).address = `${this.account.address}${path}`;
  }
  close(deadlineMs: number): Promise<void> {
    this.closing ??= new Promise((resolve) => {
      for (const account of [this.account, this.writeAccount, ...this.pushAccounts]) account.stopped = true;
      const timer = setTimeout(() => this.server.closeAllConnections(), deadlineMs);
      this.server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.server.closeIdleConnections();
      // The server has not met these yet, so it would wait for them without knowing them.
      for (const socket of this.undecided) socket.destroy();
    });
    return this.closing;
  }

  private async handle(request: IncomingMessage, response: ServerResponse, asksToContinue = false): Promise<void> {
    let encoding: Encoding = 'json';
    let { account } = this;
    try {
      checkHost(request, this.options.address);
      const path = (request.url ?? '').split('?')[0] as string;
      if (path === '/healthz') return this.answerHealth(request, response);
      const kind = PATHS[path];
      const push = Object.hasOwn(PUSH_PATHS, path) ? PUSH_PATHS[path] : undefined;
      if (push || path === WRITE_PATH) {
        encoding = 'text';
        account = push ? this.pushAccount(push.source) : this.writeAccount;
      } else if (kind === undefined) throw unknownPath(path);
      const cors = checkOrigin(request, this.options.receiver.options.limits.corsOrigins);
      for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
      if (request.method === 'OPTIONS') return this.answerPreflight(request, response, METHODS);
      if (request.method !== 'POST') throw new Refusal('wrong_method', `The method is ${request.method}`);
      if (push) return await this.push(push, account, request, response, asksToContinue);
      account = this.importAccount(request) ?? account;
      if (kind === undefined) return await this.write(account, request, response, asksToContinue);
      encoding = encodingOf(request);
      const compression = compressionOf(request);
      this.goOn(request, response, asksToContinue);
      const forwarded = forwardedOf(request);
      await this.export(request, response, { kind, encoding, compression, account, ...(forwarded ? { forwarded } : {}) });
    } catch (error) {
      this.fail(request, response, encoding, account, error);
    }
  }
  private pushAccount(source: string): SourceAccount {
    return this.pushAccounts.find((account) => account.source === source) as SourceAccount;
  }
  /** What an import sends by the ports of other protocols is counted under its file's format. */
  private importAccount({ headers }: IncomingMessage): SourceAccount | null {
    const format = headers[IMPORT_HEADER];
    if (format === undefined) return null;
    const isRules = format === RULES_SOURCE;
    if (typeof format !== 'string' || !(isRules || isFileFormat(format)))
      throw new Refusal('malformed', `${IMPORT_HEADER} is "${String(format).slice(0, 100)}", no format of files`);
    const source = isRules ? RULES_SOURCE : `import:${format}`;
    const known = this.pushAccounts.find((account) => account.source === source);
    if (known) return known;
    const account = new SourceAccount(source, isRules ? 'remote-write' : 'import', this.options.nowMs);
    account.address = this.account.address;
    this.pushAccounts.push(account);
    return account;
  }
  /** Whose connection it is; the protocol names it until a body has told its service. */
  private connectionOf({ socket }: IncomingMessage, account: SourceAccount): SenderConnection {
    const known = this.connections.get(socket) ?? {};
    this.connections.set(socket, known);
    known[account.source] ??= this.options.receiver.options.senders.connection(socket.remoteAddress ?? '', account.source);
    return known[account.source] as SenderConnection;
  }
  /** Limits of a body, at the cost of its sender. */
  private bodyOptions(connection: SenderConnection, encoding: ContentEncoding | 'json' | null): BodyOptions {
    const { pool, options } = this.options.receiver;
    const learn = learnerOf(options.senders, connection, () => encoding);
    return { maxBytes: options.limits.maxBodyBytes, pool, budget: options.budget, connection, learn };
  }
  private goOn(request: IncomingMessage, response: ServerResponse, asksToContinue: boolean): void {
    if (this.closing) throw new Refusal('shutting_down');
    if (asksToContinue && (declaredLength(request) ?? 0) <= this.options.receiver.options.limits.maxBodyBytes) response.writeContinue();
  }
  private async write(account: SourceAccount, request: IncomingMessage, response: ServerResponse, asksToContinue: boolean): Promise<void> {
    const { receiver } = this.options;
    const version = writeVersionOf(request);
    const forwarded = forwardedOf(request);
    const tell = (written: Parameters<typeof writtenHeaders>[0]): void => {
      // Of 2.0; a refusal further on has written nothing.
      if (version === 2) for (const [name, value] of Object.entries(writtenHeaders(written))) response.setHeader(name, value);
    };
    tell({ samples: 0, histograms: 0, exemplars: 0 });
    this.goOn(request, response, asksToContinue);
    const connection = this.connectionOf(request, account);
    const body = await readBody(request, this.bodyOptions(connection, null));
    try {
      const checked = await receiveWrite(receiver.options, { version, body: body.bytes, account, connection, forwarded });
      tell(checked);
      if (checked.problem === '') this.send(response, 204, CONTENT_TYPE.text, '');
      else this.send(response, 400, CONTENT_TYPE.text, `${checked.problem}\n`);
    } finally {
      body.free();
    }
  }
  private async push(
    path: PushPath,
    account: SourceAccount,
    request: IncomingMessage,
    response: ServerResponse,
    asksToContinue: boolean,
  ): Promise<void> {
    const { receiver } = this.options;
    const reading = path.readingOf(request);
    this.goOn(request, response, asksToContinue);
    const connection = this.connectionOf(request, account);
    const body = await readBody(request, this.bodyOptions(connection, null));
    try {
      await receiver.receive({ kind: path.kind, format: 'json', body: body.bytes, account, connection, ...reading });
      this.send(response, path.accepted, CONTENT_TYPE.text, '');
    } finally {
      body.free();
    }
  }
  private async export(
    request: IncomingMessage,
    response: ServerResponse,
    how: {
      readonly kind: OtlpKind;
      readonly encoding: 'protobuf' | 'json';
      readonly compression: ContentEncoding;
      readonly account: SourceAccount;
      readonly forwarded?: Forwarded;
    },
  ): Promise<void> {
    const { receiver } = this.options;
    const { kind, encoding, compression, ...more } = how;
    const connection = this.connectionOf(request, how.account);
    const tells = encoding === 'protobuf' ? compression : compression === 'identity' ? 'json' : null;
    const body = await readBody(request, this.bodyOptions(connection, tells));
    try {
      const receipt = await receiver.receive({
        kind,
        format: encoding,
        encoding: compression,
        body: body.bytes,
        connection,
        ...more,
      });
      const { rejected, message } = receipt;
      const answer = encoding === 'json' ? exportResponseJson(kind, rejected, message) : encodeExportResponse(rejected, message);
      this.send(response, 200, CONTENT_TYPE[encoding], answer);
    } finally {
      body.free();
    }
  }

  private fail(request: IncomingMessage, response: ServerResponse, encoding: Encoding, account: SourceAccount, error: unknown): void {
    if (error instanceof SenderGone) {
      account.refuse('malformed', 'A sender closed the connection before its request was whole.');
      return;
    }
    if (response.headersSent) {
      this.options.log(`BUG: OTLP/HTTP answer failed: ${(error as Error)?.stack ?? error}`);
      response.destroy();
      return;
    }
    if (!(error instanceof Refusal)) this.options.log(`BUG: OTLP/HTTP request failed: ${(error as Error)?.stack ?? error}`);
    const refusal = error instanceof Refusal ? error : new Refusal('journal_failed', 'The request failed inside');
    const { httpStatus, grpcCode, retrySeconds } = refusalAnswer(refusal.reason);
    const sentence = refusal.reason === 'wrong_protocol' ? this.wrongProtocol() : refusal.sentence;
    account.refuse(refusal.reason, sentence);
    this.options.receiver.options.senders.refused(this.connectionOf(request, account));
    if (retrySeconds > 0) response.setHeader('retry-after', String(retrySeconds));
    if (httpStatus === 405) response.setHeader('allow', METHODS);
    if (refusal.reason === 'unsupported_encoding')
      response.setHeader('accept-encoding', account === this.writeAccount ? 'snappy' : 'gzip, zstd, identity');
    const answer = answerOf(encoding, grpcCode, sentence);
    if (request.complete) this.send(response, httpStatus, CONTENT_TYPE[encoding], answer);
    else this.sendBeforeEnd(request, response, httpStatus, CONTENT_TYPE[encoding], answer);
  }
  private wrongProtocol(): string {
    return `gRPC was sent to the HTTP port: OTLP/gRPC goes to ${this.options.grpcAddress()}, this port receives OTLP/HTTP.`;
  }
  private send(response: ServerResponse, status: number, contentType: string, body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (this.closing) response.setHeader('connection', 'close');
    if (status === 204) response.writeHead(204).end();
    else response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length }).end(bytes);
  }
  /** A sender that is still writing sees no answer once the socket closes: the answer goes out, then the rest is read. */
  private sendBeforeEnd(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    contentType: string,
    body: string | Uint8Array,
  ): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    response.writeHead(status, { 'content-type': contentType, 'content-length': bytes.length, connection: 'close' });
    response.write(bytes);
    let left = DRAIN_BYTES;
    const end = (): void => {
      clearTimeout(timer);
      response.end();
    };
    const timer = setTimeout(end, DRAIN_MS);
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) end();
    });
    request.once('end', end);
    request.once('close', end);
    request.once('error', end);
    request.resume();
  }

  /** The open console page asks this when the engine does not answer: any page of this machine may read it. */
  private answerHealth(request: IncomingMessage, response: ServerResponse): void {
    const { origin } = request.headers;
    if (origin !== undefined) {
      if (!isLoopbackOrigin(origin)) checkOrigin(request, this.options.receiver.options.limits.corsOrigins);
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('vary', 'Origin');
    }
    if (request.method === 'OPTIONS') {
      this.answerPreflight(request, response, 'GET, OPTIONS');
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal('wrong_method', `The method is ${request.method}`);
    response.setHeader('cache-control', 'no-store');
    request.resume();
    this.send(response, 200, CONTENT_TYPE.json, JSON.stringify(this.options.health()));
  }
  private answerPreflight(request: IncomingMessage, response: ServerResponse, methods: string): void {
    request.resume();
    response.writeHead(204, preflightHeaders(request, methods)).end();
  }

  /** Bytes that are no HTTP/1 request, or one that came too slowly. */
  private refuseBytes(error: ParserError, socket: Socket): void {
    socket.on('error', () => undefined);
    // A sender that went away between two requests did nothing wrong.
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const [status, reason] = parserAnswer(error);
    const refusal = new Refusal(reason, `The request is not HTTP: ${error.message}`);
    this.account.refuse(reason, refusal.sentence);
    const body = statusJson(refusalAnswer(reason).grpcCode, refusal.sentence);
    const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
    socket.end(head + body);
  }
}
function unknownPath(path: string): Refusal {
  const says = `Nothing is received at ${path.slice(0, 200)}`;
  if (!OTHER_PROFILES.test(path)) return new Refusal('unknown_path', says);
  return new Refusal('unknown_path', says, 'Profiles are received in the v1development version of OTLP: POST /v1development/profiles.');
}
interface ParserError extends Error {
  readonly code?: string;
}
function parserAnswer(error: ParserError): readonly [string, 'too_slow' | 'malformed'] {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', 'too_slow'];
  if (error.code === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', 'malformed'];
  return ['400 Bad Request', 'malformed'];
}
