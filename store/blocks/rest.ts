import { type BitReader, type BitWriter, FormatError } from './bits.ts';
import { LARGEST, readNumbers, writeNumbers } from './whole-numbers.ts';

/** What few samples have: whole numbers no double holds, start times that change, flags. */
export interface Rest {
  /** BIGINT as halves, low first; `intPresent` 1 = not NULL. */
  readonly ints: Uint32Array;
  readonly intPresent: Uint8Array;
  /** TIMESTAMP_NS as halves, likewise. */
  readonly starts: Uint32Array;
  readonly startPresent: Uint8Array;
  readonly flags: Uint32Array;
}
export const restOf = (count: number): Rest => ({
  ints: new Uint32Array(count * 2),
  intPresent: new Uint8Array(count),
  starts: new Uint32Array(count * 2),
  startPresent: new Uint8Array(count),
  flags: new Uint32Array(count),
});
const NONE = 0;
/** 64-bit differences, for numbers of any size. */
const WIDE = 1;
/** Start times as nanoseconds from the first start. */
const BY_START = 2;
/** Start times as nanoseconds from the sample before: where each accumulation begins where the last one ended. */
const BY_BEFORE = 3;

const zigzag = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
const unzigzag = (value: bigint): bigint => BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
const bigs = (halves: Uint32Array): BigInt64Array => new BigInt64Array(halves.buffer, halves.byteOffset, halves.length / 2);

function writePresent(writer: BitWriter, present: Uint8Array, count: number): number {
  let there = 0;
  for (let i = 0; i < count; i++) there += present[i]!;
  writer.write(there === count ? 1 : 0, 1);
  if (there < count) for (let i = 0; i < count; i++) writer.write(present[i]!, 1);
  return there;
}
function readPresent(reader: BitReader, present: Uint8Array, at: number, count: number): void {
  if (reader.read(1) === 1) present.fill(1, at, at + count);
  else for (let i = 0; i < count; i++) present[at + i] = reader.read(1);
}
function writeWide(writer: BitWriter, numbers: BigInt64Array, present: Uint8Array, count: number): void {
  let before = 0n;
  for (let i = 0; i < count; i++) {
    if (present[i] === 0) continue;
    const change = zigzag(BigInt.asIntN(64, numbers[i]! - before));
    before = numbers[i]!;
    const bits = change.toString(2).length;
    writer.write(bits - 1, 6);
    writer.write(Number(change & 0xffffffffn), Math.min(32, bits));
    if (bits > 32) writer.write(Number(change >> 32n), bits - 32);
  }
}
function readWide(reader: BitReader, numbers: BigInt64Array, present: Uint8Array, at: number, count: number): void {
  let before = 0n;
  for (let i = at; i < at + count; i++) {
    if (present[i] === 0) continue;
    const bits = reader.read(6) + 1;
    const low = BigInt(reader.read(Math.min(32, bits)));
    const high = bits > 32 ? BigInt(reader.read(bits - 32)) : 0n;
    before = BigInt.asIntN(64, before + unzigzag((high << 32n) | low));
    numbers[i] = before;
  }
}

/** @param offsets of the samples' times, nanoseconds after the block's first; `first` is that time */
export function writeRest(writer: BitWriter, rest: Rest, offsets: Float64Array, first: bigint, count: number): void {
  const flagged = rest.flags.subarray(0, count).some((flag) => flag !== 0);
  writer.write(flagged ? 1 : 0, 1);
  if (flagged) writeNumbers(writer, Float64Array.from(rest.flags.subarray(0, count)), count);
  const integers = rest.intPresent.subarray(0, count).includes(1);
  writer.write(integers ? WIDE : NONE, 2);
  if (integers) {
    writePresent(writer, rest.intPresent, count);
    writeWide(writer, bigs(rest.ints), rest.intPresent, count);
  }
  writeStarts(writer, rest, offsets, first, count);
}
function writeStarts(writer: BitWriter, rest: Rest, offsets: Float64Array, first: bigint, count: number): void {
  const starts = bigs(rest.starts);
  const present = rest.startPresent;
  const one = present.indexOf(1);
  if (one < 0 || one >= count) {
    writer.write(NONE, 2);
    return;
  }
  const byStart = new Float64Array(count);
  const byBefore = new Float64Array(count);
  let near = true;
  let changes = 0;
  let breaks = 0;
  for (let i = 0; i < count; i++) {
    if (present[i] === 1) {
      byStart[i] = Number(starts[i]! - starts[one]!);
      byBefore[i] = Number(starts[i]! - first) - (i === 0 ? 0 : offsets[i - 1]!);
      near &&= Math.abs(byStart[i]!) <= LARGEST;
    } else if (i > 0) {
      byStart[i] = byStart[i - 1]!;
      byBefore[i] = byBefore[i - 1]!;
    }
    if (i > 0 && byStart[i] !== byStart[i - 1]) changes++;
    if (i > 0 && byBefore[i] !== byBefore[i - 1]) breaks++;
  }
  const follows = breaks < changes && byBefore.every((number) => Math.abs(number) <= LARGEST);
  const way = follows ? BY_BEFORE : near ? BY_START : WIDE;
  writer.write(way, 2);
  writePresent(writer, present, count);
  if (way === WIDE) writeWide(writer, starts, present, count);
  else {
    if (way === BY_START) {
      writer.write(Number(BigInt.asUintN(32, starts[one]!)), 32);
      writer.write(Number(BigInt.asUintN(32, starts[one]! >> 32n)), 32);
    }
    writeNumbers(writer, follows ? byBefore : byStart, count);
  }
}

/** Reads `count` rows into `out` from row `at` on, which holds zeros there. @throws FormatError */
export function readRest(reader: BitReader, out: Rest, offsets: Float64Array, first: bigint, at: number, count: number): void {
  const numbers = new Float64Array(count);
  if (reader.read(1) === 1) {
    readNumbers(reader, numbers, count);
    for (let i = 0; i < count; i++) out.flags[at + i] = numbers[i]!;
  }
  const integers = reader.read(2);
  if (integers > WIDE) throw new FormatError(`whole numbers of way ${integers}`);
  if (integers === WIDE) {
    readPresent(reader, out.intPresent, at, count);
    readWide(reader, bigs(out.ints), out.intPresent, at, count);
  }
  const way = reader.read(2);
  if (way === NONE) return;
  const starts = bigs(out.starts);
  readPresent(reader, out.startPresent, at, count);
  if (way === WIDE) {
    readWide(reader, starts, out.startPresent, at, count);
    return;
  }
  const base = way === BY_START ? BigInt.asIntN(64, BigInt(reader.read(32)) | (BigInt(reader.read(32)) << 32n)) : first;
  readNumbers(reader, numbers, count);
  for (let i = 0; i < count; i++) {
    if (out.startPresent[at + i] === 0) continue;
    const before = way === BY_START || i === 0 ? 0 : offsets[i - 1]!;
    starts[at + i] = BigInt.asIntN(64, base + BigInt(numbers[i]! + before));
  }
}
