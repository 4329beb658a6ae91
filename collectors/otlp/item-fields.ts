import { type Decoding, IRREGULAR } from './decoding.ts';
import type { TableColumns } from './table-columns.ts';
import { readTag, readVarint, skipField } from './wire.ts';

/** Fields that spans, logs and points have in common. */

/** Tag at `at`; `d.pos` is behind it. A tag written longer than it must be could be a known field: not the plain form. */
export function readByteTag(d: Decoding, at: number, end: number): number {
  d.pos = at;
  const tag = readTag(d, end);
  if (d.pos - at > 1 && tag < 0x80) throw IRREGULAR;
  return tag;
}

/**
 * An id that may be missing. In a nullable column a wrong length is noted; it is treated as missing, all zero is missing (OTLP says so).
 * @param wanted 16 or 8 @returns true when the row has the id
 */
export function writeOptionalId(
  d: Decoding,
  columns: TableColumns,
  column: number,
  row: number,
  p: number,
  length: number,
  wanted: 8 | 16,
): boolean {
  const words = columns.words[column] as Uint32Array;
  const present = columns.present[column] as Uint8Array;
  const { view } = d;
  let any = 0;
  if (length === wanted && wanted === 16) any = copyTraceId(d, words, row * 4, p);
  else if (length === wanted) {
    const hi = view.getUint32(p, false);
    const lo = view.getUint32(p + 4, false);
    words[row * 2] = lo;
    words[row * 2 + 1] = hi;
    any = hi | lo;
  } else {
    if (length !== 0 && present.length > 0) d.note('unusable_id');
    words.fill(0, (row * wanted) / 4, ((row + 1) * wanted) / 4);
  }
  if (present.length > 0) present[row] = any !== 0 ? 1 : 0;
  return any !== 0;
}

/** Wire order is storage order. @returns 0 when all bytes are zero */
function copyTraceId({ view }: Decoding, words: Uint32Array, at: number, p: number): number {
  const a = view.getUint32(p, true);
  const b = view.getUint32(p + 4, true);
  const c = view.getUint32(p + 8, true);
  const e = view.getUint32(p + 12, true);
  words[at] = a;
  words[at + 1] = b;
  words[at + 2] = c;
  words[at + 3] = e;
  return a | b | c | e;
}

/** A nullable text: empty is NULL, because proto3 cannot tell the two apart. */
export function writeOptionalText(d: Decoding, columns: TableColumns, column: number, row: number, p: number, length: number): void {
  d.writeCell(columns.words[column] as Uint32Array, row * 4, p, length);
  (columns.present[column] as Uint8Array)[row] = length > 0 ? 1 : 0;
}

/** A u8 enumeration at `p`. @param last highest known value @returns the byte after it */
export function writeEnum(d: Decoding, columns: TableColumns, column: number, row: number, p: number, end: number, last: number): number {
  const target = columns.bytes[column] as Uint8Array;
  const byte = d.bytes[p] as number;
  if (byte <= last) {
    target[row] = byte;
    return p + 1;
  }
  d.pos = p;
  const value = readVarint(d, end);
  if (value > last || d.hi !== 0) {
    d.note('unknown_enum');
    if (value > 255 || d.hi !== 0) d.note('out_of_range_value');
  }
  target[row] = value > 255 || d.hi !== 0 ? 255 : value;
  return d.pos;
}

/** A time that is kept as it is, but for the bit that a signed column does not have. */
export function writeStoredTime(d: Decoding, words: Uint32Array, row: number, lo: number, hi: number): void {
  const fits = hi < 0x80000000;
  if (!fits) d.note('out_of_range_value');
  words[row * 2] = fits ? lo : 0xffffffff;
  words[row * 2 + 1] = fits ? hi : 0x7fffffff;
}

/** end - start as a signed 64-bit number. */
export function writeDuration(d: Decoding, words: Uint32Array, row: number, lo: number, hi: number, endLo: number, endHi: number): void {
  const borrow = endLo < lo ? 1 : 0;
  let high = endHi - hi - borrow;
  let low = (endLo - lo) >>> 0;
  if (high < 0) d.note('negative_duration');
  if (high > 0x7fffffff) {
    d.note('out_of_range_value');
    high = 0x7fffffff;
    low = 0xffffffff;
  }
  words[row * 2] = low;
  words[row * 2 + 1] = high;
}

/** Steps over a field not known here. @param at its tag @returns the byte after it */
export function skipUnknown(d: Decoding, at: number, end: number): number {
  const tag = readByteTag(d, at, end);
  skipField(d, tag, end);
  return d.pos;
}

/** One string cell into row `row`; four stores cost a third of TypedArray.set. */
export function copyCell(cells: Uint32Array, row: number, cell: Uint32Array): void {
  const at = row * 4;
  cells[at] = cell[0] as number;
  cells[at + 1] = cell[1] as number;
  cells[at + 2] = cell[2] as number;
  cells[at + 3] = cell[3] as number;
}
