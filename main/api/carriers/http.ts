import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { FaultlineError } from '#contracts/errors.ts';
import type { Address } from '#contracts/settings.ts';

type FetchCallback = Parameters<typeof createAdaptorServer>[0]['fetch'];
const MAX_HEADER_BYTES = 16 * 1024;

export interface HttpCarrier {
  /** http://HOST:PORT */
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the API on a socket. @throws FaultlineError port_taken */
export async function carryHttp(app: { readonly fetch: FetchCallback }, address: Address): Promise<HttpCarrier> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer,
    serverOptions: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: 10_000, requestTimeout: 120_000, keepAliveTimeout: 65_000 },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(
        new FaultlineError('port_taken', `Port ${address.port} on ${address.host} is in use, so the console cannot listen there.`, {
          cause: error,
        }),
      );
    });
    server.listen(address.port, address.host, resolve);
  });
  server.on('clientError', (_, socket) => socket.destroy());
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Event streams never end by themselves.
        server.closeAllConnections();
      }),
  };
}
