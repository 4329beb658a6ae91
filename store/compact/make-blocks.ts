import { invariant } from '#contracts/errors.ts';
import {
  decodeBlock,
  encodeBlock,
  MAX_BLOCK_SAMPLES,
  type SampleBlock,
  type SampleColumns,
  sampleColumns,
} from '../blocks/sample-block.ts';

/** Rows of a slice by column, in any order. Without `rest` none has a start time, an integer of its own or flags. */
export interface SliceRows {
  readonly seriesIds: Uint32Array;
  readonly times: BigInt64Array;
  readonly values: Float64Array;
  readonly rest: {
    readonly ints: BigInt64Array;
    readonly starts: BigInt64Array;
    readonly flags: Uint32Array;
    /** Bit 0: value_int is not NULL; bit 1: start_time. */
    readonly present: Uint8Array;
  } | null;
}
export interface SeriesBlock extends SampleBlock {
  readonly seriesId: number;
}
const halves = (column: BigInt64Array | Float64Array): Uint32Array => new Uint32Array(column.buffer, column.byteOffset, column.length * 2);

/** Rows put in order before others may run. */
const ORDERED_AT_ONCE = 65_536;
interface Order {
  readonly order: Uint32Array;
  readonly ends: Uint32Array;
}
/** Row numbers by series, rows of a series in the order given: a counting sort, since ids lie close together. */
function* bySeries(ids: Uint32Array, first: number, last: number): Generator<null, Order> {
  const ends = new Uint32Array(last - first + 2);
  for (let i = 0; i < ids.length; i++) ends[ids[i]! - first + 1]!++;
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const order = new Uint32Array(ids.length);
  // Afterwards entry s is where series s ends.
  for (let i = 0; i < ids.length; i++) {
    order[ends[ids[i]! - first]!++] = i;
    if (i % ORDERED_AT_ONCE === 0) yield null;
  }
  return { order, ends };
}
function inTimeOrder(order: Uint32Array, from: number, to: number, times: BigInt64Array): void {
  const words = halves(times);
  for (let i = from + 1; i < to; i++) {
    const [a, b] = [order[i - 1]! * 2, order[i]! * 2];
    const high = (words[b + 1]! | 0) - (words[a + 1]! | 0);
    if (high > 0 || (high === 0 && words[b]! >= words[a]!)) continue;
    const late = order.subarray(from, to);
    // Stable: samples of one time stay as they came.
    late.set([...late].sort((x, y) => (times[x]! < times[y]! ? -1 : times[x]! > times[y]! ? 1 : x - y)));
    return;
  }
}
function gather(out: SampleColumns, rows: SliceRows, order: Uint32Array, from: number, to: number): void {
  const [times, values] = [halves(rows.times), halves(rows.values)];
  const [toTimes, toValues] = [halves(out.times), halves(out.values)];
  for (let i = from, k = 0; i < to; i++, k += 2) {
    const row = order[i]! * 2;
    toTimes[k] = times[row]!;
    toTimes[k + 1] = times[row + 1]!;
    // As halves: a NaN that becomes a number may lose what it says.
    toValues[k] = values[row]!;
    toValues[k + 1] = values[row + 1]!;
  }
  if (!rows.rest) return;
  const { ints, starts, flags, present } = rows.rest;
  const [fromInts, fromStarts] = [halves(ints), halves(starts)];
  for (let i = from, k = 0; i < to; i++, k++) {
    const row = order[i]!;
    out.intPresent[k] = present[row]! & 1;
    out.startPresent[k] = present[row]! >> 1;
    out.flags[k] = flags[row]!;
    for (const half of [0, 1]) {
      out.ints[k * 2 + half] = fromInts[row * 2 + half]!;
      out.starts[k * 2 + half] = fromStarts[row * 2 + half]!;
    }
  }
}
/** Whether what the block gives back is what it was made of, to the bit. @param back room to read it into */
function readsBack(block: SampleBlock, columns: SampleColumns, back: SampleColumns): boolean {
  const count = block.samples;
  decodeBlock(block, back);
  const pairs: readonly (readonly [ArrayLike<number>, ArrayLike<number>, number])[] = [
    [halves(back.times), halves(columns.times), 2],
    [halves(back.values), halves(columns.values), 2],
    ...(block.rest !== null || block.startTime !== null
      ? ([
          [back.startPresent, columns.startPresent, 1],
          [back.starts, columns.starts, 2],
          [back.intPresent, columns.intPresent, 1],
          [back.ints, columns.ints, 2],
          [back.flags, columns.flags, 1],
        ] as const)
      : []),
  ];
  return pairs.every(([a, b, width]) => {
    for (let i = 0; i < count * width; i++) if (a[i] !== b[i]) return false;
    return true;
  });
}

/**
 * Blocks of a slice, series after series, each of at most MAX_BLOCK_SAMPLES in time order. Every block is read back and compared
 * before it is given away. A generator: the caller decides when to let others run; null: only for that.
 * @param first smallest series id, `last` largest
 */
export function* makeBlocks(rows: SliceRows, first: number, last: number): Generator<SeriesBlock | null> {
  const { order, ends } = yield* bySeries(rows.seriesIds, first, last);
  const columns = sampleColumns(MAX_BLOCK_SAMPLES);
  const back = sampleColumns(MAX_BLOCK_SAMPLES);
  for (let s = 0; s <= last - first; s++) {
    const from = s === 0 ? 0 : ends[s - 1]!;
    const to = ends[s]!;
    if (from === to) continue;
    inTimeOrder(order, from, to, rows.times);
    // Of equal size, so that no short one is left over.
    const parts = Math.ceil((to - from) / MAX_BLOCK_SAMPLES);
    for (let part = 0; part < parts; part++) {
      const start = from + Math.floor(((to - from) * part) / parts);
      const end = from + Math.floor(((to - from) * (part + 1)) / parts);
      gather(columns, rows, order, start, end);
      const block = encodeBlock(columns, end - start);
      invariant(readsBack(block, columns, back), `BUG: a block of series ${first + s} does not read back as what it was made of`);
      yield { seriesId: first + s, ...block };
    }
  }
}
