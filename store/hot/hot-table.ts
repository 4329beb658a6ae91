import type { Column } from '#contracts/columns.ts';
import type { ColumnSpec } from '#contracts/tables.ts';
import { type ColumnShape, shapeOf } from '../native/column-shape.ts';
import type { HeapCopy, NativeHeap } from '../native/native-heap.ts';
import { BLOCK_ROWS, Block, type Mark } from './block.ts';

/** What the hot side needs to know of a table; telemetry tables and dictionary tables alike. */
export interface HotTableSpec {
  readonly name: string;
  readonly columns: readonly ColumnSpec[];
}
/** A batch's heap, copied to native memory when the first long string of any of its tables needs it. */
export interface BatchHeap {
  readonly bytes: Uint8Array;
  copy: HeapCopy | null;
}
/** Rows that are visible to a reader: the first `rows` of each block, as they were when it looked. */
export interface BlockView {
  readonly block: Block;
  readonly rows: number;
}
export interface HotCounts {
  rows: number;
  bytes: number;
}

/** Emptied blocks kept for the row groups to come: under load two wait while one is written. */
const MAX_SPARE = 180;

/** Rows of one table that are not stored yet, by day, in the order they were appended. */
export class HotTable {
  readonly spec: HotTableSpec;
  readonly days = new Map<number, Block[]>();
  private readonly shapes: readonly ColumnShape[];
  private readonly heap: NativeHeap;
  private readonly spare: Block[] = [];
  rows = 0;

  constructor(spec: HotTableSpec, heap: NativeHeap) {
    this.spec = spec;
    this.shapes = spec.columns.map(shapeOf);
    this.heap = heap;
  }

  /** Appends rows [from, to), all of one day. */
  append(day: number, columns: readonly Column[], from: number, to: number, mark: Omit<Mark, 'row'>, heap: BatchHeap, nowMs: number): void {
    let at = from;
    while (at < to) {
      const block = this.openBlock(day, to - at, nowMs);
      const until = Math.min(to, at + BLOCK_ROWS - block.rows);
      block.append(columns, at, until, { ...mark, ordinal: mark.ordinal + at - from }, { address: () => this.address(block, heap) });
      at = until;
    }
    this.rows += to - from;
  }

  /** Blocks of one day; with `seal` the open one is closed, so that it can be flushed as a whole. */
  blocks(day: number, seal: boolean): readonly Block[] {
    const blocks = this.days.get(day) ?? [];
    const last = blocks.at(-1);
    if (seal && last) last.sealed = true;
    return blocks.filter((block) => block.sealed);
  }

  views(): BlockView[] {
    const views: BlockView[] = [];
    for (const blocks of this.days.values()) for (const block of blocks) views.push({ block, rows: block.rows });
    return views;
  }

  /** Takes stored blocks out of sight. Their memory stays until `free`. */
  remove(day: number, gone: ReadonlySet<Block>): void {
    const left = (this.days.get(day) ?? []).filter((block) => !gone.has(block));
    if (left.length === 0) this.days.delete(day);
    else this.days.set(day, left);
    for (const block of gone) this.rows -= block.rows;
  }

  free(block: Block): void {
    for (const arena of block.arenas) this.heap.release(arena);
    block.arenas.clear();
    if (block.rows === BLOCK_ROWS && this.spare.length < MAX_SPARE) this.spare.push(block);
  }

  /** Gives the memory of emptied blocks back. */
  dropSpare(): void {
    this.spare.length = 0;
  }

  counts(): HotCounts {
    let bytes = 0;
    for (const blocks of this.days.values()) for (const block of blocks) bytes += block.sizeBytes();
    return { rows: this.rows, bytes };
  }

  private openBlock(day: number, rows: number, nowMs: number): Block {
    const blocks = this.days.get(day) ?? [];
    const last = blocks.at(-1);
    if (last && !last.sealed) return last;
    const spare = last ? this.spare.pop() : undefined;
    spare?.reuse(nowMs);
    const block = spare ?? new Block(this.shapes, Math.min(BLOCK_ROWS, last ? BLOCK_ROWS : rows), nowMs);
    blocks.push(block);
    this.days.set(day, blocks);
    return block;
  }

  private address(block: Block, heap: BatchHeap): HeapCopy {
    if (!heap.copy) {
      heap.copy = this.heap.copy(heap.bytes, this.spec.name);
      block.heapBytes += heap.bytes.length;
    }
    const { arena, bytes } = heap.copy;
    if (arena) {
      if (!block.arenas.has(arena)) arena.references++;
      block.arenas.add(arena);
      return heap.copy;
    }
    let index = block.heaps.indexOf(bytes);
    if (index < 0) index = block.heaps.push(bytes) - 1;
    return { arena, bytes, baseLow: 0, baseHigh: index };
  }
}
