import { afterEach, beforeEach, expect, it } from 'vitest';
import { transcodeJson } from '#collectors/otlp/json.ts';
import { BodyEncoding, BodyFormat, type JournalRecord, RecordKind } from '#contracts/journal.ts';
import type { LeftOutNews, SourceLimitsNews } from '#contracts/processes.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { SourceLimits } from '#contracts/source-limits.ts';
import { TestStore } from '#store/test-store.ts';
import { labels1, write1 } from '../../../tests/fixtures/write-requests.ts';
import { decodeRecord } from '../decode-record.ts';
import { IdSet } from './id-set.ts';
import { LimitBook } from './limit-book.ts';

const limits = limitsSchema.parse(undefined);
const NOON = Date.UTC(2026, 10, 21, 12);
let test: TestStore;
const news: SourceLimitsNews[] = [];
const left: LeftOutNews[] = [];
beforeEach(async () => {
  test = new TestStore();
  news.length = left.length = 0;
  await test.open();
});
afterEach(() => test.end());

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
/** A point of each of these series. */
function record(position: number, series: readonly string[], { service = 'shop', source = 'otlp-http', ms = NOON } = {}): JournalRecord {
  const timeUnixNano = String(BigInt(ms) * 1_000_000n);
  const dataPoints = series.map((id) => ({ timeUnixNano, asDouble: position, attributes: [attribute('id', id)] }));
  const resource = { attributes: [attribute('service.name', service)] };
  const body = { resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: 'm', gauge: { dataPoints } }] }] }] };
  return {
    ...{ kind: RecordKind.metrics, format: BodyFormat.protobuf, encoding: BodyEncoding.identity, retentionSeconds: 0, meta: '' },
    ...{ position, next: position + 1, source, items: series.length, receivedUnixNano: BigInt(ms) * 1_000_000n },
    body: transcodeJson('metrics', Buffer.from(JSON.stringify(body)), limits),
  };
}
async function bookWith(configured: SourceLimits, from = 0): Promise<LimitBook> {
  const book = new LimitBook({
    store: test.store,
    configured,
    between: (work) => work(from),
    writeOwn: async () => undefined,
    send: (told) => (told.type === 'left-out' ? left.push(told) : news.push(told)),
    nowMs: () => test.nowMs,
    log: (line) => expect.unreachable(line),
  });
  await book.load();
  await book.tick();
  return book;
}
async function take(book: LimitBook, one: JournalRecord): Promise<{ rows: number; dropped: number }> {
  const decoded = await book.decode(one, (face) => decodeRecord(one, { dictionary: face(book.dictionary), limits }));
  const { position, next } = one;
  test.store.append({ position, next, ...(decoded.needs === undefined ? {} : { needs: decoded.needs }) }, decoded.batches);
  return { rows: decoded.batches.reduce((sum, { rows }) => sum + rows, 0), dropped: decoded.dropped.get('source_series') ?? 0 };
}
const named = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `s${from + i}`);

