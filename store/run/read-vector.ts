import duckdb from '@duckdb/node-bindings';
import { type ColumnData, isValid, type ReadType } from './column-data.ts';

const TYPE_NAMES: Partial<Record<duckdb.Type, ReadType>> = {
  [duckdb.Type.TINYINT]: 'TINYINT',
  [duckdb.Type.UTINYINT]: 'UTINYINT',
  [duckdb.Type.SMALLINT]: 'SMALLINT',
  [duckdb.Type.USMALLINT]: 'USMALLINT',
  [duckdb.Type.INTEGER]: 'INTEGER',
  [duckdb.Type.UINTEGER]: 'UINTEGER',
  [duckdb.Type.BIGINT]: 'BIGINT',
  [duckdb.Type.UBIGINT]: 'UBIGINT',
  [duckdb.Type.FLOAT]: 'FLOAT',
  [duckdb.Type.DOUBLE]: 'DOUBLE',
  [duckdb.Type.BOOLEAN]: 'BOOLEAN',
  [duckdb.Type.DATE]: 'DATE',
  [duckdb.Type.TIMESTAMP]: 'TIMESTAMP',
  [duckdb.Type.TIMESTAMP_TZ]: 'TIMESTAMP WITH TIME ZONE',
  [duckdb.Type.TIMESTAMP_S]: 'TIMESTAMP_S',
  [duckdb.Type.TIMESTAMP_MS]: 'TIMESTAMP_MS',
  [duckdb.Type.TIMESTAMP_NS]: 'TIMESTAMP_NS',
  [duckdb.Type.VARCHAR]: 'VARCHAR',
  [duckdb.Type.BLOB]: 'BLOB',
};
/** null: a type that has to be cast before it can be read. */
export const readTypeOf = (type: duckdb.Type): ReadType | null => TYPE_NAMES[type] ?? null;

/** Copies one chunk's part of a column out of DuckDB. */
export function takeVector(column: ColumnData, vector: duckdb.Vector, rows: number): void {
  // null when no row of the chunk is NULL, whatever the declaration says.
  const valid = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null;
  // Of a union each part leaves columns empty: those of samples in rows took half the time of reading them.
  if (!column.fixed && valid?.every((byte) => byte === 0)) {
    column.add({ rows, valid, bytes: new Uint8Array(0), offsets: new Int32Array(rows + 1) });
    return;
  }
  const raw = duckdb.vector_get_data(vector, rows * (column.fixed?.bytes ?? 16));
  column.add(column.fixed ? { rows, valid, bytes: raw, offsets: null } : { rows, valid, ...readText(raw, rows, valid) });
}

/** DuckDB string_t: u32 length, then 12 inlined bytes, or 4 bytes of prefix and a pointer. */
export function readText(raw: Uint8Array, rows: number, valid: Uint8Array | null): { offsets: Int32Array<ArrayBuffer>; bytes: Uint8Array } {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const offsets = new Int32Array(rows + 1);
  let total = 0;
  for (let i = 0; i < rows; i++) {
    if (isValid(valid, i)) total += view.getUint32(i * 16, true);
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(total);
  for (let i = 0; i < rows; i++) {
    const at = offsets[i]!;
    const length = offsets[i + 1]! - at;
    if (length > 12) bytes.set(duckdb.get_data_from_pointer(raw.buffer as ArrayBuffer, raw.byteOffset + i * 16 + 8, length), at);
    else for (let k = 0; k < length; k++) bytes[at + k] = raw[i * 16 + 4 + k]!;
  }
  return { offsets, bytes };
}
