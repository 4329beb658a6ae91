import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ColumnBatch } from '#contracts/columns.ts';
import { SAMPLES } from '#contracts/tables.ts';
import { batchFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import { mulberry32 } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const DAY = nano('2026-11-21T00:00:00Z');
const SECOND = 1_000_000_000n;
const row = (seriesId: number, time: bigint, value: number, more: RowValue = {}): RowValue => ({
  series_id: seriesId,
  time,
  value,
  value_int: null,
  start_time: null,
  flags: 0,
  ...more,
});
/** Values by their bits: a stale marker among them. */
function batch(rows: readonly RowValue[], stale: readonly number[] = []): ColumnBatch {
  const made = batchFromRows(SAMPLES, rows);
  const values = made.columns[2] as { data: Float64Array };
  for (const at of stale) new BigUint64Array(values.data.buffer)[at] = 0x7ff0000000000002n;
  return made;
}
/** Every row with all its bits, in an order that does not depend on where it is stored. */
const HASH = `SELECT count(*)::VARCHAR AS n, bit_xor(h)::VARCHAR AS x, sum(h::HUGEINT)::VARCHAR AS s FROM (
  SELECT hash(series_id, epoch_ns(time), value, value_int, epoch_ns(start_time), flags) AS h FROM samples)`;
const hashed = (): Promise<Record<string, unknown>> => t.one(HASH);
/** NaN payloads as the engine's own readers get them. */
async function payloads(): Promise<string[]> {
  const result = await t.store.query('SELECT value FROM samples WHERE isnan(value) ORDER BY series_id, time');
  const values = result.column('value') as Float64Array;
  return [...new BigUint64Array(values.buffer, values.byteOffset, values.length)].map((bits) => bits.toString(16));
}

/** Three kinds of series over seven hours, a few samples late, out of order and doubled. */
function kinds(seed: number): RowValue[] {
  const random = mulberry32(seed);
  const rows: RowValue[] = [];
  for (let step = 0; step < 1_700; step++) {
    const time = DAY + BigInt(step) * 15n * SECOND + BigInt(Math.floor(random() * 3e6));
    rows.push(row(3, time, Math.floor(step * 7.5)));
    rows.push(row(4, time, random() < 0.1 ? Number.NaN : random() * 1000, { start_time: DAY }));
    if (step % 3 === 0)
      rows.push(row(9, time, 2 ** 60, { value_int: 2n ** 60n + BigInt(step), start_time: time - 45n * SECOND, flags: step % 2 }));
    if (step % 400 === 0) rows.push(row(12, time, -0), row(3, time - 9n * SECOND, 5), row(3, time, step));
  }
  return rows;
}

it('every reader sees the same rows before and after, from blocks, from rows left over and after opening again', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(1), [0, 1, 40]));
  const hot = await hashed();
  const nan = await payloads();
  expect(nan).toContain('7ff0000000000002');
  await t.store.flush();
  expect(await hashed()).toEqual(hot);
  await t.store.compact();
  const { days, compaction, maxTimeMs } = await t.store.facts();
  expect(compaction).toMatchObject({ errors: 0 });
  expect(compaction.blocks).toBeGreaterThan(10);
  const stored = (of: typeof days): number => of.reduce((sum, { rows }) => sum + rows.samples, 0);
  expect(stored(days)).toBe(Number(hot['n']));
  expect(await hashed()).toEqual(hot);
  expect(await payloads()).toEqual(nan);
  await t.reopen({ compaction: false });
  expect(await hashed()).toEqual(hot);
  expect(await payloads()).toEqual(nan);
  const again = await t.store.facts();
  expect(again.compaction.inBlocks).toEqual(compaction.inBlocks);
  expect(Math.floor(again.maxTimeMs!)).toBe(Math.floor(maxTimeMs!));
  expect(stored(again.days)).toBe(Number(hot['n']));
});

