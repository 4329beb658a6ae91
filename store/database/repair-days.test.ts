import { afterEach, beforeEach, expect, it } from 'vitest';
import { TELEMETRY } from '../sql/ddl/ddl.ts';
import { makeBatch } from '../test-batches.ts';
import { nano, TestStore } from '../test-store.ts';
import { Database } from './database.ts';
import { DayFiles } from './day-files.ts';
import { replaceDay } from './repair-days.ts';

const DAY = Math.floor(Date.UTC(2026, 10, 20) / 86_400_000);
let t: TestStore;
beforeEach(async () => {
  t = new TestStore();
  await t.open();
  t.append(makeBatch({ table: 'spans', rows: 50, seed: 1, startNano: nano('2026-11-20T01:00:00Z') }));
  await t.store.close();
});
afterEach(() => t.end());

// Compaction removes rows: those that stay have row ids beyond their number.
it('rows behind removed ones are saved', async () => {
  const database = await Database.open(t.dataDir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  try {
    const connection = await database.connect();
    const days = new DayFiles(t.dataDir, connection, false);
    const { database: name } = await days.attach(DAY);
    const hash = `SELECT count(*)::INTEGER AS n, bit_xor(hash(s))::VARCHAR AS x FROM ${name}.main.spans AS s`;
    await connection.run(`DELETE FROM ${name}.main.spans WHERE rowid < 20`);
    const before = await connection.rows(hash);
    expect(await replaceDay(connection, days, DAY, t.dataDir, 'test', t.nowMs, new Map())).toMatchObject({ kept: 30, lost: 0 });
    expect(await connection.rows(hash)).toEqual(before);
  } finally {
    database.close();
  }
});
// A replay of the journal goes by this note: without it the rows that were saved would be there twice.
it('a day that is saved knows what it had taken in, although its own note of that cannot be read', async () => {
  const database = await Database.open(t.dataDir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  try {
    const connection = await database.connect();
    const days = new DayFiles(t.dataDir, connection, false);
    const { database: name } = await days.attach(DAY);
    await connection.run(`DELETE FROM ${name}.main.consumed WHERE table_name IN ('spans', 'logs')`);
    await connection.run(`UPDATE ${name}.main.consumed SET position = 9 WHERE table_name = 'samples'`);
    const known = new Map([
      ['spans', { position: 7, ordinal: 50 }],
      ['samples', { position: 8, ordinal: 3 }],
    ]);
    expect((await replaceDay(connection, days, DAY, t.dataDir, 'test', t.nowMs, known)).kept).toBe(50);
    const { consumed, rows } = days.files.get(DAY) as NonNullable<ReturnType<typeof days.files.get>>;
    expect(rows.spans).toBe(50);
    expect(consumed.get('spans')).toEqual({ position: 7, ordinal: 50 });
    expect(consumed.get('logs')).toEqual({ position: -1, ordinal: 0 });
    expect(consumed.get('samples')?.position).toBe(9);
    expect(await connection.rows(`SELECT count(*)::INTEGER AS n FROM ${name}.main.consumed`)).toEqual([{ n: TELEMETRY.length }]);
  } finally {
    database.close();
  }
});
