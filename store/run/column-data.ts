import { invariant } from '#contracts/errors.ts';
import type { ColumnPiece as Piece } from '#contracts/store.ts';

/** What leaves the store per column; everything else is cast to one of these in SQL (readable-sql.ts). */
export type ReadType =
  | 'TINYINT'
  | 'UTINYINT'
  | 'SMALLINT'
  | 'USMALLINT'
  | 'INTEGER'
  | 'UINTEGER'
  | 'BIGINT'
  | 'UBIGINT'
  | 'FLOAT'
  | 'DOUBLE'
  | 'BOOLEAN'
  | 'DATE'
  | 'TIMESTAMP'
  | 'TIMESTAMP WITH TIME ZONE'
  | 'TIMESTAMP_S'
  | 'TIMESTAMP_MS'
  | 'TIMESTAMP_NS'
  | 'VARCHAR'
  | 'BLOB';
type Fixed =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;
type FixedMaker = { readonly bytes: number; readonly make: (length: number) => Fixed };
const maker = (bytes: number, make: (length: number) => Fixed): FixedMaker => ({ bytes, make });
const big = maker(8, (n) => new BigInt64Array(n));
const int = maker(4, (n) => new Int32Array(n));
const byte = maker(1, (n) => new Uint8Array(n));
const FIXED: Partial<Record<ReadType, FixedMaker>> = {
  TINYINT: maker(1, (n) => new Int8Array(n)),
  UTINYINT: byte,
  BOOLEAN: byte,
  SMALLINT: maker(2, (n) => new Int16Array(n)),
  USMALLINT: maker(2, (n) => new Uint16Array(n)),
  INTEGER: int,
  DATE: int,
  UINTEGER: maker(4, (n) => new Uint32Array(n)),
  FLOAT: maker(4, (n) => new Float32Array(n)),
  DOUBLE: maker(8, (n) => new Float64Array(n)),
  BIGINT: big,
  UBIGINT: maker(8, (n) => new BigUint64Array(n)),
  TIMESTAMP: big,
  'TIMESTAMP WITH TIME ZONE': big,
  TIMESTAMP_S: big,
  TIMESTAMP_MS: big,
  TIMESTAMP_NS: big,
};
/** Whether row i of a piece is not NULL. */
export const isValid = (valid: Uint8Array | null, i: number): boolean => valid === null || ((valid[i >> 3]! >> (i & 7)) & 1) === 1;

/** A result column, collected chunk by chunk. Nothing in it points to native memory, and nothing here needs DuckDB: it is read in other threads too. */
export class ColumnData {
  readonly name: string;
  readonly type: ReadType;
  readonly fixed: FixedMaker | null;
  readonly pieces: Piece[] = [];
  rows = 0;
  private values: ReturnType<ColumnData['read']> | null = null;

  constructor(name: string, type: ReadType) {
    this.name = name;
    this.type = type;
    this.fixed = FIXED[type] ?? null;
  }

  add(piece: Piece): void {
    this.pieces.push(piece);
    this.rows += piece.rows;
  }

  isNull(row: number): boolean {
    let at = row;
    for (const piece of this.pieces) {
      if (at < piece.rows) return !isValid(piece.valid, at);
      at -= piece.rows;
    }
    return true;
  }
  /** Bytes [from, to) of each row that is not NULL. */
  eachBlob(visit: (row: number, bytes: Uint8Array, from: number, to: number) => void): void {
    let row = 0;
    for (const { rows, valid, bytes, offsets } of this.pieces) {
      invariant(offsets, 'bytes of a column of numbers');
      for (let i = 0; i < rows; i++, row++) if (isValid(valid, i)) visit(row, bytes, offsets[i]!, offsets[i + 1]!);
    }
  }
  /** Typed array, or text with null; built once. NULL in a number: NaN where the type has it, else 0. */
  all(): ArrayLike<number> | ArrayLike<bigint> | readonly (string | null)[] {
    this.values ??= this.read();
    return this.values;
  }

  private read(): ArrayLike<number> | ArrayLike<bigint> | readonly (string | null)[] {
    return this.fixed ? this.readFixed(this.fixed) : this.readStrings();
  }
  private readFixed(fixed: FixedMaker): Fixed {
    const values = fixed.make(this.rows);
    const bytes = new Uint8Array(values.buffer);
    let at = 0;
    for (const piece of this.pieces) {
      bytes.set(piece.bytes.subarray(0, piece.rows * fixed.bytes), at * fixed.bytes);
      if (piece.valid) blank(values, at, piece);
      at += piece.rows;
    }
    return values;
  }
  private readStrings(): (string | null)[] {
    const values: (string | null)[] = [];
    for (const { rows, valid, bytes, offsets } of this.pieces) {
      invariant(offsets, 'text without offsets');
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const encoding = this.type === 'BLOB' ? 'hex' : 'utf8';
      for (let i = 0; i < rows; i++) values.push(isValid(valid, i) ? text.toString(encoding, offsets[i]!, offsets[i + 1]!) : null);
    }
    return values;
  }
}
function blank(values: Fixed, at: number, piece: Piece): void {
  const empty =
    values instanceof BigInt64Array || values instanceof BigUint64Array
      ? 0n
      : values instanceof Float64Array || values instanceof Float32Array
        ? Number.NaN
        : 0;
  for (let i = 0; i < piece.rows; i++) if (!isValid(piece.valid, i)) (values as { [at: number]: number | bigint })[at + i] = empty;
}
