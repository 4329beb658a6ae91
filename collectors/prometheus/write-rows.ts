import { NumberList } from '#collectors/otlp/list-columns.ts';
import { columnAt, type Room, TableColumns } from '#collectors/otlp/table-columns.ts';
import type { Column, ColumnBatch, Dictionary } from '#contracts/columns.ts';
import { HISTOGRAMS, SAMPLES } from '#contracts/tables.ts';
import { ExemplarRows } from './metric-rows.ts';
import type { FamilyType } from './parse-exposition.ts';
import { FAMILY_SUFFIX, type Family, histogramKind, prometheusSeries, untypedKind } from './series-identity.ts';
import { CUSTOM_SCHEMA, type HistogramPoint, type Side } from './write-histogram.ts';
import { CUSTOM, EXPONENTIAL, FLOATS, readLabels } from './write-labels.ts';
import { MAX_HELP_CHARS, type WriteReader, type WriteSink } from './write-reader.ts';

const sample = (name: string): number => columnAt(SAMPLES.columns, name);
const histogram = (name: string): number => columnAt(HISTOGRAMS.columns, name);
const S = {
  series: sample('series_id'),
  time: sample('time'),
  value: sample('value'),
  start: sample('start_time'),
  flags: sample('flags'),
};
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
const TYPES: readonly FamilyType[] = ['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'];
const GAUGE_HINT = 3;
/** A description costs memory as long as the engine lives; the largest senders describe a few thousand families. */
const MAX_FAMILIES = 100_000;
const NO_FAMILY: Family = { type: 'unknown', help: '', unit: '' };

/** Points of one remote write request as columns. */
export class WriteRows implements WriteSink {
  dictionary!: Dictionary;
  reader!: WriteReader;
  /** Families told that found no room. */
  familiesLost = 0;
  private readonly families = new Map<string, Family>();
  private readonly samples = new TableColumns(SAMPLES.columns);
  private readonly histograms = new TableColumns(HISTOGRAMS.columns);
  private readonly bounds = new NumberList('f64');
  private readonly bucketCounts = new NumberList('u64');
  private readonly quantileValues = new NumberList('f64');
  private readonly positive = new NumberList('u64');
  private readonly negative = new NumberList('u64');
  private readonly lists = [this.bounds, this.bucketCounts, this.quantileValues, this.positive, this.negative];
  private exemplars = new ExemplarRows();
  private sampleRows = 0;
  private histogramRows = 0;
  private sampleSeries = 0;
  private readonly number = new Float64Array(1);
  private readonly halves = new Uint32Array(this.number.buffer);

  /** @param items samples and histograms expected */
  start(items: number, room: Room): void {
    this.sampleRows = 0;
    this.histogramRows = 0;
    this.familiesLost = 0;
    this.samples.start(items + 1, room);
    this.histograms.start(1, room);
    for (const list of this.lists) list.start(1, room);
    this.exemplars = new ExemplarRows();
  }
  batches(): ColumnBatch[] {
    const batches: ColumnBatch[] = [];
    const noHeap = new Uint8Array(0);
    const { sampleRows, histogramRows } = this;
    if (sampleRows > 0)
      batches.push({ table: 'samples', rows: sampleRows, columns: this.samples.finish(sampleRows, new Map()), heap: noHeap });
    if (histogramRows > 0) {
      const names = ['bounds', 'bucket_counts', 'quantile_values', 'positive_counts', 'negative_counts'];
      const others = new Map<number, Column>(this.lists.map((list, i) => [histogram(names[i] as string), list.column(histogramRows)]));
      batches.push({ table: 'histograms', rows: histogramRows, columns: this.histograms.finish(histogramRows, others), heap: noHeap });
    }
    if (this.exemplars.rows > 0) batches.push(this.exemplars.batch());
    return batches;
  }

  open(): void {
    this.sampleSeries = 0;
  }
  sample(timeLo: number, timeHi: number, valueLo: number, valueHi: number, startLo: number, startHi: number): boolean {
    if (this.sampleSeries === 0) {
      this.sampleSeries = this.seriesId(FLOATS);
      if (this.sampleSeries === 0) return false;
    }
    const row = this.sampleRows++;
    this.samples.reserve(row);
    const { words, present } = this.samples;
    (words[S.series] as Uint32Array)[row] = this.sampleSeries;
    const times = words[S.time] as Uint32Array;
    times[row * 2] = timeLo;
    times[row * 2 + 1] = timeHi;
    const values = words[S.value] as Uint32Array;
    values[row * 2] = valueLo;
    values[row * 2 + 1] = valueHi;
    if (valueHi === 0x7ff00000 && valueLo === 2) (words[S.flags] as Uint32Array)[row] = NO_RECORDED_VALUE;
    if ((startLo | startHi) !== 0) {
      const starts = words[S.start] as Uint32Array;
      starts[row * 2] = startLo;
      starts[row * 2 + 1] = startHi;
      (present[S.start] as Uint8Array)[row] = 1;
    }
    return true;
  }

