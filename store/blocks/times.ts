import type { BitReader, BitWriter } from './bits.ts';
import { LARGEST, readNumbers, writeNumbers } from './whole-numbers.ts';

/** Nanoseconds of the units times are written in: the largest that all of a block are whole multiples of. */
const UNITS = [1e9, 1e6, 1e3, 1] as const;
let scratch = new Float64Array(1024);

/** @param offsets nanoseconds after the block's first time, rising, at most LARGEST */
export function writeTimes(writer: BitWriter, offsets: Float64Array, count: number): void {
  if (scratch.length < count) scratch = new Float64Array(count * 2);
  let unit = 0;
  for (let i = 0; i < count; i++) {
    const offset = offsets[i]!;
    while (unit < 3 && Math.floor(offset / UNITS[unit]!) * UNITS[unit]! !== offset) unit++;
  }
  for (let i = 0; i < count; i++) scratch[i] = offsets[i]! / UNITS[unit]!;
  writer.write(unit, 2);
  writeNumbers(writer, scratch, count);
}
/** @throws FormatError */
export function readTimes(reader: BitReader, out: Float64Array, count: number): void {
  const unit = UNITS[reader.read(2)]!;
  readNumbers(reader, out, count);
  if (unit !== 1) for (let i = 0; i < count; i++) out[i] = out[i]! * unit;
}

/** Adds offsets to a time of 64 bits, given and written as halves (low first). @param out halves, from entry `at` on */
export function addOffsets(out: Uint32Array, at: number, low: number, high: number, offsets: Float64Array, count: number): void {
  for (let i = 0, k = at * 2; i < count; i++, k += 2) {
    const sum = low + offsets[i]!;
    const carry = Math.floor(sum / 4294967296);
    out[k] = sum - carry * 4294967296;
    out[k + 1] = high + carry;
  }
}
/**
 * Fills nanoseconds after the first time. @param halves times, low half first. @returns whether they rise, or stay, and end within 2^49 ns:
 * others cannot be one block
 */
export function fillOffsets(offsets: Float64Array, halves: Uint32Array, count: number): boolean {
  const low = halves[0]!;
  const high = halves[1]! | 0;
  let before = 0;
  for (let i = 0; i < count; i++) {
    // Beyond 2^53 it is not exact, and refused all the same.
    const offset = ((halves[i * 2 + 1]! | 0) - high) * 4294967296 + (halves[i * 2]! - low);
    if (offset < before || offset > LARGEST) return false;
    offsets[i] = offset;
    before = offset;
  }
  return true;
}
