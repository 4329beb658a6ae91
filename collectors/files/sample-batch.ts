import { closeField, countField } from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import { type FileRecord, TimeSpan } from './file-record.ts';

/** Labels with __name__, sorted by name. */
export type Labels = readonly (readonly [string, string])[];
/** io.prometheus.write.v2.Metadata.MetricType. */
export const METRIC_TYPE = {
  unknown: 0,
  untyped: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
} as const;
export interface SeriesMeta {
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}
export const NO_META: SeriesMeta = { type: 0, help: '', unit: '' };
/** An integer native histogram as remote write has it. */
export interface NativeHistogram {
  readonly timestampMs: number;
  readonly count: bigint;
  readonly sum: number;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: bigint;
  readonly negativeSpans: readonly (readonly [number, number])[];
  readonly negativeDeltas: readonly bigint[];
  readonly positiveSpans: readonly (readonly [number, number])[];
  readonly positiveDeltas: readonly bigint[];
  /** 0 unspecified, 1 yes, 2 no, 3 gauge. */
  readonly resetHint: number;
  readonly customValues: readonly number[];
}
/** One with counts that need be no whole numbers, as PromQL computes with. */
export interface FloatHistogram extends Omit<NativeHistogram, 'count' | 'zeroCount' | 'negativeDeltas' | 'positiveDeltas'> {
  readonly count: number;
  readonly zeroCount: number;
  readonly negativeCounts: ArrayLike<number>;
  readonly positiveCounts: ArrayLike<number>;
  /** The series ends here; the rest means nothing. */
  readonly isStale: boolean;
}
interface Series {
  readonly labels: Labels;
  readonly meta: SeriesMeta;
  readonly times: number[];
  readonly values: number[];
  /** Places of stale markers: as a number one would lose what marks it. */
  readonly stale: Set<number>;
  readonly histograms: (NativeHistogram | FloatHistogram)[];
  readonly exemplars: { readonly labels: Labels; readonly value: number; readonly timestampMs: number }[];
}
const STALE = 0x7ff0000000000002n;
const SAMPLES = 20_000;
const TEXT_BYTES = 2 * 1024 * 1024;

/** Collects samples until they make a remote write 2.0 request, which brings type and help along; see Batch. */
export class SampleBatch {
  private series = new Map<string, Series>();
  private line = 0;
  private items = 0;
  private bytes = 0;
  private times = new TimeSpan();

  /** @param key the same for the same labels; only used within a request */
  private of(key: string, labels: Labels, meta: SeriesMeta): Series {
    let series = this.series.get(key);
    if (!series) {
      series = { labels, meta, times: [], values: [], stale: new Set(), histograms: [], exemplars: [] };
      this.series.set(key, series);
      this.bytes += key.length + 32;
    }
    return series;
  }
  private note(line: number, timestampMs: number): FileRecord | null {
    if (this.items++ === 0) this.line = line;
    this.times.add(timestampMs * 1e6);
    return this.items >= SAMPLES || this.bytes >= TEXT_BYTES ? this.flush() : null;
  }
  add(line: number, key: string, labels: Labels, meta: SeriesMeta, timestampMs: number, value: number, isStale = false): FileRecord | null {
    const series = this.of(key, labels, meta);
    if (isStale) series.stale.add(series.values.length);
    series.times.push(timestampMs);
    series.values.push(value);
    return this.note(line, timestampMs);
  }
  /** Rides along with the sample it was added before. */
  exemplar(key: string, labels: Labels, meta: SeriesMeta, exemplar: Series['exemplars'][number]): void {
    this.of(key, labels, meta).exemplars.push(exemplar);
    for (const [name, value] of exemplar.labels) this.bytes += name.length + value.length;
  }
  addHistogram(
    line: number,
    key: string,
    labels: Labels,
    meta: SeriesMeta,
    histogram: NativeHistogram | FloatHistogram,
  ): FileRecord | null {
    this.of(key, labels, meta).histograms.push(histogram);
    this.bytes +=
      'positiveCounts' in histogram
        ? 64 + (histogram.positiveCounts.length + histogram.negativeCounts.length + histogram.customValues.length) * 9
        : 64 + (histogram.positiveDeltas.length + histogram.negativeDeltas.length) * 3;
    return this.note(line, histogram.timestampMs);
  }
  flush(): FileRecord | null {
    if (this.items === 0) return null;
    const record: FileRecord = {
      line: this.line,
      signal: 'metrics',
      contentType: 'write2',
      body: snappyLiteral(writeRequest([...this.series.values()], this.bytes + this.items * 20)),
      items: this.items,
      minTimeMs: this.times.minMs,
      maxTimeMs: this.times.maxMs,
    };
    this.series = new Map();
    this.items = 0;
    this.bytes = 0;
    this.times = new TimeSpan();
    return record;
  }
}

class Symbols {
  readonly list: string[] = [''];
  private readonly refs = new Map<string, number>([['', 0]]);
  ref(text: string): number {
    const known = this.refs.get(text);
    if (known !== undefined) return known;
    this.refs.set(text, this.list.length);
    return this.list.push(text) - 1;
  }
}
function packed(writer: ReverseWriter, field: number, count: number, write: (index: number) => void): void {
  if (count === 0) return;
  const before = writer.size;
  for (let i = count - 1; i >= 0; i--) write(i);
  closeField(writer, before, field);
}
function doubleField(writer: ReverseWriter, field: number, value: number): void {
  writer.double(value);
  writer.varint(field * 8 + 1);
}
function int64Field(writer: ReverseWriter, field: number, value: bigint): void {
  if (value === 0n) return;
  writer.varint64(value);
  writer.varint(field * 8);
}
const zigzag = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
const zigzag32 = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

