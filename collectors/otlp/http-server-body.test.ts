import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { BufferPool } from '#collectors/pipeline/buffer-pool.ts';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { readBody } from './http-server-body.ts';

/** What the parser hands over for a body, held on to; and the body as it was put together. */
async function receive(sent: Buffer): Promise<{ readonly pieces: readonly Buffer[]; readonly body: Buffer }> {
  const pieces: Buffer[] = [];
  const options = { maxBytes: 1 << 24, pool: new BufferPool(1 << 24), budget: new MemoryBudget(1 << 24) };
  let server = createServer();
  const body = await new Promise<Buffer>((resolve, reject) => {
    server = createServer((incoming, response) => {
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      readBody(incoming, options).then(({ bytes }) => {
        resolve(Buffer.from(bytes));
        response.end();
      }, reject);
    }).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      request({ port, host: '127.0.0.1', method: 'POST', agent: false }, (answer) => answer.resume()).end(sent);
    });
  });
  server.close();
  return { pieces, body };
}

it('puts a body of many pieces together and frees each piece at once', async () => {
  const sent = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => i * 31 + (i >> 8)));
  const { pieces, body } = await receive(sent);
  expect(body.equals(sent)).toBe(true);
  expect(pieces.length).toBeGreaterThan(10);
  expect(pieces.map((piece) => piece.buffer.byteLength)).toEqual(pieces.map(() => 0));
});
