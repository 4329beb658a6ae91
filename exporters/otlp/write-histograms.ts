import type { Attributes, Column, ColumnBatch, FixedColumn, ListColumn } from '#contracts/columns.ts';
import { HISTOGRAMS } from '#contracts/tables.ts';
import { ReverseBytes } from './reverse-bytes.ts';
import { keyValues, type SeriesSource, type WrittenSamples } from './write-samples.ts';

/**
 * Native histograms that came by remote write as an OTLP ExportMetricsServiceRequest: exponential ones as exponential
 * histograms, custom bounds as explicit bounds, one ResourceMetrics a point. What OTLP has no field for stays behind: the reset hint, and
 * points with fractional counts.
 */
const encoder = new TextEncoder();
const column = (batch: ColumnBatch, name: string): Column => batch.columns[HISTOGRAMS.columns.findIndex((c) => c.name === name)] as Column;
const NO_RECORDED_VALUE = 1;
const CUMULATIVE = 2;
const UNSPECIFIED = 0;

class HistogramWriter {
  private readonly out: ReverseBytes;
  private readonly batch: ColumnBatch;
  private readonly source: SeriesSource;

  constructor(batch: ColumnBatch, source: SeriesSource) {
    this.batch = batch;
    this.source = source;
    this.out = new ReverseBytes(Math.max(4096, batch.rows * 256));
  }
  write(): WrittenSamples {
    const { offsets } = column(this.batch, 'float_counts') as ListColumn;
    let points = 0;
    for (let row = this.batch.rows - 1; row >= 0; row--) {
      // OTLP counts whole observations: rounded, a point would be another one.
      if ((offsets[row + 1] as number) > (offsets[row] as number)) continue;
      this.resource(row);
      points++;
    }
    return { bytes: this.out.take(), points };
  }
  private words(name: string): Uint32Array {
    const { data } = column(this.batch, name) as FixedColumn;
    return new Uint32Array(data.buffer, data.byteOffset, Math.floor(data.byteLength / 4));
  }
  private isPresent(name: string, row: number): boolean {
    return (column(this.batch, name) as FixedColumn).present?.[row] !== 0;
  }
  private fixed(name: string, row: number, tag: number): void {
    const words = this.words(name);
    this.out.fixed64(words[row * 2] as number, words[row * 2 + 1] as number);
    this.out.byte(tag);
  }
  /** A whole number below 2^53 of either sign, zigzag. */
  private signed(name: string, row: number, tag: number): void {
    const value = Number((column(this.batch, name) as FixedColumn).data[row]);
    this.out.varint(value < 0 ? -value * 2 - 1 : value * 2);
    this.out.byte(tag);
  }
  /** The packed 64-bit list of a row. */
  private list(name: string, row: number, tag: number): void {
    const { offsets, children } = column(this.batch, name) as ListColumn;
    const { data } = children[0] as FixedColumn;
    const [from = 0, to = 0] = [offsets[row], offsets[row + 1]];
    if (to > from) this.out.field(tag, new Uint8Array(data.buffer, data.byteOffset + from * 8, (to - from) * 8));
  }
  private buckets(side: 'positive' | 'negative', row: number, tag: number): void {
    const { offsets, children } = column(this.batch, `${side}_counts`) as ListColumn;
    const { data } = children[0] as FixedColumn;
    const { out } = this;
    const mark = out.length;
    const counts = out.length;
    for (let i = (offsets[row + 1] as number) - 1; i >= (offsets[row] as number); i--) out.varint(Number(data[i]));
    out.close(counts, 0x12);
    this.signed(`${side}_offset`, row, 0x08);
    out.close(mark, tag);
  }

  private resource(row: number): void {
    const { out } = this;
    const series = this.source.series(this.words('series_id')[row] as number);
    const container = out.length;
    out.byte(series.temporality === 'cumulative' ? CUMULATIVE : UNSPECIFIED);
    out.byte(0x10);
    const isExponential = series.type === 'exponential_histogram';
    const point = out.length;
    if (isExponential) this.exponential(row, series.attributes);
    else this.classic(row, series.attributes);
    out.close(point, 0x0a);
    out.close(container, isExponential ? 0x52 : 0x4a);
    if (series.unit !== '') out.field(0x1a, encoder.encode(series.unit));
    if (series.description !== '') out.field(0x12, encoder.encode(series.description));
    out.field(0x0a, encoder.encode(series.metric));
    out.close(container, 0x12);
    out.close(container, 0x12);
    const resource = out.length;
    out.raw(keyValues(this.source.resource(series.resourceId).attributes, 0x0a));
    out.close(resource, 0x0a);
    out.close(container, 0x0a);
  }
  private exponential(row: number, attributes: Attributes): void {
    this.fixed('zero_threshold', row, 0x71);
    this.flags(row, 0x50);
    this.buckets('negative', row, 0x4a);
    this.buckets('positive', row, 0x42);
    this.fixed('zero_count', row, 0x39);
    this.signed('scale', row, 0x30);
    this.shared(row);
    this.out.raw(keyValues(attributes, 0x0a));
  }
  private classic(row: number, attributes: Attributes): void {
    this.flags(row, 0x50);
    this.out.raw(keyValues(attributes, 0x4a));
    this.list('bounds', row, 0x3a);
    this.list('bucket_counts', row, 0x32);
    this.shared(row);
  }
  private flags(row: number, tag: number): void {
    if (((this.words('flags')[row] as number) & NO_RECORDED_VALUE) === 0) return;
    this.out.byte(NO_RECORDED_VALUE);
    this.out.byte(tag);
  }
  private shared(row: number): void {
    if (this.isPresent('sum', row)) this.fixed('sum', row, 0x29);
    this.fixed('count', row, 0x21);
    this.fixed('time', row, 0x19);
    if (this.isPresent('start_time', row)) this.fixed('start_time', row, 0x11);
  }
}

export function writeHistograms(batches: readonly ColumnBatch[], source: SeriesSource): WrittenSamples {
  const batch = batches.find(({ table }) => table === 'histograms');
  if (!batch || batch.rows === 0) return { bytes: new Uint8Array(0), points: 0 };
  return new HistogramWriter(batch, source).write();
}
