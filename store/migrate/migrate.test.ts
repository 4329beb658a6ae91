import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { attachFile, type DatabaseFile } from '../database/attach-file.ts';
import { type Connection, Database } from '../database/database.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import type { Migration } from './migrations.ts';

let dir: string;
let database: Database;
let connection: Connection;
const file = (readOnly = false): DatabaseFile => ({
  path: join(dir, 'telemetry-2026-01-01.duckdb'),
  name: 'd20260101',
  kind: 'day',
  ddl: [],
  readOnly,
});
const STEP: Migration = { kind: 'day', from: SCHEMA_VERSION - 1, sql: ["ALTER TABLE {db}.main.t ADD COLUMN b VARCHAR DEFAULT 'new'"] };
const attach = (migrations: readonly Migration[], readOnly = false): Promise<void> =>
  attachFile(connection, file(readOnly), join(dir, 'backups'), migrations);
const setVersion = (version: number): Promise<void> => connection.run(`UPDATE d20260101.main.schema_version SET version = ${version}`);

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'faultline-migrate-'));
  database = await Database.open(dir, { threads: 1, memoryLimitBytes: 512 * 1024 ** 2 });
  connection = await database.connect();
  await connection.run(`ATTACH '${file().path}' AS d20260101`);
  await connection.run('CREATE TABLE d20260101.main.t AS SELECT 7 AS a');
  await connection.run(`CREATE TABLE d20260101.main.schema_version AS SELECT ${SCHEMA_VERSION - 1} AS version`);
});
afterEach(() => {
  database.close();
  rmSync(dir, { recursive: true, force: true });
});

it('moves an older file forward and keeps a copy of it as it was', async () => {
  await connection.run('DETACH d20260101');
  await attach([STEP]);
  expect(await connection.rows('SELECT a, b FROM d20260101.main.t')).toEqual([{ a: 7, b: 'new' }]);
  expect(await connection.rows('SELECT version FROM d20260101.main.schema_version')).toEqual([{ version: SCHEMA_VERSION }]);
  await connection.run(`ATTACH '${join(dir, 'backups', `telemetry-2026-01-01.duckdb.v${SCHEMA_VERSION - 1}`)}' AS backup (READ_ONLY)`);
  expect(await connection.rows('SELECT * FROM backup.main.t')).toEqual([{ a: 7 }]);
});
it('a step that fails leaves the file as it was', async () => {
  await connection.run('DETACH d20260101');
  await expect(attach([{ ...STEP, sql: [...STEP.sql, 'ALTER TABLE {db}.main.nothing ADD COLUMN c INTEGER'] }])).rejects.toThrow('nothing');
  await attach([STEP]);
  expect(await connection.rows('SELECT a, b FROM d20260101.main.t')).toEqual([{ a: 7, b: 'new' }]);
});
it.each([[SCHEMA_VERSION + 1], [SCHEMA_VERSION - 2]])(
  'layout %i, which this build knows no way from, is refused and left alone',
  async (version) => {
    await setVersion(version);
    await connection.run('DETACH d20260101');
    await expect(attach([STEP])).rejects.toMatchObject({ code: 'schema_newer' });
    expect(existsSync(file().path)).toBe(true);
  },
);
it('nothing is migrated read-only', async () => {
  await connection.run('DETACH d20260101');
  await expect(attach([STEP], true)).rejects.toMatchObject({ code: 'data_dir_not_writable' });
});
