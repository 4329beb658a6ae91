import { afterEach, beforeEach, expect, it } from 'vitest';
import { SAMPLES } from '#contracts/tables.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import { nano, TestStore } from '#store/test-store.ts';

/**
 * DuckDB 1.5.6 concludes from a condition on "time" what first_time and last_time of a block have to be, because the view has its
 * own conditions in the one order that works (store/sql/ddl/sample-blocks.ts). Should this fail after an update of DuckDB, answers are
 * still right, but every statement reads every block of its days.
 */
let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open({ compaction: false });
  const rows = Array.from({ length: 2_000 }, (_, i) => ({
    series_id: 1 + (i % 4),
    time: nano('2026-11-20T01:00:00Z') + BigInt(i) * 15_000_000_000n,
    value: i,
    value_int: null,
    start_time: null,
    flags: 0,
  }));
  t.append(batchFromRows(SAMPLES, rows));
  await t.store.flush();
  await t.store.compact();
});
afterEach(() => t.end());
const plan = async (sql: string): Promise<string> =>
  (await t.store.query(`EXPLAIN ${sql}`))
    .rows()
    .map((row) => String(row['explain_value']))
    .join('\n')
    .replaceAll(/[^\w<>=:'. -]+/g, ' ')
    .replaceAll(/\s+/g, ' ');
const at = (hour: string): string => `make_timestamp_ns(${nano(`2026-11-20T${hour}:00:00Z`)})`;

it.each([
  ['a range', `time >= ${at('03')} AND time < ${at('04')}`, /first_time<'2026-11-20 04/, /last_time>='2026-11-20 03/],
  ['BETWEEN', `time BETWEEN ${at('03')} AND ${at('04')}`, /first_time<='2026-11-20 04/, /last_time>='2026-11-20 03/],
  ['only a start', `time > ${at('05')}`, /last_time>'2026-11-20 05/, /sample_blocks/],
  ['text', `time < '2026-11-20 02:00:00'`, /first_time<'2026-11-20 02/, /sample_blocks/],
])('%s reaches the scan of the blocks', async (_name, condition, first, second) => {
  const shown = await plan(`SELECT count(*) FROM samples x WHERE ${condition} AND series_id = 3`);
  expect(shown).toMatch(first);
  expect(shown).toMatch(second);
  expect(shown).toMatch(/series_id=3/);
});
it('a day out of range is not read', async () => {
  expect(await plan(`SELECT count(*) FROM samples WHERE time >= make_timestamp_ns(${nano('2026-11-21T00:00:00Z')})`)).not.toContain(
    'sample_blocks',
  );
});
