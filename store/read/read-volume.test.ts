import { afterAll, beforeAll, expect, it } from 'vitest';
import { TABLES } from '#contracts/tables.ts';
import { batchFromRows } from '../hot/columns-from-rows.ts';
import { slicesOf } from '../sql/read/volume-sql.ts';
import { makeBatch, makeRows } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';
import { readVolume, readVolumeTable } from './read-volume.ts';

const test = new TestStore();
const START = Date.UTC(2026, 10, 21, 12);
const window = { startMs: START, endMs: START + 600_000 };
const table = (by: Parameters<typeof readVolumeTable>[2], filter = {}) => readVolumeTable(test.store, window, by, filter, {});

/** 30 series of http_requests_total: 10 paths x 3 pods; 5 of up. The last pod was there only before, the first is new. */
beforeAll(async () => {
  const store = await test.open();
  const seriesOf = (metric: string, labels: Record<string, string>, service: string): number =>
    store.dictionary.series(JSON.stringify([metric, labels]), () => ({
      metric,
      type: 'sum',
      unit: '',
      description: '',
      temporality: 'cumulative',
      monotonic: true,
      numberType: 'd',
      source: 'prometheus',
      service,
      attributes: { keys: Object.keys(labels), values: Object.values(labels), types: 's'.repeat(Object.keys(labels).length) },
      metadata: { keys: [], values: [], types: '' },
      resourceId: 0,
      scopeId: 0,
    }));
  const at = (id: number, ms: number) => ({
    series_id: id,
    time: BigInt(ms) * 1_000_000n,
    value: 1,
    value_int: null,
    start_time: null,
    flags: 0,
  });
  const points = [];
  for (let pod = 0; pod < 3; pod++) {
    for (let path = 0; path < 10; path++) {
      const id = seriesOf('http_requests_total', { path: `/${path}`, pod: `p${pod}`, job: 'web' }, 'web');
      for (let i = 0; i < 4; i++) {
        if (pod !== 0) points.push(at(id, START - 300_000 + i));
        if (pod !== 2) points.push(at(id, START + i * 60_000));
      }
    }
  }
  for (let i = 0; i < 5; i++) points.push(at(seriesOf('up', { instance: `i${i}` }, 'infra'), START + 1));
  test.append(batchFromRows(TABLES.samples, points));
  test.append(makeBatch({ table: 'spans', rows: 4_000, seed: 1, startNano: nano('2026-11-21T12:00:00Z'), stepNano: 100_000_000n }));
  const lines = makeRows({ table: 'logs', rows: 1_000, seed: 2, startNano: nano('2026-11-21T12:00:00Z'), stepNano: 500_000_000n });
  const bodies = lines.map((row, i) => ({
    ...row,
    body: i % 4 === 0 ? `cache miss for key k${i}` : `user ${i} paid`,
    severity_number: 9,
    service: 'cart',
  }));
  test.append(batchFromRows(TABLES.logs, bodies));
  await store.flush();
});
afterAll(() => test.end());

it('lays the bytes of each file on its tables, all of them', async () => {
  const files = await test.store.fileShares(window.startMs, window.endMs);
  expect(files.map(({ file }) => file)).toEqual(['telemetry-2026-11-21', 'catalog']);
  for (const { bytes, tables, freeBytes, otherBytes } of files)
    expect(tables.reduce((sum, each) => sum + each.bytes, freeBytes + otherBytes)).toBeCloseTo(bytes, 3);
  const { disk } = await test.store.facts();
  expect(files.map(({ bytes }) => bytes)).toEqual([disk.days, disk.catalog]);
  expect(Object.fromEntries(files[0]!.tables.map((each) => [each.table, each.rows]))).toMatchObject({
    spans: 4_000,
    logs: 1_000,
    samples: 165,
  });
});
it('counts rows exactly, and series that came and went', async () => {
  const { signals, series } = await readVolume(test.store, window, {});
  expect(signals.map(({ signal, rows, rowsBefore }) => [signal, rows, rowsBefore])).toEqual([
    ['metrics', 85, 80],
    ['traces', 4_000, 0],
    ['logs', 1_000, 0],
  ]);
  expect(series).toEqual({ active: 25, born: 15, gone: 10 });
  expect(signals.every(({ bytes }) => bytes > 0)).toBe(true);
});
it('by metric, and what it is narrowed to', async () => {
  const all = await table('metric');
  expect(all.rows.map(({ name, rows, series, born, gone }) => [name, rows, series, born, gone])).toEqual([
    ['http_requests_total', 80, 20, 10, 10],
    ['up', 5, 5, 5, 0],
  ]);
  expect([all.groups, all.totalRows, all.totalSeries]).toEqual([2, 85, 25]);
  expect((await table('metric', { service: 'infra' })).rows.map(({ name }) => name)).toEqual(['up']);
  expect((await table('metric-service')).rows.map(({ name, rows }) => [name, rows])).toEqual([
    ['web', 80],
    ['infra', 5],
  ]);
});
it('labels with their values, and the series left without each', async () => {
  const { rows } = await table('label', { metric: 'http_requests_total' });
  expect(rows.map(({ name, values, series, left }) => [name, values, series, left])).toEqual([
    ['path', 10, 20, 2],
    ['pod', 2, 20, 10],
    ['job', 1, 20, 20],
  ]);
  expect((await table('value', { metric: 'http_requests_total', label: 'pod' })).rows.map(({ name, series }) => [name, series])).toEqual([
    ['p0', 10],
    ['p1', 10],
    ['p2', 0],
  ]);
});
it('spans and log services', async () => {
  const spans = await table('trace-service');
  expect(spans.rows.reduce((sum, { rows }) => sum + rows, 0)).toBe(4_000);
  const [first] = spans.rows;
  const named = await table('span', { service: first!.name });
  expect(named.totalRows).toBe(first!.rows);
  expect((await table('log-service')).rows.map(({ name, rows }) => [name, rows])).toEqual([['cart', 1_000]]);
});
it('patterns of a service, their bytes by the length of the text', async () => {
  const { rows, estimated, totalBytes } = await table('pattern', { service: 'cart' });
  expect(rows.map(({ name, rows: lines }) => [name, lines])).toEqual([
    ['user <*> paid', 750],
    ['cache miss for key <*>', 250],
  ]);
  expect(estimated).toBeNull();
  expect(rows.reduce((sum, { bytes }) => sum + bytes, 0)).toBeCloseTo(totalBytes, 6);
});
it('a name is text, whatever it holds', async () => {
  expect((await table('label', { metric: "x' OR true --" })).rows).toEqual([]);
});
it('slices cover their part of the window and stay within it', () => {
  const slices = slicesOf({ startMs: 0, endMs: 10_000 }, 0.1, 10);
  expect(slices).toHaveLength(10);
  expect(slices.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0)).toBe(1_000);
  expect(slices.at(-1)!.endMs).toBeLessThanOrEqual(10_000);
  expect(slicesOf({ startMs: 5, endMs: 9 }, 3, 10)).toEqual([{ startMs: 5, endMs: 9 }]);
});
