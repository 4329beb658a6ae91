import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { MigrationNews } from '#contracts/migration.ts';
import { attachFile, type DatabaseFile } from '../database/attach-file.ts';
import { type Connection, Database } from '../database/database.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { sayMigration } from './migration-watch.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

let dir: string;
let database: Database;
let connection: Connection;
let news: MigrationNews[];
const file = (readOnly = false): DatabaseFile => ({
  path: join(dir, 'telemetry-2026-01-01.duckdb'),
  name: 'd20260101',
  kind: 'day',
  ddl: [],
  readOnly,
  watch: { tell: (one) => void news.push(one), everyMs: 1 },
});
const STEP: Migration = { kind: 'day', from: SCHEMA_VERSION - 1, sql: ["ALTER TABLE {db}.main.t ADD COLUMN b VARCHAR DEFAULT 'new'"] };
const attach = (migrations: readonly Migration[], readOnly = false): Promise<void> =>
  attachFile(connection, file(readOnly), join(dir, 'backups'), migrations);
const setVersion = (version: number): Promise<void> => connection.run(`UPDATE d20260101.main.schema_version SET version = ${version}`);

beforeEach(async () => {
  news = [];
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
it('tells how it begins, how far it is and that it is done', async () => {
  await connection.run('CREATE TABLE d20260101.main.spans AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(400000)');
  await connection.run('DETACH d20260101');
  await attach([{ ...STEP, sql: [...STEP.sql, "UPDATE {db}.main.spans SET b = md5(b || 'x') || md5(b || 'y')"] }]);
  const about = { file: 'telemetry-2026-01-01.duckdb', from: SCHEMA_VERSION - 1, to: SCHEMA_VERSION };
  expect(news[0]).toMatchObject({ ...about, state: 'copying', seconds: 0 });
  expect(news.at(-1)).toMatchObject({ ...about, state: 'done', part: null });
  const shares = news.filter(({ table }) => table === 'spans').flatMap(({ part }) => part ?? []);
  expect(shares.length).toBeGreaterThan(1);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect([shares.at(-1)! > 0, shares.at(-1)! <= 1]).toEqual([true, true]);
  expect(sayMigration({ ...news[0]!, bytes: 1.2e9, state: 'changing', table: 'spans', part: 0.374, seconds: 12 })).toBe(
    `telemetry-2026-01-01.duckdb (1.2 GB): from layout ${SCHEMA_VERSION - 1} to ${SCHEMA_VERSION}: 12 s so far, spans 37 % of its rows`,
  );
});
it('says nothing where only the number of the layout moves', async () => {
  await connection.run('DETACH d20260101');
  await attach([{ ...STEP, sql: [] }]);
  expect(news).toEqual([]);
});
it('a step that fails leaves the file as it was', async () => {
  await connection.run('DETACH d20260101');
  await expect(attach([{ ...STEP, sql: [...STEP.sql, 'ALTER TABLE {db}.main.nothing ADD COLUMN c INTEGER'] }])).rejects.toMatchObject({
    code: 'migration_failed',
    message: expect.stringContaining('nothing'),
  });
  await attach([STEP]);
  expect(await connection.rows('SELECT a, b FROM d20260101.main.t')).toEqual([{ a: 7, b: 'new' }]);
});
it('without room for the copy the file is left as it was, and is not taken for damaged', async () => {
  await connection.run('DETACH d20260101');
  const copy = join(dir, 'backups', `telemetry-2026-01-01.duckdb.v${SCHEMA_VERSION - 1}`);
  mkdirSync(copy, { recursive: true });
  await expect(attach([STEP])).rejects.toMatchObject({ code: 'migration_failed', message: expect.stringContaining('no copy') });
  expect(readdirSync(join(dir, 'backups'))).toEqual([basename(copy)]);
  rmSync(copy, { recursive: true });
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
it('layout 1 -> 2: attributes that got a column leave the map with their type letter, but only when of its type', async () => {
  for (const table of ['spans', 'logs'])
    await connection.run(`CREATE TABLE d20260101.main.${table} AS
      SELECT map(['server.port', 'a', 'thread.name', 'thread.id'], ['443', '1', 'main', '7']) AS attributes, 'iisi' AS attribute_types
      UNION ALL SELECT map(['thread.name', 'b'], ['12', 'x']), 'is' UNION ALL SELECT map([]::VARCHAR[], []::VARCHAR[]), ''`);
  await connection.run('CREATE TABLE d20260101.main.consumed (table_name VARCHAR, position DOUBLE, ordinal DOUBLE)');
  await setVersion(1);
  await connection.run('DETACH d20260101');
  await attach(MIGRATIONS);
  expect(await connection.rows('SELECT table_name AS name, position FROM d20260101.main.consumed ORDER BY 1')).toEqual([
    { name: 'profile_samples', position: -1 },
    { name: 'profiles', position: -1 },
  ]);
  const rows = (table: string, columns: string) =>
    connection.rows(
      `SELECT ${columns}, attributes::VARCHAR AS attributes, attribute_types FROM d20260101.main.${table} ORDER BY len(attribute_types) DESC`,
    );
  expect(await rows('spans', 'server_port::VARCHAR AS port, thread_name, thread_id::VARCHAR AS thread')).toEqual([
    { port: null, thread_name: null, thread: null, attributes: '{thread.name=12, b=x}', attribute_types: 'is' },
    { port: '443', thread_name: 'main', thread: '7', attributes: '{a=1}', attribute_types: 'i' },
    { port: null, thread_name: null, thread: null, attributes: '{}', attribute_types: '' },
  ]);
  expect(await rows('logs', 'thread_name')).toEqual([
    { thread_name: 'main', attributes: '{server.port=443, a=1}', attribute_types: 'ii' },
    { thread_name: null, attributes: '{thread.name=12, b=x}', attribute_types: 'is' },
    { thread_name: null, attributes: '{}', attribute_types: '' },
  ]);
});
