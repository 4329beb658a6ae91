import { gzipSync } from 'node:zlib';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { checkWrite } from '#collectors/prometheus/check-write.ts';
import { limitsSchema } from '#contracts/settings.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import type { KeyValue } from '#protos/gen/opentelemetry/proto/common/v1/common_pb.js';
import { readBytes } from './test-read.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const lines = (...all: readonly string[]): Uint8Array => utf8(`${all.join('\n')}\n`);
const pairs = (list: readonly KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(list.map(({ key, value }) => [key, value?.value.value]));
/** Log records of what was read, flat. */
async function logsOf(bytes: Uint8Array, options: Parameters<typeof readBytes>[1] = {}) {
  const read = await readBytes(bytes, options);
  const logs = read.good.flatMap(({ body }) =>
    fromBinary(ExportLogsServiceRequestSchema, body).resourceLogs.flatMap(({ resource, scopeLogs }) =>
      scopeLogs.flatMap(({ logRecords }) =>
        logRecords.map((record) => ({
          ms: Number(record.timeUnixNano / 1_000n) / 1_000,
          body: record.body?.value.value,
          severity: record.severityText,
          number: record.severityNumber,
          trace: Buffer.from(record.traceId).toString('hex'),
          attributes: pairs(record.attributes),
          resource: pairs(resource?.attributes ?? []),
        })),
      ),
    ),
  );
  return { ...read, logs };
}
async function spansOf(bytes: Uint8Array) {
  const read = await readBytes(bytes);
  const spans = read.good.flatMap(({ body }) =>
    fromBinary(ExportTraceServiceRequestSchema, body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans, scope }) => spans.map((span) => ({ span, scope, resource: pairs(resource?.attributes ?? []) }))),
    ),
  );
  return { ...read, spans };
}
const at = Date.UTC(2026, 10, 21, 19, 33, 55);

const jaegerTrace = (id: number) => ({
  traceID: `abc${id}`,
  spans: [
    {
      traceID: `abc${id}`,
      spanID: 'a1',
      operationName: 'GET /cart',
      references: [],
      startTime: at * 1_000,
      duration: 1_500,
      tags: [
        { key: 'span.kind', type: 'string', value: 'server' },
        { key: 'http.status_code', type: 'int64', value: 500 },
        { key: 'error', type: 'bool', value: true },
        { key: 'otel.scope.name', type: 'string', value: 'net/http' },
      ],
      logs: [
        {
          timestamp: at * 1_000 + 10,
          fields: [
            { key: 'event', type: 'string', value: 'retry' },
            { key: 'n', type: 'int64', value: 2 },
          ],
        },
      ],
      processID: 'p1',
      warnings: null,
    },
    {
      traceID: `abc${id}`,
      spanID: 'b2',
      operationName: 'SELECT',
      references: [
        { refType: 'CHILD_OF', traceID: `abc${id}`, spanID: 'a1' },
        { refType: 'FOLLOWS_FROM', traceID: 'ffff', spanID: 'c3' },
      ],
      startTime: at * 1_000 + 100,
      duration: 500,
      tags: [],
      logs: [],
      processID: 'p2',
    },
  ],
  processes: { p1: { serviceName: 'cart', tags: [{ key: 'hostname', type: 'string', value: 'h1' }] }, p2: { serviceName: 'db', tags: [] } },
});

