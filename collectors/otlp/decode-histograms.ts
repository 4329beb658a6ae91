import type { Column, ColumnBatch } from '#contracts/columns.ts';
import { HISTOGRAMS } from '#contracts/tables.ts';
import type { ExemplarRows } from './decode-exemplars.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag, skipUnknown, writeStoredTime } from './item-fields.ts';
import { NumberList } from './list-columns.ts';
import type { PointContext } from './point-context.ts';
import { columnAt, type Room, TableColumns } from './table-columns.ts';
import { readVarint } from './wire.ts';

const column = (name: string): number => columnAt(HISTOGRAMS.columns, name);
const SERIES_ID = column('series_id');
const TIME = column('time');
const START = column('start_time');
const COUNT = column('count');
const SUM = column('sum');
const MIN = column('min');
const MAX = column('max');
const SCALE = column('scale');
const ZERO_COUNT = column('zero_count');
const ZERO_THRESHOLD = column('zero_threshold');
const POSITIVE_OFFSET = column('positive_offset');
const NEGATIVE_OFFSET = column('negative_offset');
const FLAGS = column('flags');

/** What a tag of a data point means; values below FIRST_ACTION are columns that take 64 bits as they are. */
const FIRST_ACTION = 64;
const POINT_START = 64;
const POINT_TIME = 65;
const POINT_FLAGS = 66;
const ATTRIBUTES = 67;
const EXEMPLARS = 68;
const COUNTS = 69;
const BOUNDS = 70;
const POSITIVE = 71;
const NEGATIVE = 72;
const QUANTILE = 73;
const EXPONENT = 74;
const UNKNOWN = 255;

/** One of the three kinds of points that are not a single number: its tags, by action. */
export interface HistogramLayout {
  readonly actions: Uint8Array;
  readonly exemplarsTag: number;
  /** Columns that have a value even when the field is not on the wire: proto3 scalars without presence. */
  readonly alwaysPresent: readonly number[];
}
function layout(tags: Readonly<Record<number, number>>, exemplarsTag: number, alwaysPresent: number[]): HistogramLayout {
  const actions = new Uint8Array(256).fill(UNKNOWN);
  const shared = { 17: POINT_START, 25: POINT_TIME, 33: COUNT, 41: SUM, ...tags };
  for (const [tag, action] of Object.entries(shared)) actions[Number(tag)] = action;
  return { actions, exemplarsTag, alwaysPresent };
}
export const CLASSIC = layout(
  { 49: COUNTS, 50: COUNTS, 57: BOUNDS, 58: BOUNDS, 66: EXEMPLARS, 74: ATTRIBUTES, 80: POINT_FLAGS, 89: MIN, 97: MAX },
  0x42,
  [],
);
export const EXPONENTIAL = layout(
  {
    10: ATTRIBUTES,
    48: EXPONENT,
    57: ZERO_COUNT,
    66: POSITIVE,
    74: NEGATIVE,
    80: POINT_FLAGS,
    90: EXEMPLARS,
    97: MIN,
    105: MAX,
    113: ZERO_THRESHOLD,
  },
  0x5a,
  [SCALE, ZERO_COUNT, ZERO_THRESHOLD, POSITIVE_OFFSET, NEGATIVE_OFFSET],
);
export const SUMMARY = layout({ 50: QUANTILE, 58: ATTRIBUTES, 64: POINT_FLAGS }, 0, [SUM]);

/** sint32 as a signed 64-bit column. */
function writeZigZag(words: Uint32Array, row: number, encoded: number): void {
  const value = (encoded >>> 1) ^ -(encoded & 1);
  words[row * 2] = value;
  words[row * 2 + 1] = value >> 31;
}

/** Histogram, exponential histogram and summary points of one request as columns. */
export class HistogramRows {
  rows = 0;
  private readonly columns = new TableColumns(HISTOGRAMS.columns);
  private readonly bounds = new NumberList('f64');
  private readonly counts = new NumberList('u64');
  private readonly quantileValues = new NumberList('f64');
  private readonly positive = new NumberList('u64');
  private readonly negative = new NumberList('u64');
  /** Of Prometheus only: always empty here. */
  private readonly floatCounts = new NumberList('f64');
  private readonly lists = [this.bounds, this.counts, this.quantileValues, this.positive, this.negative, this.floatCounts];
  private readonly exemplars: ExemplarRows;

  constructor(exemplars: ExemplarRows) {
    this.exemplars = exemplars;
  }
  start(items: number, room: Room): void {
    this.rows = 0;
    this.columns.start(items + 1, room);
    for (const list of this.lists) list.start(items + 1, room);
  }
  batches(): ColumnBatch[] {
    const { rows } = this;
    if (rows === 0) return [];
    const names = ['bounds', 'bucket_counts', 'quantile_values', 'positive_counts', 'negative_counts', 'float_counts'];
    const others = new Map<number, Column>(this.lists.map((list, i) => [column(names[i] as string), list.column(rows)]));
    return [{ table: 'histograms', rows, columns: this.columns.finish(rows, others), heap: new Uint8Array(0) }];
  }

