import type { Partition, WrittenPartition } from '#contracts/parquet-export.ts';
import type { QueryResult } from '#contracts/store.ts';
import type { TableName } from '#contracts/tables.ts';
import { type PartitionSql, partitionSumsSql, partitionsSql, writePartitionSql } from '../sql/export/parquet-sql.ts';

/** One statement of an export: a day of one service. */
export const EXPORT_TIMEOUT_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What an export asks of the store. */
export interface ExportDoor {
  /** Days with a file, YYYY-MM-DD. */
  readonly days: () => readonly string[];
  readonly run: (sql: string) => Promise<QueryResult>;
}
/** The part of a day that lies in [startMs, endMs); null when none does. */
function within(date: string, startMs: number, endMs: number): { readonly startMs: number; readonly endMs: number } | null {
  const dayMs = Date.parse(`${date}T00:00:00Z`);
  const from = Math.max(dayMs, startMs);
  const to = Math.min(dayMs + DAY_MS, endMs);
  return from < to ? { startMs: from, endMs: to } : null;
}
/** Day by day, so that a day which is not attached comes back for its own statement only. */
export async function listPartitions(door: ExportDoor, table: TableName, startMs: number, endMs: number): Promise<readonly Partition[]> {
  const partitions: Partition[] = [];
  for (const date of [...door.days()].sort()) {
    const part = within(date, startMs, endMs);
    if (part === null) continue;
    const result = await door.run(partitionsSql(table, part.startMs, part.endMs));
    for (const row of result.rows()) partitions.push({ table, date, service: String(row['service'] ?? ''), rows: Number(row['rows']) });
  }
  return partitions;
}
export async function writePartition(door: ExportDoor, partition: PartitionSql & { readonly date: string }): Promise<WrittenPartition> {
  const part = within(partition.date, partition.startMs, partition.endMs);
  if (part !== null) await door.run(writePartitionSql({ ...partition, ...part }));
  const [row = {}] = (await door.run(partitionSumsSql(partition.table, partition.file))).rows();
  const { rows, ...sums } = row;
  return { rows: Number(rows), sums: Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)])) };
}
