import type { NativeHistogram } from '../sample-batch.ts';
import { BitReader, BrokenChunk, doubleOf, XorValue } from './bit-reader.ts';

/** Chunks of a TSDB block: prometheus/tsdb/docs/format/chunks.md and tsdb/chunkenc. */
export const ENCODING = { xor: 1, histogram: 2, floatHistogram: 3 } as const;
export interface ChunkVisitor {
  /** @param isStale a stale marker: as a number it would lose what marks it */
  sample(timestampMs: number, value: number, isStale: boolean): void;
  histogram(histogram: NativeHistogram): void;
}
const MAX_BUCKETS = 65_536;
/** Prometheus' stale marker. */
const STALE = 0x7ff0000000000002n;

/** @param data behind the encoding byte @throws BrokenChunk */
export function decodeXor(data: Uint8Array, visit: ChunkVisitor['sample']): void {
  const count = countOf(data);
  if (count === 0) return;
  const reader = new BitReader(data.subarray(2));
  let time = reader.varint();
  const first = reader.bits(64);
  const visitBits = (bits: bigint): void => visit(Number(time), doubleOf(bits), bits === STALE);
  visitBits(first);
  if (count === 1) return;
  const values = new XorValue(first);
  let delta = reader.uvarint();
  time += delta;
  visitBits(values.next(reader));
  for (let i = 2; i < count; i++) {
    delta += deltaOfDelta(reader);
    time += delta;
    visitBits(values.next(reader));
  }
}
function countOf(data: Uint8Array): number {
  if (data.length < 2) throw new BrokenChunk('the chunk is cut off');
  return ((data[0] as number) << 8) | (data[1] as number);
}
function deltaOfDelta(reader: BitReader): bigint {
  if (reader.bit() === 0) return 0n;
  if (reader.bit() === 0) return reader.signed(14);
  if (reader.bit() === 0) return reader.signed(17);
  if (reader.bit() === 0) return reader.signed(20);
  return BigInt.asIntN(64, reader.bits(64));
}

type Spans = readonly (readonly [number, number])[];
function readSpans(reader: BitReader): Spans {
  const count = Number(reader.varbitUint());
  if (count > MAX_BUCKETS) throw new BrokenChunk(`a histogram has ${count} spans`);
  return Array.from({ length: count }, () => {
    const length = Number(reader.varbitUint());
    return [Number(reader.varbitInt()), length] as const;
  });
}
function bucketsIn(spans: Spans): number {
  const sum = spans.reduce((all, [, length]) => all + length, 0);
  if (sum > MAX_BUCKETS) throw new BrokenChunk(`a histogram has ${sum} buckets`);
  return sum;
}
function zeroThreshold(reader: BitReader): number {
  const byte = reader.byte();
  if (byte === 0) return 0;
  return byte === 255 ? reader.double() : 0.5 * 2 ** (byte - 243);
}
/** Buckets of one side: as they are, then as deltas, then as deltas of deltas. */
class Buckets {
  readonly values: bigint[];
  private readonly deltas: bigint[];
  constructor(count: number) {
    this.values = new Array<bigint>(count).fill(0n);
    this.deltas = new Array<bigint>(count).fill(0n);
  }
  read(reader: BitReader, sample: number): bigint[] {
    for (let i = 0; i < this.values.length; i++) {
      const said = reader.varbitInt();
      if (sample === 0) this.values[i] = said;
      else {
        this.deltas[i] = sample === 1 ? said : (this.deltas[i] as bigint) + said;
        this.values[i] = (this.values[i] as bigint) + (this.deltas[i] as bigint);
      }
    }
    return [...this.values];
  }
}
/** Bits of the flags byte to remote write's ResetHint. */
const HINTS: Readonly<Record<number, number>> = { 128: 1, 64: 2, 192: 3, 0: 0 };

/** Integer native histograms. @throws BrokenChunk */
export function decodeHistogram(data: Uint8Array, visit: ChunkVisitor['histogram']): void {
  const samples = countOf(data);
  if (samples === 0) return;
  const flags = (data[2] ?? 0) & 0xc0;
  const reader = new BitReader(data.subarray(3));
  const threshold = zeroThreshold(reader);
  const schema = Number(reader.varbitInt());
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  if (schema === -53) throw new BrokenChunk('native histograms with custom bounds are not read');
  const positive = new Buckets(bucketsIn(positiveSpans));
  const negative = new Buckets(bucketsIn(negativeSpans));
  let time = 0n;
  let delta = 0n;
  let count = 0n;
  let countDelta = 0n;
  let zero = 0n;
  let zeroDelta = 0n;
  let sum: XorValue | null = null;
  let sumBits = 0n;
  for (let i = 0; i < samples; i++) {
    if (i === 0) {
      time = reader.varbitInt();
      count = reader.varbitUint();
      zero = reader.varbitUint();
      sumBits = reader.bits(64);
      sum = new XorValue(sumBits);
    } else {
      const first = i === 1;
      delta = first ? reader.varbitUint() : delta + reader.varbitInt();
      const saidCount = reader.varbitInt();
      const saidZero = reader.varbitInt();
      countDelta = first ? saidCount : countDelta + saidCount;
      zeroDelta = first ? saidZero : zeroDelta + saidZero;
      time += delta;
      count += countDelta;
      zero += zeroDelta;
      sumBits = (sum as XorValue).next(reader);
    }
    const isStale = sumBits === STALE;
    // Buckets of a stale marker are not written.
    const positiveDeltas = isStale ? [] : positive.read(reader, i);
    const negativeDeltas = isStale ? [] : negative.read(reader, i);
    visit({
      timestampMs: Number(time),
      count: BigInt.asUintN(64, count),
      sum: doubleOf(sumBits),
      schema,
      zeroThreshold: threshold,
      zeroCount: BigInt.asUintN(64, zero),
      positiveSpans: isStale ? [] : positiveSpans,
      positiveDeltas,
      negativeSpans: isStale ? [] : negativeSpans,
      negativeDeltas,
      // Said of the chunk's first sample; the others follow it.
      resetHint: i === 0 || flags === 0xc0 ? (HINTS[flags] ?? 0) : 2,
      customValues: [],
    });
  }
}
