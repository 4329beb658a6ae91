import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SampleWatch } from '#contracts/store.ts';
import { SAMPLES } from '#contracts/tables.ts';
import { batchFromRows } from '#store/hot/columns-from-rows.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { mulberry32 } from '#store/test-batches.ts';
import { TestStore } from '#store/test-store.ts';
import { SampleCache } from './sample-cache.ts';

const STEP_MS = 15_000;
const IDS = [1, 2, 3, 4, 5, 6, 7];
const t = new TestStore();
let cache: SampleCache;
let watch: SampleWatch;
let statements = 0;
/** Steps appended so far; the first is at `startMs`. */
let steps = 0;
let startMs = 0;
const counted: Queries = {
  query: (...args) => {
    statements++;
    return t.store.query(...args);
  },
};
beforeEach(async () => {
  await t.open({ compaction: false });
  cache = new SampleCache(1_048_576);
  watch = t.store.watchSamples();
  [statements, steps, startMs] = [0, 0, t.nowMs - 3_600_000];
});
afterEach(async () => {
  watch.end();
  await t.store.close();
});
const row = (id: number, ns: bigint, value: number) => ({
  ...{ series_id: id, time: ns, value, value_int: null, start_time: null, flags: 0 },
});
const append = (rows: ReturnType<typeof row>[]): void => void t.append(batchFromRows(SAMPLES, rows));
const nsOf = (ms: number): bigint => BigInt(Math.floor(ms)) * 1_000_000n;
/** The next step of all series; the newest ends a day and begins one when it has to. */
const grow = (count = 1): void => {
  for (; count > 0; count--, steps++) append(IDS.map((id) => row(id, nsOf(startMs + steps * STEP_MS), steps * 10 + id)));
};
const endMs = (): number => startMs + steps * STEP_MS;
async function read(from: SampleCache, window: { startMs: number; endMs: number }, ids = IDS): Promise<unknown> {
  let samples = 0;
  const count = (read: number): void => {
    samples += read;
  };
  const found = await from.read(counted, { ...window, ids, options: {}, count });
  expect(samples).toBeGreaterThanOrEqual(found.reduce((sum, { timesMs }) => sum + timesMs.length, 0));
  return found
    .map(({ seriesId, timesMs, values }) => ({ seriesId, times: [...timesMs], values: [...values] }))
    .sort((a, b) => a.seriesId - b.seriesId);
}
/** As a query would: what is new is heard of before it begins. */
const ask = (window: { startMs: number; endMs: number }, ids = IDS): Promise<unknown> => {
  cache.drop(watch.changedSinceMs());
  return read(cache, window, ids);
};
const anew = (window: { startMs: number; endMs: number }, ids = IDS): Promise<unknown> => read(new SampleCache(0), window, ids);

describe('samples kept for queries to come', () => {
  it('are not read again, and of a window that moved on only what is new', async () => {
    grow(100);
    const window = { startMs, endMs: endMs() - STEP_MS };
    const first = await ask(window);
    expect([statements, cache.counts.read, cache.counts.reused]).toEqual([1, 700, 0]);
    expect(await ask(window)).toEqual(first);
    expect(await ask({ startMs: window.startMs + 300_000, endMs: window.endMs - 1 }, [3, 1])).not.toEqual([]);
    expect(statements).toBe(1);
    grow(2);
    const later = { startMs: startMs + 2 * STEP_MS, endMs: endMs() - STEP_MS };
    const found = await ask(later);
    // One of each is met again: the millisecond before is read as well.
    expect([statements, cache.counts.read]).toEqual([2, 700 + 7 + 14]);
    expect(found).toEqual(await anew(later));
  });

  it('are given up for samples that come late, to the millisecond, and while a read is under way', async () => {
    grow(100);
    const window = { startMs, endMs: endMs() };
    await ask(window);
    const lateMs = startMs + 50 * STEP_MS + 7;
    // Half a microsecond before a millisecond is that millisecond.
    append([row(2, nsOf(lateMs) - 300n, -1)]);
    const found = (await ask(window)) as { seriesId: number; times: number[] }[];
    expect(found).toEqual(await anew(window));
    expect(found[1]?.times.filter((ms) => ms % STEP_MS === lateMs % STEP_MS)).toEqual([lateMs]);
    // The statement has been begun when the sample comes, the news of it reaches the cache before its answer.
    const slow: Queries = {
      query: async (...args) => {
        const result = await t.store.query(...args);
        append([row(2, nsOf(lateMs), -2)]);
        cache.drop(watch.changedSinceMs());
        return result;
      },
    };
    append([row(2, nsOf(startMs + 1), -3)]);
    cache.drop(watch.changedSinceMs());
    await cache.read(slow, { ...window, ids: IDS, options: {}, count: () => undefined });
    expect(await ask(window)).toEqual(await anew(window));
  });

  it('are given up with a day that goes', async () => {
    await t.store.close();
    await t.open({ compaction: false, retentionSeconds: 86_400 });
    watch = t.store.watchSamples();
    grow(20);
    const window = { startMs, endMs: endMs() };
    expect(await ask(window)).toHaveLength(IDS.length);
    await t.store.flush();
    t.nowMs += 3 * 86_400_000;
    await t.store.enforceRetention(t.nowMs);
    expect(await ask(window)).toEqual([]);
    t.nowMs -= 3 * 86_400_000;
  });

  it('never take more room than they may, whatever is asked', async () => {
    grow(200);
    const small = new SampleCache(24_000);
    for (let i = 0; i < 30; i++) {
      const window = { startMs: startMs + (i % 13) * STEP_MS, endMs: startMs + (20 + ((i * 7) % 150)) * STEP_MS };
      const ids = IDS.filter((id) => (id + i) % 3 !== 0);
      expect(await read(small, window, ids)).toEqual(await anew(window, ids));
      expect(small.counts.bytes).toBeLessThanOrEqual(24_000);
    }
    expect(small.counts.reused).toBeGreaterThan(0);
    small.drop(Number.NEGATIVE_INFINITY);
    expect(small.counts.bytes).toBe(0);
  });

  it('give what the store gives, whatever comes in between', async () => {
    const random = mulberry32(7);
    startMs = Date.UTC(2026, 10, 20, 23, 50);
    grow(60);
    for (let i = 0; i < 50; i++) {
      const what = random();
      if (what < 0.4) grow(1 + Math.floor(random() * 3));
      else if (what < 0.55) append([row(1 + Math.floor(random() * 9), nsOf(startMs + random() * (endMs() - startMs)), -i)]);
      else if (what < 0.6) await t.store.flush();
      else if (what < 0.63) await t.store.compact();
      const length = 60_000 + random() * 1_500_000;
      const until = random() < 0.7 ? endMs() : startMs + random() * (endMs() - startMs);
      const window = { startMs: until - length, endMs: until };
      const ids = [...IDS, 8, 9].filter(() => random() < 0.8);
      expect(await ask(window, ids), `round ${i}`).toEqual(await anew(window, ids));
    }
    expect(cache.counts.reused).toBeGreaterThan(cache.counts.read / 4);
  });
});
