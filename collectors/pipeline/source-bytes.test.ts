import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, type JournalEntry, RecordKind } from '#contracts/journal.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';
import { labels1, Symbols, write1, write2 } from '../../tests/fixtures/write-requests.ts';
import { type Journal, openJournal } from './journal.ts';
import { SourceBytes } from './source-bytes.ts';

let dataDir: string;
let nowMs = 0;
const lines: string[] = [];
const open: Journal[] = [];
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'faultline-bytes-'));
  nowMs = Date.UTC(2026, 10, 21, 12);
  lines.length = 0;
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  rmSync(dataDir, { recursive: true, force: true });
});
const folder = (): string => path.join(dataDir, 'journal');
/** A collector's life: the journal and the counts over it. */
async function live(limits: SourceLimits): Promise<{
  journal: Journal;
  bytes: SourceBytes;
  send: (size: number, source?: string, service?: string, receivedMs?: number) => Promise<number>;
}> {
  const journal = await openJournal(folder(), { durability: 'none', maxBytes: 1e9, diskReserveBytes: 0 });
  open.push(journal);
  const bytes = new SourceBytes({ dataDir, limits, nowMs: () => nowMs, log: (line) => lines.push(line) });
  bytes.recover(folder(), journal.committed);
  const send = (size: number, source = 'otlp-http', service = '', receivedMs = nowMs): Promise<number> =>
    bytes.append(entry(size, source, service, receivedMs), undefined, (each) => journal.append(each));
  return { journal, bytes, send };
}
/** One resource that names its service, filled up. */
function entry(size: number, source: string, service: string, receivedMs: number): JournalEntry {
  const part = (tag: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([tag, body.length]), body]);
  const attribute = part(
    0x0a,
    Buffer.concat([part(0x0a, Buffer.from('service.name')), part(0x12, part(0x0a, Buffer.from(service || 'x')))]),
  );
  const body = Buffer.alloc(size);
  if (service !== '') part(0x0a, part(0x0a, attribute)).copy(body);
  return {
    ...{ kind: RecordKind.logs, format: BodyFormat.protobuf, encoding: BodyEncoding.identity, retentionSeconds: 0, items: 1, meta: '' },
    ...{ source, body, receivedUnixNano: BigInt(receivedMs) * 1_000_000n },
  };
}
/** Without a last word, as after kill -9; the lock goes with the process. */
async function kill(journal: Journal): Promise<void> {
  await journal.close();
  open.splice(open.indexOf(journal), 1);
}
const of = (bytes: SourceBytes): Record<string, number> =>
  Object.fromEntries(bytes.statuses().map((each) => [`${each.source} ${each.service ?? ''}`.trim(), each.bytes]));