it('samples that come late are rows beside the blocks, then blocks that overlap', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(2)));
  await t.store.flush();
  await t.store.compact();
  t.append(batch(kinds(3)));
  const both = await hashed();
  await t.store.flush();
  expect(await hashed()).toEqual(both);
  await t.store.compact();
  expect(await hashed()).toEqual(both);
});

it('rows that come while samples become blocks are stored meanwhile, and stay', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(9)));
  await t.store.flush();
  const before = Number((await hashed())['n']);
  let going = true;
  const compacted = t.store.compact().finally(() => {
    going = false;
  });
  let late = 0;
  for (; going; late++) {
    t.append(batch([row(3, DAY + BigInt(late), late), row(4, DAY + BigInt(late), late)]));
    await t.store.flush();
  }
  await compacted;
  expect(late).toBeGreaterThan(0);
  const all = await hashed();
  expect(all['n']).toBe(String(before + 2 * late));
  expect((await t.store.facts()).compaction.errors).toBe(0);
  await t.store.compact();
  expect(await hashed()).toEqual(all);
});

it('a day that retention takes while its samples become blocks is gone, and comes back with new rows', async () => {
  await t.open({ compaction: false, retentionSeconds: 86_400 });
  t.append(batch(kinds(10)));
  await t.store.flush();
  const compacted = t.store.compact();
  t.nowMs += 90 * 3_600_000;
  await t.store.enforceRetention(t.nowMs);
  await compacted;
  expect(await t.count('samples')).toBe(0);
  t.append(batch([row(3, DAY, 1)]));
  await t.store.flush();
  expect(await t.count('samples')).toBe(1);
  expect((await t.store.facts()).compaction.errors).toBe(0);
});

it('a slice that waits for retention to let statements start is not waited for by it', async () => {
  await t.open({ compaction: false, retentionSeconds: 86_400 });
  t.append(batch(kinds(11).slice(8)));
  await t.store.flush();
  await t.store.compact();
  t.append(batch(kinds(12).slice(8)));
  await t.store.flush();
  const { compactor, parts } = t.store as unknown as {
    compactor: { context: { readersIdle: () => boolean } };
    parts: { gate: { start(work: () => Promise<void>): Promise<void>; closed: boolean; waiting: readonly unknown[] } };
  };
  const [asked, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let idle = false;
  compactor.context.readersIdle = () => {
    asked.resolve();
    return idle;
  };
  const compacted = t.store.compact();
  await asked.promise;
  const starting = parts.gate.start(() => begun.promise);
  t.nowMs += 90 * 3_600_000;
  const pruned = t.store.enforceRetention(t.nowMs);
  await vi.waitUntil(() => parts.gate.closed);
  idle = true;
  await vi.waitUntil(() => parts.gate.waiting.length > 0);
  begun.resolve();
  await Promise.all([starting, pruned, compacted]);
  expect(await t.count('samples')).toBe(0);
});

it('conditions on time and series give what they give over rows', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(4)));
  await t.store.flush();
  const at = (hours: number): string => `make_timestamp_ns(${DAY + BigInt(Math.round(hours * 3600)) * SECOND})`;
  const statements = [
    `SELECT count(*) AS n, sum(value_int) AS s, min(time) AS a FROM samples WHERE time >= ${at(1.5)} AND time < ${at(2.25)}`,
    `SELECT count(*) AS n, max(time) AS s FROM samples WHERE time < ${at(0.5)} AND series_id = 3`,
    `SELECT count(*) AS n FROM samples WHERE time BETWEEN ${at(2)} AND ${at(2)}`,
    `SELECT count(*) AS n FROM samples WHERE time > ${at(30)} OR time <= ${at(-3)}`,
    `SELECT series_id, count(*) AS n, count(start_time) AS s, bit_xor(flags) AS f FROM samples WHERE series_id IN (4, 9) GROUP BY 1 ORDER BY 1`,
    `SELECT count(*) AS n FROM samples x JOIN (SELECT 9 AS series_id) c ON c.series_id = x.series_id WHERE x.time >= ${at(3)} AND NOT isnan(x.value)`,
    `SELECT count(*) AS n FROM samples a JOIN samples b ON a.time = b.time AND a.series_id < b.series_id WHERE a.time < ${at(1)}`,
    'SELECT count(*) AS n FROM samples WHERE flags = 1 AND value_int > 0',
    "SELECT count(*) AS n FROM samples WHERE time >= '2026-11-21 03:00:00' AND time::DATE = DATE '2026-11-21'",
  ];
  const answers = async (): Promise<unknown[]> => Promise.all(statements.map(async (sql) => (await t.store.userQuery(sql)).rows()));
  const before = await answers();
  await t.store.compact();
  expect(await answers()).toEqual(before);
});

