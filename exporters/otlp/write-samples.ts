import type { Attributes, Column, ColumnBatch, FixedColumn, MapColumn, ResourceRow, SeriesRow, StringColumn } from '#contracts/columns.ts';
import { PROMETHEUS_TYPE_KEY, PROMETHEUS_TYPES } from '#contracts/forward-headers.ts';
import { EXEMPLARS, SAMPLES, type TableSpec } from '#contracts/tables.ts';
import { ReverseBytes } from './reverse-bytes.ts';

/**
 * Scraped samples as an OTLP ExportMetricsServiceRequest: one number data point a sample, names, labels, times and bits of
 * values as stored. A histogram or summary stays the series it was scraped as (`x_bucket` with `le` ...) and says its
 * Prometheus type in the metric's metadata, as OpenTelemetry keeps it: put together into OTLP histograms, a receiver could
 * not give back what the target said. Counters are cumulative monotonic sums, the rest gauges.
 */
export interface SeriesSource {
  series(id: number): SeriesRow;
  resource(id: number): ResourceRow;
}
export interface WrittenSamples {
  readonly bytes: Uint8Array;
  readonly points: number;
}
const encoder = new TextEncoder();
const TYPE_NAMES = Object.fromEntries(Object.entries(PROMETHEUS_TYPES).map(([name, type]) => [type, name])) as Record<string, string>;
const at = (table: TableSpec, name: string): number => table.columns.findIndex((column) => column.name === name);
const SAMPLE = {
  series: at(SAMPLES, 'series_id'),
  time: at(SAMPLES, 'time'),
  value: at(SAMPLES, 'value'),
  start: at(SAMPLES, 'start_time'),
  flags: at(SAMPLES, 'flags'),
};
const EXEMPLAR = {
  series: at(EXEMPLARS, 'series_id'),
  time: at(EXEMPLARS, 'time'),
  value: at(EXEMPLARS, 'value'),
  traceId: at(EXEMPLARS, 'trace_id'),
  spanId: at(EXEMPLARS, 'span_id'),
  attributes: at(EXEMPLARS, 'attributes'),
};
const words = (column: Column | undefined): Uint32Array => {
  const { data } = column as FixedColumn;
  return new Uint32Array(data.buffer, data.byteOffset, Math.floor(data.byteLength / 4));
};

/** One Attributes list as KeyValue fields under `tag`; encoded once per row object. */
const encodedAttributes = new WeakMap<Attributes, Uint8Array>();
export function keyValues(attributes: Attributes, tag: number): Uint8Array {
  let bytes = encodedAttributes.get(attributes);
  if (!bytes) {
    const out = new ReverseBytes(1024);
    for (let i = attributes.keys.length - 1; i >= 0; i--) keyValue(out, tag, attributes.keys[i] as string, attributes.values[i] as string);
    bytes = out.take();
    encodedAttributes.set(attributes, bytes);
  }
  return bytes;
}
function keyValue(out: ReverseBytes, tag: number, key: string, value: string): void {
  const mark = out.length;
  const inner = out.length;
  out.field(0x0a, encoder.encode(value));
  out.close(inner, 0x12);
  out.field(0x0a, encoder.encode(key));
  out.close(mark, tag);
}

interface Exemplars {
  readonly bySeries: Map<number, readonly number[]>;
  readonly batch: ColumnBatch;
}
function exemplarsOf(batch: ColumnBatch | undefined): Exemplars | null {
  if (!batch || batch.rows === 0) return null;
  const ids = words(batch.columns[EXEMPLAR.series]);
  const bySeries = new Map<number, number[]>();
  for (let row = 0; row < batch.rows; row++) {
    const rows = bySeries.get(ids[row] as number);
    if (rows) rows.push(row);
    else bySeries.set(ids[row] as number, [row]);
  }
  return { bySeries, batch };
}

export function writeSamples(batches: readonly ColumnBatch[], source: SeriesSource): WrittenSamples {
  const samples = batches.find((batch) => batch.table === 'samples');
  if (!samples || samples.rows === 0) return { bytes: new Uint8Array(0), points: 0 };
  const writer = new SampleWriter(samples, exemplarsOf(batches.find((batch) => batch.table === 'exemplars')), source);
  return { bytes: writer.write(), points: samples.rows };
}

/** Neighbours share their resource and their metric; a target shows a family's series in a row. */
class SampleWriter {
  private readonly out: ReverseBytes;
  private readonly samples: ColumnBatch;
  private readonly exemplars: Exemplars | null;
  private readonly source: SeriesSource;

