import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { field, fixed64, number } from '#collectors/otlp/test-protobuf.ts';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { labels1, Symbols, write1, write2 } from '../fixtures/write-requests.ts';
import { type ItemTable, itemId, type UnitItems } from './ledger.ts';

/** One request of every protocol that is received; each of its items carries its id, and a text made of it (`checkOf`). */
export interface UnitBody {
  /** A path of the ingest port, or the signal of an OTLP/gRPC call. */
  readonly to: { readonly path: string } | { readonly grpc: Signal };
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}
export type Signal = 'traces' | 'logs' | 'metrics';
export interface UnitContent {
  readonly items: UnitItems;
  /** Time of an item, Unix nanoseconds: some units have items of yesterday too, so that one request spans two day files. */
  readonly timeOf: (id: number) => bigint;
  /** Appended to every log line, to make bodies large. */
  readonly filler: string;
}
type Make = (content: UnitContent, service: string) => UnitBody;

export const SERVICE_PREFIX = 'faults-';
/** MD5, because SQL has it too. */
export const checkOf = (id: number): string => createHash('md5').update(String(id)).digest('hex');
const text = (value: string) => ({ value: { case: 'stringValue' as const, value } });
const hex = (id: number, digits: number): string => id.toString(16).padStart(digits, '0');
const resource = (service: string) => ({ attributes: [{ key: 'service.name', value: text(service) }] });
const logLine = (id: number, { filler }: UnitContent): string => `fault ${id} ${checkOf(id)}${filler === '' ? '' : ` ${filler}`}`;
const idsOf = (content: UnitContent, table: ItemTable): readonly number[] => content.items[table] ?? [];

