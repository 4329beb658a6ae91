import { writeResource } from '#collectors/otlp/log-writer.ts';
import { attributeField, closeField, countField, textField, timeField } from '#collectors/otlp/otlp-writer.ts';
import { ReverseWriter } from '#collectors/otlp/reverse-writer.ts';
import type { Distribution, StatsdPoint } from './aggregate.ts';

/**
 * Points as an ExportMetricsServiceRequest: counters are delta sums, timers (unit ms), histograms and distributions delta histograms,
 * gauges and sets gauges. Field numbers: protos/opentelemetry/proto/metrics/v1.
 */
const DELTA = 1;
/** Datadog's unified service tags, and the host, by the semantic conventions; other tags are attributes by their own names. */
const RESOURCE_TAGS: Readonly<Record<string, string>> = {
  service: 'service.name',
  env: 'deployment.environment.name',
  version: 'service.version',
  host: 'host.name',
};
export interface Interval {
  readonly startNs: bigint;
  readonly endNs: bigint;
}
type Attributes = readonly (readonly [string, string])[];

/** A tag without a value is true; a key twice keeps all it said. */
function splitTags({ tags, containerId }: StatsdPoint): { readonly resource: Attributes; readonly attributes: Attributes } {
  const resource = new Map<string, string>(containerId === '' ? [] : [['container.id', containerId]]);
  const attributes = new Map<string, string>();
  for (const tag of tags) {
    const colon = tag.indexOf(':');
    const key = colon < 0 ? tag : tag.slice(0, colon);
    const value = colon < 0 ? 'true' : tag.slice(colon + 1);
    const known = Object.hasOwn(RESOURCE_TAGS, key) && value !== '' ? RESOURCE_TAGS[key] : undefined;
    const [to, name] = known === undefined ? [attributes, key] : [resource, known];
    const before = to.get(name);
    if (name !== '') to.set(name, before === undefined ? value : `${before},${value}`);
  }
  return { resource: [...resource], attributes: [...attributes] };
}
function doubleField(writer: ReverseWriter, field: number, value: number): void {
  writer.double(value);
  writer.varint(field * 8 + 1);
}
function writeAttributes(writer: ReverseWriter, field: number, attributes: Attributes): void {
  for (let i = attributes.length - 1; i >= 0; i--) attributeField(writer, field, ...(attributes[i] as Attributes[number]));
}
/** A sender's own time is a moment, not an interval. */
function writeTimes(writer: ReverseWriter, { timeSeconds }: StatsdPoint, { startNs, endNs }: Interval): void {
  timeField(writer, 3, timeSeconds > 0 ? BigInt(timeSeconds) * 1_000_000_000n : endNs);
  if (timeSeconds === 0) timeField(writer, 2, startNs);
}
function writeNumber(writer: ReverseWriter, point: StatsdPoint, attributes: Attributes, interval: Interval): void {
  const before = writer.size;
  writeAttributes(writer, 7, attributes);
  // Always a double, or a counter would be another series once it is sampled.
  doubleField(writer, 4, point.value);
  if (point.kind === 'counter') writeTimes(writer, point, interval);
  else writeTimes(writer, point, { ...interval, startNs: 0n });
  closeField(writer, before, 1);
}
function writeHistogram(writer: ReverseWriter, point: StatsdPoint, attributes: Attributes, interval: Interval): void {
  const { bounds, counts, sum, min, max } = point.distribution as Distribution;
  const before = writer.size;
  doubleField(writer, 12, max);
  doubleField(writer, 11, min);
  writeAttributes(writer, 9, attributes);
  const start = writer.size;
  for (let i = bounds.length - 1; i >= 0; i--) writer.double(bounds[i] as number);
  closeField(writer, start, 7);
  const whole = Array.from(counts, (count) => BigInt(Math.round(count)));
  const middle = writer.size;
  for (let i = whole.length - 1; i >= 0; i--) writer.fixed64(whole[i] as bigint);
  closeField(writer, middle, 6);
  doubleField(writer, 5, sum);
  writer.fixed64(whole.reduce((total, count) => total + count, 0n));
  writer.varint(4 * 8 + 1);
  writeTimes(writer, point, interval);
  closeField(writer, before, 1);
}
/** A Metric with one point. */
function writeMetric(writer: ReverseWriter, point: StatsdPoint, attributes: Attributes, interval: Interval): void {
  const before = writer.size;
  const { kind } = point;
  if (point.distribution) {
    countField(writer, 2, DELTA);
    writeHistogram(writer, point, attributes, interval);
    closeField(writer, before, 9);
  } else if (kind === 'counter') {
    countField(writer, 3, point.monotonic ? 1 : 0);
    countField(writer, 2, DELTA);
    writeNumber(writer, point, attributes, interval);
    closeField(writer, before, 7);
  } else {
    writeNumber(writer, point, attributes, interval);
    closeField(writer, before, 5);
  }
  if (kind === 'timer') textField(writer, 3, 'ms');
  textField(writer, 1, point.name);
  closeField(writer, before, 2);
}

export function writePoints(points: readonly StatsdPoint[], interval: Interval): Uint8Array {
  const groups = new Map<string, { readonly resource: Attributes; readonly points: (readonly [StatsdPoint, Attributes])[] }>();
  for (const point of points) {
    const { resource, attributes } = splitTags(point);
    const key = JSON.stringify(resource);
    const group = groups.get(key) ?? { resource, points: [] };
    group.points.push([point, attributes]);
    groups.set(key, group);
  }
  const writer = new ReverseWriter(points.length * 200);
  for (const { resource, points: own } of groups.values()) {
    const before = writer.size;
    for (let i = own.length - 1; i >= 0; i--) {
      const [point, attributes] = own[i] as (typeof own)[number];
      writeMetric(writer, point, attributes, interval);
    }
    const scope = writer.size;
    textField(writer, 1, 'statsd');
    closeField(writer, scope, 1);
    closeField(writer, before, 2);
    writeResource(writer, resource);
    closeField(writer, before, 1);
  }
  return writer.bytes();
}
