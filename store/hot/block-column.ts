import type { Column, StringColumn } from '#contracts/columns.ts';
import { FaultlineError, invariant } from '#contracts/errors.ts';
import type { ColumnShape } from '../native/column-shape.ts';
import type { HeapCopy } from '../native/native-heap.ts';

/** Gives the native copy of the batch's heap, made on first need; notes that the block points into it. */
export interface HeapSource {
  address(): HeapCopy;
}
const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Growable rows of one column in DuckDB's vector layout, so that a vector is filled by one memcpy. */
export class BlockColumn {
  readonly shape: ColumnShape;
  readonly children: readonly BlockColumn[];
  rows = 0;
  data: Uint8Array<ArrayBuffer>;
  /** data as 32-bit words; for widths of 4 and more. */
  words: Uint32Array<ArrayBuffer>;
  /** DuckDB's validity mask, 1 = present; null while no row is NULL. */
  mask: Uint32Array<ArrayBuffer> | null = null;
  private capacity: number;
  private spareMask: Uint32Array<ArrayBuffer> | null = null;

  constructor(shape: ColumnShape, capacity: number) {
    this.shape = shape;
    this.capacity = Math.max(8, capacity);
    this.data = new Uint8Array(roundUp(this.capacity * shape.width));
    this.words = new Uint32Array(this.data.buffer);
    this.children = shape.children.map((child) => new BlockColumn(child, this.capacity));
  }

  /** Empties the column and keeps its memory. */
  reset(): void {
    this.rows = 0;
    this.spareMask = this.mask ?? this.spareMask;
    this.mask = null;
    for (const child of this.children) child.reset();
  }

  sizeBytes(): number {
    let size = this.data.byteLength + (this.mask?.byteLength ?? 0);
    for (const child of this.children) size += child.sizeBytes();
    return size;
  }

  /** Appends rows [from, to) of a decoder's column. */
  append(column: Column, from: number, to: number, heap: HeapSource): void {
    this.reserve(this.rows + to - from);
    if (this.shape.kind === 'fixed') this.appendFixed(column, from, to);
    else if (this.shape.kind === 'uuid') this.appendUuid(column, from, to);
    else if (this.shape.kind === 'string') this.appendStrings(column as StringColumn, from, to, heap);
    else this.appendList(column, from, to, heap);
    if ('present' in column && column.present) this.appendNulls(column.present, from, to);
    this.rows += to - from;
  }

  private appendFixed(column: Column, from: number, to: number): void {
    invariant('data' in column, `column kind ${column.kind} where fixed width was due`);
    const width = this.shape.width;
    invariant(column.data.BYTES_PER_ELEMENT === width && column.data.length >= to, `column of kind ${column.kind} has other bytes`);
    this.data.set(bytesOf(column.data.subarray(from, to)), this.rows * width);
  }

  /** Wire order (big-endian) to DuckDB's hugeint: little-endian with the sign bit flipped, so that UUIDs sort. */
  private appendUuid(column: Column, from: number, to: number): void {
    invariant(column.kind === 'uuid' && column.data.length >= to * 16, 'uuid column is too short');
    const source = column.data;
    const target = this.data;
    let at = this.rows * 16;
    for (let i = from * 16; i < to * 16; i += 16, at += 16) {
      for (let k = 0; k < 16; k++) target[at + k] = source[i + 15 - k]!;
      target[at + 15]! ^= 0x80;
    }
  }

  private appendStrings(column: StringColumn, from: number, to: number, heap: HeapSource): void {
    const target = this.words;
    let at = this.rows * 4;
    target.set(column.cells.subarray(from * 4, to * 4), at);
    let copy: HeapCopy | null = null;
    let low0 = 0;
    let high0 = 0;
    let heapBytes = 0;
    for (const end = at + (to - from) * 4; at < end; at += 4) {
      const length = target[at]!;
      if (length <= 12) continue;
      if (!copy) {
        copy = heap.address();
        low0 = copy.baseLow;
        high0 = copy.baseHigh;
        heapBytes = copy.bytes.length;
      }
      const offset = target[at + 2]!;
      // A wrong offset would make DuckDB read foreign memory. Not by `invariant`: its message would be made each time.
      if (offset + length > heapBytes) throw outside(offset, length, heapBytes);
      const low = low0 + offset;
      target[at + 2] = low;
      target[at + 3] = low > 0xffffffff ? high0 + 1 : high0;
    }
  }

  private appendList(column: Column, from: number, to: number, heap: HeapSource): void {
    invariant(column.kind === 'map' || column.kind === 'list', `column kind ${column.kind} where a list was due`);
    const offsets = column.offsets;
    const first = offsets[from]!;
    const base = this.children[0]!.rows - first;
    const target = this.words;
    let at = this.rows * 4;
    for (let i = from; i < to; i++, at += 4) {
      target[at] = offsets[i]! + base;
      target[at + 1] = 0;
      target[at + 2] = offsets[i + 1]! - offsets[i]!;
      target[at + 3] = 0;
    }
    const last = offsets[to]!;
    if (last === first) return;
    const parts = column.kind === 'map' ? [column.keys, column.values] : column.children;
    for (let k = 0; k < this.children.length; k++) this.children[k]!.append(parts[k]!, first, last, heap);
  }

  private appendNulls(present: Uint8Array, from: number, to: number): void {
    let mask = this.mask;
    let row = this.rows;
    for (let i = from; i < to; i++, row++) {
      if (present[i] !== 0) continue;
      mask ??= this.newMask();
      mask[row >>> 5]! &= ~(1 << (row & 31));
    }
  }

  private newMask(): Uint32Array<ArrayBuffer> {
    const words = maskWords(this.capacity);
    const spare = this.spareMask && this.spareMask.length >= words ? this.spareMask : new Uint32Array(words);
    this.spareMask = null;
    this.mask = spare.fill(0xffffffff);
    return this.mask;
  }

  private reserve(rows: number): void {
    if (rows <= this.capacity) return;
    this.capacity = Math.max(rows, this.capacity * 2);
    const data = new Uint8Array(roundUp(this.capacity * this.shape.width));
    data.set(this.data);
    this.data = data;
    this.words = new Uint32Array(data.buffer);
    if (!this.mask) return;
    const old = this.mask;
    this.newMask().set(old);
  }
}
const outside = (offset: number, length: number, heapBytes: number): FaultlineError =>
  new FaultlineError('internal', `BUG: string cell [${offset}, +${length}) outside of a heap of ${heapBytes}`);
const roundUp = (size: number): number => (size + 7) & ~7;
// DuckDB masks are 64-bit words.
const maskWords = (rows: number): number => Math.ceil(rows / 64) * 2;