function writeSpans(writer: ReverseWriter, field: number, spans: NativeHistogram['positiveSpans']): void {
  for (const [offset, length] of [...spans].reverse()) {
    const before = writer.size;
    countField(writer, 2, length);
    countField(writer, 1, zigzag32(offset));
    closeField(writer, before, field);
  }
}
/** Numbers of a list as they are, to the bit. */
const packedDoubles = (writer: ReverseWriter, field: number, values: ArrayLike<number>): void =>
  packed(writer, field, values.length, (i) => writer.double(values[i] as number));
function writeFloatHistogram(writer: ReverseWriter, histogram: FloatHistogram): void {
  const before = writer.size;
  packedDoubles(writer, 16, histogram.customValues);
  int64Field(writer, 15, BigInt(histogram.timestampMs));
  countField(writer, 14, histogram.resetHint);
  packedDoubles(writer, 13, histogram.positiveCounts);
  writeSpans(writer, 11, histogram.positiveSpans);
  packedDoubles(writer, 10, histogram.negativeCounts);
  writeSpans(writer, 8, histogram.negativeSpans);
  doubleField(writer, 7, histogram.zeroCount);
  doubleField(writer, 5, histogram.zeroThreshold);
  countField(writer, 4, zigzag32(histogram.schema));
  if (histogram.isStale) {
    writer.fixed64(STALE);
    writer.varint(3 * 8 + 1);
  } else doubleField(writer, 3, histogram.sum);
  doubleField(writer, 2, histogram.count);
  closeField(writer, before, 3);
}
function writeHistogram(writer: ReverseWriter, histogram: NativeHistogram): void {
  const before = writer.size;
  packed(writer, 16, histogram.customValues.length, (i) => writer.double(histogram.customValues[i] as number));
  int64Field(writer, 15, BigInt(histogram.timestampMs));
  countField(writer, 14, histogram.resetHint);
  packed(writer, 12, histogram.positiveDeltas.length, (i) => writer.varint64(zigzag(histogram.positiveDeltas[i] as bigint)));
  writeSpans(writer, 11, histogram.positiveSpans);
  packed(writer, 9, histogram.negativeDeltas.length, (i) => writer.varint64(zigzag(histogram.negativeDeltas[i] as bigint)));
  writeSpans(writer, 8, histogram.negativeSpans);
  // Members of a oneof are written also when they are zero.
  writer.varint64(histogram.zeroCount);
  writer.varint(6 * 8);
  doubleField(writer, 5, histogram.zeroThreshold);
  countField(writer, 4, zigzag32(histogram.schema));
  doubleField(writer, 3, histogram.sum);
  writer.varint64(histogram.count);
  writer.varint(1 * 8);
  closeField(writer, before, 3);
}
function writeSeries(writer: ReverseWriter, series: Series, symbols: Symbols): void {
  const before = writer.size;
  const { type, help, unit } = series.meta;
  const meta = writer.size;
  countField(writer, 4, symbols.ref(unit));
  countField(writer, 3, symbols.ref(help));
  countField(writer, 1, type);
  if (writer.size > meta) closeField(writer, meta, 5);
  const refs = (labels: Labels): number[] => labels.flatMap(([name, value]) => [symbols.ref(name), symbols.ref(value)]);
  for (const exemplar of [...series.exemplars].reverse()) {
    const inner = writer.size;
    int64Field(writer, 3, BigInt(exemplar.timestampMs));
    doubleField(writer, 2, exemplar.value);
    const own = refs(exemplar.labels);
    packed(writer, 1, own.length, (i) => writer.varint(own[i] as number));
    closeField(writer, inner, 4);
  }
  for (let i = series.histograms.length - 1; i >= 0; i--) {
    const histogram = series.histograms[i] as Series['histograms'][number];
    if ('positiveCounts' in histogram) writeFloatHistogram(writer, histogram);
    else writeHistogram(writer, histogram);
  }
  for (let i = series.values.length - 1; i >= 0; i--) {
    const inner = writer.size;
    int64Field(writer, 2, BigInt(series.times[i] as number));
    if (series.stale.has(i)) {
      writer.fixed64(STALE);
      writer.varint(1 * 8 + 1);
    } else doubleField(writer, 1, series.values[i] as number);
    closeField(writer, inner, 2);
  }
  const own = refs(series.labels);
  packed(writer, 1, own.length, (i) => writer.varint(own[i] as number));
  closeField(writer, before, 5);
}
/** io.prometheus.write.v2.Request: symbols = 4, timeseries = 5. */
function writeRequest(all: readonly Series[], capacity: number): Uint8Array {
  const writer = new ReverseWriter(capacity);
  const symbols = new Symbols();
  for (let i = all.length - 1; i >= 0; i--) writeSeries(writer, all[i] as Series, symbols);
  for (let i = symbols.list.length - 1; i >= 0; i--) {
    // The first symbol is the empty text, and is written.
    writer.varint(writer.text(symbols.list[i] as string));
    writer.varint(4 * 8 + 2);
  }
  return writer.bytes();
}

/** One snappy block of literals only: it never leaves the machine, and nothing has to be found in it. */
export function snappyLiteral(plain: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const head: number[] = [];
  let left = plain.length;
  for (; left >= 0x80; left = Math.floor(left / 128)) head.push((left % 128) | 0x80);
  head.push(left);
  parts.push(Uint8Array.from(head));
  for (let at = 0; at < plain.length; at += 65_536) {
    const piece = plain.subarray(at, at + 65_536);
    const length = piece.length - 1;
    parts.push(Uint8Array.from([61 << 2, length & 255, length >> 8]), piece);
  }
  return Buffer.concat(parts);
}
export function sortLabels(labels: Iterable<readonly [string, string]>): Labels {
  return [...labels].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