it('lets exactly so many series in, and gives the rest no row in the dictionary', async () => {
  const book = await bookWith({ 'otlp-http': { maxSeries: 10 } });
  expect(await take(book, record(1, named(0, 7)))).toEqual({ rows: 7, dropped: 0 });
  expect(await take(book, record(2, named(4, 15)))).toEqual({ rows: 6, dropped: 5 });
  // Also those a decoder remembers.
  expect(await take(book, record(3, named(0, 20)))).toEqual({ rows: 10, dropped: 10 });
  expect(await take(book, record(4, named(0, 20), { source: 'otlp-grpc' }))).toEqual({ rows: 20, dropped: 0 });
  expect(await take(book, record(5, named(0, 20)))).toEqual({ rows: 10, dropped: 10 });
  expect(Number((await test.one('SELECT count(*) AS n FROM series'))['n'])).toBe(20);
  expect(book.dropped.get('otlp-http')).toBe(25);
  expect(news.at(-1)?.fullOfSeries).toEqual(['otlp-http']);
});
it('counts each source and service a name fits by itself, and every name that fits holds', async () => {
  const book = await bookWith({ 'otlp-*': { maxSeries: 12 }, 'otlp-* service=*a*': { maxSeries: 5 } });
  expect(await take(book, record(1, named(0, 8), { service: 'cart' }))).toEqual({ rows: 5, dropped: 3 });
  expect(await take(book, record(2, named(0, 8), { service: 'pay' }))).toEqual({ rows: 5, dropped: 3 });
  expect(await take(book, record(3, named(0, 8), { service: 'shop' }))).toEqual({ rows: 2, dropped: 6 });
  expect(await take(book, record(4, named(0, 8), { service: 'cart', source: 'otlp-grpc' }))).toEqual({ rows: 5, dropped: 3 });
});
it('tells of each record of remote write what was left out of it', async () => {
  const written = (position: number, ids: readonly string[], source = 'remote-write'): JournalRecord => {
    const timestamp = BigInt(NOON);
    const exemplars = [{ labels: labels1({ trace_id: 'a' }), value: 1, timestamp }];
    const body = write1({
      timeseries: ids.map((id) => ({ labels: labels1({ __name__: 'm', id }), samples: [{ value: 1, timestamp }], exemplars })),
    });
    const head = record(position, ids, { source });
    return { ...head, kind: RecordKind.write1, encoding: BodyEncoding.snappy, body };
  };
  const book = await bookWith({ 'remote-write': { maxSeries: 2 } });
  await take(book, written(1, ['a', 'b']));
  await take(book, written(2, ['b', 'c', 'd']));
  await take(book, written(3, ['c'], 'rules'));
  expect(left.map(({ type: _, ...each }) => each)).toEqual([
    { position: 2, samples: 0, histograms: 0, exemplars: 0 },
    { position: 3, samples: 2, histograms: 0, exemplars: 2 },
  ]);
  // No room for anybody's: from then on all are told of.
  const all = Array.from({ length: 1_100 }, (_, i) => `full${i}`);
  await take(book, written(4, all, 'rules'));
  expect(news.at(-1)?.fullOfSeries).toEqual(['*', 'remote-write']);
  expect(left.at(-1)).toMatchObject({ position: 5, samples: 103 });
});
it('begins anew with the day; an older arrival does not', async () => {
  const book = await bookWith({ 'otlp-http': { maxSeries: 3 } });
  await take(book, record(1, named(0, 3)));
  const tomorrow = NOON + 86_400_000;
  expect(await take(book, record(2, named(5, 9), { ms: tomorrow }))).toEqual({ rows: 3, dropped: 1 });
  expect(await take(book, record(3, named(0, 3)))).toEqual({ rows: 0, dropped: 3 });
});
it('a lower limit lets nothing new in, a higher one more, none all', async () => {
  const book = await bookWith({});
  await book.set('otlp-http', { maxSeries: 4 });
  await take(book, record(1, named(0, 6)));
  await book.set('otlp-http', { maxSeries: 2 });
  expect(await take(book, record(2, named(0, 6)))).toEqual({ rows: 4, dropped: 2 });
  await book.set('otlp-http', { maxSeries: 5 });
  expect(await take(book, record(3, named(0, 6)))).toEqual({ rows: 5, dropped: 1 });
  await book.remove('otlp-http');
  expect(await take(book, record(4, named(0, 6)))).toEqual({ rows: 6, dropped: 0 });
  await expect(book.remove('otlp-http')).rejects.toMatchObject({ code: 'not_found' });
});
it('the configuration goes before the page', async () => {
  const book = await bookWith({ 'otlp-http': { maxSeries: 1 } });
  await expect(book.set('otlp-http', { maxSeries: 9 })).rejects.toMatchObject({ code: 'bad_request' });
  expect(await take(book, record(1, named(0, 2)))).toEqual({ rows: 1, dropped: 1 });
});
it.each([[3], [12]])('after a kill a replay of what the journal kept decides as before: save behind record %i', async (saveAt) => {
  const make = (position: number): JournalRecord =>
    record(position, named(position, position + 3), { ms: NOON + (position > 9 ? 86_400_000 : 0) });
  const first = await bookWith({ 'otlp-http': { maxSeries: 6 } }, 1);
  const before: { rows: number; dropped: number }[] = [];
  for (let position = 1; position <= 14; position++) {
    before.push(await take(first, make(position)));
    if (position === saveAt) await first.save();
    if (position === saveAt - 1 || position === 11) await test.store.flush();
  }
  const released = test.store.released();
  await test.reopen();
  const second = await bookWith({ 'otlp-http': { maxSeries: 6 } }, 99);
  const after: { rows: number; dropped: number }[] = [];
  const from = Math.max(1, test.store.released());
  expect(from).toBeLessThanOrEqual(Math.max(saveAt + 1, released));
  for (let position = from; position <= 14; position++) after.push(await take(second, make(position)));
  expect(after).toEqual(before.slice(from - 1));
  // s15 is in since the second day began.
  expect(await take(second, make(15))).toEqual({ rows: 1, dropped: 2 });
});
it('an IdSet is what was put in', () => {
  const set = new IdSet();
  for (const id of [1, 8, 1_000_000, 8]) set.add(id);
  const same = IdSet.from(set.toString());
  expect([same.size, same.has(1), same.has(8), same.has(9), same.has(1_000_000), same.has(5e6)]).toEqual([
    3,
    true,
    true,
    false,
    true,
    false,
  ]);
});