describe('Jaeger', () => {
  const file = (...traces: unknown[]): Uint8Array =>
    utf8(JSON.stringify({ data: traces, total: 0, limit: 0, offset: 0, errors: null }, null, 2));
  it('spans with kind, status, events, links, parents and resource, in chunks of any size', async () => {
    for (const chunk of [1_000_000, 7]) {
      const { format, spans, bad } = await spansOf(chunk === 7 ? gzipSync(file(jaegerTrace(1))) : file(jaegerTrace(1)));
      expect(bad).toEqual([]);
      expect(format).toMatch(/^jaeger-json/);
      const [cart, db] = spans;
      expect(cart).toMatchObject({ resource: { 'service.name': 'cart', hostname: 'h1' }, scope: { name: 'net/http' } });
      expect(cart?.span).toMatchObject({
        name: 'GET /cart',
        kind: 2,
        status: { code: 2 },
        startTimeUnixNano: BigInt(at) * 1_000_000n,
        endTimeUnixNano: BigInt(at) * 1_000_000n + 1_500_000n,
      });
      expect(pairs(cart?.span.attributes ?? [])).toEqual({ 'http.status_code': 500n, error: true });
      expect(cart?.span.events).toMatchObject([{ name: 'retry', timeUnixNano: BigInt(at) * 1_000_000n + 10_000n }]);
      expect(Buffer.from(db?.span.parentSpanId ?? []).toString('hex')).toBe('00000000000000a1');
      expect(db?.span.links).toHaveLength(1);
      expect(Buffer.from(db?.span.traceId ?? []).toString('hex')).toBe('abc1'.padStart(32, '0'));
    }
  });
  it('a bad span and a bad trace are named, the rest is taken', async () => {
    const broken = jaegerTrace(2);
    (broken.spans[0] as { startTime: unknown }).startTime = 'soon';
    const { items, bad } = await spansOf(file(jaegerTrace(1), broken, { traceID: 'x' }, jaegerTrace(3)));
    expect(items.traces).toBe(5);
    expect(bad.map(({ message }) => message)).toEqual([
      'trace 1, span 0: startTime must be a number of microseconds, not "soon"',
      'trace 2: spans must be an array, not nothing',
    ]);
    expect(bad[0]?.offset).toBeGreaterThan(1_000);
  });
  it('spans with long texts make more requests, none of them much larger than a request should be', async () => {
    const trace = (id: number) => {
      const given = jaegerTrace(id);
      for (const span of given.spans)
        for (const log of span.logs) log.fields.push({ key: 'stack', type: 'string', value: 'x'.repeat(200_000) });
      return given;
    };
    const { good, items, bad } = await spansOf(file(...Array.from({ length: 20 }, (_, i) => trace(i))));
    expect({ traces: items.traces, bad }).toEqual({ traces: 40, bad: [] });
    expect(Math.max(...good.map(({ body }) => body.length))).toBeLessThan(1_500_000);
  });
  it('a file cut off keeps its whole traces', async () => {
    const whole = file(jaegerTrace(1), jaegerTrace(2));
    const { items, bad } = await spansOf(whole.subarray(0, whole.length - 200));
    expect(items.traces).toBe(2);
    expect(bad).toMatchObject([{ reason: 'malformed', message: expect.stringContaining('cut off') }]);
  });
});

describe('Zipkin', () => {
  const span = (id: string, more: object = {}) => ({
    traceId: 'abc',
    id,
    name: 'get',
    timestamp: at * 1_000,
    duration: 5,
    localEndpoint: { serviceName: 'a' },
    ...more,
  });
  it('an array of spans, or of traces; a bad span is named', async () => {
    expect((await spansOf(utf8(JSON.stringify([span('1'), span('2')])))).items.traces).toBe(2);
    const { format, items, bad } = await spansOf(
      utf8(JSON.stringify([[span('1')], [span('2'), span('x y'), span('3', { kind: 'NOPE' })]])),
    );
    expect(format).toBe('zipkin-json');
    expect(items.traces).toBe(2);
    expect(bad.map(({ message }) => message)).toEqual([
      'trace 1, span 1: traceId or id is missing or not hexadecimal',
      'trace 1, span 2: kind must be SERVER, CLIENT, PRODUCER, CONSUMER, not "NOPE"',
    ]);
  });
});

describe('exposition', () => {
  const limits = limitsSchema.parse({});
  const check = (body: Uint8Array) => checkWrite(2, body, { limits, receivedUnixNano: BigInt(at) * 1_000_000n, retentionSeconds: 0 });
  it('samples with and without times become remote write that the receiver takes whole', async () => {
    const text = lines(
      '# HELP http_requests_total Requests.',
      '# TYPE http_requests_total counter',
      `http_requests_total{code="200"} 5 ${at}`,
      `http_requests_total{code="200"} 7 ${at + 15_000}`,
      'up 1',
      '',
      'bad{ 1',
      'temp{a="x\\"y"} NaN',
      `temp 1 ${'9'.repeat(15)}`,
    );
    const { format, items, bad, good } = await readBytes(text);
    expect(format).toBe('prometheus-text');
    expect(items.metrics).toBe(4);
    expect(bad.map(({ line }) => line)).toEqual([7, 9]);
    expect(good).toHaveLength(1);
    expect(check(good[0]?.body as Uint8Array)).toMatchObject({ samples: 4, problem: '' });
    expect(good[0]).toMatchObject({ minTimeMs: 1_795_255_200_000, maxTimeMs: at + 15_000 });
  });
  it('OpenMetrics: seconds, exemplars, the end', async () => {
    const text = lines(
      '# TYPE lat histogram',
      `lat_bucket{le="1"} 3 ${at / 1_000}.5 # {trace_id="ab"} 0.5`,
      `lat_count 3 ${at / 1_000}`,
      '# EOF',
    );
    const { format, bad, good } = await readBytes(text);
    expect({ format, bad }).toEqual({ format: 'openmetrics-text', bad: [] });
    expect(good[0]).toMatchObject({ minTimeMs: at, maxTimeMs: at + 500 });
    expect(check(good[0]?.body as Uint8Array)).toMatchObject({ samples: 2, exemplars: 1, problem: '' });
    expect((await readBytes(text.subarray(0, text.length - 6), { format: 'openmetrics-text' })).bad).toMatchObject([
      { message: expect.stringContaining('EOF') },
    ]);
  });
});

