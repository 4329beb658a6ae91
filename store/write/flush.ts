import type { TableName } from '#contracts/tables.ts';
import { type Connection, textLiteral } from '../database/database.ts';
import type { DayFile, DayFiles } from '../database/day-files.ts';
import { NO_DAY, type StoreDictionary } from '../dictionary/store-dictionary.ts';
import { BLOCK_ROWS, type Block } from '../hot/block.ts';
import { hotFunctionName } from '../hot/hot-function.ts';
import type { HotRows } from '../hot/hot-rows.ts';
import type { StartGate } from '../run/start-gate.ts';
import type { Day } from './day-of.ts';

/** DuckDB's row group: batches of exactly this size go compressed to the file, around its write-ahead log. */
export const ROW_GROUP_ROWS = 122_880;
export const ROW_GROUP_BLOCKS = ROW_GROUP_ROWS / BLOCK_ROWS;

export interface FlushContext {
  readonly hot: HotRows;
  readonly gate: StartGate;
  readonly days: DayFiles;
  readonly dictionary: StoreDictionary;
  /** Writes telemetry; used for nothing else while a flush runs. */
  readonly connection: Connection;
  readonly catalog: string;
  readonly nowMs: () => number;
}
/** Blocks of one day to write together, by table, each from the oldest on. */
export type DayBlocks = ReadonlyMap<TableName, readonly Block[]>;

/**
 * Moves hot blocks into their day file: rows and the position they reach in one transaction; readers see them hot
 * before the commit and stored after it, never both. On failure everything stays hot.
 */
export async function flushDay(context: FlushContext, day: Day, parts: DayBlocks): Promise<void> {
  await flushDictionary(context);
  const file = await openDay(context, day);
  const reached = new Map([...parts].map(([table, blocks]) => [table, endOf(blocks.at(-1)!)] as const));
  await writeAndSwitch(
    context,
    async () => {
      for (const [table, blocks] of parts) {
        await insert(context, `${file.database}.main.${table}`, table, blocks);
        const { position, ordinal } = reached.get(table)!;
        await context.connection.run(
          `UPDATE ${file.database}.main.consumed SET position = ${position}, ordinal = ${ordinal} WHERE table_name = ${textLiteral(table)}`,
        );
      }
    },
    () => {
      for (const [table, blocks] of parts) {
        context.hot.retire(table, day, blocks);
        file.consumed.set(table, reached.get(table)!);
        file.grown += Math.ceil(blocks.length / ROW_GROUP_BLOCKS);
        file.rows[table] += blocks.reduce((sum, block) => sum + block.rows, 0);
      }
    },
  );
}

/** Stores dictionary rows; they must be there before the rows that use their ids. */
export async function flushDictionary(context: FlushContext): Promise<void> {
  context.dictionary.drain(context.hot, context.nowMs());
  const parts = context.dictionary.tables
    .map(({ table }) => ({ table: table.name, blocks: context.hot.table(table.name).blocks(NO_DAY, true) }))
    .filter(({ blocks }) => blocks.length > 0);
  if (parts.length === 0) return;
  await writeAndSwitch(
    context,
    async () => {
      for (const { table, blocks } of parts) await insert(context, `${context.catalog}.main.${table}`, table, blocks);
    },
    () => {
      for (const { table, blocks } of parts) context.hot.retire(table, NO_DAY, blocks);
    },
  );
}

async function openDay(context: FlushContext, day: Day): Promise<DayFile> {
  const known = context.days.files.get(day);
  if (known?.attached) return context.days.attach(day);
  // Attaching may detach another day: no statement may start between that and the new views.
  return context.gate.exclusive(async () => {
    const file = await context.days.attach(day);
    await context.days.views();
    return file;
  });
}

async function writeAndSwitch(context: FlushContext, write: () => Promise<void>, published: () => void): Promise<void> {
  const { connection, gate } = context;
  await connection.run('BEGIN TRANSACTION');
  try {
    await write();
    await gate.exclusive(async () => {
      await connection.run('COMMIT');
      published();
    });
  } catch (cause) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw cause;
  }
}
async function insert(context: FlushContext, target: string, table: string, blocks: readonly Block[]): Promise<void> {
  const { connection, hot } = context;
  hot.bind(connection.id, hot.snapshotOf(table, blocks));
  try {
    // By name: a file brought forward by a migration has its newer columns last.
    await connection.run(`INSERT INTO ${target} BY NAME SELECT * FROM ${hotFunctionName(table)}()`);
  } finally {
    hot.unbind(connection.id);
  }
}
/** Position after the last row of a block. */
function endOf(block: Block): { position: number; ordinal: number } {
  const mark = block.marks.at(-1)!;
  return { position: mark.position, ordinal: mark.ordinal + block.rows - mark.row };
}