  histogram(point: HistogramPoint): boolean {
    const isCustom = point.schema === CUSTOM_SCHEMA;
    const id = this.seriesId(isCustom ? CUSTOM : EXPONENTIAL, point.hint === GAUGE_HINT);
    if (id === 0) return false;
    const row = this.histogramRows++;
    const { histograms } = this;
    histograms.reserve(row);
    const { words, present } = histograms;
    (words[H.series] as Uint32Array)[row] = id;
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
    for (const list of this.lists) list.finish(row);
    (present[H.sum] as Uint8Array)[row] = 1;
    return true;
  }
  /** Listed bounds: exactly a classic histogram, with the buckets that nobody mentioned as zeros. */
  private putCustom(point: HistogramPoint): void {
    const { values, length } = point.bounds;
    for (let i = 0; i < length; i++) {
      this.number[0] = values[i] as number;
      this.bounds.push(this.halves[0] as number, this.halves[1] as number);
    }
    const { positive }: { positive: Side } = point;
    const first = positive.width > 0 ? positive.first : 0;
    for (let i = 0; i < first; i++) this.bucketCounts.push(0, 0);
    positive.eachBucket(point.isFloat, (count) => pushWhole(this.bucketCounts, count));
    for (let i = first + positive.width; i <= length; i++) this.bucketCounts.push(0, 0);
  }
  private put(column: number, row: number, lo: number, hi: number): void {
    const words = this.histograms.words[column] as Uint32Array;
    words[row * 2] = lo;
    words[row * 2 + 1] = hi;
    const present = this.histograms.present[column] as Uint8Array;
    if (present.length > 0) present[row] = 1;
  }
  /** A whole number below 2^53, of either sign. */
  private putWhole(column: number, row: number, value: number): void {
    this.put(column, row, value >>> 0, Math.floor(value / 2 ** 32));
  }

  exemplar(unixNano: bigint, value: number, labels: readonly (readonly [string, string])[]): boolean {
    const { labels: index } = this.reader;
    const known = index.id(index.entry, FLOATS) || index.id(index.entry, EXPONENTIAL) || index.id(index.entry, CUSTOM);
    const id = known || this.seriesId(FLOATS);
    if (id === 0) return false;
    this.exemplars.push(id, unixNano, value, labels);
    return true;
  }
  metadata(name: string, type: number, help: string, unit: string): void {
    if (!this.families.has(name) && this.families.size >= MAX_FAMILIES) this.familiesLost++;
    else this.families.set(name, { type: TYPES[type] as FamilyType, help, unit });
  }

  /** @returns 0 when the dictionary takes no more series */
  private seriesId(kind: number, isGauge = false): number {
    const { reader, dictionary } = this;
    const { labels: index } = reader;
    const entry = reader.entry;
    const known = index.id(entry, kind);
    if (known !== 0) return known;
    const labels = readLabels(reader.labelInput, reader.labelStart, reader.labelEnd);
    const name = labels.get('__name__') as string;
    const told = reader.type > 0;
    const family = told ? this.toldFamily() : this.learnedFamily(name);
    let id: number;
    if (kind === FLOATS) id = prometheusSeries(dictionary, labels, family, told ? undefined : untypedKind(family, name, labels));
    else {
      const type = kind === CUSTOM ? 'histogram' : 'exponential_histogram';
      id = prometheusSeries(dictionary, labels, family, histogramKind(type, isGauge || family.type === 'gaugehistogram'));
    }
    // A refused series is asked for again next time: the limit may have been raised.
    if (id !== 0) index.setId(entry, kind, id);
    return id;
  }
  private toldFamily(): Family {
    const { type, help, unit, symbols } = this.reader;
    return { type: TYPES[type] as FamilyType, help: cut(symbols.text(help)), unit: cut(symbols.text(unit)) };
  }
  private learnedFamily(name: string): Family {
    return this.families.get(name) ?? this.families.get(name.replace(FAMILY_SUFFIX, '')) ?? NO_FAMILY;
  }
}
const cut = (text: string): string => text.slice(0, MAX_HELP_CHARS);
const pushWhole = (list: NumberList, value: number): void => list.push(value >>> 0, Math.floor(value / 2 ** 32));