it('takes exactly what the limit allows, each source by itself, and nothing of what goes over', async () => {
  const { bytes, send, journal } = await live({ 'otlp-*': { maxBytesPerDay: 1_000 } });
  await send(600);
  await expect(send(401)).rejects.toMatchObject({ reason: 'source_bytes', message: expect.stringContaining('600 of the 1000 bytes') });
  await send(400);
  await expect(send(1)).rejects.toMatchObject({ reason: 'source_bytes' });
  await send(1_000, 'otlp-grpc');
  await send(5_000, 'syslog');
  expect(of(bytes)).toEqual({ 'otlp-http': 1_000, 'otlp-grpc': 1_000 });
  expect(bytes.statuses().find(({ source }) => source === 'otlp-http')?.refused).toBe(2);
  expect(journal.stats().records).toBe(4);
});
it('of many at once exactly those that fit', async () => {
  const { send } = await live({ 'otlp-http': { maxBytesPerDay: 1_000 } });
  const results = await Promise.allSettled(Array.from({ length: 30 }, () => send(90)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(11);
});
it('a service of a source has its own count', async () => {
  const { bytes, send } = await live({ 'otlp-http service=ca*': { maxBytesPerDay: 500 }, 'otlp-http': { maxBytesPerDay: 1_200 } });
  await send(500, 'otlp-http', 'cart');
  await expect(send(100, 'otlp-http', 'cart')).rejects.toMatchObject({ message: expect.stringContaining('cart by otlp-http') });
  await send(400, 'otlp-http', 'cat');
  await send(300, 'otlp-http', 'shop');
  await expect(send(100, 'otlp-http', 'shop')).rejects.toMatchObject({ reason: 'source_bytes' });
  expect(of(bytes)).toEqual({ 'otlp-http': 1_200, 'otlp-http cart': 500, 'otlp-http cat': 400 });
});
it('knows the services of remote write series by series, and of scrapes by their target', async () => {
  const limits: SourceLimits = { '* service=cart': { maxBytesPerDay: 1_000 }, '* service=*': { maxBytesPerDay: 100_000 } };
  const { bytes, journal } = await live(limits);
  const samples = (count: number) => Array.from({ length: count }, (_, i) => ({ value: i, timestamp: BigInt(nowMs + i) }));
  const body1 = (...series: readonly (readonly [labels: Record<string, string>, samples: number])[]): Buffer =>
    write1({ timeseries: series.map(([labels, count]) => ({ labels: labels1({ __name__: 'm', ...labels }), samples: samples(count) })) });
  const take = (kind: JournalEntry['kind'], body: Uint8Array, meta = ''): Promise<number> =>
    bytes.append(
      {
        ...{ kind, format: BodyFormat.protobuf, encoding: BodyEncoding.snappy, retentionSeconds: 0, items: 1, meta, source: 'prometheus' },
        ...{ body, receivedUnixNano: BigInt(nowMs) * 1_000_000n },
      },
      undefined,
      (each) => journal.append(each),
    );
  const shown = (): Record<string, number> =>
    Object.fromEntries(
      bytes
        .statuses()
        .filter(({ name }) => name === '* service=*')
        .map((each) => [each.service ?? '', each.bytes]),
    );
  // Three quarters of the series' bytes are cart's, by service_name; the rest is told by job.
  const mixed = body1([{ job: 'x', service_name: 'cart' }, 300], [{ job: 'pay1', service_nam: 'c' }, 100], [{}, 0]);
  await take(RecordKind.write1, mixed);
  const first = shown();
  expect(Object.values(first).reduce((sum, each) => sum + each, 0)).toBe(mixed.length);
  expect((first['cart'] as number) / (first['pay1'] as number)).toBeCloseTo(3, 0);
  // cart has no room any more: alone it is refused, with others it is counted.
  const alone = body1([{ job: 'cart' }, 5], [{ job: 'cart' }, 5]);
  await expect(take(RecordKind.write1, alone)).rejects.toMatchObject({
    reason: 'source_bytes',
    message: expect.stringContaining('cart by prometheus'),
  });
  await take(RecordKind.write1, mixed);
  expect(shown()['cart']).toBe(2 * (first['cart'] as number));
  const symbols = new Symbols();
  const labelsRefs = symbols.refs({ __name__: 'm', job: 'two' });
  await take(RecordKind.write2, write2({ timeseries: [{ labelsRefs, samples: samples(3) }], symbols: symbols.symbols }));
  expect(shown()['two']).toBeGreaterThan(10);
  await take(RecordKind.scrape, Buffer.from('up 1'), JSON.stringify({ labels: { job: 'node', instance: 'a' } }));
  expect(shown()['node']).toBe(4);
  // As a restart reads them.
  const before = of(bytes);
  await kill(journal);
  const again = await live(limits);
  await again.bytes.save();
  expect(of(again.bytes)).toEqual(before);
});
it.each([
  ['its book was never written', 0],
  ['its book is some records old', 4],
  ['its book is up to date', 9],
])('knows after a kill what was taken before it: %s', async (_, saveAfter) => {
  const limits: SourceLimits = { 'otlp-http': { maxBytesPerDay: 1_000 }, 'otlp-http service=cart': { maxBytesPerDay: 950 } };
  const first = await live(limits);
  for (let i = 1; i <= 9; i++) {
    await first.send(100, 'otlp-http', 'cart');
    if (i === saveAfter) await first.bytes.save();
  }
  await kill(first.journal);
  const second = await live(limits);
  await expect(second.send(101)).rejects.toMatchObject({ reason: 'source_bytes' });
  await expect(second.send(60, 'otlp-http', 'cart')).rejects.toMatchObject({ reason: 'source_bytes' });
  await second.send(100);
  expect(of(second.bytes)).toEqual({ 'otlp-http': 1_000, 'otlp-http cart': 900 });
});
it('keeps the journal until the book knows it, and no longer', async () => {
  const { bytes, send, journal } = await live({ 'otlp-http': { maxBytesPerDay: 1e6 } });
  const position = await send(100);
  expect(bytes.safePosition).toBeLessThan(position);
  await bytes.save();
  expect(bytes.safePosition).toBe(position);
  bytes.setLimits({}, journal.committed);
  expect(bytes.safePosition).toBe(Number.MAX_SAFE_INTEGER);
});
it('begins anew with the day; an older arrival and a clock set back do not bring the last one back', async () => {
  const limits: SourceLimits = { 'otlp-http': { maxBytesPerDay: 100 } };
  const first = await live(limits);
  await first.send(100);
  nowMs = Date.UTC(2026, 10, 22, 0, 0, 1);
  await first.send(60);
  await first.send(30, 'otlp-http', '', nowMs - 3_600_000);
  await kill(first.journal);
  const second = await live(limits);
  await second.send(10);
  nowMs -= 5_000;
  await expect(second.send(1)).rejects.toMatchObject({ reason: 'source_bytes' });
});
it('what was refused for another reason is given back', async () => {
  const { bytes } = await live({ 'otlp-http': { maxBytesPerDay: 100 } });
  const full = bytes.append(entry(100, 'otlp-http', '', nowMs), undefined, () => Promise.reject(new Error('no room')));
  await expect(full).rejects.toThrow('no room');
  expect(of(bytes)).toEqual({ 'otlp-http': 0 });
});
it('a book that cannot be read is set aside, and the journal counts', async () => {
  const limits: SourceLimits = { 'otlp-http': { maxBytesPerDay: 100 } };
  const first = await live(limits);
  await first.send(70);
  await kill(first.journal);
  writeFileSync(path.join(dataDir, 'source-bytes.json'), '{"version":7');
  const second = await live(limits);
  await expect(second.send(31)).rejects.toMatchObject({ reason: 'source_bytes' });
  expect(lines.join()).toContain('is set aside');
});
