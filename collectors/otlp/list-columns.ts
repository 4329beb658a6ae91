import type { ListColumn } from '#contracts/columns.ts';
import type { ColumnSpec } from '#contracts/tables.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { AttributeSink } from './attribute-sink.ts';
import type { Decoding } from './decoding.ts';
import { columnAt, isWorthKeeping, type Room, TableColumns } from './table-columns.ts';

function offsetsFor(old: Uint32Array, row: number): Uint32Array {
  if (row + 1 < old.length) return old;
  const next = new Uint32Array(Math.max(16, (row + 2) * 2));
  next.set(old);
  return next;
}

/** A list of structs with attributes: span events, span links. */
export class StructList {
  readonly columns: TableColumns;
  readonly attributes: AttributeSink;
  /** Structs written so far, over all rows. */
  count = 0;
  private ratio = 1;
  private isLent = false;
  private first = 0;
  private offsets: Uint32Array = new Uint32Array(1);
  private readonly mapColumn: number;

  constructor(fields: readonly ColumnSpec[], keys: AttributeKeys) {
    this.columns = new TableColumns(fields);
    this.mapColumn = columnAt(fields, 'attributes');
    this.attributes = new AttributeSink(keys, columnAt(fields, 'attribute_types'), null);
  }
  /** @param rows expected */
  start(rows: number, room: Room): void {
    const capacity = Math.ceil(Math.min(rows * this.ratio * 1.05, room.bodyLength / 16)) + 1;
    this.columns.start(capacity, room);
    this.attributes.start(capacity, room);
    if (!room.isLent || !this.isLent || !isWorthKeeping(this.offsets.length, rows + 1)) this.offsets = new Uint32Array(rows + 1);
    this.isLent = room.isLent;
    this.count = 0;
    this.first = 0;
  }
  begin(): void {
    this.first = this.count;
  }
  /** Number of the next struct; its attributes are begun. */
  open(): number {
    this.columns.reserve(this.count);
    this.attributes.begin();
    return this.count;
  }
  close(d: Decoding): void {
    this.attributes.finish(d, this.columns, this.count++);
  }
  rollback(): void {
    for (let i = this.first; i < this.count; i++) this.columns.clearRow(i);
    this.attributes.rewind(this.first);
    this.count = this.first;
  }
  finish(row: number): void {
    this.offsets = offsetsFor(this.offsets, row);
    this.offsets[row + 1] = this.count;
  }
  column(rows: number): ListColumn {
    if (rows > 0) this.ratio = this.count / rows;
    const children = this.columns.finish(this.count, new Map([[this.mapColumn, this.attributes.column(this.count)]]));
    return { kind: 'list', offsets: this.offsets, children };
  }
}

/** A list of 64-bit numbers: bucket counts (u64), bounds (f64). Bits go in as they came. */
export class NumberList {
  private words = new Uint32Array(0);
  private count = 0;
  private first = 0;
  private ratio = 8;
  private isLent = false;
  private offsets: Uint32Array = new Uint32Array(1);
  private readonly kind: 'u64' | 'i64' | 'f64';

  constructor(kind: 'u64' | 'i64' | 'f64') {
    this.kind = kind;
  }
  /** @param rows expected */
  start(rows: number, { bodyLength, isLent }: Room): void {
    const needed = 2 * (Math.ceil(Math.min(rows * this.ratio * 1.05, bodyLength / 2)) + 1);
    const keeps = isLent && this.isLent;
    if (!keeps || !isWorthKeeping(this.words.length, needed)) this.words = new Uint32Array(needed);
    if (!keeps || !isWorthKeeping(this.offsets.length, rows + 1)) this.offsets = new Uint32Array(rows + 1);
    this.isLent = isLent;
    this.count = 0;
    this.first = 0;
  }
  begin(): void {
    this.first = this.count;
  }
  push(lo: number, hi: number): void {
    const at = this.count++ * 2;
    if (at >= this.words.length) {
      const words = new Uint32Array(Math.max(16, this.words.length * 2));
      words.set(this.words);
      this.words = words;
    }
    this.words[at] = lo;
    this.words[at + 1] = hi;
  }
  /** Empties the list of the row at hand. */
  rollback(): void {
    this.count = this.first;
  }
  finish(row: number): void {
    this.offsets = offsetsFor(this.offsets, row);
    this.offsets[row + 1] = this.count;
  }
  column(rows: number): ListColumn {
    if (rows > 0) this.ratio = this.count / rows;
    const { buffer } = this.words;
    const data =
      this.kind === 'u64' ? new BigUint64Array(buffer) : this.kind === 'i64' ? new BigInt64Array(buffer) : new Float64Array(buffer);
    return { kind: 'list', offsets: this.offsets, children: [{ kind: this.kind, data }] };
  }
}
