import { ByteWriter } from './byte-writer.ts';
import { type AttributeValue, encodeAttributes, type SpanId, type TraceId, writeUnixNano } from './otlp-writer.ts';

/** One data point's labels, encoded once. */
export type PointLabels = Readonly<Record<string, AttributeValue>>;
export interface NumberPoint {
  readonly labels: PointLabels;
  readonly value: number;
}
export interface HistogramPoint {
  readonly labels: PointLabels;
  readonly histogram: Histogram;
}
export interface Exemplar {
  readonly timeMs: number;
  readonly value: number;
  readonly traceId: TraceId;
  readonly spanId: SpanId;
}
/** Cumulative explicit-bucket histogram. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  count = 0;
  sum = 0;
  exemplar: Exemplar | null = null;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.count += 1;
    this.sum += value;
  }
}

const labelCache = new WeakMap<PointLabels, Map<number, Uint8Array>>();
/** Label objects live as long as their series, so each is encoded once. */
function encodedLabels(field: number, labels: PointLabels): Uint8Array {
  let byField = labelCache.get(labels);
  if (!byField) {
    byField = new Map();
    labelCache.set(labels, byField);
  }
  let bytes = byField.get(field);
  if (!bytes) {
    bytes = encodeAttributes(field, labels);
    byField.set(field, bytes);
  }
  return bytes;
}
function nest(into: ByteWriter, tag: number, from: ByteWriter): void {
  into.byte(tag);
  into.varint(from.length);
  into.from(from);
}

/** Writes ScopeMetrics.metrics entries for one export: all points share `startMs` and `timeMs`. */
export class MetricWriter {
  readonly out = new ByteWriter(8192);
  readonly #metric = new ByteWriter(4096);
  readonly #data = new ByteWriter(4096);
  readonly #point = new ByteWriter(512);
  readonly #exemplar = new ByteWriter(128);
  #startMs = 0;
  #timeMs = 0;
  /** Data points written since `begin`. */
  points = 0;

  begin(startMs: number, timeMs: number): void {
    this.out.reset();
    this.points = 0;
    this.#startMs = startMs;
    this.#timeMs = timeMs;
  }
  gauge(name: string, unit: string, about: string, points: readonly NumberPoint[]): void {
    this.#data.reset();
    for (const point of points) this.#number(point, false);
    this.#finish(name, unit, about, 0x2a);
  }
  /** Cumulative; `monotonic` false for an up-down counter such as memory or connections. */
  sum(name: string, unit: string, about: string, monotonic: boolean, points: readonly NumberPoint[]): void {
    this.#data.reset();
    for (const point of points) this.#number(point, true);
    this.#data.byte(0x10);
    this.#data.byte(2);
    if (monotonic) {
      this.#data.byte(0x18);
      this.#data.byte(1);
    }
    this.#finish(name, unit, about, 0x3a);
  }
  histogram(name: string, unit: string, about: string, points: readonly HistogramPoint[]): void {
    if (points.length === 0) return;
    this.#data.reset();
    for (const point of points) this.#histogramPoint(point);
    this.#data.byte(0x10);
    this.#data.byte(2);
    this.#finish(name, unit, about, 0x4a);
  }
  #number(point: NumberPoint, withStart: boolean): void {
    const p = this.#point;
    p.reset();
    if (withStart) {
      p.byte(0x11);
      writeUnixNano(p, this.#startMs);
    }
    p.byte(0x19);
    writeUnixNano(p, this.#timeMs);
    if (Number.isInteger(point.value) && point.value >= 0) {
      p.byte(0x31);
      p.fixed64(Math.floor(point.value / 4294967296), point.value % 4294967296);
    } else {
      p.byte(0x21);
      p.double(point.value);
    }
    p.raw(encodedLabels(7, point.labels));
    nest(this.#data, 0x0a, p);
    this.points += 1;
  }
  #histogramPoint({ labels, histogram }: HistogramPoint): void {
    const p = this.#point;
    p.reset();
    p.byte(0x11);
    writeUnixNano(p, this.#startMs);
    p.byte(0x19);
    writeUnixNano(p, this.#timeMs);
    p.byte(0x21);
    p.fixed64(0, histogram.count);
    p.byte(0x29);
    p.double(histogram.sum);
    p.byte(0x32);
    p.varint(histogram.counts.length * 8);
    for (const count of histogram.counts) p.fixed64(0, count);
    p.byte(0x3a);
    p.varint(histogram.bounds.length * 8);
    for (const bound of histogram.bounds) p.double(bound);
    if (histogram.exemplar) this.#writeExemplar(p, histogram.exemplar);
    histogram.exemplar = null;
    p.raw(encodedLabels(9, labels));
    nest(this.#data, 0x0a, p);
    this.points += 1;
  }
  #writeExemplar(into: ByteWriter, exemplar: Exemplar): void {
    const e = this.#exemplar;
    e.reset();
    e.byte(0x11);
    writeUnixNano(e, exemplar.timeMs);
    e.byte(0x19);
    e.double(exemplar.value);
    e.byte(0x22);
    e.byte(8);
    e.uint32BigEndian(exemplar.spanId.high);
    e.uint32BigEndian(exemplar.spanId.low);
    e.byte(0x2a);
    e.byte(16);
    for (const word of exemplar.traceId) e.uint32BigEndian(word);
    nest(into, 0x42, e);
  }
  #finish(name: string, unit: string, about: string, tag: number): void {
    const m = this.#metric;
    m.reset();
    m.byte(0x0a);
    m.text(name);
    m.byte(0x12);
    m.text(about);
    m.byte(0x1a);
    m.text(unit);
    nest(m, tag, this.#data);
    nest(this.out, 0x12, m);
  }
}
