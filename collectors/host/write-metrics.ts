import { writeResource } from '#collectors/otlp/log-writer.ts';
import { type AttributeValue, attributeField, closeField, textField, timeField } from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';

export type Attributes = readonly (readonly [string, AttributeValue])[];
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
}
/** counter: cumulative, never falls but by a restart. sum: an UpDownCounter. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'counter';
  readonly points: readonly Point[];
}
export interface MetricGroup {
  readonly resource: Attributes;
  /** When its counters were zero, Unix nanoseconds; 0n = not known. */
  readonly startNs: bigint;
  readonly metrics: readonly Metric[];
}
const SCOPE = 'faultline/host';
const CUMULATIVE = 2;
/** Gauges and seconds are fractions, all else is whole: the type of a series must not change from one sample to the next. */
const isFractional = ({ kind, unit }: Metric): boolean => kind === 'gauge' || unit === 's';

function writePoint(writer: ReverseWriter, { attributes, value }: Point, fractional: boolean, startNs: bigint, timeNs: bigint): void {
  const before = writer.size;
  for (let i = attributes.length - 1; i >= 0; i--) attributeField(writer, 7, ...(attributes[i] as Attributes[number]));
  if (fractional) {
    writer.double(value);
    writer.varint(4 * 8 + 1);
  } else {
    writer.fixed64(BigInt(Math.round(value)));
    writer.varint(6 * 8 + 1);
  }
  timeField(writer, 3, timeNs);
  timeField(writer, 2, startNs);
  closeField(writer, before, 1);
}
function writeMetric(writer: ReverseWriter, metric: Metric, startNs: bigint, timeNs: bigint): void {
  const { name, unit, kind, points } = metric;
  const before = writer.size;
  if (kind !== 'gauge') {
    writer.varint(kind === 'counter' ? 1 : 0);
    writer.varint(3 * 8);
    writer.varint(CUMULATIVE);
    writer.varint(2 * 8);
  }
  for (let i = points.length - 1; i >= 0; i--)
    writePoint(writer, points[i] as Point, isFractional(metric), kind === 'counter' ? startNs : 0n, timeNs);
  closeField(writer, before, kind === 'gauge' ? 5 : 7);
  textField(writer, 3, unit);
  textField(writer, 1, name);
  closeField(writer, before, 2);
}
export const pointsOf = (groups: readonly MetricGroup[]): number =>
  groups.reduce((sum, { metrics }) => sum + metrics.reduce((points, metric) => points + metric.points.length, 0), 0);

/** @returns an ExportMetricsServiceRequest; metrics without a point are left out */
export function writeMetricGroups(groups: readonly MetricGroup[], timeNs: bigint): Uint8Array {
  const writer = new ReverseWriter(64 * 1024);
  for (let g = groups.length - 1; g >= 0; g--) {
    const { resource, metrics, startNs } = groups[g] as MetricGroup;
    const before = writer.size;
    for (let i = metrics.length - 1; i >= 0; i--)
      if ((metrics[i] as Metric).points.length > 0) writeMetric(writer, metrics[i] as Metric, startNs, timeNs);
    const scope = writer.size;
    textField(writer, 1, SCOPE);
    closeField(writer, scope, 1);
    closeField(writer, before, 2);
    writeResource(writer, resource);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