it('a statement that says whose samples it reads decodes only those, from rows and blocks alike', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(8)));
  await t.store.flush();
  const sql = 'SELECT series_id, count(*) AS n FROM samples WHERE series_id <> 12 GROUP BY 1 ORDER BY 1';
  const all = (await t.store.query(sql)).rows();
  const some = async (): Promise<unknown> => (await t.store.query(sql, [], { samplesOf: 'SELECT unnest([4, 9]) AS series_id' })).rows();
  expect(await some()).toEqual(all);
  await t.store.compact();
  // What stays rows is read as it was; the statement has to be one that asks for no others.
  const left = (await t.store.query(sql, [], { samplesOf: 'SELECT unnest([4, 9]) AS series_id' })).rows();
  expect(left.filter((one) => one['series_id'] !== 3)).toEqual(all.slice(1));
  expect(left).not.toEqual(all);
  expect((await t.store.query(sql)).rows()).toEqual(all);
});

it('a series with few samples keeps its rows, the rest of a closed day becomes a block of the day', async () => {
  await t.open({ compaction: false });
  const sparse = Array.from({ length: 20 }, (_, hour) => row(7, DAY + BigInt(hour) * 3600n * SECOND, hour));
  t.append(batch([...sparse, row(8, DAY, 1)]));
  await t.store.flush();
  await t.store.compact();
  expect((await t.store.facts()).compaction).toMatchObject({ samples: 20, blocks: 1 });
  expect(await t.count('samples')).toBe(21);
});

it('compaction by itself: stretches that are over at once, a closed day when nothing comes any more', async () => {
  t.nowMs = Number(DAY / 1_000_000n) + 4.6 * 3_600_000;
  await t.open();
  t.append(batch(kinds(5)));
  await t.store.flush();
  const all = await hashed();
  const compactor = (t.store as unknown as { compactor: { tick(): void; running: Promise<void> | null } }).compactor;
  const round = async (): Promise<number> => {
    compactor.tick();
    await compactor.running;
    return (await t.store.facts()).compaction.samples;
  };
  const first = await round();
  expect(first).toBeGreaterThan(0);
  expect(
    Number(
      (await t.one(`SELECT count(*) AS n FROM samples WHERE time < make_timestamp_ns(${DAY + 14_400n * SECOND}) AND series_id IN (3, 4)`))[
        'n'
      ],
    ),
  ).toBeGreaterThan(first * 0.5);
  t.nowMs += 30 * 3_600_000;
  t.append(batch(Array.from({ length: 40 }, (_, i) => row(30, DAY + BigInt(i), i))));
  await t.store.flush();
  expect(await round()).toBe(first);
  t.nowMs += 60_000;
  expect(await round()).toBeGreaterThan(first);
  expect((await hashed())['n']).toBe(String(Number(all['n']) + 40));
});

it('the switch: nothing is compacted with it off', async () => {
  await t.open({ compaction: false });
  t.append(batch(kinds(6)));
  await t.store.flush();
  t.nowMs += 90 * 3_600_000;
  const { tick } = t.store as unknown as { tick(): void };
  tick.call(t.store);
  t.nowMs += 60_000;
  tick.call(t.store);
  expect((await t.store.facts()).compaction).toMatchObject({ on: false, samples: 0 });
});
