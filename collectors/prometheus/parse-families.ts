import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { malformed, readLength, readTag, readVarint, skipField, type WireInput, wireInput } from '#collectors/otlp/wire.ts';
import { formatFloat } from './format-float.ts';
import type { FamilyType } from './parse-exposition.ts';
import { GAUGE_HINT, HistogramPoint, zigZag } from './write-histogram.ts';

/**
 * The protobuf exposition: MetricFamily messages, each behind its length (io.prometheus.client, client_model metrics.proto).
 * Turned into series by the rules of Prometheus' own reader (textparse/protobufparse.go): _count, _sum, _bucket, quantile, and
 * a native histogram under the family's bare name. No string is made for a series that was there the last time.
 */
export interface FamilyVisitor {
  family(name: string, type: FamilyType, help: string, unit: string): void;
  /** @param series lent until this returns @param timestampMs NaN when there is none @param startNano 0 when there is none */
  sample(series: FamilySeries, value: number, timestampMs: number, startNano: bigint, exemplar: FamilyExemplar | null): void;
  /** @param point judged and kept by the visitor; its times are the visitor's to set */
  histogram(
    series: FamilySeries,
    point: HistogramPoint,
    timestampMs: number,
    startNano: bigint,
    exemplars: readonly FamilyExemplar[],
  ): void;
}
export interface FamilySeries {
  /** Equal for the same series in every scrape. */
  readonly key: string;
  readonly name: string;
  /** @throws OtlpError for what cannot be labels */
  labels(): readonly (readonly [string, string])[];
}
export interface FamilyExemplar {
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
  /** null: none of its own. */
  readonly timeNano: bigint | null;
}
export interface FamilyOptions {
  /** Classic buckets also of histograms that are native. */
  readonly classic: boolean;
  /** Native forms at all. */
  readonly native: boolean;
}

