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
  marks: Mark[] = [];
  /** Native memory its strings lie in. */
  readonly arenas = new Set<Arena>();
  /** Safe mode only: heaps by the index in the cells. */
  heaps: Uint8Array[] = [];
  bornMs: number;
  rows = 0;
  /** Sealed blocks take no more rows. */
  sealed = false;
  heapBytes = 0;
  private sealedBytes = 0;

  constructor(shapes: readonly ColumnShape[], capacity: number, bornMs: number) {
    this.columns = shapes.map((shape) => new BlockColumn(shape, capacity));
    this.bornMs = bornMs;
  }

  /** Empty again, with its memory: allocating and clearing a megabyte per 2,048 spans was a fifth of the append. */
  reuse(bornMs: number): void {
    this.marks = [];
    this.heaps = [];
    this.bornMs = bornMs;
    this.rows = 0;
    this.sealed = false;
    this.heapBytes = 0;
    this.sealedBytes = 0;
    for (const column of this.columns) column.reset();
  }

  append(columns: readonly Column[], from: number, to: number, mark: Omit<Mark, 'row'>, heap: HeapSource): void {
    this.marks.push({ ...mark, row: this.rows });
    for (let k = 0; k < this.columns.length; k++) this.columns[k]!.append(columns[k]!, from, to, heap);
    this.rows += to - from;
    if (this.rows >= BLOCK_ROWS) this.sealed = true;
  }

  /** Native and JavaScript bytes. A sealed block does not change, and there are hundreds of them. */
  sizeBytes(): number {
    if (this.sealedBytes > 0) return this.sealedBytes;
    let size = this.heapBytes;
    for (const column of this.columns) size += column.sizeBytes();
    if (this.sealed) this.sealedBytes = size;
    return size;
  }
}
