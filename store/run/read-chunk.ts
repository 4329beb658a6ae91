import duckdb from '@duckdb/node-bindings';
import { FaultlineError } from '#contracts/errors.ts';
import { ColumnData } from './column-data.ts';
import { readTypeOf, takeVector } from './read-vector.ts';

/** Columns of a result, empty. Every type must be readable. */
export function columnsOf(result: duckdb.Result, names?: readonly string[]): ColumnData[] {
  return Array.from({ length: duckdb.column_count(result) }, (_, i) => {
    const name = names?.[i] ?? duckdb.column_name(result, i);
    const type = readTypeOf(duckdb.column_type(result, i));
    if (!type)
      throw new FaultlineError('internal', `BUG: column ${name} has type ${duckdb.column_type(result, i)}, which is not read as it is`);
    return new ColumnData(name, type);
  });
}
export function takeChunk(columns: readonly ColumnData[], chunk: duckdb.DataChunk, rows: number): void {
  columns.forEach((column, i) => {
    takeVector(column, duckdb.data_chunk_get_vector(chunk, i), rows);
  });
}

/** All of a trusted result. */
export async function readColumns(result: duckdb.Result): Promise<readonly ColumnData[]> {
  const columns = columnsOf(result);
  for (let chunk = await duckdb.fetch_chunk(result); chunk; chunk = await duckdb.fetch_chunk(result)) {
    const rows = duckdb.data_chunk_get_size(chunk);
    if (rows === 0) break;
    takeChunk(columns, chunk, rows);
  }
  return columns;
}
/** Rows of a small trusted result as plain values (integers of 64 bits as bigint). */
export async function readRows(result: duckdb.Result): Promise<Record<string, unknown>[]> {
  const columns = await readColumns(result);
  const values = columns.map((column) => column.all());
  return Array.from({ length: columns[0]?.rows ?? 0 }, (_, row) =>
    Object.fromEntries(columns.map((column, i) => [column.name, column.isNull(row) ? null : values[i]![row]])),
  );
}
