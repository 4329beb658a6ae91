import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import { toOtlpJson } from './otlp-json.ts';
import { Histogram, MetricWriter } from './otlp-metric-writer.ts';
import { encodeResource, encodeResourceEntry, type LogRecord, type SpanRecord, writeLog, writeSpan, writeUnixNano } from './otlp-writer.ts';

const SPAN: SpanRecord = {
  traceId: [1, 2, 3, 0xffffffff],
  spanId: { high: 0x80000000, low: 7 },
  parent: { high: 0, low: 9 },
  parentIsRemote: true,
  name: 'GET /grüße',
  kind: 2,
  startMs: 1_768_471_200_123.456,
  endMs: 1_768_471_200_999.5,
  encoded: [],
  changing: [
    ['http.response.status_code', 503],
    ['ratio', 0.25],
    ['flag', true],
    ['list', ['a', 'b']],
    ['order', 2 ** 40],
  ],
  error: 'boom',
  exception: { timeMs: 1_768_471_200_500, type: 'E', message: 'm', stack: 's' },
  link: { traceId: [5, 6, 7, 8], spanId: { high: 1, low: 2 } },
};
function asJson(signal: 'traces' | 'logs' | 'metrics', items: Uint8Array) {
  const resource = encodeResource({ 'service.name': 'x' });
  return JSON.parse(
    JSON.stringify(toOtlpJson(signal, encodeResourceEntry(resource, [{ name: 'scope', version: '1', items }], 'https://schema'))),
  );
}

describe('writeUnixNano', () => {
  it.each([
    [0, 0n],
    [1, 1_000_000n],
    [1_768_471_200_123.456, 1_768_471_200_123_456_054n],
    [1_768_471_200_999.75, 1_768_471_200_999_750_000n],
    [4_294_967.296, 4_294_967_296_000n],
  ])('%d ms', (unixMs, nanos) => {
    const writer = new ByteWriter(8);
    writeUnixNano(writer, unixMs);
    const written = new DataView(writer.bytes.buffer).getBigUint64(0, true);
    // A double holds Unix milliseconds to about 0.2 µs.
    expect(Number(written - nanos)).toBeGreaterThan(-250);
    expect(Number(written - nanos)).toBeLessThan(250);
  });
});

describe('writeSpan', () => {
  it('comes back whole', () => {
    const writer = new ByteWriter(16);
    writeSpan(writer, SPAN);
    const entry = asJson('traces', writer.take()).resourceSpans[0];
    expect(entry.resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'x' } }]);
    expect(entry.schemaUrl).toBe('https://schema');
    expect(entry.scopeSpans[0].scope).toEqual({ name: 'scope', version: '1' });
    const span = entry.scopeSpans[0].spans[0];
    expect(span).toMatchObject({
      traceId: '000000010000000200000003ffffffff',
      spanId: '8000000000000007',
      parentSpanId: '0000000000000009',
      name: 'GET /grüße',
      kind: 2,
      flags: 0x301,
      status: { message: 'boom', code: 2 },
    });
    expect(span.attributes.map((attribute: { value: unknown }) => attribute.value)).toEqual([
      { intValue: '503' },
      { doubleValue: 0.25 },
      { boolValue: true },
      { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
      { intValue: String(2 ** 40) },
    ]);
    expect(span.events[0].name).toBe('exception');
    expect(span.links[0]).toEqual({ traceId: '00000005000000060000000700000008', spanId: '0000000100000002', flags: 0x301 });
  });
  it('leaves out what is absent', () => {
    const writer = new ByteWriter(16);
    writeSpan(writer, { ...SPAN, parent: null, error: null, exception: null, link: null, changing: [] });
    const span = asJson('traces', writer.take()).resourceSpans[0].scopeSpans[0].spans[0];
    for (const key of ['parentSpanId', 'status', 'events', 'links', 'attributes']) expect(span).not.toHaveProperty(key);
  });
});

describe('writeLog', () => {
  it.each<[string, Partial<LogRecord>]>([
    ['with a trace', { traceId: [1, 1, 1, 1], spanId: { high: 1, low: 1 } }],
    ['without', { traceId: null, spanId: null }],
  ])('comes back whole, %s', (_, part) => {
    const writer = new ByteWriter(16);
    const log: LogRecord = {
      timeMs: 1000,
      severityNumber: 17,
      severityText: 'ERROR',
      body: 'it broke',
      eventName: 'e',
      attributes: [['k', 'v']],
      traceId: null,
      spanId: null,
      ...part,
    };
    writeLog(writer, log);
    const record = asJson('logs', writer.take()).resourceLogs[0].scopeLogs[0].logRecords[0];
    expect(record).toMatchObject({
      timeUnixNano: '1000000000',
      severityNumber: 17,
      severityText: 'ERROR',
      body: { stringValue: 'it broke' },
      eventName: 'e',
    });
    expect('traceId' in record).toBe(log.traceId !== null);
  });
});

describe('MetricWriter', () => {
  it('writes gauges, sums and histograms that come back whole', () => {
    const writer = new MetricWriter();
    const histogram = new Histogram([1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
    const labels = { a: 'b' };
    writer.begin(1000, 2000);
    writer.gauge('g', '1', 'about', [{ labels, value: 0.5 }]);
    writer.sum('s', 'By', 'about', true, [{ labels, value: 5 * 2 ** 32 + 7 }]);
    writer.histogram('h', 's', 'about', [{ labels, histogram }]);
    expect(writer.points).toBe(3);
    const [gauge, sum, classic] = asJson('metrics', writer.out.take()).resourceMetrics[0].scopeMetrics[0].metrics;
    expect(gauge.gauge.dataPoints[0]).toMatchObject({ asDouble: 0.5, timeUnixNano: '2000000000', attributes: [{ key: 'a' }] });
    expect(sum.sum).toMatchObject({ aggregationTemporality: 2, isMonotonic: true });
    expect(sum.sum.dataPoints[0]).toMatchObject({ asInt: String(5 * 2 ** 32 + 7), startTimeUnixNano: '1000000000' });
    expect(classic.histogram.dataPoints[0]).toMatchObject({ count: '4', sum: 12, bucketCounts: ['2', '1', '1'], explicitBounds: [1, 2] });
  });
});
