import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import type { JournalEntry } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { type RunningHttpServer, startHttpServer } from './http-server.ts';
import { createReceiver } from './receiver.ts';

/** Slow and silent senders, with a server that has little patience. Everything else: tests/conformance/receivers-http. */
const budget = new MemoryBudget(1e8);
const entries: JournalEntry[] = [];
let server: RunningHttpServer;
beforeAll(async () => {
  const append = async (entry: JournalEntry): Promise<number> => entries.push(entry);
  server = await startHttpServer({
    address: { host: '127.0.0.1', port: 0 },
    receiver: createReceiver({ append, limits: limitsSchema.parse({}), retentionSeconds: 0, budget, nowMs: Date.now }),
    nowMs: Date.now,
    grpcAddress: () => '127.0.0.1:4317',
    health: () => ({}),
    log: (line) => expect.unreachable(line),
    timeouts: { headersTimeout: 200, requestTimeout: 400, keepAliveTimeout: 300, connectionsCheckingInterval: 50 },
  });
});
afterAll(() => server.close(100));

/** Sends a first part, then a byte every 20 ms until the server has had enough. */
function dribble(first: string, byte: string): Promise<string> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout;
    const socket = connect(server.address.port, '127.0.0.1', () => {
      socket.write(first);
      timer = setInterval(() => socket.write(byte), 20);
    });
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearInterval(timer);
      resolve(answer);
    });
  });
}
const refused = (): number => server.account.status().refused['too_slow'] ?? 0;

describe('slow senders', () => {
  it('of a header get 408', async () => {
    const before = refused();
    expect(await dribble('POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n', 'X')).toMatch(/^HTTP\/1\.1 408 /);
    expect(refused()).toBe(before + 1);
  });
  it('of a body get 408, and hold no memory after', async () => {
    const before = refused();
    const head = 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000000\r\n\r\n';
    expect(await dribble(head, 'x')).toMatch(/^HTTP\/1\.1 408 /);
    expect(refused()).toBe(before + 1);
    await expect.poll(() => budget.heldBytes).toBe(0);
    expect(entries).toEqual([]);
  });
  it('between two requests are let go without a complaint', async () => {
    const before = refused();
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.address.port, '127.0.0.1', () => socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
      });
      socket.once('close', () => resolve(text));
    });
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(refused()).toBe(before);
  });
  it('a hundred of them do not keep others waiting', async () => {
    const slow = Array.from({ length: 100 }, () => dribble('POST /v1/traces HTTP/1.1\r\n', 'X'));
    const response = await fetch(`${server.account.address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(200);
    for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});
