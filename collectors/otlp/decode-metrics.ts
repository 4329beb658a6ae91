import type { ColumnBatch, Dictionary, SeriesRow } from '#contracts/columns.ts';
import type { AttributeKeys } from './attribute-keys.ts';
import { eachField } from './attribute-list.ts';
import { ExemplarRows } from './decode-exemplars.ts';
import { CLASSIC, EXPONENTIAL, type HistogramLayout, HistogramRows, SUMMARY } from './decode-histograms.ts';
import { SampleRows } from './decode-numbers.ts';
import type { Origin } from './decode-origin.ts';
import { type Decoding, IRREGULAR } from './decoding.ts';
import { readByteTag } from './item-fields.ts';
import { PointContext } from './point-context.ts';
import { type MetricHead, SeriesIndex } from './series-index.ts';
import type { Room } from './table-columns.ts';
import { readVarint, skipField } from './wire.ts';

interface DataKind {
  readonly type: MetricHead['type'];
  readonly attributesTag: number;
  /** null = number data points. */
  readonly layout: HistogramLayout | null;
}
/** Members of Metric.data by tag. */
const DATA: ReadonlyMap<number, DataKind> = new Map([
  [0x2a, { type: 'gauge', attributesTag: 0x3a, layout: null }],
  [0x3a, { type: 'sum', attributesTag: 0x3a, layout: null }],
  [0x4a, { type: 'histogram', attributesTag: 0x4a, layout: CLASSIC }],
  [0x52, { type: 'exponential_histogram', attributesTag: 0x0a, layout: EXPONENTIAL }],
  [0x5a, { type: 'summary', attributesTag: 0x3a, layout: SUMMARY }],
]);
const TEMPORALITIES: readonly SeriesRow['temporality'][] = ['', 'delta', 'cumulative'];
const DATA_POINTS_TAG = 0x0a;

/** Upper bounds of rows per table, for one allocation each. */
export interface PointCounts {
  numbers: number;
  others: number;
}
/**
 * The byte after the data point whose tag is at `p`, where its length has at most two bytes; 0 for anything else. Points are passed three
 * times over, so a call per number of theirs is felt.
 */
function afterPlainPoint(bytes: Uint8Array, p: number, end: number): number {
  if (bytes[p] !== DATA_POINTS_TAG) return 0;
  const low = bytes[p + 1] as number;
  const high = bytes[p + 2] as number;
  const next = low < 0x80 ? p + 2 + low : high < 0x80 ? p + 3 + ((low & 0x7f) | (high << 7)) : 0;
  return next <= end ? next : 0;
}
/** Adds the points of the Metric message in [start, end) to `counts`. */
export function countPoints(d: Decoding, start: number, end: number, counts: PointCounts): void {
  eachField(d, start, end, (tag, from, to) => {
    const kind = DATA.get(tag);
    if (!kind) return;
    let points = 0;
    for (let p = from; p < to; ) {
      const next = afterPlainPoint(d.bytes, p, to);
      if (next > 0) {
        points++;
        p = next;
        continue;
      }
      const found = readByteTag(d, p, to);
      if (found === DATA_POINTS_TAG) points++;
      skipField(d, found, to);
      p = d.pos;
    }
    if (kind.layout) counts.others += points;
    else counts.numbers += points;
  });
}

/** Metrics of one request as columns of three tables. */
export class MetricRows {
  private readonly exemplars: ExemplarRows;
  private readonly samples: SampleRows;
  private readonly histograms: HistogramRows;
  private readonly series = new SeriesIndex();
  private readonly point: PointContext;
  private readonly origin: Origin;
  private readonly head: MetricHead = {
    start: 0,
    end: 0,
    nameStart: 0,
    nameEnd: 0,
    unitStart: 0,
    unitEnd: 0,
    descriptionStart: 0,
    descriptionEnd: 0,
    type: 'gauge',
    temporality: '',
    monotonic: false,
    attributesTag: 0,
  };

