import { cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeBatch } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

/** Found by tests/faults (damage): a write-ahead log that was cut took acknowledged rows along, and nobody said so. */
const day = (n: number) => `2026-11-2${n}`;
const record = (position: number) => [
  makeBatch({ table: 'spans', rows: 20, seed: position, startNano: nano(`${day(position % 2)}T01:00:00Z`) }),
  makeBatch({ table: 'logs', rows: 10, seed: position, startNano: nano(`${day(1)}T01:00:00Z`) }),
];
let t: TestStore;
let crashed: TestStore;
beforeEach(async () => {
  t = new TestStore();
  crashed = new TestStore();
  await t.open();
  for (let i = 1; i <= 6; i++) {
    t.append(...record(i));
    if (i % 2 === 0) await t.store.flush();
  }
  expect(t.store.released()).toBe(7);
  // As kill -9 leaves it: what was committed lies in the logs.
  cpSync(t.dataDir, crashed.dataDir, { recursive: true, filter: (path) => !/\.lock$|tmp$/.test(path) });
});
afterEach(async () => {
  await t.end();
  await crashed.end();
});
const logOf = (n: number): string => join(crashed.dataDir, `telemetry-${day(n)}.duckdb.wal`);
async function replay(): Promise<void> {
  for (let position = Math.max(1, crashed.store.released()); position <= 6; position++)
    crashed.store.append({ position, next: position + 1 }, record(position));
}
const counts = async (): Promise<readonly number[]> => [await crashed.count('spans'), await crashed.count('logs')];

it('a whole file goes on after what was stored', async () => {
  await crashed.open();
  expect(crashed.store.released()).toBe(7);
  expect((await crashed.store.facts()).problems).toEqual([]);
  expect(await counts()).toEqual([120, 60]);
});
it.each<[string, () => void]>([
  ['gone', () => rmSync(logOf(1))],
  ['cut in half', () => truncateSync(logOf(1), 4_000)],
])('a log that is %s is noticed, and the journal is asked again: every row is there once', async (_, damage) => {
  damage();
  await crashed.open();
  expect(crashed.store.released()).toBeLessThan(7);
  expect((await crashed.store.facts()).problems).toMatchObject([{ code: 'file_corrupt', message: expect.stringContaining(day(1)) }]);
  await replay();
  expect(await counts()).toEqual([120, 60]);
  await crashed.store.flush();
  await crashed.reopen();
  expect(crashed.store.released()).toBe(7);
  expect(await counts()).toEqual([120, 60]);
});
it('a file nothing can be saved of is filled from the journal as far as that reaches', async () => {
  rmSync(logOf(1));
  writeFileSync(join(crashed.dataDir, `telemetry-${day(1)}.duckdb`), 'x'.repeat(50_000));
  await crashed.open();
  expect(crashed.store.released()).toBe(0);
  await replay();
  expect(await counts()).toEqual([120, 60]);
});
it('a file that was taken away stays away', async () => {
  for (const name of readdirSync(crashed.dataDir).filter((file) => file.includes(day(1)))) rmSync(join(crashed.dataDir, name));
  await crashed.open();
  expect(crashed.store.released()).toBe(7);
});