describe('logs', () => {
  it('Loki answers and logcli lines', async () => {
    const answer = {
      status: 'success',
      data: {
        resultType: 'streams',
        result: [
          {
            stream: { app: 'cart', level: 'error' },
            values: [
              [`${at}000001`, 'boom'],
              ['x', 'bad'],
            ],
          },
        ],
      },
    };
    const { logs, bad, format } = await logsOf(utf8(JSON.stringify(answer)));
    expect(format).toBe('loki-json');
    expect(logs).toMatchObject([{ body: 'boom', severity: 'error', number: 17, resource: { app: 'cart', 'service.name': 'cart' } }]);
    expect(bad).toMatchObject([{ message: 'stream 0, entry 1: its time must be a time, not "x"' }]);
    const line = (n: number) => JSON.stringify({ labels: { app: 'cart' }, line: `l${n}`, timestamp: '2026-11-21T19:33:55.000000001Z' });
    const logcli = await logsOf(lines(line(1), '{"labels":', line(2)));
    expect(logcli).toMatchObject({ format: 'loki-jsonl', bad: [{ line: 2 }] });
    expect(logcli.logs.map(({ body }) => body)).toEqual(['l1', 'l2']);
  });
  it('CloudWatch, by API and by export', async () => {
    const events = {
      events: [
        { logStreamName: 's1', timestamp: at, message: '{"level":"warn","msg":"slow","n":1}\n', eventId: '7' },
        { logStreamName: 's1', message: 5 },
      ],
      searchedLogStreams: [],
    };
    const { logs, bad, format } = await logsOf(utf8(JSON.stringify(events)), { name: 'lambda.json' });
    expect(format).toBe('cloudwatch-json');
    expect(logs).toMatchObject([
      {
        ms: at,
        body: 'slow',
        severity: 'warn',
        attributes: { n: 1n, 'aws.log.event.id': '7' },
        resource: { 'service.name': 'lambda', 'aws.log.stream.names': 's1' },
      },
    ]);
    expect(bad).toHaveLength(1);
    const exported = await logsOf(
      gzipSync(
        lines('2026-11-21T19:33:55.123Z START', '2026-11-21T19:33:55.124Z ERROR boom', '  at f (x.js:1)', '2026-11-21T19:33:56.000Z END'),
      ),
    );
    expect(exported.format).toBe('cloudwatch-export+gzip');
    expect(exported.logs.map(({ body }) => body)).toEqual(['START', 'ERROR boom\n  at f (x.js:1)', 'END']);
    expect(exported.logs[1]).toMatchObject({ ms: at + 124, severity: 'ERROR' });
  });
  it('kubectl logs --timestamps --prefix', async () => {
    const { logs, format } = await logsOf(
      lines(
        '[pod/cart-7d9/server] 2026-11-21T19:33:55.123456789Z {"level":"error","message":"boom","trace_id":"0af7651916cd43dd8448eb211c80319c"}',
        '[pod/cart-7d9/server] 2026-11-21T19:33:56.000000000Z E1121 19:33:56.000000 1 a.go:1] no',
        '[pod/cart-7d9/istio] plain',
      ),
    );
    expect(format).toBe('kubectl-logs');
    expect(logs).toMatchObject([
      {
        ms: at + 123.456,
        body: 'boom',
        severity: 'error',
        trace: '0af7651916cd43dd8448eb211c80319c',
        resource: { 'service.name': 'server', 'k8s.pod.name': 'cart-7d9' },
      },
      { ms: at + 1_000, severity: 'ERROR', number: 17 },
      { body: 'plain', resource: { 'k8s.container.name': 'istio' } },
    ]);
  });
  it('the journal as text and JSON', async () => {
    const short = await logsOf(
      lines(
        '-- Journal begins at Mon 2026-11-16 --',
        'Nov 21 19:33:55 web1 sshd[42]: Accepted key',
        'Nov 21 19:33:56 web1 kernel: eth0: up',
      ),
    );
    expect(short.format).toBe('journal-short');
    expect(short.logs).toMatchObject([
      { ms: at, body: 'Accepted key', attributes: { 'process.pid': 42n }, resource: { 'service.name': 'sshd', 'host.name': 'web1' } },
      { body: 'eth0: up', resource: { 'service.name': 'kernel' } },
    ]);
    const iso = await logsOf(lines('2026-11-21T20:33:55+0100 web1 sshd[42]: in', '2026-11-21T20:33:56+01:00 web1 cron[1]: out'));
    expect(iso).toMatchObject({ format: 'journal-short-iso', logs: [{ ms: at }, { ms: at + 1_000 }] });
    const entry = {
      __REALTIME_TIMESTAMP: String(at * 1_000),
      MESSAGE: [98, 105, 110],
      PRIORITY: '3',
      SYSLOG_IDENTIFIER: 'app',
      _HOSTNAME: 'web1',
      _PID: '7',
      __CURSOR: 's=1',
    };
    for (const text of [
      `${JSON.stringify(entry)}\n${JSON.stringify(entry)}\n{"MESSAGE":"x","__REALTIME_TIMESTAMP":"y"}\n`,
      JSON.stringify([entry, entry, {}]),
    ]) {
      const { format, logs, bad } = await logsOf(utf8(text));
      expect(format).toBe('journal-json');
      expect(logs).toHaveLength(2);
      expect(logs[0]).toMatchObject({ ms: at, body: 'bin', severity: 'err', attributes: { _PID: '7' }, resource: { 'host.name': 'web1' } });
      expect(bad).toHaveLength(1);
    }
    const pretty = await logsOf(utf8(`${JSON.stringify(entry, null, 1)}\n${JSON.stringify(entry, null, 1)}\n`));
    expect(pretty).toMatchObject({ format: 'journal-json', bad: [], items: { logs: 2 } });
  });
  it('logfmt and text of any logger, with its stack traces', async () => {
    const logfmt = await logsOf(lines('ts=2026-11-21T19:33:55Z level=warn msg="a \\"b\\"" n=1', 'time=1795289636 level=info msg=ok'));
    expect(logfmt).toMatchObject({
      format: 'logfmt',
      logs: [{ ms: at, body: 'a "b"', severity: 'warn', attributes: { n: '1' } }, { ms: at + 1_000 }],
    });
    const text = await logsOf(
      lines(
        '[2026-11-21 19:33:55,250] ERROR shop - broken',
        'java.lang.Error: x',
        '\tat a.B(C.java:1)',
        '127.0.0.1 - - [21/Nov/2026:19:33:56 +0000] "GET / HTTP/1.1" 200 1',
      ),
      { name: '/var/log/shop.2026-11-21.log' },
    );
    expect(text.format).toBe('log-text');
    expect(text.logs).toMatchObject([
      { ms: at + 250, severity: 'ERROR', resource: { 'service.name': 'shop' } },
      { ms: at + 250, body: 'java.lang.Error: x\n\tat a.B(C.java:1)' },
      { ms: at + 1_000 },
    ]);
  });
  it('UTF-16 as PowerShell writes it, and bytes that are no UTF-8', async () => {
    const text = '2026-11-21T19:33:55.123456789Z grüß\r\n2026-11-21T19:33:56.123456789Z gott\r\n';
    const little = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    expect((await logsOf(little)).logs.map(({ body }) => body)).toEqual(['grüß', 'gott']);
    const latin = await logsOf(Buffer.from('2026-11-21 19:33:55 gr\xfc\xdf dich sehr herzlich\n', 'latin1'));
    expect(latin.logs[0]?.body).toContain('gr\ufffd\ufffd');
    expect(latin.bad).toMatchObject([{ line: 1, reason: 'invalid_utf8' }]);
  });
});
