import { fromBinary, toBinary, toJsonString } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { logPayloads, metricPayloads, tracePayloads } from '../../bench/payloads.ts';
import { transcodeJson } from './json.ts';
import { OtlpError } from './otlp-error.ts';

const limits = { maxDepth: 8 };
const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const traces = (span: unknown) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
const readSpan = (span: unknown) =>
  fromBinary(ExportTraceServiceRequestSchema, transcodeJson('traces', bytes(traces(span)), limits)).resourceSpans[0]?.scopeSpans[0]
    ?.spans[0];
const readPoint = (text: string) => {
  const request = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[${text}]}}]}]}]}`;
  const metric = fromBinary(ExportMetricsServiceRequestSchema, transcodeJson('metrics', bytes(request), limits)).resourceMetrics[0]
    ?.scopeMetrics[0]?.metrics[0];
  return metric?.data.case === 'gauge' ? metric.data.value.dataPoints[0] : undefined;
};
/** The proto3 JSON mapping, with the one thing OTLP does otherwise: ids in hex, enumerations as integers. */
function otlpJson(text: string): unknown {
  return JSON.parse(text, (key, value: unknown) =>
    /^(traceId|spanId|parentSpanId)$/.test(key) && typeof value === 'string' ? Buffer.from(value, 'base64').toString('hex') : value,
  );
}
const options = { seed: 3, bodies: 1, items: 40, startUnixNano: 1_790_000_000_000_000_000n };

describe('transcodeJson', () => {
  it('says what is wrong with a value nested deeper than any stack', () => {
    const deep = `{"resourceSpans":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`;
    expect(() => transcodeJson('traces', bytes(deep), limits)).toThrow(
      /resourceSpans\[0\] must be an object, not something nested very deep/,
    );
  });
  it.each([
    ['traces', ExportTraceServiceRequestSchema, tracePayloads(options)[0]],
    ['logs', ExportLogsServiceRequestSchema, logPayloads(options)[0]],
    ['metrics', ExportMetricsServiceRequestSchema, metricPayloads(options)[0]],
  ] as const)('gives the protobuf bytes back for a whole request of %s', (kind, schema, payload) => {
    const message = fromBinary(schema as typeof ExportTraceServiceRequestSchema, payload as Uint8Array);
    const json = otlpJson(toJsonString(schema as typeof ExportTraceServiceRequestSchema, message, { enumAsInteger: true }));
    const back = fromBinary(schema as typeof ExportTraceServiceRequestSchema, transcodeJson(kind, bytes(json), limits));
    expect(toBinary(schema as typeof ExportTraceServiceRequestSchema, back)).toEqual(payload);
  });

  it('reads ids in hex of either case', () => {
    const span = readSpan({ traceId: '5B8EFFF798038103D269B633813FC60C', spanId: 'eee19b7ec3c1b174' });
    expect(Buffer.from(span?.traceId ?? []).toString('hex')).toBe('5b8efff798038103d269b633813fc60c');
    expect(Buffer.from(span?.spanId ?? []).toString('hex')).toBe('eee19b7ec3c1b174');
  });
  it.each([
    ['"18446744073709551615"', 18446744073709551615n],
    ['18446744073709551615', 18446744073709551615n],
    ['1544712660300000001', 1544712660300000001n],
    ['"0"', 0n],
    ['12', 12n],
    ['1e3', 1000n],
  ])('reads the 64-bit time %s', (text, value) => {
    expect(readPoint(`{"timeUnixNano":${text}}`)?.timeUnixNano).toBe(value);
  });
  it.each([
    ['"-9223372036854775808"', -(2n ** 63n)],
    ['-9223372036854775807', -(2n ** 63n) + 1n],
    ['-1', -1n],
  ])('reads the signed integer %s', (text, value) => {
    expect(readPoint(`{"asInt":${text}}`)?.value).toEqual({ case: 'asInt', value });
  });
  it.each([
    ['"NaN"', Number.NaN],
    ['"-Infinity"', Number.NEGATIVE_INFINITY],
    ['0', 0],
    ['1.5', 1.5],
    ['"2.5e-3"', 0.0025],
  ])('reads the double %s', (text, value) => {
    expect(readPoint(`{"asDouble":${text}}`)?.value).toEqual({ case: 'asDouble', value });
  });
  it('ignores names it does not know, snake_case names and nulls', () => {
    const span = readSpan({ name: 'n', trace_state: 'x=1', futureField: { deep: [1, { a: [] }] }, kind: null, toString: 1 });
    expect(span).toMatchObject({ name: 'n', traceState: '', kind: 0 });
  });
  it('reads base64 bytes and keeps an empty value apart from an empty string', () => {
    const span = readSpan({
      attributes: [
        { key: 'b', value: { bytesValue: '+/8=' } },
        { key: 'e', value: {} },
        { key: 's', value: { stringValue: '' } },
      ],
    });
    expect(span?.attributes.map(({ value }) => value?.value)).toEqual([
      { case: 'bytesValue', value: Uint8Array.from([0xfb, 0xff]) },
      { case: undefined },
      { case: 'stringValue', value: '' },
    ]);
  });
  it('keeps explicit zeros of optional fields', () => {
    const request = {
      resourceMetrics: [{ scopeMetrics: [{ metrics: [{ histogram: { dataPoints: [{ sum: 0, bucketCounts: ['1', 2] }] } }] }] }],
    };
    const back = fromBinary(ExportMetricsServiceRequestSchema, transcodeJson('metrics', bytes(request), limits));
    const point = back.resourceMetrics[0]?.scopeMetrics[0]?.metrics[0]?.data.value?.dataPoints[0];
    expect(point).not.toHaveProperty('min', expect.anything());
    expect(point).toMatchObject({
      sum: 0,
      bucketCounts: [1n, 2n],
    });
  });
  it('takes an empty request', () => {
    expect(transcodeJson('logs', bytes({}), limits)).toHaveLength(0);
  });

  let deep: unknown = { stringValue: 'x' };
  for (let i = 0; i < 8; i++) deep = { arrayValue: { values: [deep] } };
  it.each([
    ['no JSON', '{"resourceSpans":[', 'malformed', /not JSON/],
    ['an array', '[]', 'malformed', /the request must be an object, not \[\]/],
    [
      'half an id',
      traces({ traceId: 'abc' }),
      'malformed',
      /resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.traceId must be hexadecimal digits, not "abc"/,
    ],
    ['a named enum', traces({ kind: 'SPAN_KIND_SERVER' }), 'malformed', /kind must be the enumeration's integer/],
    ['a number for a name', traces({ name: 5 }), 'malformed', /name must be a string, not 5/],
    ['a fraction', traces({ startTimeUnixNano: '1.5' }), 'malformed', /startTimeUnixNano must be an integer/],
    ['2^64', traces({ startTimeUnixNano: '18446744073709551616' }), 'malformed', /out of range/],
    ['an object for a list', { resourceSpans: {} }, 'malformed', /resourceSpans must be an array/],
    ['null in a list', { resourceSpans: [null] }, 'malformed', /resourceSpans\[0\] must be an object/],
    [
      'two values',
      traces({ attributes: [{ key: 'k', value: { intValue: 1, boolValue: true } }] }),
      'malformed',
      /has both boolValue and intValue/,
    ],
    ['deep values', traces({ attributes: [{ key: 'k', value: deep }] }), 'too_deep', /nested deeper than 8/],
  ] as const)('refuses %s', (_name, body, reason, message) => {
    const attempt = (): unknown => transcodeJson('traces', bytes(body), limits);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ reason }) as OtlpError);
  });
  it('refuses invalid UTF-8', () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(() => transcodeJson('logs', body, limits)).toThrow(OtlpError);
  });
  it('refuses more values than anything honest before it reads them; in a text nothing is one', () => {
    const many = Buffer.concat([Buffer.from('{"resourceLogs":['), Buffer.alloc(17e6, '{},'), Buffer.from('{}]}')]);
    expect(() => transcodeJson('logs', many, limits)).toThrow(expect.objectContaining({ reason: 'decompressed_too_large' }) as OtlpError);
    const text = Buffer.concat([Buffer.from('{"unknown":"'), Buffer.alloc(17e6, '\\"[{,'), Buffer.from('"}')]);
    expect(transcodeJson('logs', text, limits)).toHaveLength(0);
  });
  it('refuses a million brackets without overflowing the stack', () => {
    expect(() => transcodeJson('logs', bytes('['.repeat(1_000_000)), limits)).toThrow(OtlpError);
  });
});
