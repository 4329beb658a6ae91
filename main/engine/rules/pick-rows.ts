import type { Column, ColumnBatch, StringColumn } from '#contracts/columns.ts';

/** Text of a cell; '' for NULL. */
export function textAt({ cells, present }: StringColumn, heap: Uint8Array, row: number): string {
  if (present && present[row] === 0) return '';
  const length = cells[row * 4] as number;
  if (length === 0) return '';
  const [bytes, start] =
    length <= 12
      ? [cells.buffer as ArrayBuffer, cells.byteOffset + row * 16 + 4]
      : [heap.buffer as ArrayBuffer, heap.byteOffset + (cells[row * 4 + 2] as number)];
  return Buffer.from(bytes, start, length).toString('utf8');
}
/** Writes a text of at most 12 ASCII characters into a cell. */
export function writeShort(cells: Uint32Array, row: number, text: string): void {
  cells.fill(0, row * 4, row * 4 + 4);
  cells[row * 4] = text.length;
  Buffer.from(cells.buffer, cells.byteOffset + row * 16 + 4, 12).write(text, 'latin1');
}
const WIDTH = { uuid: 16, string: 4 } as const;

function pickPresent(present: Uint8Array | undefined, rows: Uint32Array): { readonly present?: Uint8Array } {
  return present ? { present: Uint8Array.from(rows, (row) => present[row] as number) } : {};
}
function pickWords<T extends Uint8Array | Uint32Array>(data: T, rows: Uint32Array, width: number): T {
  const picked = new (data.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((row, i) => void picked.set(data.subarray(row * width, (row + 1) * width), i * width));
  return picked;
}
/** Children of the rows [offsets[row], offsets[row + 1]), as rows of their own columns. */
function entriesOf(offsets: Uint32Array, rows: Uint32Array): { readonly offsets: Uint32Array; readonly entries: Uint32Array } {
  const picked = new Uint32Array(rows.length + 1);
  let end = 0;
  rows.forEach((row, i) => {
    end += (offsets[row + 1] as number) - (offsets[row] as number);
    picked[i + 1] = end;
  });
  const entries = new Uint32Array(end);
  let at = 0;
  for (const row of rows) for (let entry = offsets[row] as number; entry < (offsets[row + 1] as number); entry++) entries[at++] = entry;
  return { offsets: picked, entries };
}
function pickColumn(column: Column, rows: Uint32Array): Column {
  switch (column.kind) {
    case 'string':
      return { kind: 'string', cells: pickWords(column.cells, rows, WIDTH.string), ...pickPresent(column.present, rows) };
    case 'uuid':
      return { kind: 'uuid', data: pickWords(column.data, rows, WIDTH.uuid), ...pickPresent(column.present, rows) };
    case 'map': {
      const { offsets, entries } = entriesOf(column.offsets, rows);
      return {
        kind: 'map',
        offsets,
        keys: pickColumn(column.keys, entries) as StringColumn,
        values: pickColumn(column.values, entries) as StringColumn,
      };
    }
    case 'list': {
      const { offsets, entries } = entriesOf(column.offsets, rows);
      return { kind: 'list', offsets, children: column.children.map((child) => pickColumn(child, entries)) };
    }
    default: {
      const { data } = column;
      const picked = new (data.constructor as new (length: number) => typeof data)(rows.length);
      for (let i = 0; i < rows.length; i++) picked[i] = data[rows[i] as number] as never;
      return { kind: column.kind, data: picked, ...pickPresent(column.present, rows) };
    }
  }
}
/** Some rows of a batch, in order, in memory of their own; the heap is shared. */
export const pickRows = (batch: ColumnBatch, rows: Uint32Array): ColumnBatch => ({
  table: batch.table,
  rows: rows.length,
  columns: batch.columns.map((column) => pickColumn(column, rows)),
  heap: batch.heap,
});