function traces(content: UnitContent, service: string): Uint8Array {
  const spans = idsOf(content, 'spans').map((id) => ({
    traceId: Buffer.from(hex(id, 32), 'hex'),
    spanId: Buffer.from(hex(id, 16), 'hex'),
    name: 'work',
    kind: 2,
    startTimeUnixNano: content.timeOf(id),
    endTimeUnixNano: content.timeOf(id) + 5_000_000n,
    attributes: [{ key: 'check', value: text(checkOf(id)) }],
    events: [{ name: 'event', timeUnixNano: content.timeOf(id) }],
  }));
  return toBinary(
    ExportTraceServiceRequestSchema,
    create(ExportTraceServiceRequestSchema, { resourceSpans: [{ resource: resource(service), scopeSpans: [{ spans }] }] }),
  );
}
function tracesJson(content: UnitContent, service: string): string {
  const spans = idsOf(content, 'spans').map((id) => ({
    traceId: hex(id, 32),
    spanId: hex(id, 16),
    name: 'work',
    kind: 2,
    startTimeUnixNano: String(content.timeOf(id)),
    endTimeUnixNano: String(content.timeOf(id) + 5_000_000n),
    attributes: [{ key: 'check', value: { stringValue: checkOf(id) } }],
  }));
  const attributes = [{ key: 'service.name', value: { stringValue: service } }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] });
}
function logs(content: UnitContent, service: string): Uint8Array {
  const logRecords = idsOf(content, 'logs').map((id) => ({
    timeUnixNano: content.timeOf(id),
    severityNumber: 9,
    body: text(logLine(id, content)),
  }));
  return toBinary(
    ExportLogsServiceRequestSchema,
    create(ExportLogsServiceRequestSchema, { resourceLogs: [{ resource: resource(service), scopeLogs: [{ logRecords }] }] }),
  );
}
const item = (id: number): string => String(id % 64);
function metrics(content: UnitContent, service: string): Uint8Array {
  const dataPoints = idsOf(content, 'samples').map((id) => ({
    timeUnixNano: content.timeOf(id),
    attributes: [{ key: 'item', value: text(item(id)) }],
    value: { case: 'asDouble' as const, value: id },
  }));
  const histograms = idsOf(content, 'histograms').map((id) => ({
    timeUnixNano: content.timeOf(id),
    attributes: [{ key: 'item', value: text(item(id)) }],
    count: 3n,
    sum: id,
    bucketCounts: [1n, 2n],
    explicitBounds: [1],
  }));
  const list = [
    { name: 'faults_gauge', data: { case: 'gauge' as const, value: { dataPoints } } },
    { name: 'faults_histogram', data: { case: 'histogram' as const, value: { aggregationTemporality: 1, dataPoints: histograms } } },
  ];
  const request: MessageInitShape<typeof ExportMetricsServiceRequestSchema> = {
    resourceMetrics: [{ resource: resource(service), scopeMetrics: [{ metrics: list }] }],
  };
  return toBinary(ExportMetricsServiceRequestSchema, create(ExportMetricsServiceRequestSchema, request));
}
const unixMs = (content: UnitContent, id: number): bigint => content.timeOf(id) / 1_000_000n;
const labelsOf = (service: string, id: number, name: string): Readonly<Record<string, string>> => ({
  __name__: name,
  item: item(id),
  job: service,
});
function writeOne(content: UnitContent, service: string): Uint8Array {
  const timeseries = idsOf(content, 'samples').map((id) => ({
    labels: labels1(labelsOf(service, id, 'faults_one')),
    samples: [{ value: id, timestamp: unixMs(content, id) }],
  }));
  return write1({ timeseries });
}
function writeTwo(content: UnitContent, service: string): Uint8Array {
  const table = new Symbols();
  const samples = idsOf(content, 'samples').map((id) => ({
    labelsRefs: table.refs(labelsOf(service, id, 'faults_two')),
    samples: [{ value: id, timestamp: unixMs(content, id) }],
  }));
  const histograms = idsOf(content, 'histograms').map((id) => ({
    labelsRefs: table.refs(labelsOf(service, id, 'faults_native')),
    histograms: [
      {
        count: { case: 'countInt' as const, value: 3n },
        sum: id,
        zeroCount: { case: 'zeroCountInt' as const, value: 0n },
        positiveSpans: [{ offset: 0, length: 1 }],
        positiveDeltas: [3n],
        timestamp: unixMs(content, id),
      },
    ],
  }));
  return write2({ symbols: table.symbols, timeseries: [...samples, ...histograms] });
}
function zipkinJson(content: UnitContent, service: string): string {
  return JSON.stringify(
    idsOf(content, 'spans').map((id) => ({
      traceId: hex(id, 32),
      id: hex(id, 16),
      name: 'work',
      kind: 'SERVER',
      timestamp: Number(content.timeOf(id) / 1000n),
      duration: 5_000,
      localEndpoint: { serviceName: service },
      tags: { check: checkOf(id) },
    })),
  );
}
/** zipkin.proto3: trace_id = 1, id = 3, kind = 4, name = 5, timestamp = 6, duration = 7, local_endpoint = 8, tags = 11. */
const zipkinProtobuf = (content: UnitContent, service: string): Uint8Array =>
  Buffer.concat(
    idsOf(content, 'spans').map((id) =>
      field(1, [
        field(1, Buffer.from(hex(id, 32), 'hex')),
        field(3, Buffer.from(hex(id, 16), 'hex')),
        number(4, 2),
        field(5, 'work'),
        fixed64(6, content.timeOf(id) / 1000n),
        number(7, 5_000),
        field(8, [field(1, service)]),
        field(11, [field(1, 'check'), field(2, checkOf(id))]),
      ]),
    ),
  );
const lokiJson = (content: UnitContent, service: string): string =>
  JSON.stringify({
    streams: [
      {
        stream: { service_name: service },
        values: idsOf(content, 'logs').map((id) => [String(content.timeOf(id)), logLine(id, content)]),
      },
    ],
  });
