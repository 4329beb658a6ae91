import duckdb from '@duckdb/node-bindings';
import { invariant } from '#contracts/errors.ts';
import type { BlockColumn } from '../hot/block-column.ts';

/**
 * Where long strings are, for cells that hold offsets (heap by index in the last word); null: cells hold addresses and
 * are copied as they are. The vector gets strings of its own: in one piece where DuckDB's layout is known, else one by one.
 */
export interface TextHeaps {
  readonly heaps: readonly Uint8Array[];
  readonly isLayoutKnown: boolean;
}

/** Copies the first `rows` rows of a column into a vector of the same type. */
export function writeVector(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: TextHeaps | null): void {
  const { shape, data } = column;
  // Where every row is NULL nothing reads the cells.
  if (!column.hasValues) {
    if (rows > 0) invariant(column.mask !== null, 'a column without values has rows that are not NULL');
  } else if (shape.kind === 'string' && heaps?.isLayoutKnown) writeJoined(vector, column, rows, heaps.heaps);
  else if (shape.kind === 'string' && heaps) writeOneByOne(vector, column, rows, heaps.heaps);
  else duckdb.copy_data_to_vector(vector, 0, data.buffer, data.byteOffset, rows * shape.width);
  if (column.mask) {
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, column.mask.buffer, 0, Math.ceil(rows / 64) * 8);
  }
  if (shape.kind === 'list') writeChildren(vector, column, rows, heaps);
}

function writeChildren(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: TextHeaps | null): void {
  // Later rows of the block may already have entries; only those of the visible rows are copied.
  const last = (rows - 1) * 4;
  const childRows = rows === 0 ? 0 : column.words[last]! + column.words[last + 2]!;
  duckdb.list_vector_reserve(vector, Math.max(1, childRows));
  duckdb.list_vector_set_size(vector, childRows);
  if (childRows === 0) return;
  const child = duckdb.list_vector_get_child(vector);
  if (column.shape.wrap === 'plain') writeVector(child, column.children[0]!, childRows, heaps);
  else
    column.children.forEach((field, i) => {
      writeVector(duckdb.struct_vector_get_child(child, i), field, childRows, heaps);
    });
}

/** All long strings as one string of the vector's own memory, the cells pointing into it: a call per string is ten times as slow. */
function writeJoined(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: readonly Uint8Array[]): void {
  const cells = column.words.slice(0, rows * 4);
  const isNull = (row: number): boolean => column.mask !== null && ((column.mask[row >>> 5]! >>> (row & 31)) & 1) === 0;
  let size = 0;
  for (let row = 0; row < rows; row++) if (cells[row * 4]! > 12 && !isNull(row)) size += cells[row * 4]!;
  if (size > 0) {
    const joined = Buffer.allocUnsafe(size);
    let at = 0;
    for (let row = 0; row < rows; row++) {
      const length = cells[row * 4]!;
      if (length <= 12 || isNull(row)) continue;
      const start = cells[row * 4 + 2]!;
      joined.set(heaps[cells[row * 4 + 3]!]!.subarray(start, start + length), at);
      cells[row * 4 + 2] = at;
      at += length;
    }
    duckdb.vector_assign_string_element_len(vector, 0, joined);
    const cell = duckdb.vector_get_data(vector, 16);
    const address = new DataView(cell.buffer, cell.byteOffset, 16);
    const [low, high] = [address.getUint32(8, true), address.getUint32(12, true)];
    for (let row = 0; row < rows; row++) {
      if (cells[row * 4]! <= 12 || isNull(row)) continue;
      const sum = low + cells[row * 4 + 2]!;
      cells[row * 4 + 2] = sum;
      cells[row * 4 + 3] = sum > 0xffffffff ? high + 1 : high;
    }
  }
  duckdb.copy_data_to_vector(vector, 0, cells.buffer, cells.byteOffset, rows * 16);
}

function writeOneByOne(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: readonly Uint8Array[]): void {
  const { words, data, mask } = column;
  for (let row = 0; row < rows; row++) {
    if (mask && ((mask[row >>> 5]! >>> (row & 31)) & 1) === 0) continue;
    const length = words[row * 4]!;
    const heap = length <= 12 ? data : heaps[words[row * 4 + 3]!]!;
    const start = length <= 12 ? row * 16 + 4 : words[row * 4 + 2]!;
    duckdb.vector_assign_string_element_len(vector, row, heap.subarray(start, start + length));
  }
}
