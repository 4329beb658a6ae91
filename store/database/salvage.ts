import { type Connection, textLiteral } from './database.ts';

/** Rows tried at once: DuckDB's row group, then halves of what failed, down to one vector. */
const FIRST_ROWS = 122_880;
const LAST_ROWS = 2_048;
export interface Salvaged {
  readonly kept: number;
  readonly lost: number;
}

/**
 * Copies what can still be read of a file set aside into a fresh, attached database of the same layout.
 * A file that does not attach at all gives nothing. Tables named here are emptied first: a new file has rows of its own in some.
 */
export async function salvage(connection: Connection, asidePath: string, target: string, tables: readonly string[]): Promise<Salvaged> {
  let kept = 0;
  let lost = 0;
  await connection.run(`ATTACH ${textLiteral(asidePath)} AS salvage (READ_ONLY)`);
  try {
    for (const table of tables) {
      const { rows, ends } = await rowsOf(connection, table);
      await addOldColumns(connection, target, table);
      await connection.run(`DELETE FROM ${target}.main.${table}`);
      const copied = await copyRange(connection, `${target}.main.${table}`, table, 0, ends, FIRST_ROWS);
      if (table === 'consumed') continue;
      kept += copied;
      lost += rows - copied;
    }
  } finally {
    await connection.run('DETACH salvage').catch(() => undefined);
  }
  return { kept, lost };
}
/** A file that was brought forward has columns that a new one has not. */
async function addOldColumns(connection: Connection, target: string, table: string): Promise<void> {
  const columnsOf = (database: string): Promise<Record<string, unknown>[]> =>
    connection.rows(
      `SELECT column_name AS name, data_type AS type FROM duckdb_columns() WHERE database_name = '${database}' AND table_name = '${table}'`,
    );
  const there = new Set((await columnsOf(target)).map(({ name }) => name));
  for (const { name, type } of await columnsOf('salvage')) {
    if (!there.has(name)) await connection.run(`ALTER TABLE ${target}.main.${table} ADD COLUMN "${name}" ${type}`);
  }
}
/** Their number, and where row ids end: further on where compaction removed rows. 0 for a table that cannot even be counted. */
async function rowsOf(connection: Connection, table: string): Promise<{ readonly rows: number; readonly ends: number }> {
  const sql = `SELECT count(*)::DOUBLE AS n, coalesce(max(rowid) + 1, 0)::DOUBLE AS ends FROM salvage.main.${table}`;
  const [row] = await connection.rows(sql).catch(() => []);
  return { rows: Number(row?.['n'] ?? 0), ends: Number(row?.['ends'] ?? 0) };
}
async function copyRange(connection: Connection, target: string, table: string, from: number, to: number, step: number): Promise<number> {
  let copied = 0;
  for (let at = from; at < to; at += step) {
    const end = Math.min(to, at + step);
    try {
      const sql = `INSERT INTO ${target} BY NAME SELECT * FROM salvage.main.${table} WHERE rowid >= ${at} AND rowid < ${end}`;
      const [inserted] = await connection.rows(sql);
      copied += Number(inserted?.['Count'] ?? 0);
    } catch {
      // What cannot be read is looked at in halves until it is one vector: that much is lost.
      if (step > LAST_ROWS) copied += await copyRange(connection, target, table, at, end, Math.max(LAST_ROWS, step / 2));
    }
  }
  return copied;
}

/** Whether every value of the tables can be read. Reads all of it: only asked after a reader met damage. */
export async function isReadable(connection: Connection, database: string, tables: readonly string[]): Promise<boolean> {
  try {
    for (const table of tables) await connection.run(`SELECT max(hash(t)) FROM ${database}.main.${table} AS t`);
    return true;
  } catch (cause) {
    return !isDamage((cause as Error).message);
  }
}
export const isDamage = (message: string): boolean =>
  /corrupt database file|checksum|could not read enough bytes|not a valid DuckDB/i.test(message);
