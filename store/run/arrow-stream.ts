import * as A from 'apache-arrow';
import type { ColumnData, ReadType } from './column-data.ts';

const TYPES: Readonly<Record<ReadType, () => A.DataType>> = {
  TINYINT: () => new A.Int8(),
  UTINYINT: () => new A.Uint8(),
  SMALLINT: () => new A.Int16(),
  USMALLINT: () => new A.Uint16(),
  INTEGER: () => new A.Int32(),
  UINTEGER: () => new A.Uint32(),
  BIGINT: () => new A.Int64(),
  UBIGINT: () => new A.Uint64(),
  FLOAT: () => new A.Float32(),
  DOUBLE: () => new A.Float64(),
  BOOLEAN: () => new A.Bool(),
  DATE: () => new A.DateDay(),
  TIMESTAMP: () => new A.TimestampMicrosecond(),
  'TIMESTAMP WITH TIME ZONE': () => new A.TimestampMicrosecond('UTC'),
  TIMESTAMP_S: () => new A.TimestampSecond(),
  TIMESTAMP_MS: () => new A.TimestampMillisecond(),
  TIMESTAMP_NS: () => new A.TimestampNanosecond(),
  VARCHAR: () => new A.Utf8(),
  BLOB: () => new A.Binary(),
};
/** Columns as an Arrow IPC stream, a record batch per chunk. Values and text are copied as bytes, never made into strings. */
export function arrowStream(columns: readonly ColumnData[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const types = columns.map((column) => TYPES[column.type]());
  // Names may repeat in SQL; Arrow readers look fields up by name.
  const seen = new Map<string, number>();
  const fields = columns.map((column, i) => {
    const times = seen.get(column.name) ?? 0;
    seen.set(column.name, times + 1);
    return new A.Field(times === 0 ? column.name : `${column.name}_${times}`, types[i]!, true);
  });
  const schema = new A.Schema(fields, new Map(Object.entries(metadata)));
  const batches = (columns[0]?.pieces ?? []).map((first, p) => {
    const children = columns.map((column, i) => pieceData(column, types[i]!, p));
    return new A.RecordBatch(schema, A.makeData({ type: new A.Struct(fields), length: first.rows, nullCount: 0, children }));
  });
  return A.tableToIPC(new A.Table(schema, batches), 'stream');
}
function pieceData(column: ColumnData, type: A.DataType, p: number): A.Data {
  const piece = column.pieces[p]!;
  const common = { type, length: piece.rows, ...(piece.valid ? { nullBitmap: piece.valid } : {}) };
  if (piece.offsets) return A.makeData({ ...common, valueOffsets: piece.offsets, data: piece.bytes } as never);
  if (column.type === 'BOOLEAN') return A.makeData({ ...common, data: packBits(piece.bytes, piece.rows) } as never);
  const values = column.fixed!.make(piece.rows);
  new Uint8Array(values.buffer).set(piece.bytes.subarray(0, values.byteLength));
  return A.makeData({ ...common, data: values } as never);
}
function packBits(bytes: Uint8Array, rows: number): Uint8Array {
  const bits = new Uint8Array(Math.ceil(rows / 8));
  for (let i = 0; i < rows; i++) if (bytes[i]) bits[i >> 3]! |= 1 << (i & 7);
  return bits;
}
