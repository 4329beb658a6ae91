import type { Column } from '#contracts/columns.ts';
import type { ColumnShape } from '../native/column-shape.ts';
import type { Arena } from '../native/native-heap.ts';
import { BlockColumn, type HeapSource } from './block-column.ts';

/** First row of a run of rows that came from one record, with the ordinal of that row among the record's rows. */
export interface Mark {
  readonly row: number;
  readonly position: number;
  readonly ordinal: number;
}
/** Rows of a block: as many as a DuckDB vector takes, so that a block is one chunk of a scan. */
export const BLOCK_ROWS = 2048;

export class Block {
  readonly columns: readonly BlockColumn[];
  readonly marks: Mark[] = [];
  /** Native memory its strings lie in. */
  readonly arenas = new Set<Arena>();
  /** Safe mode only: heaps by the index in the cells. */
  readonly heaps: Uint8Array[] = [];
  readonly bornMs: number;
  rows = 0;
  /** Sealed blocks take no more rows. */
  sealed = false;
  heapBytes = 0;

  constructor(shapes: readonly ColumnShape[], capacity: number, bornMs: number) {
    this.columns = shapes.map((shape) => new BlockColumn(shape, capacity));
    this.bornMs = bornMs;
  }

  append(columns: readonly Column[], from: number, to: number, mark: Omit<Mark, 'row'>, heap: HeapSource): void {
    this.marks.push({ ...mark, row: this.rows });
    for (let k = 0; k < this.columns.length; k++) this.columns[k]!.append(columns[k]!, from, to, heap);
    this.rows += to - from;
    if (this.rows >= BLOCK_ROWS) this.sealed = true;
  }

  sizeBytes(): number {
    let size = this.heapBytes;
    for (const column of this.columns) size += column.sizeBytes();
    return size;
  }
}
