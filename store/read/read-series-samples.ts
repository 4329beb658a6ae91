import type { QueryOptions, QueryResult } from '#contracts/store.ts';
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
/** The part [start, end) of the arrays that one series has. `at`: where its next sample goes. */
interface Part {
  readonly seriesId: number;
  size: number;
  start: number;
  at: number;
}

const isSame = (a: Uint8Array, from: number, b: Uint8Array): boolean => {
  for (let i = 0; i < b.length; i++) if (a[from + i] !== b[i]) return false;
  return true;
};
function firstAt(times: Float64Array, from: number, to: number, ms: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
let oldTimes = new Float64Array(0);
let oldBits = new Uint32Array(0);
/**
 * Late samples lie in rows or blocks of their own, and DuckDB gives parts of a table in any order: runs that are in order are merged until there
 * is one. Sorting by a comparison took six times as long.
 */
function sort(times: Float64Array, bits: Uint32Array, from: number, to: number): void {
  let starts = [from];
  for (let i = from + 1; i < to; i++) if (times[i]! < times[i - 1]!) starts.push(i);
  if (starts.length === 1) return;
  const size = to - from;
  if (oldTimes.length < size) {
    oldTimes = new Float64Array(size * 2);
    oldBits = new Uint32Array(size * 4);
  }
  while (starts.length > 1) {
    oldTimes.set(times.subarray(from, to));
    oldBits.set(bits.subarray(from * 2, to * 2));
    const merged: number[] = [];
    for (let run = 0; run < starts.length; run += 2) {
      const first = starts[run]!;
      const middle = starts[run + 1] ?? to;
      const end = starts[run + 2] ?? to;
      merged.push(first);
      let [a, b] = [first - from, middle - from];
      for (let at = first; at < end; at++) {
        const takesA = a < middle - from && (b >= end - from || oldTimes[a]! <= oldTimes[b]!);
        const old = takesA ? a++ : b++;
        times[at] = oldTimes[old]!;
        bits[at * 2] = oldBits[old * 2]!;
        bits[at * 2 + 1] = oldBits[old * 2 + 1]!;
      }
    }
    starts = merged;
  }
}

const scratch = new Float64Array(MAX_BLOCK_SAMPLES);
const scratchBits = new Uint32Array(scratch.buffer);
/** Of each block what lies in the window: samples [first, first + count), whose times begin at `start`. Blocks with the same times share them. */
interface WantedTimes {
  readonly firsts: Uint32Array;
  readonly counts: Uint32Array;
  readonly starts: Uint32Array;
  readonly times: Float64Array;
}
function timesOfBlocks(
  result: Pick<QueryResult, 'rowCount' | 'eachBlob'>,
  counts: Uint32Array,
  halves: Int32Array,
  startMs: number,
  endMs: number,
): WantedTimes {
  const wanted = {
    firsts: new Uint32Array(result.rowCount),
    counts: new Uint32Array(result.rowCount),
    starts: new Uint32Array(result.rowCount),
    times: new Float64Array(MAX_BLOCK_SAMPLES),
  };
  const offsets = new Float64Array(MAX_BLOCK_SAMPLES);
  let size = 0;
  let known: { readonly bytes: Uint8Array; readonly count: number; first: number; row: number } | null = null;
  result.eachBlob('times', (row, bytes, from, to) => {
    const count = counts[row]!;
    const first = halves[row * 2 + 1]! * 4294967296 + (halves[row * 2]! >>> 0);
    // Series of one target have the same times.
    if (known === null || known.count !== count || known.bytes.length !== to - from || !isSame(bytes, from, known.bytes)) {
      decodeOffsets(bytes, from, to, offsets, count);
      known = { bytes: bytes.slice(from, to), count, first: Number.NaN, row };
    }
    if (known.first === first) {
      wanted.firsts[row] = wanted.firsts[known.row]!;
      wanted.counts[row] = wanted.counts[known.row]!;
      wanted.starts[row] = wanted.starts[known.row]!;
      return;
    }
    known.first = first;
    known.row = row;
    if (size + count > wanted.times.length) {
      const more = new Float64Array((size + count) * 2);
      more.set(wanted.times.subarray(0, size));
      wanted.times = more;
    }
    for (let i = 0; i < count; i++) wanted.times[size + i] = (first + offsets[i]!) / 1e6;
    const begin = firstAt(wanted.times, size, size + count, startMs);
    const end = firstAt(wanted.times, begin, size + count, endMs);
    wanted.firsts[row] = begin - size;
    wanted.counts[row] = end - begin;
    wanted.starts[row] = begin;
    size += count;
  });
  return wanted;
}

/**
 * Samples of the series in [startMs, endMs) as typed arrays; blocks are decoded straight into them. Series without any are left
 * out. All series lie in two arrays, of which each has its part.
 */
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
  const counts = result.column('samples') as Uint32Array;
  const halves = new Int32Array((result.column('time') as BigInt64Array<ArrayBuffer>).buffer);
  const given = new Uint32Array((result.column('value') as Float64Array<ArrayBuffer>).buffer);
  const wanted = timesOfBlocks(result, counts, halves, startMs, endMs);
  const parts = new Map<number, Part>();
  for (let row = 0; row < result.rowCount; row++) {
    const seriesId = ids[row]!;
    let part = parts.get(seriesId);
    if (!part) {
      part = { seriesId, size: 0, start: 0, at: 0 };
      parts.set(seriesId, part);
    }
    part.size += counts[row] === 0 ? 1 : wanted.counts[row]!;
  }
  let total = 0;
  for (const part of parts.values()) {
    part.start = total;
    part.at = total;
    total += part.size;
  }
  const times = new Float64Array(total);
  const values = new Float64Array(total);
  const bits = new Uint32Array(values.buffer);
  /** Where the samples of a row of the result go. */
  const places = new Uint32Array(result.rowCount);
  for (let row = 0; row < result.rowCount; row++) {
    const part = parts.get(ids[row]!)!;
    const at = part.at;
    places[row] = at;
    if (counts[row] !== 0) {
      part.at += wanted.counts[row]!;
      for (let i = 0, from = wanted.starts[row]!; i < wanted.counts[row]!; i++) times[at + i] = wanted.times[from + i]!;
      continue;
    }
    part.at++;
    times[at] = (halves[row * 2 + 1]! * 4294967296 + (halves[row * 2]! >>> 0)) / 1e6;
    bits[at * 2] = given[row * 2]!;
    bits[at * 2 + 1] = given[row * 2 + 1]!;
  }
  result.eachBlob('value_data', (row, bytes, from, to) => {
    const [at, count] = [places[row]!, wanted.counts[row]!];
    if (count === counts[row]) decodeValues(bytes, from, to, values, bits, at, count);
    else if (count > 0) {
      decodeValues(bytes, from, to, scratch, scratchBits, 0, counts[row]!);
      const first = wanted.firsts[row]! * 2;
      for (let i = 0; i < count * 2; i++) bits[at * 2 + i] = scratchBits[first + i]!;
    }
  });
  const found: SeriesSamples[] = [];
  for (const { seriesId, start, at } of parts.values()) {
    sort(times, bits, start, at);
    const [from, to] = [firstAt(times, start, at, startMs), firstAt(times, start, at, endMs)];
    if (from < to) found.push({ seriesId, timesMs: times.subarray(from, to), values: values.subarray(from, to) });
  }
  return found;
}
