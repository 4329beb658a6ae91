import { existsSync, statSync } from 'node:fs';
import { ERRORS, FaultlineError } from '#contracts/errors.ts';
import { migrate } from '../migrate/migrate.ts';
import type { MigrationWatch } from '../migrate/migration-watch.ts';
import { MIGRATIONS, type Migration } from '../migrate/migrations.ts';
import { SCHEMA_VERSION } from '../sql/ddl/ddl.ts';
import { createWhole } from './create-file.ts';
import { type Connection, textLiteral } from './database.ts';

export interface DatabaseFile {
  readonly path: string;
  /** Name it is attached under. */
  readonly name: string;
  readonly kind: 'catalog' | 'day' | 'bills';
  readonly ddl: readonly string[];
  readonly readOnly: boolean;
  /** Hears how far a migration is. */
  readonly watch?: MigrationWatch | undefined;
}
/** Why a file cannot be used: 'locked', 'unavailable' and 'newer' (of another layout) leave it where it is, 'corrupt' sets it aside. */
export type AttachTrouble = 'locked' | 'unavailable' | 'corrupt' | 'newer';
export function troubleOf(message: string): AttachTrouble {
  if (/could not set lock|conflicting lock|used by another process/i.test(message)) return 'locked';
  if (/permission denied|no space left|too many open files|read-only file system|cannot allocate/i.test(message)) return 'unavailable';
  if (/version number|newer version|newer Faultline|cannot be brought to layout/i.test(message)) return 'newer';
  return 'corrupt';
}

/** Attaches a file, creating or migrating its tables. Throws DuckDB's error (see troubleOf); the file is detached then. */
export async function attachFile(
  connection: Connection,
  file: DatabaseFile,
  backupDir: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  if (!existsSync(file.path) && !file.readOnly) await createWhole(file.path, (draft) => make(connection, { ...file, path: draft }));
  await attach(connection, file);
  try {
    const version = await readVersion(connection, file.name);
    await checkLength(connection, file);
    if (version === null) await createTables(connection, file);
    else if (version > SCHEMA_VERSION)
      throw new FaultlineError(
        'schema_newer',
        `${file.path} has layout ${version}, this is ${SCHEMA_VERSION}: ${ERRORS.schema_newer.says}`,
      );
    else if (version < SCHEMA_VERSION) await migrate(connection, file, version, backupDir, migrations, () => attach(connection, file));
  } catch (cause) {
    await detachQuietly(connection, file.name);
    throw cause;
  }
}
export async function detachQuietly(connection: Connection, name: string): Promise<void> {
  await connection.run('ROLLBACK').catch(() => undefined);
  await connection.run(`DETACH ${name}`).catch(() => undefined);
}
/** Of a file that `attachFile` has looked through. */
export async function attach(connection: Connection, file: DatabaseFile): Promise<void> {
  // 'latest' has the string encoding that costs a third (facts/storage.md §7).
  await connection.run(`ATTACH ${textLiteral(file.path)} AS ${file.name} (${file.readOnly ? 'READ_ONLY' : "STORAGE_VERSION 'latest'"})`);
}
/**
 * A file cut short attaches while its tables' description lies in what is left; writing on would make it worse. Free blocks
 * do not count: a checkpoint cuts those at the end off after it has written their number, so a whole file may be shorter than that.
 */
async function checkLength(connection: Connection, file: DatabaseFile): Promise<void> {
  const [size] = await connection.rows(
    `SELECT (block_size * used_blocks)::DOUBLE AS bytes FROM pragma_database_size() WHERE database_name = ${textLiteral(file.name)}`,
  );
  const there = statSync(file.path).size;
  if (there < Number(size?.['bytes'] ?? 0))
    throw new FaultlineError(
      'file_corrupt',
      `Corrupt database file: ${file.path} has ${there} bytes, its blocks in use take ${String(size?.['bytes'])}`,
    );
}
/** null: no table at all, as older versions left after a crash between creating the file and its tables. */
async function readVersion(connection: Connection, name: string): Promise<number | null> {
  const [tables] = await connection.rows(`SELECT count(*)::INTEGER AS n FROM duckdb_tables() WHERE database_name = ${textLiteral(name)}`);
  if (tables?.['n'] === 0) return null;
  const [row] = await connection.rows(`SELECT version FROM ${name}.main.schema_version`);
  return Number(row?.['version'] ?? 0);
}
async function make(connection: Connection, file: DatabaseFile): Promise<void> {
  await attach(connection, file);
  try {
    await createTables(connection, file);
    await connection.run(`CHECKPOINT ${file.name}`);
    await connection.run(`DETACH ${file.name}`);
  } catch (cause) {
    await detachQuietly(connection, file.name);
    throw cause;
  }
}
async function createTables(connection: Connection, file: DatabaseFile): Promise<void> {
  if (file.readOnly) throw new FaultlineError('file_corrupt', `${file.path} holds no tables`);
  await connection.run('BEGIN TRANSACTION');
  for (const sql of file.ddl) await connection.run(sql);
  await connection.run('COMMIT');
}
