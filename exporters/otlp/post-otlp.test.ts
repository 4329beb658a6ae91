import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type OtlpBody, postOtlp } from './post-otlp.ts';

/** Destinations of every temper on loopback; the clock of the wall is only used as a deadline. */
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    (server as { closeAllConnections?: () => void }).closeAllConnections?.();
    await new Promise((done) => server.close(done));
  }
});
async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const http = (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => listening(createServer(answer));
const raw = (text: string, thenCut = true): Promise<string> =>
  listening(
    createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write(text);
        if (thenCut) socket.end();
      });
    }),
  );
const body: OtlpBody = {
  signal: 'logs',
  bytes: Buffer.alloc(100_000, 1),
  encoding: 'gzip',
  batchId: 'abc.1.2.logs',
  arrivalUnixNano: 1_700_000_000_000_000_000n,
};
const post = (url: string, more: { timeoutMs?: number; headers?: Record<string, string>; body?: OtlpBody } = {}) =>
  postOtlp({ url, headers: more.headers ?? {}, timeoutMs: more.timeoutMs ?? 5_000 }, more.body ?? body, { nowMs: Date.now });

describe('postOtlp', () => {
  it('sends the body as it is, to the path of its signal, with its id and the headers of the destination', async () => {
    let seen: { url: string | undefined; headers: IncomingMessage['headers']; bytes: Buffer } | null = null;
    const url = await http((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen = { url: request.url, headers: request.headers, bytes: Buffer.concat(chunks) };
        response.end();
      });
    });
    const verdict = await post(`${url}/tenant/7/`, { headers: { 'X-Api-Key': 's3cret' } });
    expect(verdict).toEqual({ kind: 'sent', rejectedItems: 0, note: '', status: 200 });
    expect(seen).toMatchObject({
      url: '/tenant/7/v1/logs',
      headers: {
        'content-type': 'application/x-protobuf',
        'content-encoding': 'gzip',
        'faultline-batch-id': 'abc.1.2.logs',
        'faultline-arrival-unix-nano': '1700000000000000000',
        'x-api-key': 's3cret',
      },
    });
    expect(seen!.bytes.equals(body.bytes)).toBe(true);
  });
  it.each([
    [400, {}, 'failed'],
    [401, {}, 'blocked'],
    [403, {}, 'blocked'],
    [404, {}, 'blocked'],
    [429, { 'retry-after': '17' }, 'retry'],
    [503, {}, 'retry'],
    [302, { location: 'http://127.0.0.1:1/' }, 'blocked'],
  ])('judges HTTP %i', async (status, headers, kind) => {
    const url = await http((request, response) => request.resume().on('end', () => response.writeHead(status, headers).end('no')));
    expect(await post(url)).toMatchObject({ kind, status, ...(status === 429 ? { retryAfterMs: 17_000 } : {}) });
  });
  it('hears a refusal given before the body was read', async () => {
    const url = await http((_, response) => response.writeHead(413, { connection: 'close' }).end());
    const verdict = await post(url, { body: { ...body, bytes: Buffer.alloc(8_000_000) } });
    // The connection may be reset before the answer is read: then it is a network error, and tried again.
    expect(['failed', 'retry']).toContain(verdict.kind);
  });
  it.each([
    ['no HTTP at all', () => raw('220 smtp ready\r\n')],
    ['half a header', () => raw('HTTP/1.1 200 OK\r\nContent-Le')],
    ['a body shorter than it says', () => raw('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort')],
    ['nothing and hangs up', () => raw('')],
  ])('tries again after %s', async (_, open) => {
    expect(await post(await open())).toMatchObject({ kind: 'retry', status: 0 });
  });
  it('gives up a destination that never answers, and one that drips, at the deadline', async () => {
    const never = await listening(createTcpServer((socket) => void socket.on('error', () => undefined).resume()));
    expect(await post(never, { timeoutMs: 200 })).toMatchObject({ kind: 'retry', message: expect.stringContaining('within 200 ms') });
    const drips = await http((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': '100000' });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });
    expect(await post(drips, { timeoutMs: 200 })).toMatchObject({ kind: 'retry' });
  });
  it('reads no more than 4 MiB of an answer', async () => {
    let written = 0;
    const url = await http((request, response) => {
      request.resume();
      const chunk = Buffer.alloc(1_000_000, 120);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await post(url)).toMatchObject({ kind: 'sent', status: 200 });
    expect(written).toBeLessThan(100_000_000);
  });
  it('says that nothing listens, and never the path', async () => {
    const url = await http(() => undefined);
    const [server] = servers.splice(0);
    await new Promise((done) => server!.close(done));
    const verdict = await post(`${url}/secret-tenant`);
    expect(verdict).toMatchObject({ kind: 'retry', message: `Nothing listens at ${new URL(url).host}.` });
  });
  it.each([
    ['answers', (response: ServerResponse) => void response.end()],
    ['refuses', (response: ServerResponse) => void response.writeHead(503).end('no')],
    [
      'cuts its answer',
      (response: ServerResponse) => void response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy()),
    ],
    ['hangs up', (response: ServerResponse) => void response.destroy()],
  ])('leaves nothing on the signal of its queue when the destination %s', async (_, answer) => {
    const url = await http((request, response) => request.resume().on('end', () => answer(response)));
    const { signal } = new AbortController();
    for (let i = 0; i < 3; i++) await postOtlp({ url, headers: {}, timeoutMs: 5_000 }, body, { nowMs: Date.now, signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
  it('stops at once when it is told to, also in the middle of an answer', async () => {
    const stop = new AbortController();
    const url = await http((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-length': '100' }).write('x', () => setTimeout(() => stop.abort(), 50));
    });
    const verdict = await postOtlp({ url, headers: {}, timeoutMs: 60_000 }, body, { nowMs: Date.now, signal: stop.signal });
    expect(verdict).toMatchObject({ kind: 'retry', status: 0 });
  });
  it.each([
    ['text/plain', (text: string) => Buffer.from(text)],
    ['application/json', (text: string) => Buffer.from(JSON.stringify({ message: text }))],
    ['application/x-protobuf', (text: string) => Buffer.concat([Buffer.from([0x12, text.length]), Buffer.from(text)])],
  ])('does not repeat its credentials when the destination does, as %s', async (type, pack) => {
    const url = await http((request, response) =>
      request.resume().on('end', () => {
        const { authorization, 'x-api-key': key } = request.headers;
        response.writeHead(400, { 'content-type': type }).end(pack(`Bearer? got ${authorization} and key ${key}`));
      }),
    );
    const verdict = await post(url, { headers: { authorization: 'Bearer hunter2hunter2', 'X-Api-Key': 'k=s3cret-s3cret' } });
    expect(verdict).toMatchObject({ kind: 'failed', message: expect.stringContaining('Bearer? got') });
    expect(JSON.stringify(verdict)).not.toMatch(/hunter2|s3cret/);
  });
});
