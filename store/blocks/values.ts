import { type BitReader, type BitWriter, FormatError } from './bits.ts';
import { LARGEST, readNumbers, writeNumbers } from './whole-numbers.ts';

/**
 * Doubles, bit for bit. Most are decimals: whole numbers after a shift of the point, written as steps of their greatest common
 * divisor; what is not (stale markers and other NaN, infinities, -0, more digits) is an exception, kept whole. Where exceptions
 * are the rule: what differs from the value before (Gorilla, Pelkonen et al. 2015, section 4.1.2).
 */
const DECIMAL = 0;
const SAME = 1;
const DIFFERENCES = 2;
const MAX_SHIFT = 18;
const TENS = Float64Array.from({ length: MAX_SHIFT + 1 }, (_, i) => Number(`1e${i}`));

let whole = new Float64Array(1024);
/** The first whole number, which the others are counted from. */
let base = 0;
let exceptions = new Uint32Array(1024);
const reserve = (count: number): void => {
  if (whole.length >= count) return;
  whole = new Float64Array(count * 2);
  exceptions = new Uint32Array(count * 2);
};

/** The smallest shift of the point that makes the value whole, from `shift` on; MAX_SHIFT + 1 where none does. */
function shiftFor(value: number, shift: number): number {
  for (let e = shift; e <= MAX_SHIFT; e++) {
    const ten = TENS[e]!;
    const number = Math.round(value * ten);
    if (Math.abs(number) > Number.MAX_SAFE_INTEGER) return MAX_SHIFT + 1;
    if (number / ten === value) return e;
  }
  return MAX_SHIFT + 1;
}
const isMinusZero = (value: number): boolean => value === 0 && 1 / value < 0;

/** @param bits the same values as halves, low first */
export function writeValues(writer: BitWriter, values: Float64Array, bits: Uint32Array, count: number): void {
  reserve(count);
  let shift = 0;
  let strange = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (Math.round(value * TENS[shift]!) / TENS[shift]! === value) continue;
    const wanted = shiftFor(value, shift);
    if (wanted <= MAX_SHIFT) shift = wanted;
    else if (++strange * 8 > count) break;
  }
  const left = strange * 8 > count ? -1 : toWhole(values, count, shift);
  if (left >= 0 && left * 8 <= count) writeDecimals(writer, bits, count, shift, left);
  else if (allSame(bits, count)) {
    writer.write(SAME, 2);
    writer.write(bits[0]!, 32);
    writer.write(bits[1]!, 32);
  } else {
    writer.write(DIFFERENCES, 2);
    writeDifferences(writer, bits, count);
  }
}
/** Fills `whole`, less its first, and `exceptions`; gives how many of those there are. */
function toWhole(values: Float64Array, count: number, shift: number): number {
  const ten = TENS[shift]!;
  let left = 0;
  let first = 0;
  let known = false;
  let last = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    const number = Math.round(value * ten);
    const fits = Math.abs(number) <= Number.MAX_SAFE_INTEGER && number / ten === value && !isMinusZero(value);
    if (fits && !known) {
      first = number;
      known = true;
    }
    const offset = number - first;
    if (fits && Math.abs(offset) <= LARGEST) last = offset;
    else exceptions[left++] = i;
    whole[i] = last;
  }
  base = first;
  return left;
}
function divisorOf(numbers: Float64Array, count: number): number {
  let divisor = 0;
  for (let i = 0; i < count; i++) {
    let a = Math.abs(numbers[i]!);
    if (a === 0 || a === divisor) continue;
    while (divisor !== 0) [a, divisor] = [divisor, a % divisor];
    divisor = a;
    if (divisor === 1) break;
  }
  return divisor === 0 ? 1 : divisor;
}
function writeDecimals(writer: BitWriter, bits: Uint32Array, count: number, shift: number, left: number): void {
  const divisor = divisorOf(whole, count);
  writer.write(DECIMAL, 2);
  writer.write(shift, 5);
  writer.writeSignedVarint(base);
  writer.write(divisor === 1 ? 0 : 1, 1);
  if (divisor !== 1) {
    writer.writeVarint(divisor);
    for (let i = 0; i < count; i++) whole[i] = whole[i]! / divisor;
  }
  writer.write(left === 0 ? 0 : 1, 1);
  if (left > 0) {
    writer.writeVarint(left);
    for (let i = 0; i < left; i++) {
      const at = exceptions[i]!;
      writer.writeVarint(i === 0 ? at : at - exceptions[i - 1]! - 1);
      writer.write(bits[at * 2]!, 32);
      writer.write(bits[at * 2 + 1]!, 32);
    }
  }
  writeNumbers(writer, whole, count);
}
function allSame(bits: Uint32Array, count: number): boolean {
  for (let i = 2; i < count * 2; i++) if (bits[i] !== bits[i - 2]) return false;
  return true;
}

