import type { Column, StringColumn } from '#contracts/columns.ts';
import { FaultlineError, invariant } from '#contracts/errors.ts';
import type { ColumnShape } from '../native/column-shape.ts';
import type { HeapCopy } from '../native/native-heap.ts';

/** Gives the native copy of the batch's heap, made on first need; notes that the block points into it. */
export interface HeapSource {
  address(): HeapCopy;
}
const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Uint32Array(0);

/** Growable rows of one column in DuckDB's vector layout, so that a vector is filled by one memcpy. */
export class BlockColumn {
  readonly shape: ColumnShape;
  readonly children: readonly BlockColumn[];
  rows = 0;
  /** Made with the first value: most attribute columns of most blocks hold none. */
  data: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** data as 32-bit words; for widths of 4 and more. */
  words: Uint32Array<ArrayBuffer> = NO_WORDS;
  /** False: every row is NULL, and `data` means nothing. */
  hasValues = false;
  /** DuckDB's validity mask, 1 = present; null while no row is NULL. */
  mask: Uint32Array<ArrayBuffer> | null = null;
  private readonly firstCapacity: number;
  private capacity = 0;
  private spareMask: Uint32Array<ArrayBuffer> | null = null;

  constructor(shape: ColumnShape, capacity: number) {
    this.shape = shape;
    this.firstCapacity = Math.max(8, capacity);
    this.children = shape.children.map((child) => new BlockColumn(child, this.firstCapacity));
  }

  /** Empties the column and keeps its memory. */
  reset(): void {
    this.rows = 0;
    this.hasValues = false;
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
    const present = 'present' in column ? column.present : undefined;
    if (present) {
      const firstValue = present.indexOf(1, from);
      if (firstValue < 0 || firstValue >= to) {
        this.reserveMask(this.rows + to - from);
        clearBits(this.mask ?? this.newMask(), this.rows, this.rows + to - from);
        this.rows += to - from;
        return;
      }
    }
    this.hasValues = true;
    this.reserve(this.rows + to - from);
    if (this.shape.kind === 'fixed') this.appendFixed(column, from, to);
    else if (this.shape.kind === 'uuid') this.appendUuid(column, from, to);
    else if (this.shape.kind === 'string') this.appendStrings(column as StringColumn, from, to, heap);
    else this.appendList(column, from, to, heap);
    if (present) this.appendNulls(present, from, to);
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
    let i = present.indexOf(0, from);
    if (i < 0 || i >= to) return;
    const mask = this.mask ?? this.newMask();
    for (let row = this.rows + i - from; i < to; i++, row++) {
      if (present[i] === 0) mask[row >>> 5]! &= ~(1 << (row & 31));
    }
  }

  private newMask(): Uint32Array<ArrayBuffer> {
    const words = maskWords(Math.max(this.capacity, this.firstCapacity, this.maskRows));
    const spare = this.spareMask && this.spareMask.length >= words ? this.spareMask : new Uint32Array(words);
    this.spareMask = null;
    this.mask = spare.fill(0xffffffff);
    return this.mask;
  }
  /** Rows a mask has to have room for where there is no data to go by. */
  private maskRows = 0;

  private reserveMask(rows: number): void {
    this.maskRows = Math.max(this.maskRows, rows);
    const old = this.mask;
    if (old && old.length < maskWords(rows)) {
      this.maskRows = rows * 2;
      this.newMask().set(old);
    }
  }

  private reserve(rows: number): void {
    if (rows > this.capacity) {
      this.capacity = Math.max(rows, this.capacity === 0 ? this.firstCapacity : this.capacity * 2);
      const data = new Uint8Array(roundUp(this.capacity * this.shape.width));
      data.set(this.data);
      this.data = data;
      this.words = new Uint32Array(data.buffer);
    }
    this.reserveMask(rows);
  }
}
/** Bits [from, to) become 0. */
function clearBits(mask: Uint32Array, from: number, to: number): void {
  let row = from;
  for (; row < to && (row & 31) !== 0; row++) mask[row >>> 5]! &= ~(1 << (row & 31));
  const words = row < to ? (to - row) >>> 5 : 0;
  mask.fill(0, row >>> 5, (row >>> 5) + words);
  for (row += words * 32; row < to; row++) mask[row >>> 5]! &= ~(1 << (row & 31));
}
const outside = (offset: number, length: number, heapBytes: number): FaultlineError =>
  new FaultlineError('internal', `BUG: string cell [${offset}, +${length}) outside of a heap of ${heapBytes}`);
const roundUp = (size: number): number => (size + 7) & ~7;
// DuckDB masks are 64-bit words.
const maskWords = (rows: number): number => Math.ceil(rows / 64) * 2;
