import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '#contracts/store.ts';
import { SPANS } from '#contracts/tables.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { ruleVector } from '#query/rules/sample.ts';
import { batchFromRows, type RowValue } from '#store/hot/columns-from-rows.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { makeRows } from '#store/test-batches.ts';
import { TestStore } from '#store/test-store.ts';
import { runExpr } from './run-promql.ts';
import { SeriesBook } from './series-book.ts';

/** Requests counted from spans, compared with the rows they were made of. */
const test = new TestStore();
const MINUTE = 60_000;
const NOW = Math.floor(test.nowMs / MINUTE) * MINUTE;
let store: Store;
let book: SeriesBook;
let rows: RowValue[] = [];
let statements = 0;

function add(fromMs: number, toMs: number, seed: number, count = 600): void {
  const stepNano = (BigInt(toMs - fromMs) * 1_000_000n) / BigInt(count);
  const fresh = makeRows({ table: 'spans', rows: count, seed, startNano: BigInt(fromMs) * 1_000_000n, stepNano }).map((row, i) => ({
    ...row,
    kind: 2,
    service: i % 3 === 0 ? 'cart' : 'checkout',
    name: i % 2 === 0 ? 'GET' : 'POST /x',
    status_code: i % 7 === 0 ? 2 : 0,
    duration_ns: BigInt((i % 50) * 20) * 1_000_000n,
  }));
  rows = [...rows, ...fresh];
  test.append(batchFromRows(SPANS, fresh));
}
const msOf = (row: RowValue): number => Number((row['start_time'] as bigint) / 1_000_000n);
const wanted = (fromMs: number, toMs: number, fits: (row: RowValue) => boolean): number =>
  rows.filter((row) => msOf(row) >= fromMs && msOf(row) < toMs && fits(row)).length;
async function ask(text: string, atMs: number): Promise<number[]> {
  const counted: Queries = {
    query: (...args) => {
      statements++;
      return store.query(...args);
    },
  };
  const grid = { startMs: atMs, stepMs: 0, count: 1 };
  return ruleVector(await runExpr({ store: counted, book }, parsePromql(text), grid, {})).map(({ value }) => value);
}
const checkout = (row: RowValue): boolean => row['service'] === 'checkout';

describe('requests counted from spans', () => {
  beforeAll(async () => {
    store = await test.open();
    book = new SeriesBook(store);
    add(NOW - 60 * MINUTE, NOW, 1);
  });
  afterAll(() => test.end());

  it.each<[string, string, (row: RowValue) => boolean]>([
    ['all', '', () => true],
    ['of a service', 'service_name="checkout"', checkout],
    ['of an operation', 'service_name="checkout",span_name="GET"', (row) => checkout(row) && row['name'] === 'GET'],
    ['failed', 'service_name="checkout",bad="error"', (row) => checkout(row) && row['status_code'] === 2],
    ['slow', 'bad=">500ms"', (row) => (row['duration_ns'] as bigint) > 500_000_000n],
    ['failed or slow', 'bad="error or >0.5s"', (row) => row['status_code'] === 2 || (row['duration_ns'] as bigint) > 500_000_000n],
  ])('%s', async (_, labels, fits) => {
    for (const minutes of [5, 30, 60]) {
      const text = `sum_over_time(faultline_requests{${labels}}[${minutes}m])`;
      expect(await ask(text, NOW)).toEqual([wanted(NOW - minutes * MINUTE, NOW, fits)]);
    }
  });
  it('a ratio is exact in any window, and asked for once', async () => {
    const ratio = (window: string): string =>
      `sum(sum_over_time(faultline_requests{service_name="checkout",bad="error"}[${window}])) / sum(sum_over_time(faultline_requests{service_name="checkout"}[${window}]))`;
    const of = (fromMs: number, toMs: number): number =>
      wanted(fromMs, toMs, (row) => checkout(row) && row['status_code'] === 2) / wanted(fromMs, toMs, checkout);
    expect(await ask(ratio('60m'), NOW)).toEqual([of(NOW - 60 * MINUTE, NOW)]);
    // Known; of the last ten minutes each selector looks again.
    statements = 0;
    expect(await ask(ratio('20m'), NOW)).toEqual([of(NOW - 20 * MINUTE, NOW)]);
    expect(statements).toBe(2);
    statements = 0;
    expect(await ask(ratio('20m'), NOW - 20 * MINUTE)).toEqual([of(NOW - 40 * MINUTE, NOW - 20 * MINUTE)]);
    expect(statements).toBe(0);
  });
  it('spans that come late are counted', async () => {
    add(NOW - 5 * MINUTE, NOW - 4 * MINUTE, 2, 30);
    add(NOW, NOW + 20 * MINUTE, 3, 100);
    expect(await ask('sum_over_time(faultline_requests[10m])', NOW)).toEqual([wanted(NOW - 10 * MINUTE, NOW, () => true)]);
    for (const minutes of [5, 10, 20]) {
      const atMs = NOW + minutes * MINUTE;
      expect(await ask('sum_over_time(faultline_requests{service_name="checkout"}[30m])', atMs)).toEqual([
        wanted(atMs - 30 * MINUTE, atMs, checkout),
      ]);
    }
  });
  it('a cell without requests has no sample', async () => {
    expect(await ask('faultline_requests{service_name="nobody"}', NOW)).toEqual([]);
    expect(await ask('sum_over_time(faultline_requests[5m])', NOW - 300 * MINUTE)).toEqual([]);
  });
  it('what cannot be counted is refused', async () => {
    await expect(ask('faultline_requests{service_name=~"c.*"}', NOW)).rejects.toThrow('it takes service_name, span_name, bad with =');
  });
});