  constructor(keys: AttributeKeys, origin: Origin) {
    this.origin = origin;
    this.exemplars = new ExemplarRows(keys);
    this.samples = new SampleRows(this.exemplars);
    this.histograms = new HistogramRows(this.exemplars);
    this.point = new PointContext(this.head, this.series, origin);
  }
  start(counts: PointCounts, room: Room, dictionary: Dictionary): void {
    this.series.forgetIfFull();
    this.point.dictionary = dictionary;
    this.samples.start(counts.numbers, room);
    this.histograms.start(counts.others, room);
    this.exemplars.start(room);
  }
  forgetKeys(): void {
    this.exemplars.forgetKeys();
  }
  batches(heap: Uint8Array): ColumnBatch[] {
    return [...this.samples.batches(), ...this.histograms.batches(), ...this.exemplars.batches(heap)];
  }

  /** The Metric message in [start, end): a row, or a counted drop, per data point. */
  decode(d: Decoding, start: number, end: number): void {
    const { head } = this;
    Object.assign(head, { start, end, nameStart: 0, nameEnd: 0, unitStart: 0, unitEnd: 0, descriptionStart: 0, descriptionEnd: 0 });
    let dataTag = 0;
    let dataStart = 0;
    let dataEnd = 0;
    let p = start;
    while (p < end) {
      const tag = readByteTag(d, p, end);
      if ((tag & 7) !== 2) {
        skipField(d, tag, end);
        p = d.pos;
        continue;
      }
      const length = readVarint(d, end);
      const from = d.pos;
      p = from + length;
      if (p > end) throw IRREGULAR;
      if (tag === 0x0a) {
        head.nameStart = from;
        head.nameEnd = p;
      } else if (tag === 0x12) {
        head.descriptionStart = from;
        head.descriptionEnd = p;
      } else if (tag === 0x1a) {
        head.unitStart = from;
        head.unitEnd = p;
      } else if (DATA.has(tag)) {
        if (dataTag !== 0) throw IRREGULAR;
        dataTag = tag;
        dataStart = from;
        dataEnd = p;
      }
    }
    const kind = DATA.get(dataTag);
    if (kind) this.decodePoints(d, dataStart, dataEnd, kind);
    else d.note('no_data');
  }

  private decodePoints(d: Decoding, start: number, end: number, kind: DataKind): void {
    const { head } = this;
    head.type = kind.type;
    head.attributesTag = kind.attributesTag;
    this.readAggregation(d, start, end, kind.type);
    this.series.openMetric(d, head, this.origin);
    let p = start;
    while (p < end) {
      const next = afterPlainPoint(d.bytes, p, end);
      if (next > 0) {
        this.decodePoint(d, p + ((d.bytes[p + 1] as number) < 0x80 ? 2 : 3), next, kind);
        p = next;
        continue;
      }
      const tag = readByteTag(d, p, end);
      if (tag !== DATA_POINTS_TAG) {
        skipField(d, tag, end);
        p = d.pos;
        continue;
      }
      const length = readVarint(d, end);
      const from = d.pos;
      p = from + length;
      if (p > end) throw IRREGULAR;
      this.decodePoint(d, from, p, kind);
    }
  }
  private decodePoint(d: Decoding, from: number, to: number, kind: DataKind): void {
    if (kind.layout) this.histograms.decode(d, from, to, this.point, kind.layout);
    else this.samples.decode(d, from, to, this.point);
  }

  /** Temporality and monotonicity stand behind the points on the wire but are part of their series' identity. */
  private readAggregation(d: Decoding, start: number, end: number, type: MetricHead['type']): void {
    const { head } = this;
    head.temporality = '';
    head.monotonic = false;
    if (type === 'gauge' || type === 'summary') return;
    let p = start;
    while (p < end) {
      const next = afterPlainPoint(d.bytes, p, end);
      if (next > 0) {
        p = next;
        continue;
      }
      const tag = readByteTag(d, p, end);
      if (tag === 0x10) {
        const value = readVarint(d, end);
        const known = d.hi === 0 ? TEMPORALITIES[value] : undefined;
        if (known === undefined) d.note('unknown_enum');
        head.temporality = known ?? '';
      } else if (tag === 0x18 && type === 'sum') {
        readVarint(d, end);
        head.monotonic = (d.lo | d.hi) !== 0;
      } else skipField(d, tag, end);
      p = d.pos;
    }
  }
}
