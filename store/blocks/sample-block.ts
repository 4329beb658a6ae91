import { BitReader, BitWriter, FormatError } from './bits.ts';
import { type Rest, readRest, restOf, writeRest } from './rest.ts';
import { addOffsets, fillOffsets, readTimes, writeTimes } from './times.ts';
import { readValues, writeValues } from './values.ts';

/** Samples of one series in time order, by column. 64-bit columns as halves (low first) where no number holds them. */
export interface SampleColumns extends Rest {
  readonly times: BigInt64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}
export interface SampleBlock {
  readonly samples: number;
  readonly firstTime: bigint;
  readonly lastTime: bigint;
  /** Of the values that are numbers; null where there are none. */
  readonly numbers: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly sum: number | null;
  /** The start time of all samples; null where there is none, or in `rest`. */
  readonly startTime: bigint | null;
  readonly times: Uint8Array;
  readonly values: Uint8Array;
  /** Start times that change, integers, flags; null where all have the one start time, none of the others. */
  readonly rest: Uint8Array | null;
}
export const sampleColumns = (count: number): SampleColumns => ({
  times: new BigInt64Array(count),
  values: new Float64Array(count),
  ...restOf(count),
});

const writer = new BitWriter();
let offsets = new Float64Array(1024);
let lastOffsets = new Float64Array(1024);
let lastTimes: Uint8Array | null = null;
let lastCount = 0;

/**
 * Makes a block of the first `count` samples, in time order, within 2^49 ns of each other.
 * What is not so is refused by a RangeError: it has to stay rows.
 */
export function encodeBlock(columns: SampleColumns, count: number): SampleBlock {
  if (offsets.length < count) {
    offsets = new Float64Array(count * 2);
    lastOffsets = new Float64Array(count * 2);
    lastTimes = null;
  }
  const { values } = columns;
  const halves = new Uint32Array(columns.times.buffer, columns.times.byteOffset, count * 2);
  if (!fillOffsets(offsets, halves, count)) throw new RangeError('samples of a block are in time order');
  const times = timesOf(count);
  writer.reset();
  writeValues(writer, values, new Uint32Array(values.buffer, values.byteOffset, count * 2), count);
  const firstTime = columns.times[0]!;
  const shared = sharedStart(columns, count);
  return {
    samples: count,
    firstTime,
    lastTime: columns.times[count - 1]!,
    ...figures(values, count),
    startTime: shared === 'none' || shared === 'varies' ? null : shared,
    times,
    values: writer.bytes(),
    rest: shared === 'varies' ? restBytes(columns, firstTime, count) : null,
  };
}
/** Series of one target have the same times: they are written once, and stored once (DuckDB keeps equal BLOBs of a segment once). */
function timesOf(count: number): Uint8Array {
  let same = lastTimes !== null && lastCount === count;
  for (let i = 0; same && i < count; i++) same = offsets[i] === lastOffsets[i];
  if (same) return lastTimes!;
  writer.reset();
  writeTimes(writer, offsets, count);
  lastTimes = writer.bytes();
  lastCount = count;
  lastOffsets.set(offsets.subarray(0, count));
  return lastTimes;
}
function figures(values: Float64Array, count: number): Pick<SampleBlock, 'numbers' | 'min' | 'max' | 'sum'> {
  let numbers = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) continue;
    numbers++;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  // Infinities of both signs have no sum.
  return numbers === 0 ? { numbers, min: null, max: null, sum: null } : { numbers, min, max, sum: Number.isNaN(sum) ? null : sum };
}
function sharedStart({ intPresent, startPresent, starts, flags }: SampleColumns, count: number): bigint | 'none' | 'varies' {
  const [low, high, present] = [starts[0], starts[1], startPresent[0]];
  for (let i = 0; i < count; i++) {
    if (intPresent[i] !== 0 || flags[i] !== 0 || startPresent[i] !== present) return 'varies';
    if (present !== 0 && (starts[i * 2] !== low || starts[i * 2 + 1] !== high)) return 'varies';
  }
  return present === 0 ? 'none' : BigInt.asIntN(64, (BigInt(high!) << 32n) | BigInt(low!));
}
function restBytes(columns: SampleColumns, firstTime: bigint, count: number): Uint8Array {
  writer.reset();
  writeRest(writer, columns, offsets, firstTime, count);
  return writer.bytes();
}

/** Most samples of a block: so that 2,048 of them, which DuckDB hands over at once, are a million. */
export const MAX_BLOCK_SAMPLES = 512;
const reader = new BitReader();
const scratch = new Float64Array(MAX_BLOCK_SAMPLES);
const checkCount = (count: number): void => {
  if (count > MAX_BLOCK_SAMPLES) throw new FormatError(`${count} samples`);
};

/** Reads times of [from, to) of `bytes` into entry `at` on. @param out halves @throws FormatError */
export function decodeTimes(
  bytes: Uint8Array,
  from: number,
  to: number,
  low: number,
  high: number,
  out: Uint32Array,
  at: number,
  count: number,
): void {
  checkCount(count);
  reader.open(bytes, from, to);
  readTimes(reader, scratch, count);
  addOffsets(out, at, low, high, scratch, count);
}
/** Nanoseconds after the first time, into `out`. @throws FormatError */
export function decodeOffsets(bytes: Uint8Array, from: number, to: number, out: Float64Array, count: number): void {
  checkCount(count);
  reader.open(bytes, from, to);
  readTimes(reader, out, count);
}
/** Likewise the values. @param bits the memory of `out` as halves. @throws FormatError */
export function decodeValues(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Float64Array,
  bits: Uint32Array,
  at: number,
  count: number,
): void {
  checkCount(count);
  reader.open(bytes, from, to);
  readValues(reader, out, bits, at, count);
}
/** Likewise the rest; `times` are the bytes of the block's times. @throws FormatError */
export function decodeRest(rest: Uint8Array, times: Uint8Array, firstTime: bigint, out: Rest, at: number, count: number): void {
  checkCount(count);
  reader.open(times, 0, times.length);
  readTimes(reader, scratch, count);
  reader.open(rest, 0, rest.length);
  readRest(reader, out, scratch, firstTime, at, count);
}
/** All of a block at once. @param out room for its samples @throws FormatError */
export function decodeBlock(block: SampleBlock, out = sampleColumns(block.samples)): SampleColumns {
  const { times, values, rest, samples, firstTime, startTime } = block;
  const low = Number(BigInt.asUintN(32, firstTime));
  const high = Number(BigInt.asUintN(32, firstTime >> 32n));
  decodeTimes(times, 0, times.length, low, high, new Uint32Array(out.times.buffer), 0, samples);
  decodeValues(values, 0, values.length, out.values, new Uint32Array(out.values.buffer), 0, samples);
  for (const column of [out.ints, out.starts, out.flags, out.intPresent, out.startPresent]) column.fill(0);
  if (rest) decodeRest(rest, times, firstTime, out, 0, samples);
  else if (startTime !== null) {
    out.startPresent.fill(1);
    new BigInt64Array(out.starts.buffer).fill(startTime);
  }
  return out;
}
