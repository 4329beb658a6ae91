import { NumberList } from '#collectors/otlp/list-columns.ts';
import { columnAt, type Room, TableColumns } from '#collectors/otlp/table-columns.ts';
import type { Column, ColumnBatch } from '#contracts/columns.ts';
import { HISTOGRAMS } from '#contracts/tables.ts';
import { CUSTOM_SCHEMA, type HistogramPoint } from './write-histogram.ts';

const histogram = (name: string): number => columnAt(HISTOGRAMS.columns, name);
const H = {
  series: histogram('series_id'),
  time: histogram('time'),
  start: histogram('start_time'),
  count: histogram('count'),
  sum: histogram('sum'),
  scale: histogram('scale'),
  zeroCount: histogram('zero_count'),
  zeroThreshold: histogram('zero_threshold'),
  positiveOffset: histogram('positive_offset'),
  negativeOffset: histogram('negative_offset'),
  flags: histogram('flags'),
};
/** OTLP data point flag: how it says what Prometheus says with the stale marker. */
const NO_RECORDED_VALUE = 1;
/** Reset hint of a native histogram, in bits OTLP leaves free: see the column in contracts/tables.ts. */
const HINT_SHIFT = 16;
const LISTS = ['bounds', 'bucket_counts', 'quantile_values', 'positive_counts', 'negative_counts', 'float_counts'] as const;

/** Native histograms as rows, the same whether they came by remote write or were scraped. */
export class HistogramRows {
  rows = 0;
  private readonly columns = new TableColumns(HISTOGRAMS.columns);
  private readonly bounds = new NumberList('f64');
  private readonly bucketCounts = new NumberList('u64');
  private readonly quantileValues = new NumberList('f64');
  private readonly positive = new NumberList('u64');
  private readonly negative = new NumberList('u64');
  private readonly floatCounts = new NumberList('f64');
  private readonly lists = [this.bounds, this.bucketCounts, this.quantileValues, this.positive, this.negative, this.floatCounts];
  private readonly number = new Float64Array(1);
  private readonly halves = new Uint32Array(this.number.buffer);

  start(room: Room): void {
    this.rows = 0;
    this.columns.start(1, room);
    for (const list of this.lists) list.start(1, room);
  }
  batch(): ColumnBatch {
    const { rows } = this;
    const others = new Map<number, Column>(this.lists.map((list, i) => [histogram(LISTS[i] as string), list.column(rows)]));
    return { table: 'histograms', rows, columns: this.columns.finish(rows, others), heap: new Uint8Array(0) };
  }

  /** @param point judged; its times in nanoseconds */
  push(seriesId: number, point: HistogramPoint): void {
    const isCustom = point.schema === CUSTOM_SCHEMA;
    const row = this.rows++;
    this.columns.reserve(row);
    const { words, present } = this.columns;
    (words[H.series] as Uint32Array)[row] = seriesId;
    this.put(H.time, row, point.timeLo, point.timeHi);
    if ((point.startLo | point.startHi) !== 0) this.put(H.start, row, point.startLo, point.startHi);
    this.putWhole(H.count, row, point.count);
    this.put(H.sum, row, point.sumLo, point.sumHi);
    (words[H.flags] as Uint32Array)[row] = (point.isStale ? NO_RECORDED_VALUE : 0) | (point.hint << HINT_SHIFT);
    for (const list of this.lists) list.begin();
    if (isCustom) this.putCustom(point);
    else {
      this.putWhole(H.scale, row, point.schema);
      this.putWhole(H.zeroCount, row, point.zeroCount);
      this.number[0] = point.zeroThreshold;
      this.put(H.zeroThreshold, row, this.halves[0] as number, this.halves[1] as number);
      // Bucket i of Prometheus ends where bucket i of OTLP begins.
      this.putWhole(H.positiveOffset, row, point.positive.width > 0 ? point.positive.first - 1 : 0);
      this.putWhole(H.negativeOffset, row, point.negative.width > 0 ? point.negative.first - 1 : 0);
      point.positive.eachBucket(point.isFloat, (count) => pushWhole(this.positive, count));
      point.negative.eachBucket(point.isFloat, (count) => pushWhole(this.negative, count));
    }
    if (point.isFractional) this.putFloatCounts(point);
    for (const list of this.lists) list.finish(row);
    (present[H.sum] as Uint8Array)[row] = 1;
  }
  /** What the whole columns hold rounded. */
  private putFloatCounts(point: HistogramPoint): void {
    const push = (count: number): void => {
      this.number[0] = count;
      this.floatCounts.push(this.halves[0] as number, this.halves[1] as number);
    };
    push(point.count);
    push(point.zeroCount);
    if (point.schema === CUSTOM_SCHEMA) eachCustom(point, push);
    else {
      point.positive.eachBucket(true, push);
      point.negative.eachBucket(true, push);
    }
  }
  /** Listed bounds: exactly a classic histogram, with the buckets that nobody mentioned as zeros. */
  private putCustom(point: HistogramPoint): void {
    const { values, length } = point.bounds;
    for (let i = 0; i < length; i++) {
      this.number[0] = values[i] as number;
      this.bounds.push(this.halves[0] as number, this.halves[1] as number);
    }
    eachCustom(point, (count) => pushWhole(this.bucketCounts, count));
  }
  private put(column: number, row: number, lo: number, hi: number): void {
    const words = this.columns.words[column] as Uint32Array;
    words[row * 2] = lo;
    words[row * 2 + 1] = hi;
    const present = this.columns.present[column] as Uint8Array;
    if (present.length > 0) present[row] = 1;
  }
  /** A number below 2^53, of either sign, as a whole one. */
  private putWhole(column: number, row: number, value: number): void {
    const whole = Math.round(value);
    this.put(column, row, whole >>> 0, Math.floor(whole / 2 ** 32));
  }
}
function pushWhole(list: NumberList, value: number): void {
  const whole = Math.round(value);
  list.push(whole >>> 0, Math.floor(whole / 2 ** 32));
}
/** Buckets of listed bounds, those nobody mentioned as zeros. */
function eachCustom({ positive, bounds, isFloat }: HistogramPoint, each: (count: number) => void): void {
  const first = positive.width > 0 ? positive.first : 0;
  for (let i = 0; i < first; i++) each(0);
  positive.eachBucket(isFloat, each);
  for (let i = first + positive.width; i <= bounds.length; i++) each(0);
}
