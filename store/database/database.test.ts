import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Connection, Database } from './database.ts';

const MIB = 1024 ** 2;
let dir: string;
let database: Database;
let connection: Connection;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'faultline-database-'));
  database = await Database.open(dir, { threads: 1, memoryLimitBytes: 512 * MIB });
  connection = await database.connect();
});
afterEach(() => {
  database.close();
  rmSync(dir, { recursive: true });
});
const one = async (sql: string): Promise<unknown> => Object.values((await connection.rows(sql))[0] ?? {})[0];
const used = async (): Promise<number> => Number(await one('SELECT sum(memory_usage_bytes)::DOUBLE FROM duckdb_memory()'));

it('lets go of what it keeps of files, and has the limit of before', async () => {
  expect(await database.dropCache(connection)).toBe(false);
  await connection.run(`ATTACH '${join(dir, 'big.duckdb')}' AS big`);
  await connection.run('CREATE TABLE big.t AS SELECT hash(range) AS a, hash(range + 1) AS b FROM range(12_000_000)');
  await connection.run('CHECKPOINT big');
  const sum = await one('SELECT sum(a % 1000 + b % 7)::VARCHAR FROM big.t');
  expect(await used()).toBeGreaterThan(100 * MIB);
  const limit = await one("SELECT current_setting('memory_limit')");
  // Between the statements of a transaction its connection runs none, and yet is at work.
  const { promise, resolve } = Promise.withResolvers<void>();
  const transaction = (await database.connect()).during(promise);
  expect(await database.dropCache(connection)).toBe(false);
  resolve();
  await transaction;
  expect(await database.dropCache(connection)).toBe(true);
  expect(await used()).toBeLessThan(64 * MIB);
  expect(await one("SELECT current_setting('memory_limit')")).toBe(limit);
  expect(await one('SELECT sum(a % 1000 + b % 7)::VARCHAR FROM big.t')).toBe(sum);
});

it('lets go of nothing while somebody else works: a bill being imported would meet the lower limit', async () => {
  await connection.run("CREATE TABLE t AS SELECT hash(range) AS a, repeat('x', 40) AS b FROM range(300_000)");
  const importer = await database.connect();
  let isDone = false;
  const work = importer.run('CREATE TABLE sorted AS SELECT * FROM t ORDER BY a').finally(() => {
    isDone = true;
  });
  const dropped: boolean[] = [];
  while (!isDone) {
    dropped.push(await database.dropCache(connection));
    await new Promise(setImmediate);
  }
  await work;
  expect(dropped).not.toContain(true);
});
