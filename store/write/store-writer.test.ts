import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeBatch } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';

let test: TestStore;
beforeEach(async () => {
  test = new TestStore();
  await test.open();
  // Where the file of the 19th should be there is something no database can be made of.
  mkdirSync(join(test.dataDir, 'telemetry-2026-11-19.duckdb'));
  for (const day of ['19', '20', '21'])
    test.append(makeBatch({ table: 'spans', rows: 100, seed: Number(day), startNano: nano(`2026-11-${day}T01:00:00Z`) }));
});
afterEach(() => test.end());
const said = (): number => test.lines.filter((line) => line.startsWith('Rows cannot be stored')).length;

it('a day that cannot be written keeps its rows in memory, and no other day does', async () => {
  await expect(test.store.flush()).rejects.toMatchObject({ code: 'data_dir_not_writable' });
  const { days } = await test.store.facts();
  expect(days.map(({ day, rows }) => [day, rows.spans])).toEqual([
    ['2026-11-20', 100],
    ['2026-11-21', 100],
  ]);
  expect(test.store.hot().spans.rows).toBe(100);
  expect(await test.count('spans')).toBe(300);
  // The journal keeps what is not stored.
  expect(test.store.released()).toBe(1);
});
it('asked for memory again and again it tries when a try is due, and says it once', async () => {
  await expect(test.store.flush()).rejects.toThrow();
  for (let i = 0; i < 5; i++) await expect(test.store.relieve()).rejects.toThrow('Rows cannot be stored');
  expect(said()).toBe(1);
  test.nowMs += 1_000;
  await expect(test.store.relieve()).rejects.toThrow('Rows cannot be stored');
  expect(said()).toBe(2);
});
