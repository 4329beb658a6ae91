import { create, type DescField, type DescMessage, ScalarType, toBinary } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { describe, expect, it } from 'vitest';
import { checkOtlp } from '#collectors/otlp/check.ts';
import { decodeOtlp } from '#collectors/otlp/decode.ts';
import { TestDictionary } from '#collectors/otlp/test-dictionary.ts';
import type { DecodedRecord } from '#contracts/columns.ts';
import { limitsSchema } from '#contracts/settings.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { firstStoredEvents, rowsOf } from './otlp-rows.ts';

/**
 * Nothing of a message is lost silently: every field of every OTLP message, on every way from the request down to it,
 * is set to a value that stands nowhere else, decoded, and must be found in a row or in a dictionary row.
 */
const receivedUnixNano = 1_790_000_000_000_000_000n;
const context = { receivedUnixNano, retentionSeconds: 0, limits: limitsSchema.parse({}) };
const START = receivedUnixNano - 5_000_000_000n;
/** Profiles refer to tables by index: profiles.test.ts walks theirs. */
type Walked = Exclude<OtlpKind, 'profiles'>;
const SCHEMAS: Readonly<Record<Walked, DescMessage>> = {
  traces: ExportTraceServiceRequestSchema,
  logs: ExportLogsServiceRequestSchema,
  metrics: ExportMetricsServiceRequestSchema,
};
/** Fields that have no column, and the reason that is counted instead. */
const COUNTED: Readonly<Record<string, string>> = {
  'opentelemetry.proto.common.v1.AnyValue.string_value_strindex': 'string_index',
  'opentelemetry.proto.common.v1.KeyValue.key_strindex': 'string_index',
};
const idOf = (field: DescField): string => `${field.parent.typeName}.${field.name}`;

interface Leaf {
  readonly kind: Walked;
  readonly path: readonly DescField[];
}
/** Ways from the request to every field that is not a message. A message type comes at most twice on a way (values in values). */
function leavesOf(kind: Walked, message: DescMessage, path: readonly DescField[]): Leaf[] {
  return message.fields.flatMap((field) => {
    const way = [...path, field];
    if (!field.message) return [{ kind, path: way }];
    const { message: inner } = field;
    return way.filter((step) => step.message === inner).length > 2 ? [] : leavesOf(kind, inner, way);
  });
}
const LEAVES = (Object.keys(SCHEMAS) as Walked[]).flatMap((kind) => leavesOf(kind, SCHEMAS[kind], []));

/** A value and how it must read in the rows. */
function distinctive(field: DescField, n: number): readonly [value: unknown, text: string] {
  const { name } = field;
  if (name === 'end_time_unix_nano') return [START + 777_000_000_001n, '777000000001'];
  if (name.endsWith('time_unix_nano')) return [START + 123_456_789n, String(START + 123_456_789n)];
  if (name === 'aggregation_temporality') return [1, '"delta"'];
  if (name === 'status_code' || idOf(field) === 'opentelemetry.proto.trace.v1.Status.code') return [2, '"status_code":2'];
  if (field.enum) return [name === 'kind' ? 4 : 23, name === 'kind' ? '"kind":4' : '"severity_number":23'];
  const number = 71_000 + n;
  switch (field.scalar) {
    case ScalarType.STRING:
      return [`distinctive-${n}`, `distinctive-${n}`];
    case ScalarType.BYTES: {
      const length = name === 'trace_id' ? 16 : name.endsWith('span_id') ? 8 : 11;
      const bytes = Uint8Array.from({ length }, (_, i) => 0xa0 + ((n + i * 7) % 90));
      const hex = Buffer.from(bytes).toString('hex');
      return [bytes, length === 16 ? hex : length === 8 ? String(BigInt(`0x${hex}`)) : Buffer.from(bytes).toString('base64')];
    }
    case ScalarType.BOOL:
      return [true, name === 'is_monotonic' ? '"monotonic":true' : 'true'];
    case ScalarType.DOUBLE:
      return [number + 0.625, `${number}.625`];
    case ScalarType.INT64:
    case ScalarType.SFIXED64:
    case ScalarType.FIXED64:
    case ScalarType.UINT64:
      return [BigInt(number), String(number)];
    default:
      // Even: bit 0 of a data point's flags would replace its value.
      return [number * 2, String(number * 2)];
  }
}