/** logproto.PushRequest: streams = 1 of { labels = 1, entries = 2 of { timestamp = 1, line = 2 } }. */
const lokiProtobuf = (content: UnitContent, service: string): Uint8Array =>
  encodeSnappy(
    field(1, [
      field(1, `{service_name="${service}"}`),
      ...idsOf(content, 'logs').map((id) => {
        const time = content.timeOf(id);
        return field(2, [field(1, [number(1, time / 1_000_000_000n), number(2, time % 1_000_000_000n)]), field(2, logLine(id, content))]);
      }),
    ]),
  );

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const bytes = (body: string | Uint8Array): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body);
const http = (path: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array): UnitBody => ({
  to: { path },
  headers,
  body: bytes(body),
});
const gzip = { 'content-encoding': 'gzip' };
const snappy = { 'content-encoding': 'snappy' };
const WRITE = '/api/v1/write';

/** What a lane sends: tables its items go to, and how a request of it looks. */
export interface LaneKind {
  readonly tables: readonly ItemTable[];
  readonly make: Make;
}
const SPANS = ['spans'] as const;
const LOGS = ['logs'] as const;
const METRICS = ['samples', 'histograms'] as const;
export const LANES: Readonly<Record<string, LaneKind>> = {
  'otlp-http-traces': { tables: SPANS, make: (content, service) => http('/v1/traces', PROTOBUF, traces(content, service)) },
  'otlp-http-traces-json': {
    tables: SPANS,
    make: (content, service) => http('/v1/traces', { ...JSON_TYPE, ...gzip }, gzipSync(tracesJson(content, service))),
  },
  'otlp-http-logs': {
    tables: LOGS,
    make: (content, service) => http('/v1/logs', { ...PROTOBUF, 'content-encoding': 'zstd' }, zstdCompressSync(logs(content, service))),
  },
  'otlp-http-metrics': {
    tables: METRICS,
    make: (content, service) => http('/v1/metrics', { ...PROTOBUF, ...gzip }, gzipSync(metrics(content, service))),
  },
  'otlp-grpc-traces': {
    tables: SPANS,
    make: (content, service) => ({ to: { grpc: 'traces' }, headers: {}, body: traces(content, service) }),
  },
  'otlp-grpc-logs': { tables: LOGS, make: (content, service) => ({ to: { grpc: 'logs' }, headers: {}, body: logs(content, service) }) },
  'otlp-grpc-metrics': {
    tables: METRICS,
    make: (content, service) => ({ to: { grpc: 'metrics' }, headers: {}, body: metrics(content, service) }),
  },
  'remote-write-1': {
    tables: ['samples'],
    make: (content, service) =>
      http(WRITE, { ...PROTOBUF, ...snappy, 'x-prometheus-remote-write-version': '0.1.0' }, writeOne(content, service)),
  },
  'remote-write-2': {
    tables: METRICS,
    make: (content, service) =>
      http(
        WRITE,
        {
          'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
          ...snappy,
          'x-prometheus-remote-write-version': '2.0.0',
        },
        writeTwo(content, service),
      ),
  },
  'zipkin-json': { tables: SPANS, make: (content, service) => http('/api/v2/spans', JSON_TYPE, zipkinJson(content, service)) },
  'zipkin-protobuf': { tables: SPANS, make: (content, service) => http('/api/v2/spans', PROTOBUF, zipkinProtobuf(content, service)) },
  'loki-json': { tables: LOGS, make: (content, service) => http('/loki/api/v1/push', JSON_TYPE, lokiJson(content, service)) },
  'loki-protobuf': {
    tables: LOGS,
    make: (content, service) => http('/loki/api/v1/push', { ...PROTOBUF, ...snappy }, lokiProtobuf(content, service)),
  },
};

/** Ids of the items of a unit: the first table gets most of them. */
export function itemsOf(kind: LaneKind, unit: number, count: number): UnitItems {
  const [first, second] = kind.tables as [ItemTable, ItemTable?];
  const ids = Array.from({ length: count }, (_, i) => itemId(unit, i));
  return second === undefined ? { [first]: ids } : { [first]: ids.slice(1), [second]: ids.slice(0, 1) };
}
