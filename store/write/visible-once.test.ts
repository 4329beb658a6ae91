import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Connection } from '../database/database.ts';
import { makeBatch, shiftTimes } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let t: TestStore;
beforeEach(() => {
  t = new TestStore();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await t.end();
});

/** Nothing is replaced: the statement that follows the snapshot only starts a little later, so that a flush can hit the gap. */
function widenTheMomentBetweenSnapshotAndBinding(): void {
  const run = Connection.prototype.run;
  vi.spyOn(Connection.prototype, 'run').mockImplementation(async function (this: Connection, sql: string) {
    if (sql === 'BEGIN TRANSACTION READ ONLY') await new Promise((resolve) => setTimeout(resolve, 10));
    return run.call(this, sql);
  });
}

/**
 * Rows move from hot to stored under readers. Each reader counts by several ways in one statement (views, a join of a
 * view with itself, and the derived view): all must agree, and never be fewer than before nor more than appended.
 */
it('every row is seen exactly once at every instant, also while it is being flushed', async () => {
  await t.open();
  widenTheMomentBetweenSnapshotAndBinding();
  const spans = makeBatch({ table: 'spans', rows: 200, seed: 1, startNano: nano('2026-11-20T23:30:00Z'), stepNano: 18_000_000_000n });
  const samples = makeBatch({ table: 'samples', rows: 512, seed: 1, startNano: nano('2026-11-20T23:00:00Z'), stepNano: 10_000_000_000n });
  let appended = 0;
  let done = false;
  let reads = 0;
  const reader = async (): Promise<void> => {
    let atLeast = 0;
    while (!done) {
      const floor = appended;
      const row =
        await t.one(`SELECT (SELECT count(*) FROM spans) AS a, (SELECT count(*) FROM spans WHERE duration_ns >= 0) AS b, (SELECT count(resource_id) FROM spans) AS c,
        (SELECT count(*) FROM samples) AS d, (SELECT count(DISTINCT start_time) FROM spans) AS e`);
      const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => Number(row[name]));
      expect([b, c, e]).toEqual([a, a, a]);
      expect(a! * 512).toBe(d! * 200);
      expect(a).toBeGreaterThanOrEqual(Math.max(floor, atLeast));
      expect(a).toBeLessThanOrEqual(appended);
      atLeast = a!;
      reads++;
    }
  };
  const flusher = async (): Promise<void> => {
    while (!done) {
      await t.store.flush();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const readers = [reader(), reader(), reader(), flusher()];
  for (let i = 0; i < 300; i++) {
    t.append(shiftTimes(spans, BigInt(i)), shiftTimes(samples, BigInt(i)));
    appended += 200;
    await new Promise((resolve) => setTimeout(resolve, 5 + (i % 5)));
  }
  done = true;
  await Promise.all(readers);
  expect(reads).toBeGreaterThan(10);
  await t.store.flush();
  expect(await t.count('spans')).toBe(appended);
});

it('whole row groups are flushed by themselves, and released() follows', async () => {
  await t.open();
  const samples = makeBatch({ table: 'samples', rows: 30_720, seed: 1, startNano: nano('2026-11-21T01:00:00Z'), stepNano: 1_000n });
  const stored = new Promise<number>((resolve) => {
    t.store.onReleased(resolve);
  });
  for (let i = 0; i < 5; i++) t.append(shiftTimes(samples, BigInt(i)));
  expect(await stored).toBe(5);
  expect(t.store.hot().samples.rows).toBe(30_720);
  expect(await t.count('samples')).toBe(5 * 30_720);
});

it('memory of flushed rows is given back once nobody reads them', async () => {
  await t.open();
  const logs = makeBatch({ table: 'logs', rows: 5000, seed: 1, startNano: nano('2026-11-21T01:00:00Z') });
  for (let i = 0; i < 20; i++) {
    t.append(logs);
    await t.store.flush();
  }
  const heap = (t.store as unknown as { parts: { hot: { heap: { sizeBytes: number } } } }).parts.hot.heap;
  expect(heap.sizeBytes).toBeLessThan(12 * 1024 * 1024);
  expect(t.store.hot().logs).toEqual({ rows: 0, bytes: 0 });
});
