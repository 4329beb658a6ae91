import { type Table as ArrowTable, type Data, type TypeMap, tableFromIPC, type Vector } from 'apache-arrow';

/** An Arrow answer of the API, read by column. Text is decoded when asked for, numbers as whole columns. */
export class Table {
  readonly rows: number;
  readonly names: readonly string[];
  /** SQL that reproduces the table. */
  readonly query: string;
  private readonly arrow: ArrowTable<TypeMap>;
  /** Arrow makes a new one each time it is asked. */
  private readonly vectors = new Map<string, Vector | null>();

  constructor(arrow: ArrowTable<TypeMap>) {
    this.arrow = arrow;
    this.rows = arrow.numRows;
    this.names = arrow.schema.fields.map((field) => field.name);
    this.query = arrow.schema.metadata.get('query') ?? '';
  }
  /** This table with the rows of others of the same columns behind its own. */
  with(others: readonly Table[]): Table {
    return others.length === 0 ? this : new Table(this.arrow.concat(...others.map((other) => other.arrow)));
  }
  private column(name: string): Vector | null {
    let vector = this.vectors.get(name);
    if (vector === undefined) {
      vector = this.arrow.getChild(name);
      this.vectors.set(name, vector);
    }
    return vector;
  }
  /** '' for null or an absent column. */
  text(name: string, row: number): string {
    const value: unknown = this.column(name)?.get(row);
    return value === null || value === undefined ? '' : String(value);
  }
  texts(name: string): string[] {
    const vector = this.column(name);
    if (vector === null) return new Array<string>(this.rows).fill('');
    const out: string[] = [];
    for (const data of vector.data) if (!pushAscii(data, out)) pushEach(data, vector, out);
    return out;
  }
  /** NaN for null. */
  numbers(name: string): Float64Array {
    const out = new Float64Array(this.rows).fill(Number.NaN);
    const vector = this.column(name);
    if (vector === null) return out;
    if (isPlainNumber(vector)) {
      eachChunk(vector, (values: Numbers, data, at) => {
        for (let i = 0; i < data.length; i++) if (data.nullCount === 0 || data.getValid(i)) out[at + i] = Number(values[i]);
      });
      return out;
    }
    for (let row = 0; row < this.rows; row++) {
      const value: unknown = vector.get(row);
      if (value !== null && value !== undefined) out[row] = Number(value);
    }
    return out;
  }
  /** Ids that came as unsigned 64-bit integers; 0 for null. */
  ids(name: string): BigUint64Array {
    const out = new BigUint64Array(this.rows);
    const vector = this.column(name);
    if (vector !== null && String(vector.type) === 'Uint64') {
      eachChunk(vector, (values: BigUint64Array, data, at) => {
        for (let i = 0; i < data.length; i++) if (data.nullCount === 0 || data.getValid(i)) out[at + i] = values[i]!;
      });
    }
    return out;
  }
  /** Unix milliseconds with their fraction. */
  times(name: string): Float64Array {
    const nanos = this.nanos(name);
    const out = new Float64Array(nanos.length);
    for (let row = 0; row < nanos.length; row++) out[row] = Number(nanos[row]! / 1_000n) / 1_000;
    return out;
  }
  /** Unix nanoseconds; 0 for null. */
  nanos(name: string): BigInt64Array {
    const vector = this.column(name);
    return vector === null ? new BigInt64Array(this.rows) : rawNanos(vector, this.rows);
  }
  /** For tables of unknown shape: what a person reads in the cell. */
  cell(name: string, row: number): string {
    const vector = this.column(name);
    if (vector === null) return '';
    if (isTimestamp(vector)) return vector.isValid(row) ? new Date(Number(this.times(name)[row])).toISOString() : '';
    return this.text(name, row);
  }
}
const UNIT_NANOS = [1_000_000_000n, 1_000_000n, 1_000n, 1n];
const isTimestamp = (vector: Vector): boolean => String(vector.type).startsWith('Timestamp');

const isPlainNumber = (vector: Vector): boolean => /^(Uint|Int|Float)(8|16|32|64)$/.test(String(vector.type));
const decoder = new TextDecoder();
type Numbers = ArrayLike<number | bigint>;
/** The stored values chunk by chunk, with the row each chunk begins at: ten times as fast as row by row. */
function eachChunk<V>(vector: Vector, take: (values: V, data: Data, at: number) => void): void {
  let at = 0;
  for (const data of vector.data) {
    take(data.values as V, data, at);
    at += data.length;
  }
}

/** All texts of a chunk with one decoding, where each byte is a letter: ten times as fast as one by one. */
function pushAscii(data: Data, out: string[]): boolean {
  const offsets = data.valueOffsets as Int32Array | undefined;
  if (String(data.type) !== 'Utf8' || offsets === undefined) return false;
  const first = offsets[0] ?? 0;
  const bytes = (data.values as Uint8Array).subarray(first, offsets[data.length] ?? first);
  const whole = decoder.decode(bytes);
  if (whole.length !== bytes.length) return false;
  for (let i = 0; i < data.length; i++) out.push(data.getValid(i) ? whole.slice(offsets[i]! - first, offsets[i + 1]! - first) : '');
  return true;
}
function pushEach(data: Data, vector: Vector, out: string[]): void {
  const first = out.length;
  for (let i = 0; i < data.length; i++) {
    const value: unknown = vector.get(first + i);
    out.push(value === null || value === undefined ? '' : String(value));
  }
}

/** The stored integers: Arrow's own getter rounds nanoseconds to a double. */
function rawNanos(vector: Vector, rows: number): BigInt64Array {
  const unit = isTimestamp(vector) ? (UNIT_NANOS[(vector.type as { unit: number }).unit] ?? 1n) : 1n;
  const out = new BigInt64Array(rows);
  eachChunk(vector, (values: BigInt64Array | Int32Array, data, at) => {
    for (let i = 0; i < data.length; i++) {
      if (data.nullCount === 0 || data.getValid(i)) out[at + i] = BigInt(values[i] ?? 0) * unit;
    }
  });
  return out;
}
/** Throws when the bytes are not an Arrow stream. */
export const readTable = (bytes: Uint8Array): Table => new Table(tableFromIPC(bytes));
