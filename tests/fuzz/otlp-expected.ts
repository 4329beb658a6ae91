import { acceptTime } from '#contracts/accept-time.ts';
import { LOGS, SPANS, type TableSpec } from '#contracts/tables.ts';
import type { AnyValue, KeyValue } from '#protos/gen/opentelemetry/proto/common/v1/common_pb.js';
import type { LogRecord } from '#protos/gen/opentelemetry/proto/logs/v1/logs_pb.js';
import type {
  Exemplar,
  ExponentialHistogramDataPoint,
  HistogramDataPoint,
  Metric,
  NumberDataPoint,
  SummaryDataPoint,
} from '#protos/gen/opentelemetry/proto/metrics/v1/metrics_pb.js';
import type { Span, Span_Event, Span_Link } from '#protos/gen/opentelemetry/proto/trace/v1/trace_pb.js';
import type { Row, Value } from '../coverage/otlp-rows.ts';

/**
 * What the decoder must say about a message, written the slow and obvious way from generated objects, JS strings and
 * BigInt: a second reading of the rules, not a second copy of the code.
 */
export interface Judge {
  readonly receivedUnixNano: bigint;
  readonly retentionSeconds: number;
}
const MAX_I64 = 2n ** 63n - 1n;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
const optionalId = (bytes: Uint8Array, length: number): Value =>
  bytes.length !== length || isZero(bytes) ? null : length === 16 ? hex(bytes) : BigInt(`0x${hex(bytes)}`);
