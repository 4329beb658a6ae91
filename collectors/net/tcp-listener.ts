import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { SourceAccount } from '#collectors/pipeline/accounting.ts';
import type { Address } from '#contracts/settings.ts';
import type { TlsFiles } from './tls-files.ts';

export interface TcpOptions {
  readonly address: Address;
  /** Null: plain. */
  readonly tls: TlsFiles | null;
  readonly account: SourceAccount;
  /** The socket has its error listener already; the handler reads from it and destroys it. */
  readonly onConnection: (socket: Socket) => void;
  readonly log: (line: string) => void;
}
export interface TcpListener {
  readonly port: number;
  /** Takes no more connections; those there are have until the deadline. Safe twice. */
  close(deadlineMs: number): Promise<void>;
}
/** Of one listener. Idle connections stay: the protocols here have senders that lose what they write to one that was closed. */
const MAX_CONNECTIONS = 1_024;
/** Silence after which the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 60_000;
const HANDSHAKE_MS = 10_000;
/** The other side went away: nothing to complain about. */
const GONE = /^(?:ECONNRESET|EPIPE|ECONNABORTED|ETIMEDOUT)$/;

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** Opens the port. @throws the listen error (EADDRINUSE ...), or what is wrong with certificate and key */
export async function listenTcp({ address, tls, account, onConnection, log }: TcpOptions): Promise<TcpListener> {
  const sockets = new Set<Socket>();
  /** Still in the handshake, by the other side's port: they have nothing to lose, and must not hold up the end. */
  const strangers = new Map<string, Socket>();
  const take = (socket: Socket): void => {
    strangers.delete(peerOf(socket));
    socket.on('error', () => socket.destroy());
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    onConnection(socket);
  };
  const server: Server = tls
    ? (await import('node:tls')).createServer({ ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE_MS }, take)
    : createServer(take);
  server.prependListener('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    sockets.add(socket);
    if (tls) strangers.set(peer, socket);
    socket.once('close', () => {
      sockets.delete(socket);
      if (strangers.get(peer) === socket) strangers.delete(peer);
    });
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!GONE.test(error.code ?? '')) account.refuse('tls_failed', `A TLS handshake failed: ${error.message}`);
    socket.destroy();
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('drop', () => account.refuse('backpressure', `more than ${MAX_CONNECTIONS} connections`));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, backlog: 511 }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => log(`${account.source}: ${error.message}`));
  let closing: Promise<void> | null = null;
  return {
    port: (server.address() as AddressInfo).port,
    close: (deadlineMs) => {
      closing ??= new Promise((resolve) => {
        const end = (): void => {
          for (const socket of sockets) socket.destroy();
        };
        for (const socket of strangers.values()) socket.destroy();
        const timer = setTimeout(end, Math.max(0, deadlineMs));
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      return closing;
    },
  };
}
