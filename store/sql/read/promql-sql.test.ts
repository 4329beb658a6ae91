import { expect, it } from 'vitest';
import { TABLES } from '#contracts/tables.ts';
import { batchFromRows } from '../../hot/columns-from-rows.ts';
import { nano, TestStore } from '../../test-store.ts';
import { promqlNativeSql } from './promql-sql.ts';

it('native histograms come with fractional counts where they have some, from memory and from a file', async () => {
  const test = new TestStore();
  const store = await test.open();
  const row = (series_id: number, more: object) => ({
    ...{ series_id, time: nano('2026-11-21T11:00:00Z'), count: 4n, sum: 1.5, bounds: [], bucket_counts: [], quantile_values: [] },
    ...{ positive_counts: [], negative_counts: [], scale: null, zero_count: null, flags: 0, float_counts: [], ...more },
  });
  const sides = { scale: 3n, zero_count: 1n, positive_offset: 2n, positive_counts: [2n, 0n], negative_offset: 0n, negative_counts: [1n] };
  test.append(
    batchFromRows(TABLES.histograms, [
      row(1, { ...sides, float_counts: [4.25, 0.75, 1.5, 0.25, 1e-300] }),
      row(2, sides),
      row(3, { bounds: [1], bucket_counts: [2n, 2n], float_counts: [4.5, 0, 2.25, 2.25] }),
    ]),
  );
  const [startMs, endMs] = [Date.UTC(2026, 10, 21), Date.UTC(2026, 10, 22)];
  const read = async () =>
    (await store.query(promqlNativeSql([1, 2, 3], startMs, endMs)))
      .rows()
      .map(({ count, zero_count, positive, negative, counts }) => [count, zero_count, positive, negative, counts]);
  const expected = [
    [4.25, 0.75, '[1.5,0.25]', '[1e-300]', '[]'],
    [4, 1, '[2,0]', '[1]', '[]'],
    [4.5, 0, '[]', '[]', '[2.25,2.25]'],
  ];
  expect(await read()).toEqual(expected);
  await store.flush();
  expect(await read()).toEqual(expected);
  await test.end();
});