/** What an item needs to be kept at all. */
function makeUsable(message: ReflectMessage): void {
  const set = (name: string, value: unknown): void => {
    const field = message.desc.fields.find((candidate) => candidate.name === name);
    if (field && !field.oneof) message.set(field, value as never);
  };
  const isSpan = message.desc.name === 'Span';
  if (isSpan || message.desc.name === 'Link') {
    set('trace_id', new Uint8Array(16).fill(1));
    set('span_id', new Uint8Array(8).fill(1));
  }
  if (isSpan) {
    set('start_time_unix_nano', START);
    set('end_time_unix_nano', START + 1n);
  } else if (/^(LogRecord|.*DataPoint|Exemplar|Event)$/.test(message.desc.name)) set('time_unix_nano', START);
  if (message.desc.name === 'KeyValue') set('key', 'some.key');
}

/** An item below `message`, so that what is set above it (a resource, a name) belongs to something. */
function addItem(message: ReflectMessage): void {
  const down = [
    'resource_spans',
    'scope_spans',
    'spans',
    'resource_logs',
    'scope_logs',
    'log_records',
    'resource_metrics',
    'scope_metrics',
    'metrics',
    'gauge',
    'data_points',
  ];
  const next = message.desc.fields.find(({ name }) => down.includes(name));
  if (!next?.message) return;
  const inner = reflect(next.message, create(next.message));
  makeUsable(inner);
  addItem(inner);
  if (next.fieldKind === 'list') {
    const list = message.get(next) as { size: number; add(item: unknown): void };
    if (list.size === 0) list.add(inner);
  } else if (!next.oneof || message.oneofCase(next.oneof) === undefined) message.set(next, inner as never);
}

/** The request with `value` at the end of `path`; without it when `value` is undefined. */
function requestWith({ kind, path }: Leaf, value: unknown): Uint8Array {
  const schema = SCHEMAS[kind];
  const build = (message: DescMessage, at: number): ReflectMessage => {
    const target = reflect(message, create(message));
    makeUsable(target);
    const field = path[at] as DescField;
    const given = field.message ? build(field.message, at + 1) : value;
    if (given !== undefined && field.fieldKind === 'list') (target.get(field) as { add(item: unknown): void }).add(given);
    else if (given !== undefined) target.set(field, given as never);
    addItem(target);
    return target;
  };
  return toBinary(schema, build(schema, 0).message);
}

function dump(record: DecodedRecord, dictionary: TestDictionary): string {
  const rows = record.batches.map((batch) => [batch.table, rowsOf(batch)]);
  const all = [rows, dictionary.resources, dictionary.scopes, dictionary.seriesRows];
  return JSON.stringify(all, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
function decoded(kind: OtlpKind, body: Uint8Array) {
  const dictionary = new TestDictionary();
  const checked = checkOtlp(kind, body, context);
  const record = decodeOtlp(kind, body, { ...context, dictionary });
  return { checked, record, text: dump(record, dictionary) };
}

describe('every OTLP field has a column, or a counted reason', () => {
  const cases = LEAVES.map((leaf, n) => ({ leaf, n, name: `${leaf.kind}: ${leaf.path.map(({ name }) => name).join('.')}` }));

  it('walks all messages', () => {
    const messages = new Set(LEAVES.flatMap(({ path }) => path.map((field) => field.parent.name)));
    for (const name of [
      'Span',
      'Event',
      'Link',
      'Status',
      'LogRecord',
      'Summary',
      'Buckets',
      'ValueAtQuantile',
      'Exemplar',
      'EntityRef',
      'AnyValue',
      'KeyValueList',
    ])
      expect(messages).toContain(name);
    expect(new Set(LEAVES.map(({ path }) => idOf(path.at(-1) as DescField))).size).toBeGreaterThan(80);
  });

  it.each(cases)('$name', ({ leaf, n }) => {
    const field = leaf.path.at(-1) as DescField;
    const [value, text] = distinctive(field, n);
    const without = decoded(leaf.kind, requestWith(leaf, undefined));
    const having = decoded(leaf.kind, requestWith(leaf, value));
    expect(having.checked).toMatchObject({ ok: true, rejected: 0 });
    expect([...having.record.dropped]).toEqual([]);
    const reason = COUNTED[idOf(field)];
    if (reason && leaf.path.some(({ parent }) => parent.name === 'Event')) {
      // Events are kept as sent: nothing to count.
      expect(firstStoredEvents(having.record).length).toBeGreaterThan(firstStoredEvents(without.record).length);
      return;
    }
    if (reason) {
      expect(having.record.noted.get(reason)).toBe(1);
      return;
    }
    // "true" may stand elsewhere: then the whole must still have changed.
    expect(having.text).not.toBe(without.text);
    expect(having.text).toContain(text);
    if (text.length > 8) expect(without.text).not.toContain(text);
  });
});
