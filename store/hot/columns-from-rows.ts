import type { Column, ColumnBatch, StringColumn } from '#contracts/columns.ts';
import type { ColumnSpec, TableSpec } from '#contracts/tables.ts';

/** Value of a MAP: keys unique. */
export interface MapValue {
  readonly keys: readonly string[];
  readonly values: readonly string[];
}
export type CellValue =
  | null
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | MapValue
  | readonly CellValue[]
  | { readonly [field: string]: CellValue };
export type RowValue = Readonly<Record<string, CellValue>>;

class HeapWriter {
  private bytes = Buffer.alloc(256);
  private at = 0;
  /** Writes one string and its cell. */
  put(text: string, encoding: 'utf8' | 'latin1', cells: Uint32Array, cellBytes: Uint8Array, row: number): void {
    const most = text.length * 3;
    if (this.at + most > this.bytes.length) this.grow(most);
    const length = this.bytes.write(text, this.at, encoding);
    cells[row * 4] = length;
    cellBytes.set(this.bytes.subarray(this.at, this.at + Math.min(length, length > 12 ? 4 : 12)), row * 16 + 4);
    if (length <= 12) return;
    cells[row * 4 + 2] = this.at;
    this.at += length;
  }
  private grow(most: number): void {
    const bytes = Buffer.alloc((this.at + most) * 2);
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
  }
  used(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}
function strings(values: readonly CellValue[], heap: HeapWriter, encoding: 'utf8' | 'latin1' = 'utf8'): StringColumn {
  const cells = new Uint32Array(values.length * 4);
  const bytes = new Uint8Array(cells.buffer);
  values.forEach((value, row) => {
    if (typeof value === 'string') heap.put(value, encoding, cells, bytes, row);
  });
  return { kind: 'string', cells, ...presence(values) };
}
function presence(values: readonly CellValue[]): { present?: Uint8Array } {
  return values.includes(null) ? { present: Uint8Array.from(values, (value) => (value === null ? 0 : 1)) } : {};
}
const asBig = (value: CellValue): bigint => (value === null ? 0n : BigInt(value as number | bigint));
const ARRAYS = {
  u8: (values: readonly CellValue[]) => Uint8Array.from(values, Number),
  u32: (values: readonly CellValue[]) => Uint32Array.from(values, Number),
  u64: (values: readonly CellValue[]) => BigUint64Array.from(values, asBig),
  i64: (values: readonly CellValue[]) => BigInt64Array.from(values, asBig),
  f64: (values: readonly CellValue[]) => Float64Array.from(values, (value) => (value === null ? 0 : Number(value))),
} as const;
function offsetsOf(lengths: readonly number[]): Uint32Array {
  const offsets = new Uint32Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    offsets[i + 1] = offsets[i]! + length;
  });
  return offsets;
}
function column(spec: ColumnSpec, values: readonly CellValue[], heap: HeapWriter): Column {
  if (spec.kind === 'string') return strings(values, heap, spec.sql === 'BLOB' ? 'latin1' : 'utf8');
  if (spec.kind === 'map') {
    const maps = values as readonly MapValue[];
    const offsets = offsetsOf(maps.map((map) => map.keys.length));
    return {
      kind: 'map',
      offsets,
      keys: strings(
        maps.flatMap((m) => m.keys),
        heap,
      ),
      values: strings(
        maps.flatMap((m) => m.values),
        heap,
      ),
    };
  }
  if (spec.kind === 'uuid') {
    const data = new Uint8Array(values.length * 16);
    values.forEach((value, row) => {
      if (value !== null) data.set(value as Uint8Array, row * 16);
    });
    return { kind: 'uuid', data, ...presence(values) };
  }
  if (spec.kind !== 'list') return { kind: spec.kind, data: ARRAYS[spec.kind](values), ...presence(values) };
  const lists = values as readonly (readonly CellValue[])[];
  const items = lists.flat() as CellValue[];
  const element = spec.element!;
  const children =
    typeof element === 'string'
      ? [column({ ...spec, kind: element as 'u64' }, items, heap)]
      : element.map((field) =>
          column(
            field,
            items.map((item) => (item as RowValue)[field.name] ?? null),
            heap,
          ),
        );
  return { kind: 'list', offsets: offsetsOf(lists.map((list) => list.length)), children };
}

/** Columns of rows given as plain values: for the dictionaries, which are small, and for tests. Not for ingest. */
export function columnsFromRows(
  specs: readonly ColumnSpec[],
  rows: readonly RowValue[],
): { readonly columns: Column[]; readonly heap: Uint8Array } {
  const heap = new HeapWriter();
  const columns = specs.map((spec) =>
    column(
      spec,
      rows.map((row) => row[spec.name] ?? null),
      heap,
    ),
  );
  return { columns, heap: heap.used() };
}
export function batchFromRows(table: TableSpec, rows: readonly RowValue[]): ColumnBatch {
  return { table: table.name, rows: rows.length, ...columnsFromRows(table.columns, rows) };
}