const TYPES: readonly FamilyType[] = ['counter', 'gauge', 'summary', 'unknown', 'histogram', 'gaugehistogram'];
/** Field of Metric that holds the value, by the family's type. */
const VALUE_FIELD = [3, 2, 4, 5, 7, 7] as const;
const VALUE_NAME = ['counter', 'gauge', 'summary', 'untyped', 'histogram', 'histogram'] as const;
const MAX_FAMILY_SAMPLES = 4_194_304;
/** No range of bytes. */
const NONE = -1;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class FamilyReader implements FamilySeries {
  key = '';
  name = '';
  private readonly input: WireInput;
  private readonly visitor: FamilyVisitor;
  private readonly options: FamilyOptions;
  private readonly point = new HistogramPoint();
  private samples = 0;
  private family = '';
  private type = 0;
  /** Starts and ends of the labels of the metric at hand. */
  private ranges: number[] = [];
  /** Of the sample at hand: le or quantile. */
  private extraName = '';
  private extraValue = '';
  private metricKey = '';
  private timestampMs = Number.NaN;

  constructor(body: Uint8Array, visitor: FamilyVisitor, options: FamilyOptions) {
    this.input = wireInput(body);
    this.visitor = visitor;
    this.options = options;
  }
  read(): void {
    const { input } = this;
    const { length } = input.bytes;
    for (let number = 1; input.pos < length; number++) {
      const end = readLength(input, length) + input.pos;
      this.readFamily(end, number);
      input.pos = end;
    }
  }
  /** What describes the family may stand behind its metrics: those are walked once it is known. */
  private readFamily(end: number, number: number): void {
    const { input } = this;
    const start = input.pos;
    let [name, help, unit, type] = ['', '', '', 0];
    let metrics = 0;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag === 0x0a) name = this.text(end);
      else if (tag === 0x12) help = this.text(end);
      else if (tag === 0x18) type = readVarint(input, end);
      else if (tag === 0x2a) unit = this.text(end);
      else {
        if (tag === 0x22) metrics++;
        skipField(input, tag, end);
      }
    }
    if (name === '') throw new OtlpError('malformed', `metric family ${number} has no name`);
    const kind = TYPES[type];
    if (kind === undefined) throw new OtlpError('malformed', `family ${name}: ${type} is not a metric type`);
    this.family = name;
    this.type = type;
    this.visitor.family(name, kind, help, unit);
    if (metrics === 0) return;
    for (input.pos = start; input.pos < end; ) {
      const tag = readTag(input, end);
      if (tag === 0x22) {
        const stop = readLength(input, end) + input.pos;
        this.readMetric(stop);
        input.pos = stop;
      } else skipField(input, tag, end);
    }
  }
  private readMetric(end: number): void {
    const { input } = this;
    this.ranges.length = 0;
    this.timestampMs = Number.NaN;
    let valueStart = NONE;
    let valueEnd = NONE;
    let key = '';
    const wanted = ((VALUE_FIELD[this.type] as number) << 3) | 2;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag === 0x0a) {
        const stop = readLength(input, end) + input.pos;
        this.ranges.push(input.pos, stop);
        key += `${stop - input.pos}:${this.latin(input.pos, stop)}`;
        input.pos = stop;
      } else if (tag === 0x30) {
        readVarint(input, end);
        this.timestampMs = (input.hi | 0) * 2 ** 32 + input.lo;
      } else if (tag === wanted) {
        const length = readLength(input, end);
        valueStart = input.pos;
        valueEnd = input.pos += length;
      } else skipField(input, tag, end);
    }
    if (valueStart === NONE) throw new OtlpError('malformed', `a metric of family ${this.family} has no ${VALUE_NAME[this.type]}`);
    this.metricKey = key;
    input.pos = valueStart;
    if (this.type === 2) this.summary(valueEnd);
    else if (this.type >= 4) this.histogram(valueEnd);
    else this.single(valueEnd);
  }

  private single(end: number): void {
    const { input } = this;
    let value = 0;
    let start = 0n;
    let exemplar: FamilyExemplar | null = null;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag === 0x09) value = this.double(end);
      else if (tag === 0x12 && this.type === 0) exemplar = this.exemplar(end);
      else if (tag === 0x1a && this.type === 0) start = this.time(end);
      else skipField(input, tag, end);
    }
    this.emit('', '', '', value, start, exemplar);
  }
  private summary(end: number): void {
    const { input } = this;
    const from = input.pos;
    let [count, sum] = [0, 0];
    let start = 0n;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag === 0x08) count = this.whole(end);
      else if (tag === 0x11) sum = this.double(end);
      else if (tag === 0x22) start = this.time(end);
      else skipField(input, tag, end);
    }
    this.emit('_count', '', '', count, start, null);
    this.emit('_sum', '', '', sum, start, null);
    for (input.pos = from; input.pos < end; ) {
      const tag = readTag(input, end);
      if (tag !== 0x1a) {
        skipField(input, tag, end);
        continue;
      }
      const stop = readLength(input, end) + input.pos;
      let [quantile, value] = [0, 0];
      while (input.pos < stop) {
        const field = readTag(input, stop);
        if (field === 0x09) quantile = this.double(stop);
        else if (field === 0x11) value = this.double(stop);
        else skipField(input, field, stop);
      }
      this.emit('', 'quantile', formatFloat(quantile), value, start, null);
    }
  }

  private histogram(end: number): void {
    const { input, point } = this;
    point.begin();
    const buckets: number[] = [];
    const own: FamilyExemplar[] = [];
    let [count, countFloat, zeroCount, zeroFloat, sum] = [0, 0, 0, 0, 0];
    let start = 0n;
    while (input.pos < end) {
      const tag = readTag(input, end);
      switch (tag) {
        case 0x08:
          count = this.whole(end);
          break;
        case 0x21:
          countFloat = this.double(end);
          break;
        case 0x11: {
          const at = input.pos;
          point.readSum(input, end);
          sum = input.view.getFloat64(at, true);
          break;
        }
        case 0x1a: {
          const stop = readLength(input, end) + input.pos;
          buckets.push(input.pos, stop);
          input.pos = stop;
          break;
        }
        case 0x7a:
          start = this.time(end);
          break;
        case 0x28:
          point.schema = zigZag(readVarint(input, end));
          break;
        case 0x31:
          point.zeroThreshold = this.double(end);
          break;
        case 0x38:
          zeroCount = this.whole(end);
          break;
        case 0x41:
          zeroFloat = this.double(end);
          break;
        case 0x82:
          own.push(this.exemplar(end));
          break;
        default:
          if (!this.nativeField(tag, end)) skipField(input, tag, end);
      }
    }
    const { positive, negative } = point;
    const isNative = positive.offsets.length + negative.offsets.length > 0 || point.zeroThreshold > 0 || zeroCount > 0;
    const asNative = isNative && this.options.native;
    if (!asNative || this.options.classic) this.classic(buckets, countFloat > 0 ? countFloat : count, sum, start);
    if (!asNative) return;
    point.isFloat = point.zeroIsFloat = countFloat > 0 || zeroFloat > 0;
    point.count = point.isFloat ? countFloat : count;
    point.zeroCount = point.isFloat ? zeroFloat : zeroCount;
    point.hint = this.type === 5 ? GAUGE_HINT : 0;
    this.emitHistogram(start, own.length > 0 ? own : this.bucketExemplars(buckets));
  }
  private nativeField(tag: number, end: number): boolean {
    const { input } = this;
    const { positive, negative } = this.point;
    if (tag === 0x4a) this.point.span(input, end, negative);
    else if (tag === 0x52 || tag === 0x50) this.point.deltas(input, tag, end, negative.deltas);
    else if (tag === 0x5a || tag === 0x59) this.point.doubles(input, tag, end, negative.counts);
    else if (tag === 0x62) this.point.span(input, end, positive);
    else if (tag === 0x6a || tag === 0x68) this.point.deltas(input, tag, end, positive.deltas);
    else if (tag === 0x72 || tag === 0x71) this.point.doubles(input, tag, end, positive.counts);
    else return false;
    return true;
  }
  private classic(buckets: readonly number[], count: number, sum: number, start: bigint): void {
    this.emit('_count', '', '', count, start, null);
    this.emit('_sum', '', '', sum, start, null);
    let hasInfinity = false;
    for (let i = 0; i < buckets.length; i += 2) {
      const { bound, total, exemplar } = this.bucket(buckets[i] as number, buckets[i + 1] as number);
      hasInfinity ||= bound === Number.POSITIVE_INFINITY;
      this.emit('_bucket', 'le', formatFloat(bound), total, start, exemplar);
    }
    if (!hasInfinity) this.emit('_bucket', 'le', '+Inf', count, start, null);
  }
  private bucketExemplars(buckets: readonly number[]): FamilyExemplar[] {
    const found: FamilyExemplar[] = [];
    for (let i = 0; i < buckets.length; i += 2) {
      const { exemplar } = this.bucket(buckets[i] as number, buckets[i + 1] as number);
      // One without a time of its own would come again with every scrape.
      if (exemplar && exemplar.timeNano !== null) found.push(exemplar);
    }
    return found;
  }
  private bucket(start: number, end: number): { bound: number; total: number; exemplar: FamilyExemplar | null } {
    const { input } = this;
    let [bound, total, totalFloat] = [0, 0, 0];
    let exemplar: FamilyExemplar | null = null;
    input.pos = start;
    while (input.pos < end) {
      const tag = readTag(input, end);
      if (tag === 0x08) total = this.whole(end);
      else if (tag === 0x11) bound = this.double(end);
      else if (tag === 0x1a) exemplar = this.exemplar(end);
      else if (tag === 0x21) totalFloat = this.double(end);
      else skipField(input, tag, end);
    }
    return { bound, total: totalFloat > 0 ? totalFloat : total, exemplar };
  }

  private emit(suffix: string, extra: string, extraValue: string, value: number, start: bigint, exemplar: FamilyExemplar | null): void {
    this.name = this.family + suffix;
    this.extraName = extra;
    this.extraValue = extraValue;
    // U+0100 begins no series of the text formats, which are kept by their bytes.
    this.key = `\u0100${this.name}\0${extraValue}\0${this.metricKey}`;
    this.countSample();
    this.visitor.sample(this, value, this.timestampMs, start, exemplar);
  }
  private emitHistogram(start: bigint, exemplars: readonly FamilyExemplar[]): void {
    this.name = this.family;
    this.extraName = '';
    this.key = `\u0101${this.name}\0\0${this.metricKey}`;
    this.countSample();
    this.visitor.histogram(this, this.point, this.timestampMs, start, exemplars);
  }
  private countSample(): void {
    if (++this.samples > MAX_FAMILY_SAMPLES)
      throw new OtlpError('decompressed_too_large', `the exposition has more than ${MAX_FAMILY_SAMPLES} samples`);
  }
  labels(): readonly (readonly [string, string])[] {
    const labels: (readonly [string, string])[] = [];
    for (let i = 0; i < this.ranges.length; i += 2) labels.push(this.pair(this.ranges[i] as number, this.ranges[i + 1] as number));
    if (this.extraName !== '') labels.push([this.extraName, this.extraValue]);
    const names = new Set<string>();
    for (const [name] of labels) {
      if (name === '') throw new OtlpError('malformed', `a label of ${this.name} has no name`);
      if (names.has(name)) throw new OtlpError('malformed', `label ${name} of ${this.name} comes twice`);
      names.add(name);
    }
    return labels;
  }
  private pair(start: number, end: number): readonly [string, string] {
    const { input } = this;
    const { pos } = input;
    let [name, value] = ['', ''];
    for (input.pos = start; input.pos < end; ) {
      const tag = readTag(input, end);
      if (tag === 0x0a) name = this.text(end);
      else if (tag === 0x12) value = this.text(end);
      else skipField(input, tag, end);
    }
    input.pos = pos;
    return [name, value];
  }
  private exemplar(end: number): FamilyExemplar {
    const { input } = this;
    const stop = readLength(input, end) + input.pos;
    const labels: (readonly [string, string])[] = [];
    let value = 0;
    let timeNano: bigint | null = null;
    while (input.pos < stop) {
      const tag = readTag(input, stop);
      if (tag === 0x0a) {
        const close = readLength(input, stop) + input.pos;
        labels.push(this.pair(input.pos, close));
        input.pos = close;
      } else if (tag === 0x11) value = this.double(stop);
      else if (tag === 0x1a) timeNano = this.time(stop);
      else skipField(input, tag, stop);
    }
    return { labels, value, timeNano };
  }
  /** google.protobuf.Timestamp as nanoseconds; 0 for what lies outside of 64 bits of them. */
  private time(end: number): bigint {
    const { input } = this;
    const stop = readLength(input, end) + input.pos;
    let [seconds, nanos] = [0n, 0n];
    while (input.pos < stop) {
      const tag = readTag(input, stop);
      if (tag === 0x08 || tag === 0x10) {
        readVarint(input, stop);
        const value = BigInt.asIntN(64, (BigInt(input.hi) << 32n) | BigInt(input.lo));
        if (tag === 0x08) seconds = value;
        else nanos = value;
      } else skipField(input, tag, stop);
    }
    const time = seconds * 1_000_000_000n + nanos;
    return time === BigInt.asIntN(64, time) && time > 0n ? time : 0n;
  }
  private whole(end: number): number {
    readVarint(this.input, end);
    return this.input.hi * 2 ** 32 + this.input.lo;
  }
  private double(end: number): number {
    return this.point.double(this.input, end);
  }
  private latin(start: number, end: number): string {
    const { bytes } = this.input;
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  }
  private text(end: number): string {
    const { input } = this;
    const length = readLength(input, end);
    const start = input.pos;
    input.pos += length;
    try {
      return utf8.decode(input.bytes.subarray(start, input.pos));
    } catch {
      throw malformed('a string that is not valid UTF-8', start);
    }
  }
}

/** Throws OtlpError at the first thing that is wrong: a scrape counts as a whole, as Prometheus does. */
export function parseFamilies(body: Uint8Array, visitor: FamilyVisitor, options: FamilyOptions): void {
  new FamilyReader(body, visitor, options).read();
}