  /** The data point in [start, end): one row, or one counted drop. */
  decode(d: Decoding, start: number, end: number, point: PointContext, { actions, exemplarsTag, alwaysPresent }: HistogramLayout): void {
    const { bytes, view } = d;
    const { rows: row } = this;
    const { words, present } = this.columns;
    point.begin();
    for (const list of this.lists) list.begin();
    let parts = 0;
    let p = start;
    while (p < end) {
      const from = p;
      const tag = bytes[p++] as number;
      const action = actions[tag] as number;
      if (action < FIRST_ACTION) {
        const target = words[action] as Uint32Array;
        target[row * 2] = view.getUint32(p, true);
        target[row * 2 + 1] = view.getUint32(p + 4, true);
        if (action !== COUNT) (present[action] as Uint8Array)[row] = 1;
        p += 8;
        continue;
      }
      if (action === UNKNOWN || tag >= 0x80) {
        p = skipUnknown(d, from, end);
        continue;
      }
      if (action === POINT_TIME || action === POINT_START) {
        const [lo, hi] = [view.getUint32(p, true), view.getUint32(p + 4, true)];
        p += 8;
        if (action === POINT_TIME) {
          point.timeLo = lo;
          point.timeHi = hi;
        } else {
          point.startLo = lo;
          point.startHi = hi;
        }
        continue;
      }
      if ((tag & 7) === 1) {
        (action === COUNTS ? this.counts : this.bounds).push(view.getUint32(p, true), view.getUint32(p + 4, true));
        p += 8;
        continue;
      }
      d.pos = p;
      const number = readVarint(d, end);
      p = d.pos;
      if ((tag & 7) === 0) {
        if (action === EXPONENT) writeZigZag(words[SCALE] as Uint32Array, row, number);
        else point.flags = number;
        continue;
      }
      const next = p + number;
      if (next > end) throw IRREGULAR;
      if (action === ATTRIBUTES) point.addAttribute(from, next);
      else if (action === EXEMPLARS) point.hasExemplars = true;
      else if (action === POSITIVE || action === NEGATIVE) {
        if ((parts & (1 << (action - POSITIVE))) !== 0) throw IRREGULAR;
        parts |= 1 << (action - POSITIVE);
        this.readBuckets(
          d,
          p,
          next,
          action === POSITIVE ? POSITIVE_OFFSET : NEGATIVE_OFFSET,
          action === POSITIVE ? this.positive : this.negative,
        );
      } else if (action === QUANTILE) this.readQuantile(d, p, next);
      else this.readPacked(d, p, next, action === COUNTS ? this.counts : this.bounds);
      p = next;
    }
    if (p !== end) throw IRREGULAR;
    const id = point.resolve(d, '');
    if (id === 0) {
      for (const list of this.lists) list.rollback();
      this.columns.clearRow(row);
      return;
    }
    for (const nullable of alwaysPresent) (present[nullable] as Uint8Array)[row] = 1;
    this.writeRow(d, row, id, point);
    if (point.hasExemplars) this.exemplars.decodeAll(d, start, end, exemplarsTag, id, point.timeLo, point.timeHi);
  }

  private writeRow(d: Decoding, row: number, id: number, point: PointContext): void {
    const { words, present } = this.columns;
    (words[SERIES_ID] as Uint32Array)[row] = id;
    const times = words[TIME] as Uint32Array;
    times[row * 2] = point.timeLo;
    times[row * 2 + 1] = point.timeHi;
    if ((point.startLo | point.startHi) !== 0) {
      writeStoredTime(d, words[START] as Uint32Array, row, point.startLo, point.startHi);
      (present[START] as Uint8Array)[row] = 1;
    }
    (words[FLAGS] as Uint32Array)[row] = point.flags;
    for (const list of this.lists) list.finish(row);
    this.rows = row + 1;
  }

  private readPacked(d: Decoding, start: number, end: number, into: NumberList): void {
    if ((end - start) % 8 !== 0) throw IRREGULAR;
    const { view } = d;
    for (let p = start; p < end; p += 8) into.push(view.getUint32(p, true), view.getUint32(p + 4, true));
  }
  private readBuckets(d: Decoding, start: number, end: number, offsetColumn: number, into: NumberList): void {
    let p = start;
    while (p < end) {
      const tag = readByteTag(d, p, end);
      if (tag === 0x08) writeZigZag(this.columns.words[offsetColumn] as Uint32Array, this.rows, readVarint(d, end));
      else if (tag === 0x10) {
        readVarint(d, end);
        into.push(d.lo, d.hi);
      } else if (tag === 0x12) {
        const length = readVarint(d, end);
        const last = d.pos + length;
        if (last > end) throw IRREGULAR;
        while (d.pos < last) {
          readVarint(d, last);
          into.push(d.lo, d.hi);
        }
      } else skipUnknown(d, p, end);
      p = d.pos;
    }
  }
  private readQuantile(d: Decoding, start: number, end: number): void {
    const { view } = d;
    const found = [0, 0, 0, 0];
    let p = start;
    while (p < end) {
      const at = p;
      const tag = readByteTag(d, at, end);
      p = d.pos;
      if (tag === 0x09 || tag === 0x11) {
        const first = tag === 0x09 ? 0 : 2;
        found[first] = view.getUint32(p, true);
        found[first + 1] = view.getUint32(p + 4, true);
        p += 8;
      } else p = skipUnknown(d, at, end);
    }
    if (p !== end) throw IRREGULAR;
    this.bounds.push(found[0] as number, found[1] as number);
    this.quantileValues.push(found[2] as number, found[3] as number);
  }
}
