import type { QueryOptions } from '#contracts/store.ts';
import { decodeOffsets, decodeValues, MAX_BLOCK_SAMPLES } from '../blocks/sample-block.ts';
import { seriesSamplesSql } from '../sql/read/series-samples-sql.ts';
import type { Queries } from './columns-of.ts';

/** Samples of one series in time order. Several of one time stay several, in no particular order. */
export interface SeriesSamples {
  readonly seriesId: number;
  /** Milliseconds since 1970, with a fraction. */
  readonly timesMs: Float64Array;
  /** To the bit: stale markers too. */
  readonly values: Float64Array;
}

/** Room for the samples of one series while they are collected. */
class Collector {
  readonly seriesId: number;
  times = new Float64Array(512);
  values = new Float64Array(512);
  bits = new Uint32Array(this.values.buffer);
  count = 0;
  constructor(seriesId: number) {
    this.seriesId = seriesId;
  }
  reserve(more: number): void {
    if (this.count + more <= this.times.length) return;
    const size = Math.max(this.count + more, this.times.length * 2);
    const [times, values] = [new Float64Array(size), new Float64Array(size)];
    times.set(this.times);
    values.set(this.values);
    [this.times, this.values, this.bits] = [times, values, new Uint32Array(values.buffer)];
  }
  /** What lies in [startMs, endMs), sorted. */
  within(startMs: number, endMs: number): SeriesSamples {
    this.sort();
    const from = firstAt(this.times, this.count, startMs);
    const to = firstAt(this.times, this.count, endMs);
    return { seriesId: this.seriesId, timesMs: this.times.subarray(from, to), values: this.values.subarray(from, to) };
  }
  /** Late samples lie in rows or blocks of their own. */
  private sort(): void {
    let sorted = true;
    for (let i = 1; sorted && i < this.count; i++) sorted = this.times[i]! >= this.times[i - 1]!;
    if (sorted) return;
    const order = Uint32Array.from({ length: this.count }, (_, i) => i).sort((a, b) => this.times[a]! - this.times[b]! || a - b);
    const [times, bits] = [this.times.slice(), this.bits.slice()];
    order.forEach((from, to) => {
      this.times[to] = times[from]!;
      this.bits[to * 2] = bits[from * 2]!;
      this.bits[to * 2 + 1] = bits[from * 2 + 1]!;
    });
  }
}
function firstAt(times: Float64Array, count: number, ms: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
const isSame = (a: Uint8Array, from: number, b: Uint8Array): boolean => {
  for (let i = 0; i < b.length; i++) if (a[from + i] !== b[i]) return false;
  return true;
};

/** Samples of the series in [startMs, endMs) as typed arrays; blocks are decoded straight into them. Series without any are left out. */
export async function readSeriesSamples(
  store: Queries,
  seriesIds: readonly number[],
  startMs: number,
  endMs: number,
  options: QueryOptions = {},
): Promise<SeriesSamples[]> {
  if (seriesIds.length === 0) return [];
  const result = await store.query(seriesSamplesSql(seriesIds, startMs, endMs), [], options);
  const ids = result.column('series_id') as Uint32Array;
  const samples = result.column('samples') as Uint32Array;
  const halves = new Int32Array((result.column('time') as BigInt64Array<ArrayBuffer>).buffer);
  const bits = new Uint32Array((result.column('value') as Float64Array<ArrayBuffer>).buffer);
  const series = new Map<number, Collector>();
  const of = (id: number): Collector => {
    const known = series.get(id) ?? new Collector(id);
    series.set(id, known);
    return known;
  };
  const msOf = (row: number): number => (halves[row * 2 + 1]! * 4294967296 + (halves[row * 2]! >>> 0)) / 1e6;
  for (let row = 0; row < result.rowCount; row++) {
    const one = of(ids[row]!);
    if (samples[row] !== 0) continue;
    one.reserve(1);
    one.times[one.count] = msOf(row);
    one.bits[one.count * 2] = bits[row * 2]!;
    one.bits[one.count * 2 + 1] = bits[row * 2 + 1]!;
    one.count++;
  }
  const offsets = new Float64Array(MAX_BLOCK_SAMPLES);
  let last: { readonly bytes: Uint8Array; readonly samples: number } | null = null;
  const ends = new Map<number, number>();
  result.eachBlob('times', (row, bytes, from, to) => {
    const [one, count, firstMs] = [of(ids[row]!), samples[row]!, msOf(row)];
    one.reserve(count);
    // Series of one target have the same times.
    if (last === null || last.samples !== count || last.bytes.length !== to - from || !isSame(bytes, from, last.bytes)) {
      decodeOffsets(bytes, from, to, offsets, count);
      last = { bytes: bytes.slice(from, to), samples: count };
    }
    for (let i = 0; i < count; i++) one.times[one.count + i] = firstMs + offsets[i]! / 1e6;
    ends.set(row, one.count);
    one.count += count;
  });
  result.eachBlob('value_data', (row, bytes, from, to) => {
    const one = of(ids[row]!);
    decodeValues(bytes, from, to, one.values, one.bits, ends.get(row)!, samples[row]!);
  });
  return [...series.values()].map((one) => one.within(startMs, endMs)).filter(({ timesMs }) => timesMs.length > 0);
}
