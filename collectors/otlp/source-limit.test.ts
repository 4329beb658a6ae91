import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MemoryBudget } from '#collectors/pipeline/memory-budget.ts';
import { SourceBytes } from '#collectors/pipeline/source-bytes.ts';
import type { JournalEntry } from '#contracts/journal.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { labels1, write1 } from '../../tests/fixtures/write-requests.ts';
import { type RunningHttpServer, startHttpServer } from './http-server.ts';
import { createReceiver } from './receiver.ts';

/** A source with a hard limit (limits.sources), over the real socket. */
const entries: JournalEntry[] = [];
let now = 1_700_000_000_000;
let server: RunningHttpServer;
beforeAll(async () => {
  const limits = limitsSchema.parse({ sources: { 'otlp-http': { itemsPerSecond: 1 } } });
  const ofDay = { 'otlp-*': { maxBytesPerDay: 400 }, zipkin: { maxBytesPerDay: 400 }, 'remote-write': { maxBytesPerDay: 60 } };
  const bytes = new SourceBytes({ dataDir: tmpdir(), limits: ofDay, nowMs: () => now, log: console.error });
  const append = (entry: JournalEntry): Promise<number> => bytes.append(entry, undefined, async (each) => entries.push(each));
  server = await startHttpServer({
    address: { host: '127.0.0.1', port: 0 },
    receiver: createReceiver({ append, limits, retentionSeconds: 0, budget: new MemoryBudget(1e8), nowMs: () => now }),
    nowMs: () => now,
    grpcAddress: () => '127.0.0.1:4317',
    health: () => ({}),
    log: (line) => expect.unreachable(line),
  });
});
afterAll(() => server.close(100));

const send = (lines: number): Promise<Response> => {
  const logRecords = Array.from({ length: lines }, () => ({ timeUnixNano: String(BigInt(now) * 1_000_000n), body: { stringValue: 'x' } }));
  return fetch(`http://127.0.0.1:${server.address.port}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  });
};
it('over its limit it gets 429 with Retry-After, nothing of it is journaled, and the source says so', async () => {
  expect((await send(10)).status).toBe(200);
  const refused = await send(1);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  expect(await refused.text()).toContain('otlp-http sends more than 1 items a second');
  expect(entries).toHaveLength(1);
  expect(server.account.status()).toMatchObject({ state: 'failing', refused: { source_rate: 1 } });
  now += 5_000;
  expect((await send(5)).status).toBe(200);
  expect(server.account.status()).toMatchObject({ state: 'receiving', error: '' });
});
it('over its bytes of the day it gets a partial success that rejects all, and nothing of it is journaled', async () => {
  now += 60_000;
  const before = entries.length;
  const answer = await send(10);
  expect(answer.status).toBe(200);
  const { partialSuccess } = (await answer.json()) as { partialSuccess: { rejectedLogRecords: string; errorMessage: string } };
  expect(partialSuccess.rejectedLogRecords).toBe('10');
  expect(partialSuccess.errorMessage).toMatch(/otlp-http has sent \d+ of the 400 bytes .* Raise its maxBytesPerDay/);
  expect(entries).toHaveLength(before);
  expect(server.account.status()).toMatchObject({ state: 'failing', refused: { source_bytes: 1 } });
});
it('what has no partial answer gets 400 and is not to be sent again', async () => {
  const spans = JSON.stringify([{ id: '0000000000000001', traceId: '1'.repeat(32), name: 'x'.repeat(900), timestamp: now * 1_000 }]);
  const answer = await fetch(`http://127.0.0.1:${server.address.port}/api/v2/spans`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: spans,
  });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([400, null]);
});
it('remote write counts by itself: what fits is written, what does not gets 400 and headers that say that nothing was', async () => {
  const write = (series: number): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.address.port}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: write1({
        timeseries: Array.from({ length: series }, (_, i) => ({
          labels: labels1({ __name__: `m${i}` }),
          samples: [{ value: Math.sqrt(i), timestamp: BigInt(now) }],
        })),
      }),
    });
  expect((await write(1)).status).toBe(204);
  const before = entries.length;
  const refused = await write(50);
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('remote-write has sent')]);
  expect(entries).toHaveLength(before);
  expect(server.writeAccount.status().refused).toEqual({ source_bytes: 1 });
});
