import { afterEach, beforeEach, expect, it } from 'vitest';
import { SAMPLES } from '#contracts/tables.ts';
import { batchFromRows, type RowValue } from '../hot/columns-from-rows.ts';
import { mulberry32 } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';
import { readSeriesSamples } from './read-series-samples.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(() => t.end());
const START = nano('2026-11-20T23:00:00Z');
const START_MS = Number(START / 1_000_000n);
function rows(seed: number, count = 1_200): RowValue[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, (_, i) => ({
    series_id: 1 + (i % 3),
    time: START + BigInt(Math.floor(i / 3)) * 15_000_000_000n + (random() < 0.05 ? -20_000_000_000n : 0n),
    value: i % 50 === 0 ? Number.NaN : Math.floor(random() * 1e6) / 100,
    value_int: null,
    start_time: null,
    flags: 0,
  }));
}
const read = async (ids: readonly number[], from = 0, to = 10_800_000): Promise<unknown> => {
  const found = await readSeriesSamples(t.store, ids, START_MS + from, START_MS + to);
  const bits = (values: Float64Array): string[] => [...new BigUint64Array(values.slice().buffer)].map((value) => value.toString(16));
  // Samples of one time have no order.
  const shown = (timesMs: Float64Array, values: Float64Array): string[] =>
    bits(values)
      .map((value, i) => `${timesMs[i]} ${value}`)
      .sort();
  return found
    .sort((a, b) => a.seriesId - b.seriesId)
    .map(({ seriesId, timesMs, values }) => ({
      seriesId,
      sorted: timesMs.every((time, i) => i === 0 || time >= timesMs[i - 1]!),
      samples: shown(timesMs, values),
    }));
};

it('gives the same samples from memory, rows, blocks of two days, and blocks beside late rows', async () => {
  await t.open({ compaction: false });
  t.append(batchFromRows(SAMPLES, rows(1)));
  const [all, some] = [await read([1, 3, 77]), await read([2], 600_000, 4_200_000)];
  expect((all as { samples: string[] }[]).map(({ samples }) => samples.length)).toEqual([400, 400]);
  await t.store.flush();
  expect([await read([1, 3, 77]), await read([2], 600_000, 4_200_000)]).toEqual([all, some]);
  await t.store.compact();
  expect((await t.store.facts()).compaction.samples).toBeGreaterThan(1_000);
  expect([await read([1, 3, 77]), await read([2], 600_000, 4_200_000)]).toEqual([all, some]);
  // As many series that they are told by the bits of their range.
  expect(await read(Array.from({ length: 80 }, (_, i) => 2 * i + 1))).toEqual(all);
  t.append(batchFromRows(SAMPLES, rows(2, 90)));
  const later = await read([1, 2, 3]);
  expect(later).not.toEqual(all);
  await t.store.flush();
  expect(await read([1, 2, 3])).toEqual(later);
  await t.store.compact();
  expect(await read([1, 2, 3])).toEqual(later);
});
