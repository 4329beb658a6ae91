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
type Words = Uint32Array | Uint8Array;
/** Columns of rows as words that can be moved without a look at what they say: a NaN that becomes a number may lose it. */
function wordsOf({ times, values, rest }: Pick<SliceRows, 'times' | 'values' | 'rest'>): (readonly [words: Words, width: number])[] {
  const numbers = [halves(times), halves(values), ...(rest ? [halves(rest.ints), halves(rest.starts)] : [])];
  return [
    ...numbers.map((words) => [words, 2] as const),
    ...(rest
      ? ([
          [rest.flags, 1],
          [rest.present, 1],
        ] as const)
      : []),
  ];
}
interface Sorted extends Omit<SliceRows, 'seriesIds'> {
  /** Entry s: where the series first + s ends. */
  readonly ends: Uint32Array;
}
/**
 * Rows series after series, those of one in the order given: a counting sort, since ids lie close together. Rows are read one after
 * the other and written to where each series is: the other way round, every read of a row would miss the caches.
 */
function* bySeries(rows: SliceRows, first: number, last: number): Generator<null, Sorted> {
  const ids = rows.seriesIds;
  const ends = new Uint32Array(last - first + 2);
  for (let i = 0; i < ids.length; i++) ends[ids[i]! - first + 1]!++;
  for (let i = 1; i < ends.length; i++) ends[i]! += ends[i - 1]!;
  const sorted = {
    times: new BigInt64Array(ids.length),
    values: new Float64Array(ids.length),
    rest: rows.rest && {
      ints: new BigInt64Array(ids.length),
      starts: new BigInt64Array(ids.length),
      flags: new Uint32Array(ids.length),
      present: new Uint8Array(ids.length),
    },
    ends,
  };
  const targets = wordsOf(sorted);
  const columns = wordsOf(rows).map(([words, width], i) => ({ from: words, to: targets[i]![0], width }));
  const places = new Uint32Array(Math.min(ORDERED_AT_ONCE, ids.length));
  for (let start = 0; start < ids.length; start += ORDERED_AT_ONCE) {
    const end = Math.min(ids.length, start + ORDERED_AT_ONCE);
    for (let i = start; i < end; i++) places[i - start] = ends[ids[i]! - first]!++;
    for (const { from, to, width } of columns) scatter(from, to, width, places, start, end);
    yield null;
  }
  return sorted;
}
function scatter(from: Words, to: Words, width: number, places: Uint32Array, start: number, end: number): void {
  if (width === 1) {
    for (let i = start; i < end; i++) to[places[i - start]!] = from[i]!;
    return;
  }
  for (let i = start; i < end; i++) {
    const place = places[i - start]! * 2;
    to[place] = from[i * 2]!;
    to[place + 1] = from[i * 2 + 1]!;
  }
}
/** Puts the rows [from, to) of a series in order of time, those of one time as they came. */
function inTimeOrder(sorted: Sorted, from: number, to: number): void {
  const words = halves(sorted.times);
  for (let i = from + 1; i < to; i++) {
    const high = (words[i * 2 + 1]! | 0) - (words[i * 2 - 1]! | 0);
    if (high > 0 || (high === 0 && words[i * 2]! >= words[i * 2 - 2]!)) continue;
    const times = sorted.times.slice(from, to);
    const order = [...times.keys()].sort((x, y) => (times[x]! < times[y]! ? -1 : times[x]! > times[y]! ? 1 : x - y));
    for (const [column, width] of wordsOf(sorted)) {
      const known = column.slice(from * width, to * width);
      for (const [k, row] of order.entries()) column.set(known.subarray(row * width, (row + 1) * width), (from + k) * width);
    }
    return;
  }
}
function gather(out: SampleColumns, { times, values, rest }: Sorted, from: number, to: number): void {
  out.times.set(times.subarray(from, to));
  // Of one type: bytes are copied.
  out.values.set(values.subarray(from, to));
  if (!rest) return;
  out.ints.set(halves(rest.ints).subarray(from * 2, to * 2));
  out.starts.set(halves(rest.starts).subarray(from * 2, to * 2));
  for (let i = from; i < to; i++) {
    out.intPresent[i - from] = rest.present[i]! & 1;
    out.startPresent[i - from] = rest.present[i]! >> 1;
    out.flags[i - from] = rest.flags[i]!;
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
  const sorted = yield* bySeries(rows, first, last);
  const { ends } = sorted;
  const columns = sampleColumns(MAX_BLOCK_SAMPLES);
  const back = sampleColumns(MAX_BLOCK_SAMPLES);
  for (let s = 0; s <= last - first; s++) {
    const from = s === 0 ? 0 : ends[s - 1]!;
    const to = ends[s]!;
    if (from === to) continue;
    inTimeOrder(sorted, from, to);
    // Of equal size, so that no short one is left over.
    const parts = Math.ceil((to - from) / MAX_BLOCK_SAMPLES);
    for (let part = 0; part < parts; part++) {
      const start = from + Math.floor(((to - from) * part) / parts);
      const end = from + Math.floor(((to - from) * (part + 1)) / parts);
      gather(columns, sorted, start, end);
      const block = encodeBlock(columns, end - start);
      invariant(readsBack(block, columns, back), `BUG: a block of series ${first + s} does not read back as what it was made of`);
      yield { seriesId: first + s, ...block };
    }
  }
}
