import duckdb from '@duckdb/node-bindings';
import { invariant } from '#contracts/errors.ts';
import type { BlockColumn } from '../hot/block-column.ts';

/** Heaps of a block in safe mode, by index; null: cells hold addresses and are copied as they are. */
export type SafeHeaps = readonly Uint8Array[] | null;

/** Copies the first `rows` rows of a column into a vector of the same type. */
export function writeVector(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: SafeHeaps): void {
  const { shape, data } = column;
  // Where every row is NULL nothing reads the cells.
  if (!column.hasValues) {
    if (rows > 0) invariant(column.mask !== null, 'a column without values has rows that are not NULL');
  } else if (shape.kind === 'string' && heaps) writeStrings(vector, column, rows, heaps);
  else duckdb.copy_data_to_vector(vector, 0, data.buffer, data.byteOffset, rows * shape.width);
  if (column.mask) {
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, column.mask.buffer, 0, Math.ceil(rows / 64) * 8);
  }
  if (shape.kind === 'list') writeChildren(vector, column, rows, heaps);
}

function writeChildren(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: SafeHeaps): void {
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

function writeStrings(vector: duckdb.Vector, column: BlockColumn, rows: number, heaps: readonly Uint8Array[]): void {
  const { words, data, mask } = column;
  for (let row = 0; row < rows; row++) {
    if (mask && ((mask[row >>> 5]! >>> (row & 31)) & 1) === 0) continue;
    const length = words[row * 4]!;
    const heap = length <= 12 ? data : heaps[words[row * 4 + 3]!]!;
    const start = length <= 12 ? row * 16 + 4 : words[row * 4 + 2]!;
    duckdb.vector_assign_string_element_len(vector, row, heap.subarray(start, start + length));
  }
}
