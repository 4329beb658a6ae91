import type { Column } from '#contracts/columns.ts';
import type { ColumnSpec } from '#contracts/tables.ts';

/** What the arrays of one body may take. */
export interface Room {
  /** Bounds what a guess may cost when this body is nothing like the last. */
  readonly bodyLength: number;
  /** The arrays come back with the next body: see DecodeContext.lend. */
  readonly isLent: boolean;
}
/** Kept arrays are large enough, and not so large that one huge body is remembered for ever. */
export const isWorthKeeping = (capacity: number, needed: number): boolean => capacity >= needed && capacity <= Math.max(4096, needed * 8);

const WIDTHS: Readonly<Record<ColumnSpec['kind'], number>> = {
  u8: 1,
  u32: 4,
  u64: 8,
  i64: 8,
  f64: 8,
  uuid: 16,
  string: 16,
  map: 0,
  list: 0,
};
const padded = (bytes: number): number => (bytes + 7) & ~7;
const NO_WORDS = new Uint32Array(0);
const NO_BYTES = new Uint8Array(0);

/**
 * The arrays of one table, or of one list of structs: all columns of fixed width in one allocation, sized for
 * `capacity` rows and zero, which is every column's "nothing here". Maps and lists keep their own (attribute-sink.ts,
 * list-columns.ts) and are put in their places by `finish`.
 */
export class TableColumns {
  capacity = 0;
  /** Per column, 32-bit words: 1 for u32, 2 for 64-bit kinds (low, high), 4 for uuid (as on the wire) and string cells; none for u8. */
  readonly words: Uint32Array[] = [];
  /** Per u8 column its bytes; empty for the others. */
  readonly bytes: Uint8Array[] = [];
  /** Per nullable column one byte a row; empty for the others. */
  readonly present: Uint8Array[] = [];
  private readonly specs: readonly ColumnSpec[];
  private isLent = false;
  /** Rows that may not be zero. */
  private dirty = 0;

  constructor(specs: readonly ColumnSpec[]) {
    this.specs = specs;
  }

  /** New arrays for `capacity` rows, or the old ones made zero when the batch before this one was only lent. */
  start(capacity: number, { isLent }: Room): void {
    const { dirty } = this;
    if (isLent && this.isLent && isWorthKeeping(this.capacity, capacity)) this.clearRows(0, dirty);
    else this.allocate(Math.max(1, capacity));
    this.isLent = isLent;
    this.dirty = this.capacity;
  }

  private allocate(capacity: number): void {
    let size = 0;
    for (const { kind, nullable } of this.specs) size += padded(WIDTHS[kind] * capacity) + (nullable ? padded(capacity) : 0);
    const buffer = new ArrayBuffer(size);
    let at = 0;
    this.specs.forEach(({ kind, nullable }, i) => {
      const width = WIDTHS[kind] * capacity;
      this.bytes[i] = kind === 'u8' ? new Uint8Array(buffer, at, width) : NO_BYTES;
      this.words[i] = width > 0 && kind !== 'u8' ? new Uint32Array(buffer, at, width / 4) : NO_WORDS;
      at += padded(width);
      this.present[i] = nullable ? new Uint8Array(buffer, at, capacity) : NO_BYTES;
      if (nullable) at += padded(capacity);
    });
    this.capacity = capacity;
  }

  /** Makes room for row `row`. The arrays are new afterwards. */
  reserve(row: number): void {
    if (row < this.capacity) return;
    const old = { words: [...this.words], bytes: [...this.bytes], present: [...this.present] };
    this.allocate(Math.max(16, row + 1, this.capacity * 2));
    this.dirty = this.capacity;
    old.words.forEach((words, i) => void (this.words[i] as Uint32Array).set(words));
    old.bytes.forEach((bytes, i) => void (this.bytes[i] as Uint8Array).set(bytes));
    old.present.forEach((present, i) => void (this.present[i] as Uint8Array).set(present));
  }

  /** Takes back whatever was written into a row that is not kept. */
  clearRow(row: number): void {
    this.clearRows(row, row + 1);
  }
  private clearRows(from: number, to: number): void {
    this.specs.forEach(({ kind, nullable }, i) => {
      const width = WIDTHS[kind];
      if (kind === 'u8') (this.bytes[i] as Uint8Array).fill(0, from, to);
      else (this.words[i] as Uint32Array).fill(0, (from * width) / 4, (to * width) / 4);
      if (nullable) (this.present[i] as Uint8Array).fill(0, from, to);
    });
  }

  /** @param others maps and lists, by column number */
  finish(rows: number, others: ReadonlyMap<number, Column>): Column[] {
    this.dirty = Math.min(this.capacity, rows + 1);
    return this.specs.map((spec, i) => others.get(i) ?? this.column(spec, i, rows));
  }

  private column({ kind, nullable }: ColumnSpec, i: number, rows: number): Column {
    const bytes = this.bytes[i] as Uint8Array;
    const words = this.words[i] as Uint32Array;
    const mask = nullable ? (this.present[i] as Uint8Array) : null;
    const present = mask && mask.subarray(0, rows).indexOf(0) >= 0 ? { present: mask } : {};
    const { byteOffset, byteLength } = words;
    const buffer = words.buffer as ArrayBuffer;
    switch (kind) {
      case 'u8':
        return { kind, data: bytes, ...present };
      case 'u32':
        return { kind, data: words, ...present };
      case 'u64':
        return { kind, data: new BigUint64Array(buffer, byteOffset, byteLength / 8), ...present };
      case 'i64':
        return { kind, data: new BigInt64Array(buffer, byteOffset, byteLength / 8), ...present };
      case 'f64':
        return { kind, data: new Float64Array(buffer, byteOffset, byteLength / 8), ...present };
      case 'uuid':
        return { kind, data: new Uint8Array(buffer, byteOffset, byteLength), ...present };
      case 'string':
        return { kind, cells: words, ...present };
      default:
        throw new Error(`BUG: column of kind ${kind} was not given`);
    }
  }
}

/** Number of the column called `name`. */
export function columnAt(specs: readonly ColumnSpec[], name: string): number {
  const at = specs.findIndex((spec) => spec.name === name);
  if (at < 0) throw new Error(`BUG: no column ${name}`);
  return at;
}

/** The struct fields of a list column. */
export function structOf(specs: readonly ColumnSpec[], name: string): readonly ColumnSpec[] {
  const element = specs[columnAt(specs, name)]?.element;
  if (!Array.isArray(element)) throw new Error(`BUG: ${name} is not a list of structs`);
  return element;
}
