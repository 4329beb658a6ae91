import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HISTOGRAMS, SAMPLES } from '#contracts/tables.ts';
import { type MetricRange, metricRangeSql } from './metrics-sql.ts';

/** SQL against DuckDB itself; the expected values come from an independent reading of Prometheus' rule, worked below. */
const T = Date.UTC(2026, 10, 21, 10, 0, 0);
let instance: DuckDBInstance;
type Rows = { time: number; series: string; value: number }[];
async function run(sql: string): Promise<Rows> {
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`SELECT epoch_ms(time)::DOUBLE AS time, series, value FROM (${sql})`);
  connection.closeSync();
  return reader.getRowObjectsJS() as unknown as Rows;
}
const ddl = (table: typeof SAMPLES): string =>
  `CREATE TABLE ${table.name} (${table.columns.map((c) => `"${c.name}" ${c.sql}`).join(', ')})`;
async function insert(seriesId: number, type: string, temporality: string, points: readonly (readonly [number, number])[]): Promise<void> {
  const connection = await instance.connect();
  await connection.run(
    `INSERT INTO series VALUES (${seriesId}, 'm', '${type}', '${temporality}', true, 'otlp', 'shop', MAP {'code': '${seriesId}', 'zone': 'a'}, 1)`,
  );
  const rows = points.map(([ms, value]) => `(${seriesId}, make_timestamp_ns(${T + ms}000000), ${value})`);
  await connection.run(`INSERT INTO samples (series_id, time, value) VALUES ${rows.join(', ')}`);
  connection.closeSync();
}

/** Seeded, so that a failure can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
/** A counter with jitter, gaps and resets. */
function counter(seed: number): (readonly [number, number])[] {
  const next = random(seed);
  const points: (readonly [number, number])[] = [];
  let value = next() * 50;
  for (let ms = Math.floor(next() * 15_000); ms < 600_000; ms += Math.floor(next() < 0.1 ? 80_000 : 13_000 + next() * 4_000)) {
    value = next() < 0.08 ? next() * 5 : value + next() * 40;
    points.push([ms, value]);
  }
  return points;
}
/** Prometheus' extrapolatedRate, written down anew: what query/rate.ts says, seen from the other side of the layers. */
function prometheusRate(points: readonly (readonly [number, number])[], endMs: number, rangeMs: number): number | null {
  const inside = points.filter(([ms]) => ms > endMs - rangeMs && ms <= endMs);
  const [first, last] = [inside[0], inside.at(-1)];
  if (!first || !last || inside.length < 2) return null;
  const resets = inside.reduce(
    (sum, [, value], i) => sum + (i > 0 && value < (inside[i - 1]?.[1] ?? 0) ? (inside[i - 1]?.[1] ?? 0) : 0),
    0,
  );
  const increase = last[1] - first[1] + resets;
  const sampled = last[0] - first[0];
  const interval = sampled / (inside.length - 1);
  const reach = (gap: number): number => (gap >= interval * 1.1 ? interval / 2 : gap);
  const toZero = increase > 0 && first[1] >= 0 ? (sampled * first[1]) / increase : Number.POSITIVE_INFINITY;
  const before = Math.min(reach(first[0] - (endMs - rangeMs)), toZero);
  return (increase * (sampled + before + reach(endMs - last[0]))) / sampled / (rangeMs / 1000);
}
const range = (more: Partial<MetricRange>): MetricRange => ({
  metric: 'm',
  startMs: T,
  endMs: T + 600_000,
  stepMs: 10_000,
  fn: 'rate',
  rangeMs: 60_000,
  maxSeries: 100,
  ...more,
});

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const NEVER = 10_000;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`${ddl(SAMPLES)}; ${ddl(HISTOGRAMS)};
    CREATE TABLE resources (resource_id UINTEGER, service_instance_id VARCHAR, attributes MAP(VARCHAR, VARCHAR));
    CREATE TABLE series (series_id UINTEGER, metric VARCHAR, type VARCHAR, temporality VARCHAR, monotonic BOOLEAN, source VARCHAR, service VARCHAR,
      attributes MAP(VARCHAR, VARCHAR), resource_id UINTEGER);
    INSERT INTO resources VALUES (1, 'i1', MAP {'host.name': 'h1'})`);
  connection.closeSync();
  for (const seed of SEEDS) await insert(seed, 'sum', 'cumulative', counter(seed));
  await insert(NEVER, 'sum', 'delta', [
    [5_000, 30],
    [15_000, 60],
    [65_000, 10],
  ]);
});
afterAll(() => instance.closeSync());

describe('metricRangeSql', () => {
  it.each(SEEDS)("rate is Prometheus' rate at every step (seed %i)", async (seed) => {
    const rows = await run(metricRangeSql(range({ labels: { code: String(seed) } })));
    const got = new Map(rows.map((row) => [row.time, row.value]));
    const points = counter(seed);
    let compared = 0;
    for (let ms = 0; ms < 600_000; ms += 10_000) {
      const expected = prometheusRate(points, ms, 60_000);
      const value = got.get(T + ms);
      if (expected === null) expect(value).toBeUndefined();
      else expect(value).toBeCloseTo(expected, 9);
      if (expected !== null) compared++;
    }
    expect(compared).toBeGreaterThan(20);
  });
  it('rate of a delta sum is the sum over the range by its seconds', async () => {
    const rows = await run(metricRangeSql(range({ labels: { code: String(NEVER) }, endMs: T + 70_000 })));
    expect(rows.find((row) => row.time === T + 60_000)?.value).toBeCloseTo(90 / 60, 12);
  });
  it('sums rates by a label', async () => {
    const byCode = await run(metricRangeSql(range({ by: 'code', labels: { zone: 'a' } })));
    const whole = await run(metricRangeSql(range({ by: 'zone' })));
    const at = T + 300_000;
    const sum = byCode.filter((row) => row.time === at).reduce((total, row) => total + row.value, 0);
    expect(whole.find((row) => row.time === at)?.value).toBeCloseTo(sum, 9);
  });
  it('gives samples as they are', async () => {
    const rows = await run(metricRangeSql(range({ fn: 'raw', labels: { code: '1' } })));
    expect(rows.map((row) => [row.time - T, row.value])).toEqual(counter(1).map(([ms, value]) => [ms, value]));
    expect(rows[0]?.series).toBe('shop/i1{code=1,zone=a}');
  });
  it('means per step', async () => {
    const rows = await run(metricRangeSql(range({ fn: 'avg', stepMs: 20_000, labels: { code: String(NEVER) } })));
    expect(rows.map((row) => [row.time - T, row.value])).toEqual([
      [0, 45],
      [60_000, 10],
    ]);
  });
  it('takes hostile text as text', async () => {
    expect(await run(metricRangeSql(range({ metric: "m' OR '1'='1", labels: { "a'] = '1": "b'" } })))).toEqual([]);
  });
});