function writeDifferences(writer: BitWriter, bits: Uint32Array, count: number): void {
  let low = 0;
  let high = 0;
  let lead = 64;
  let trail = 64;
  for (let i = 0; i < count; i++) {
    const lowXor = (bits[i * 2]! ^ low) >>> 0;
    const highXor = (bits[i * 2 + 1]! ^ high) >>> 0;
    low = bits[i * 2]!;
    high = bits[i * 2 + 1]!;
    if (lowXor === 0 && highXor === 0) {
      writer.write(0, 1);
      continue;
    }
    const zerosBefore = Math.min(31, highXor !== 0 ? Math.clz32(highXor) : 32 + Math.clz32(lowXor));
    const zerosAfter = lowXor !== 0 ? 31 - Math.clz32(lowXor & -lowXor) : 63 - Math.clz32(highXor & -highXor);
    const fits = zerosBefore >= lead && zerosAfter >= trail;
    // A window of old that is much too wide costs more than to say a new one.
    if (fits && zerosBefore - lead + zerosAfter - trail <= 11) writer.write(1, 2);
    else {
      lead = zerosBefore;
      trail = zerosAfter;
      writer.write(3, 2);
      writer.write(lead, 5);
      writer.write(64 - lead - trail - 1, 6);
    }
    const length = 64 - lead - trail;
    const shiftedLow = trail >= 32 ? highXor >>> (trail - 32) : (lowXor >>> trail) | ((highXor << 1) << (31 - trail));
    writer.write(shiftedLow >>> 0, Math.min(32, length));
    if (length > 32) writer.write(highXor >>> trail, length - 32);
  }
}

/** Reads `count` values into `out` from entry `at` on. @param bits the same memory as halves. @throws FormatError */
export function readValues(reader: BitReader, out: Float64Array, bits: Uint32Array, at: number, count: number): void {
  const way = reader.read(2);
  if (way === DECIMAL) readDecimals(reader, out, bits, at, count);
  else if (way === SAME) {
    const low = reader.read(32);
    const high = reader.read(32);
    for (let i = at * 2; i < (at + count) * 2; i += 2) {
      bits[i] = low;
      bits[i + 1] = high;
    }
  } else if (way === DIFFERENCES) readDifferences(reader, bits, at, count);
  else throw new FormatError(`way ${way}`);
}
function readDecimals(reader: BitReader, out: Float64Array, bits: Uint32Array, at: number, count: number): void {
  reserve(count);
  const shift = reader.read(5);
  if (shift > MAX_SHIFT) throw new FormatError(`shift ${shift}`);
  const first = reader.readSignedVarint();
  const divisor = reader.read(1) === 0 ? 1 : reader.readVarint();
  const left = reader.read(1) === 0 ? 0 : reader.readVarint();
  if (left > count) throw new FormatError(`${left} exceptions among ${count}`);
  // Three numbers each: where, low half, high half.
  const kept = left === 0 ? null : new Uint32Array(left * 3);
  if (kept) {
    let where = -1;
    for (let i = 0; i < left; i++) {
      where += 1 + reader.readVarint();
      if (where >= count) throw new FormatError('an exception beyond the end');
      kept[i * 3] = where;
      kept[i * 3 + 1] = reader.read(32);
      kept[i * 3 + 2] = reader.read(32);
    }
  }
  readNumbers(reader, whole, count);
  const ten = TENS[shift]!;
  if (shift === 0) for (let i = 0; i < count; i++) out[at + i] = first + whole[i]! * divisor;
  else for (let i = 0; i < count; i++) out[at + i] = (first + whole[i]! * divisor) / ten;
  if (kept)
    for (let i = 0; i < kept.length; i += 3) {
      bits[(at + kept[i]!) * 2] = kept[i + 1]!;
      bits[(at + kept[i]!) * 2 + 1] = kept[i + 2]!;
    }
}
/** The reader's place and words are held here: calls for each field took twice as long. A value has at most 77 bits: `words` ends later than that. */
function readDifferences(reader: BitReader, bits: Uint32Array, at: number, count: number): void {
  const { words, size } = reader;
  let place = reader.bits;
  let low = 0;
  let high = 0;
  let trail = 0;
  let length = 64;
  for (let i = at * 2; i < (at + count) * 2; i += 2) {
    const head = wordAt(words, place);
    if ((head & 1) === 0) place += 1;
    else {
      if ((head & 2) === 0) place += 2;
      else {
        const lead = (head >>> 2) & 31;
        length = ((head >>> 7) & 63) + 1;
        trail = 64 - lead - length;
        place += 13;
        if (trail < 0) throw new FormatError('a window beyond 64 bits');
      }
      let first = wordAt(words, place);
      let second = 0;
      if (length < 32) first &= (1 << length) - 1;
      else if (length > 32) {
        second = wordAt(words, place + 32);
        if (length < 64) second &= (1 << (length - 32)) - 1;
      }
      place += length;
      if (trail >= 32) high ^= first << (trail - 32);
      else {
        low ^= first << trail;
        high ^= ((first >>> 1) >>> (31 - trail)) | (second << trail);
      }
    }
    if (place > size) throw new FormatError('it ends early');
    bits[i] = low;
    bits[i + 1] = high;
  }
  reader.bits = place;
}
/** 32 bits from a place on. */
const wordAt = (words: Uint32Array, place: number): number =>
  (words[place >>> 5]! >>> (place & 31)) | ((words[(place >>> 5) + 1]! << 1) << (31 - (place & 31)));
