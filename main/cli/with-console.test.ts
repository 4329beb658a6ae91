import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { patient, withConsole } from './with-console.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
async function listen(port: number, status: number, body: string): Promise<number> {
  const server = createServer((_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body));
  servers.push(server);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}
const error = (code: string): string => JSON.stringify({ error: { code, message: 'x' } });

it('a console that restarts is asked again; what it answers for good is not', async () => {
  const port = await listen(0, 503, error('starting'));
  const flags = { api: `127.0.0.1:${port}`, token: 't' };
  const asked = withConsole({ flags }, (console) => patient(console).call('/a'));
  await new Promise((done) => setTimeout(done, 50));
  servers.pop()?.close().closeAllConnections();
  await new Promise((done) => setTimeout(done, 250));
  await listen(port, 200, '{}');
  expect((await asked).status).toBe(200);
  servers.pop()?.close().closeAllConnections();
  await listen(port, 404, error('not_found'));
  await expect(withConsole({ flags }, (console) => patient(console).call('/b'))).rejects.toThrow('x');
});
