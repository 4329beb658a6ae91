import { create, toBinary } from '@bufbuild/protobuf';
import { ExportLogsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/logs/v1/logs_service_pb.js';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';

/**
 * OTLP request bodies for benches, always the same for the same seed. Shapes of the storage study: spans of about
 * 658 bytes (12 attributes, 2 events), logs of 365 (6 attributes, a body of about 105), points of 249 (6 attributes);
 * 8 resource attributes.
 */
export interface PayloadOptions {
  readonly seed: number;
  /** Request bodies. */
  readonly bodies: number;
  /** Spans, log records or data points in each. */
  readonly items: number;
  /** Time of the first item, nanoseconds since the Unix epoch. */
  readonly startUnixNano: bigint;
}
type Random = () => number;

/** mulberry32: 32 bits of state are plenty for test data. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
const bytesOf = (random: Random, length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, () => 1 + Math.floor(random() * 255));
const text = (key: string, value: string) => ({ key, value: { value: { case: 'stringValue' as const, value } } });
const integer = (key: string, value: number) => ({ key, value: { value: { case: 'intValue' as const, value: BigInt(value) } } });

const SERVICES = ['cart', 'checkout', 'payment', 'shipping', 'catalog', 'frontend', 'email', 'ledger'] as const;
const ROUTES = ['/api/cart/{id}', '/api/checkout', '/api/products/{productId}', '/api/ship/quote', '/healthz'] as const;
const METHODS = ['GET', 'POST', 'PUT'] as const;

function resource(random: Random) {
  const service = pick(random, SERVICES);
  return {
    attributes: [
      text('service.name', service),
      text('service.namespace', 'shop'),
      text('service.version', '2.14.1'),
      text('service.instance.id', `${service}-7d9f8b6c5-${Math.floor(random() * 4)}`),
      text('host.name', `node-${Math.floor(random() * 3)}`),
      text('k8s.namespace.name', 'production'),
      text('telemetry.sdk.language', 'nodejs'),
      integer('process.pid', 4321),
    ],
  };
}
const scope = { name: '@opentelemetry/instrumentation-http', version: '0.57.1' };

function span(random: Random, startUnixNano: bigint) {
  const method = pick(random, METHODS);
  const route = pick(random, ROUTES);
  const endUnixNano = startUnixNano + BigInt(Math.floor(random() * 5e8));
  const event = (name: string, key: string, value: string) => ({
    timeUnixNano: endUnixNano,
    name,
    attributes: [text(key, value), integer('retry', Math.floor(random() * 3))],
  });
  return {
    traceId: bytesOf(random, 16),
    spanId: bytesOf(random, 8),
    parentSpanId: bytesOf(random, 8),
    flags: 257,
    name: `${method} ${route}`,
    kind: 2,
    startTimeUnixNano: startUnixNano,
    endTimeUnixNano: endUnixNano,
    attributes: [
      text('http.request.method', method),
      text('http.route', route),
      integer('http.response.status_code', random() < 0.02 ? 500 : 200),
      text('url.path', route.replace(/\{.*\}/, String(Math.floor(random() * 100_000)))),
      text('url.scheme', 'https'),
      text('server.address', 'shop.example'),
      integer('server.port', 443),
      text('client.address', `10.0.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) Gecko'),
      text('network.protocol.version', '1.1'),
      text('tenant.id', `tenant-${Math.floor(random() * 500)}`),
      integer('thread.id', Math.floor(random() * 64)),
    ],
    events: [event('cache.lookup', 'cache.key', 'session'), event('response.sent', 'state', 'flushed')],
    status: random() < 0.02 ? { code: 2 as const, message: 'upstream failed' } : {},
  };
}

function logRecord(random: Random, timeUnixNano: bigint) {
  const id = Math.floor(random() * 1e6);
  const sentences = [
    `Request ${id} completed for customer ${id % 977} with total ${(random() * 500).toFixed(2)} EUR after ${id % 311} ms on shard ${id % 13}`,
    `Connection to upstream ledger.internal:5432 acquired from pool, ${id % 20} of 20 in use, waited ${id % 50} ms (session ${id})`,
    `Retrying payment authorisation ${id} against gateway eu-west after transient failure, attempt ${id % 5} of 5, budget ${id % 900} ms`,
  ];
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano + 1_000_000n,
    severityNumber: 9,
    severityText: 'INFO',
    body: { value: { case: 'stringValue' as const, value: pick(random, sentences) } },
    attributes: [
      text('logger.name', 'com.shop.checkout.CheckoutService'),
      text('thread.name', `worker-${id % 16}`),
      text('tenant.id', `tenant-${id % 500}`),
      integer('customer.orders', id % 50),
      text('code.function.name', 'placeOrder'),
      text('session.id', String(id)),
    ],
    traceId: bytesOf(random, 16),
    spanId: bytesOf(random, 8),
    flags: 1,
  };
}

/** One point of series `n`; the same n gives the same attributes in every body. */
function point(random: Random, n: number, timeUnixNano: bigint) {
  return {
    startTimeUnixNano: 1n,
    timeUnixNano,
    value: { case: 'asDouble' as const, value: random() * 1000 },
    attributes: [
      text('http.request.method', METHODS[n % 3] as string),
      text('http.route', ROUTES[n % 5] as string),
      integer('http.response.status_code', 200 + (n % 4)),
      text('server.address', `shop-${n % 7}.internal.example`),
      text('k8s.pod.name', `checkout-7d9f8b6c5-${String(n).padStart(6, '0')}`),
      text('availability.zone', `eu-west-${n % 3}`),
    ],
  };
}

const each = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

export function tracePayloads({ seed, bodies, items, startUnixNano }: PayloadOptions): Uint8Array[] {
  const random = seededRandom(seed);
  return each(bodies, (b) =>
    toBinary(
      ExportTraceServiceRequestSchema,
      create(ExportTraceServiceRequestSchema, {
        resourceSpans: [
          {
            resource: resource(random),
            scopeSpans: [{ scope, spans: each(items, (i) => span(random, startUnixNano + BigInt(b * items + i) * 1_000_000n)) }],
          },
        ],
      }),
    ),
  );
}
export function logPayloads({ seed, bodies, items, startUnixNano }: PayloadOptions): Uint8Array[] {
  const random = seededRandom(seed);
  return each(bodies, (b) =>
    toBinary(
      ExportLogsServiceRequestSchema,
      create(ExportLogsServiceRequestSchema, {
        resourceLogs: [
          {
            resource: resource(random),
            scopeLogs: [{ scope, logRecords: each(items, (i) => logRecord(random, startUnixNano + BigInt(b * items + i) * 1_000_000n)) }],
          },
        ],
      }),
    ),
  );
}
/** Ten metrics a body, cumulative sums; every body reports the same series. */
export function metricPayloads({ seed, bodies, items, startUnixNano }: PayloadOptions): Uint8Array[] {
  const random = seededRandom(seed);
  const from = resource(random);
  const perMetric = Math.max(1, Math.floor(items / 10));
  return each(bodies, (b) => {
    const timeUnixNano = startUnixNano + BigInt(b) * 15_000_000_000n;
    const metrics = each(Math.ceil(items / perMetric), (m) => ({
      name: `http.server.request.stage${m}`,
      unit: 's',
      description: 'Time spent in one stage of request handling',
      data: {
        case: 'sum' as const,
        value: { aggregationTemporality: 2, isMonotonic: true, dataPoints: each(perMetric, (i) => point(random, i, timeUnixNano)) },
      },
    }));
    const request = { resourceMetrics: [{ resource: from, scopeMetrics: [{ scope, metrics }] }] };
    return toBinary(ExportMetricsServiceRequestSchema, create(ExportMetricsServiceRequestSchema, request));
  });
}