const number = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`);
const orNull = (text: string): Value => (text === '' ? null : text);
const storedTime = (time: bigint): bigint => (time > MAX_I64 ? MAX_I64 : time);
const smallEnum = (value: number): number => (value < 0 || value > 255 ? 255 : value);

function json(value: AnyValue | undefined): string {
  const member = value?.value;
  switch (member?.case) {
    case 'stringValue':
      return JSON.stringify(member.value);
    case 'boolValue':
    case 'intValue':
      return `${member.value}`;
    case 'doubleValue':
      if (!Number.isFinite(member.value)) return `{"$double":"${member.value}"}`;
      return Number.isInteger(member.value) && !number(member.value).includes('e') ? `${number(member.value)}.0` : number(member.value);
    case 'bytesValue':
      return `{"$bytes":"${Buffer.from(member.value).toString('base64')}"}`;
    case 'arrayValue':
      return `[${member.value.values.map(json).join(',')}]`;
    case 'kvlistValue': {
      const entries = new Map(member.value.values.map((entry) => [entry.key, json(entry.value)]));
      return `{${[...entries].map(([key, text]) => `${JSON.stringify(key.startsWith('$') ? `$${key}` : key)}:${text}`).join(',')}}`;
    }
    default:
      return 'null';
  }
}

const LETTERS = {
  stringValue: 's',
  boolValue: 'b',
  intValue: 'i',
  doubleValue: 'd',
  arrayValue: 'a',
  kvlistValue: 'k',
  bytesValue: 'y',
} as const;
/** Letter and text of a value. */
export function textOf(value: AnyValue | undefined): readonly [letter: string, text: string] {
  const member = value?.value;
  if (!member?.case || member.case === 'stringValueStrindex') return ['n', ''];
  const letter = LETTERS[member.case];
  if (member.case === 'stringValue') return [letter, member.value];
  if (member.case === 'bytesValue') return [letter, Buffer.from(member.value).toString('base64')];
  if (member.case === 'doubleValue') return [letter, number(member.value)];
  return [letter, json(value)];
}

type Entries = Map<string, readonly [letter: string, text: string]>;
function lastOfEachKey(list: readonly KeyValue[]): Entries {
  const entries: Entries = new Map();
  for (const { key, value } of list) {
    entries.delete(key);
    entries.set(key, textOf(value));
  }
  return entries;
}
const mapColumns = (entries: Entries): Row => ({
  attributes: [...entries].map(([key, [, text]]) => [key, text]),
  attribute_types: [...entries.values()].map(([letter]) => letter).join(''),
});

function promote(table: TableSpec, entries: Entries): Row {
  const columns: Record<string, Value> = {};
  for (const { name, promotes } of table.columns) {
    if (!promotes) continue;
    const found = entries.get(promotes.key);
    columns[name] = found?.[0] === promotes.type ? (promotes.type === 'i' ? BigInt(found[1]) : found[1]) : null;
    if (columns[name] !== null) entries.delete(promotes.key);
  }
  return columns;
}
const event = ({ timeUnixNano, name, attributes, droppedAttributesCount }: Span_Event): Row => ({
  time: storedTime(timeUnixNano),
  name,
  ...mapColumns(lastOfEachKey(attributes)),
  dropped_attributes_count: droppedAttributesCount,
});
const link = (from: Span_Link): Row => ({
  trace_id: optionalId(from.traceId, 16) ?? '0'.repeat(32),
  span_id: optionalId(from.spanId, 8) ?? 0n,
  trace_state: from.traceState,
  flags: from.flags,
  ...mapColumns(lastOfEachKey(from.attributes)),
  dropped_attributes_count: from.droppedAttributesCount,
});

/** The row of a span without service, resource and scope, or why it is dropped. */
export function expectedSpan(span: Span, { receivedUnixNano, retentionSeconds }: Judge): Row | string {
  if (optionalId(span.traceId, 16) === null || optionalId(span.spanId, 8) === null) return 'invalid_id';
  const start = span.startTimeUnixNano || span.endTimeUnixNano || receivedUnixNano;
  const verdict = acceptTime(start, receivedUnixNano, retentionSeconds);
  if (verdict !== 'ok') return verdict;
  const duration = (span.endTimeUnixNano || start) - start;
  const entries = lastOfEachKey(span.attributes);
  return {
    trace_id: hex(span.traceId),
    span_id: optionalId(span.spanId, 8),
    parent_span_id: optionalId(span.parentSpanId, 8),
    start_time: start,
    duration_ns: storedTime(duration),
    name: span.name,
    kind: smallEnum(span.kind),
    status_code: smallEnum(span.status?.code ?? 0),
    status_message: orNull(span.status?.message ?? ''),
    ...promote(SPANS, entries),
    ...mapColumns(entries),
    dropped_attributes_count: span.droppedAttributesCount,
    events: span.events.map(event),
    links: span.links.map(link),
    trace_state: orNull(span.traceState),
    flags: span.flags,
    dropped_events_count: span.droppedEventsCount,
    dropped_links_count: span.droppedLinksCount,
  };
}

export function expectedLog(log: LogRecord, { receivedUnixNano, retentionSeconds }: Judge): Row | string {
  const time = log.timeUnixNano || log.observedTimeUnixNano || receivedUnixNano;
  const verdict = acceptTime(time, receivedUnixNano, retentionSeconds);
  if (verdict !== 'ok') return verdict;
  const [letter, text] = textOf(log.body);
  const entries = lastOfEachKey(log.attributes);
  return {
    time,
    observed_time: log.observedTimeUnixNano === 0n ? null : storedTime(log.observedTimeUnixNano),
    trace_id: optionalId(log.traceId, 16),
    span_id: optionalId(log.spanId, 8),
    severity_number: smallEnum(log.severityNumber),
    severity_text: orNull(log.severityText),
    body: letter === 'n' ? null : text,
    body_type: letter.charCodeAt(0),
    event_name: orNull(log.eventName),
    ...promote(LOGS, entries),
    ...mapColumns(entries),
    dropped_attributes_count: log.droppedAttributesCount,
    flags: log.flags,
  };
}

type Member = NumberDataPoint['value'] | Exemplar['value'];
/** NaN stands for itself: tests compare the stale marker's bits elsewhere. */
function numberColumns(member: Member): Row {
  if (member.case === undefined) return { value: Number.NaN, value_int: null };
  const value = Number(member.value);
  const fits = member.case === 'asDouble' || BigInt(value) === member.value;
  return { value, value_int: fits ? null : (member.value as bigint) };
}
type Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint;
/** Sorted text of attributes: how a test names a series. */
export const seriesName = (attributes: readonly KeyValue[]): string =>
  JSON.stringify([...lastOfEachKey(attributes)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, [letter, text]]) => [key, letter, text]));

function pointColumns(point: Point, time: bigint): Row {
  return { time, start_time: point.startTimeUnixNano === 0n ? null : storedTime(point.startTimeUnixNano), flags: point.flags };
}
function histogramColumns(point: Exclude<Point, NumberDataPoint>): Row {
  const none = {
    bounds: [],
    bucket_counts: [],
    quantile_values: [],
    positive_counts: [],
    negative_counts: [],
    float_counts: [],
    min: null,
    max: null,
  };
  const not = { scale: null, zero_count: null, zero_threshold: null, positive_offset: null, negative_offset: null };
  const shared = { ...none, ...not, count: point.count, sum: point.sum ?? null };
  if (point.$typeName === 'opentelemetry.proto.metrics.v1.SummaryDataPoint')
    return { ...shared, bounds: point.quantileValues.map((q) => q.quantile), quantile_values: point.quantileValues.map((q) => q.value) };
  const withRange = { ...shared, min: point.min ?? null, max: point.max ?? null };
  if (point.$typeName === 'opentelemetry.proto.metrics.v1.HistogramDataPoint')
    return { ...withRange, bounds: point.explicitBounds, bucket_counts: point.bucketCounts };
  return {
    ...withRange,
    scale: BigInt(point.scale),
    zero_count: point.zeroCount,
    zero_threshold: point.zeroThreshold,
    positive_offset: BigInt(point.positive?.offset ?? 0),
    positive_counts: point.positive?.bucketCounts ?? [],
    negative_offset: BigInt(point.negative?.offset ?? 0),
    negative_counts: point.negative?.bucketCounts ?? [],
  };
}
export interface ExpectedPoint {
  readonly table: 'samples' | 'histograms';
  readonly row: Row | string;
  readonly series: string;
  readonly exemplars: readonly Row[];
}
/** Points of a metric, in order. */
export function expectedPoints(metric: Metric, judge: Judge): ExpectedPoint[] {
  const points: readonly Point[] = metric.data.value?.dataPoints ?? [];
  return points.map((point) => {
    const time = point.timeUnixNano || judge.receivedUnixNano;
    const verdict = acceptTime(time, judge.receivedUnixNano, judge.retentionSeconds);
    const isNumber = point.$typeName === 'opentelemetry.proto.metrics.v1.NumberDataPoint';
    const table = isNumber ? 'samples' : 'histograms';
    const stale = (point.flags & 1) === 1;
    const own = isNumber ? (stale ? { value: Number.NaN, value_int: null } : numberColumns(point.value)) : histogramColumns(point);
    const exemplars = 'exemplars' in point ? point.exemplars : [];
    return {
      table,
      row: verdict === 'ok' ? { ...pointColumns(point, time), ...own } : verdict,
      series: seriesName(point.attributes),
      exemplars: verdict === 'ok' ? exemplars.flatMap((exemplar) => expectedExemplar(exemplar, time, judge)) : [],
    };
  });
}
function expectedExemplar(exemplar: Exemplar, pointTime: bigint, judge: Judge): Row[] {
  const time = exemplar.timeUnixNano || pointTime;
  if (acceptTime(time, judge.receivedUnixNano, judge.retentionSeconds) !== 'ok') return [];
  const ids = { trace_id: optionalId(exemplar.traceId, 16), span_id: optionalId(exemplar.spanId, 8) };
  return [{ time, ...numberColumns(exemplar.value), ...ids, ...mapColumns(lastOfEachKey(exemplar.filteredAttributes)) }];
}