  constructor(samples: ColumnBatch, exemplars: Exemplars | null, source: SeriesSource) {
    this.samples = samples;
    this.exemplars = exemplars;
    this.source = source;
    this.out = new ReverseBytes(Math.max(4096, samples.rows * 128));
  }
  write(): Uint8Array {
    const { out } = this;
    const ids = words(this.samples.columns[SAMPLE.series]);
    for (let row = this.samples.rows - 1; row >= 0; ) {
      const { resourceId } = this.source.series(ids[row] as number);
      const container = out.length;
      const scope = out.length;
      while (row >= 0 && this.source.series(ids[row] as number).resourceId === resourceId) row = this.metric(ids, row, resourceId);
      out.close(scope, 0x12);
      const resource = out.length;
      out.raw(keyValues(this.source.resource(resourceId).attributes, 0x0a));
      out.close(resource, 0x0a);
      out.close(container, 0x0a);
    }
    return out.take();
  }
  /** The metric whose last point is `last`. @returns the row before its first point */
  private metric(ids: Uint32Array, last: number, resourceId: number): number {
    const { out } = this;
    const head = this.source.series(ids[last] as number);
    const mark = out.length;
    keyValue(out, 0x62, PROMETHEUS_TYPE_KEY, TYPE_NAMES[head.type] ?? 'unknown');
    const data = out.length;
    if (head.monotonic) {
      out.byte(1);
      out.byte(0x18);
      out.byte(2);
      out.byte(0x10);
    }
    let row = last;
    for (; row >= 0; row--) {
      const series = this.source.series(ids[row] as number);
      if (series !== head && !sameMetric(series, head, resourceId)) break;
      this.point(row, ids[row] as number, series);
    }
    out.close(data, head.monotonic ? 0x3a : 0x2a);
    if (head.unit !== '') out.field(0x1a, encoder.encode(head.unit));
    if (head.description !== '') out.field(0x12, encoder.encode(head.description));
    out.field(0x0a, encoder.encode(head.metric));
    out.close(mark, 0x12);
    return row;
  }
  private point(row: number, seriesId: number, series: SeriesRow): void {
    const { out } = this;
    const mark = out.length;
    const flags = words(this.samples.columns[SAMPLE.flags])[row] as number;
    if (flags !== 0) {
      out.varint(flags);
      out.byte(0x40);
    }
    out.raw(keyValues(series.attributes, 0x3a));
    const values = words(this.samples.columns[SAMPLE.value]);
    for (const each of this.exemplars?.bySeries.get(seriesId) ?? []) this.exemplar(each);
    // A series shown twice in one scrape has its exemplars once.
    this.exemplars?.bySeries.delete(seriesId);
    out.fixed64(values[row * 2] as number, values[row * 2 + 1] as number);
    out.byte(0x21);
    const times = words(this.samples.columns[SAMPLE.time]);
    out.fixed64(times[row * 2] as number, times[row * 2 + 1] as number);
    out.byte(0x19);
    // Scrapes have none; remote write 2.0 may.
    const { present } = this.samples.columns[SAMPLE.start] as FixedColumn;
    if (present?.[row] !== 0) {
      const starts = words(this.samples.columns[SAMPLE.start]);
      out.fixed64(starts[row * 2] as number, starts[row * 2 + 1] as number);
      out.byte(0x11);
    }
    out.close(mark, 0x0a);
  }
  private exemplar(row: number): void {
    const { out } = this;
    const { columns, heap } = (this.exemplars as Exemplars).batch;
    const mark = out.length;
    const { offsets, keys, values } = columns[EXEMPLAR.attributes] as MapColumn;
    for (let i = (offsets[row + 1] as number) - 1; i >= (offsets[row] as number); i--)
      keyValue(out, 0x3a, textAt(keys, i, heap), textAt(values, i, heap));
    const trace = columns[EXEMPLAR.traceId] as { readonly data: Uint8Array; readonly present?: Uint8Array };
    if (trace.present?.[row] !== 0) out.field(0x2a, trace.data.subarray(row * 16, row * 16 + 16));
    const span = columns[EXEMPLAR.spanId] as FixedColumn;
    if (span.present?.[row] !== 0) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE((span.data as BigUint64Array)[row] as bigint);
      out.field(0x22, bytes);
    }
    const value = words(columns[EXEMPLAR.value]);
    out.fixed64(value[row * 2] as number, value[row * 2 + 1] as number);
    out.byte(0x19);
    const time = words(columns[EXEMPLAR.time]);
    out.fixed64(time[row * 2] as number, time[row * 2 + 1] as number);
    out.byte(0x11);
    out.close(mark, 0x2a);
  }
}
const sameMetric = (a: SeriesRow, b: SeriesRow, resourceId: number): boolean =>
  a.resourceId === resourceId &&
  a.metric === b.metric &&
  a.type === b.type &&
  a.monotonic === b.monotonic &&
  a.unit === b.unit &&
  a.description === b.description;
/** A string cell as in contracts/columns.ts. */
function textAt({ cells }: StringColumn, row: number, heap: Uint8Array): string {
  const length = cells[row * 4] as number;
  if (length > 12) {
    const offset = cells[row * 4 + 2] as number;
    return Buffer.from(heap.buffer, heap.byteOffset + offset, length).toString();
  }
  return Buffer.from(cells.buffer, cells.byteOffset + row * 16 + 4, length).toString();
}
