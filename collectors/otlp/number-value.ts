import type { Decoding } from './decoding.ts';
import type { TableColumns } from './table-columns.ts';

/** Prometheus' stale marker, a NaN with a payload (prometheus/model/value): "no recorded value". */
export const STALE_LO = 2;
export const STALE_HI = 0x7ff00000;
const NOTHING = 0;
const DOUBLE = 1;
const INTEGER = 2;
const ONE_DOUBLE = new Float64Array(1);
const ITS_WORDS = new Uint32Array(ONE_DOUBLE.buffer);

/** as_double or as_int of a data point or exemplar, until its row is written. */
export class NumberValue {
  private member = NOTHING;
  private lo = 0;
  private hi = 0;

  clear(): void {
    this.member = NOTHING;
  }
  get type(): 'i' | 'd' | '' {
    return this.member === INTEGER ? 'i' : this.member === DOUBLE ? 'd' : '';
  }
  setDouble(lo: number, hi: number): void {
    this.member = DOUBLE;
    this.lo = lo;
    this.hi = hi;
  }
  setInteger(lo: number, hi: number): void {
    this.member = INTEGER;
    this.lo = lo;
    this.hi = hi;
  }
  /** "No recorded value" by the point's flag. */
  setStale(): void {
    this.setDouble(STALE_LO, STALE_HI);
  }

  /** Bits of a double go in as they came; an integer a double cannot hold keeps its own column as well. */
  write(d: Decoding, columns: TableColumns, valueColumn: number, integerColumn: number, row: number): void {
    if (this.member === NOTHING) {
      d.note('no_data');
      this.setStale();
    }
    const values = columns.words[valueColumn] as Uint32Array;
    if (this.member === DOUBLE) {
      values[row * 2] = this.lo;
      values[row * 2 + 1] = this.hi;
      return;
    }
    const high = this.hi | 0;
    const value = high * 0x100000000 + this.lo;
    ONE_DOUBLE[0] = value;
    values[row * 2] = ITS_WORDS[0] as number;
    values[row * 2 + 1] = ITS_WORDS[1] as number;
    if (high >= -0x200000 && high < 0x200000) return;
    if (BigInt(value) === (BigInt(high) << 32n) + BigInt(this.lo)) return;
    const integers = columns.words[integerColumn] as Uint32Array;
    integers[row * 2] = this.lo;
    integers[row * 2 + 1] = this.hi;
    (columns.present[integerColumn] as Uint8Array)[row] = 1;
  }
}
