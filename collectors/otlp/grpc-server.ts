import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { Address, GrpcServerName } from '#contracts/settings.ts';
import { type GrpcServices, type GrpcServicesOptions, notGrpc } from './grpc-server-methods.ts';
import type { GrpcPatience } from './grpc-server-session.ts';
import type { Receiver } from './receiver.ts';
import { tellByFirstBytes } from './receiver-first-bytes.ts';
import { statusJson } from './receiver-response.ts';

export interface GrpcServerOptions {
  readonly address: Address;
  readonly server: GrpcServerName;
  readonly receiver: Receiver;
  readonly nowMs: () => number;
  /** Where OTLP/HTTP goes, a URL, for the sentence to those who send it here. */
  readonly httpAddress: () => string;
  readonly log: (line: string) => void;
  /** Other patience with slow senders than the default. */
  readonly patience?: GrpcPatience;
}
export interface RunningGrpcServer {
  readonly address: Address;
  readonly account: SourceAccount;
  /** Loads the services before the first connection needs them. */
  warmUp(): Promise<unknown>;
  /** Takes no new call; resolves when those under way are answered, at the latest at the deadline. Safe twice. */
  close(deadlineMs: number): Promise<void>;
}
const MAX_CONNECTIONS = 4_096;
const INVALID_ARGUMENT = 3;

/**
 * Opens the port. In front of what speaks HTTP/2 stands a plain socket server that looks at the first bytes of a connection:
 * an HTTP/1 request would otherwise be dropped without a word, and HTTP/2 need not be loaded before the port is open.
 * @throws the listen error (EADDRINUSE ...)
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<RunningGrpcServer> {
  const server = new OtlpGrpcServer(options);
  await server.listen();
  return server;
}

/** Only one of the two is ever loaded. */
async function loadServices(server: GrpcServerName, options: GrpcServicesOptions): Promise<GrpcServices> {
  if (server === 'grpc-js') return (await import('./grpc-server-compat.ts')).createGrpcServices(options);
  return (await import('./grpc-server-http2.ts')).createHttp2Services(options);
}

class OtlpGrpcServer implements RunningGrpcServer {
  readonly account: SourceAccount;
  address: Address;
  private readonly options: GrpcServerOptions;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** Those whose protocol is not known yet: nothing is lost when they are cut. */
  private readonly unknown = new Set<Socket>();
  private services: Promise<GrpcServices> | null = null;
  private closing: Promise<void> | null = null;

  constructor(options: GrpcServerOptions) {
    this.options = options;
    this.address = options.address;
    this.account = new SourceAccount('otlp-grpc', 'otlp-grpc', options.nowMs);
    this.server = createServer({ noDelay: true, highWaterMark: 256 * 1024 }, (socket) => this.sniff(socket));
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.on('drop', () => this.account.refuse('backpressure', `more than ${MAX_CONNECTIONS} connections`));
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
    this.server.on('error', (error) => this.options.log(`OTLP/gRPC: ${error.message}`));
    this.address = { host, port: (this.server.address() as AddressInfo).port };
    this.account.address = `${host.includes(':') ? `[${host}]` : host}:${this.address.port}`;
  }
  warmUp(): Promise<unknown> {
    return this.load();
  }
  private load(): Promise<GrpcServices> {
    const { server, ...options } = this.options;
    this.services ??= loadServices(server, { ...options, account: this.account, isClosing: () => this.closing !== null });
    return this.services;
  }

  private sniff(socket: Socket): void {
    this.sockets.add(socket);
    this.unknown.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.unknown.delete(socket);
    });
    tellByFirstBytes(socket, {
      http2: () => void this.serve(socket),
      other: (_, received) => this.refuse(socket, received),
      silent: () => this.account.refuse('too_slow', 'A connection was opened and nothing was sent.'),
    });
  }
  private async serve(socket: Socket): Promise<void> {
    this.unknown.delete(socket);
    const gone = (): void => void socket.destroy();
    socket.on('error', gone);
    const services = await this.load();
    socket.removeListener('error', gone);
    if (!socket.destroyed) services.serve(socket);
  }
  /** HTTP/1 gets an answer it can show; anything else is no protocol known here. */
  private refuse(socket: Socket, received: Buffer): void {
    const isHttp = /^[A-Z]{3,10} \S+ ?/.test(received.toString('latin1', 0, 256));
    const sentence = isHttp
      ? notGrpc('HTTP/1', this.options.httpAddress())
      : 'The first bytes are no gRPC: this port receives OTLP/gRPC without TLS.';
    socket.on('error', () => socket.destroy());
    this.account.refuse(isHttp ? 'wrong_protocol' : 'malformed', sentence);
    const body = statusJson(INVALID_ARGUMENT, sentence);
    const head = 'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n';
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    // Reading on a little lets a sender that is still writing see the answer.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), 1_000);
    socket.once('close', () => clearTimeout(timer));
    socket.end();
  }
  close(deadlineMs: number): Promise<void> {
    this.closing ??= this.shutDown(deadlineMs);
    return this.closing;
  }
  private async shutDown(deadlineMs: number): Promise<void> {
    this.account.stopped = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    // Services are done as soon as every session knows of its end: what a session still has to send is in its socket.
    const timer = setTimeout(() => this.cutOff(), deadlineMs);
    for (const socket of this.unknown) socket.destroy();
    if (this.services) await (await this.services).close(deadlineMs);
    await closed;
    clearTimeout(timer);
  }
  private cutOff(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
