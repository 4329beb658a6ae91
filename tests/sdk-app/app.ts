/**
 * A small real application, instrumented with the OpenTelemetry JavaScript SDK from npm: three services over real
 * HTTP, each exporting another way (gRPC, HTTP/protobuf, HTTP/JSON). A fault can be switched on in any of them.
 *
 *   node tests/sdk-app/app.ts --ingest http://127.0.0.1:4318 --grpc 127.0.0.1:4317
 *   curl -X POST http://127.0.0.1:PORT/fault/stock -d '{"latencyMs":300,"errorRatio":0.4}'   (off: {})
 *
 * PORT is printed. It sends itself 10 requests a second (--rps) until it is stopped; then it prints what each service exported
 * and had acknowledged.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Context, ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { type Protocol, type Sent, startTelemetry } from './telemetry.ts';

interface Fault {
  latencyMs?: number;
  errorRatio?: number;
}
interface ServiceSpec {
  readonly name: string;
  readonly protocol: Protocol;
  readonly workMs: number;
  readonly calls: readonly string[];
}
/** storefront -> orders -> stock, and storefront -> reviews: four services, so that a cause has somewhere to be. */
const SERVICES: readonly ServiceSpec[] = [
  { name: 'storefront', protocol: 'grpc', workMs: 3, calls: ['orders', 'reviews'] },
  { name: 'orders', protocol: 'proto', workMs: 5, calls: ['stock'] },
  { name: 'stock', protocol: 'json', workMs: 8, calls: [] },
  { name: 'reviews', protocol: 'proto', workMs: 6, calls: [] },
];

const { values: args } = parseArgs({
  options: {
    ingest: { type: 'string', default: 'http://127.0.0.1:4318' },
    grpc: { type: 'string', default: '127.0.0.1:4317' },
    rps: { type: 'string', default: '10' },
  },
});
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const urls = new Map<string, string>();
const faults = new Map<string, Fault>();

function parentOf(request: IncomingMessage): Context {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(String(request.headers['traceparent'] ?? ''));
  if (!match) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: match[1] as string,
    spanId: match[2] as string,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

async function startService(spec: ServiceSpec): Promise<() => Promise<Sent>> {
  const telemetry = startTelemetry({
    service: spec.name,
    version: '1.0.0',
    protocol: spec.protocol,
    ingestUrl: args.ingest,
    grpcAddress: args.grpc,
  });
  const duration = telemetry.meter.createHistogram('http.server.request.duration', { unit: 's' });
  const active = telemetry.meter.createUpDownCounter('http.server.active_requests');

  async function call(peer: string, context: Context): Promise<boolean> {
    const span = telemetry.tracer.startSpan(
      'GET',
      { kind: SpanKind.CLIENT, attributes: { 'http.request.method': 'GET', 'server.address': peer } },
      context,
    );
    const { traceId, spanId } = span.spanContext();
    const response = await fetch(`${urls.get(peer)}/work`, { headers: { traceparent: `00-${traceId}-${spanId}-01` } });
    span.setAttribute('http.response.status_code', response.status);
    if (!response.ok) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(response.status));
    span.end();
    return response.ok;
  }

  async function work(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now();
    const span = telemetry.tracer.startSpan(
      'GET /work',
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': 'GET', 'http.route': '/work', 'url.path': '/work' } },
      parentOf(request),
    );
    const context = trace.setSpan(ROOT_CONTEXT, span);
    active.add(1);
    const fault = faults.get(spec.name) ?? {};
    await sleep(spec.workMs * (0.6 + Math.random() * 0.8) + (fault.latencyMs ?? 0));
    let ok = true;
    for (const peer of spec.calls) ok = (await call(peer, context)) && ok;
    if (Math.random() < (fault.errorRatio ?? 0.002)) {
      ok = false;
      span.recordException(new Error('row lock wait timed out'));
      telemetry.logger.emit({
        severityNumber: SeverityNumber.ERROR,
        severityText: 'ERROR',
        body: `request failed: row lock wait timed out after ${Math.round(startedMs % 1000)} ms`,
        context,
      });
    }
    const status = ok ? 200 : 500;
    span.setAttribute('http.response.status_code', status);
    if (!ok) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    active.add(-1);
    duration.record((performance.now() - startedMs) / 1000, { 'http.route': '/work', 'http.response.status_code': status });
    response.writeHead(status).end();
  }

  const server = createServer((request, response) => {
    const name = /^\/fault\/(\w+)$/.exec(request.url ?? '')?.[1];
    if (name === undefined) void work(request, response).catch(() => response.writeHead(500).end());
    else {
      let text = '';
      request.on('data', (chunk) => {
        text += chunk;
      });
      request.on('end', () => {
        faults.set(name, JSON.parse(text || '{}'));
        response.end();
      });
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  urls.set(spec.name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    await telemetry.stop();
    return telemetry.sent;
  };
}

const stops = await Promise.all(SERVICES.map(startService));
process.stdout.write(`${JSON.stringify({ ready: true, url: urls.get('storefront') })}\n`);
/** Requests under way: what they began is ended before the exporters are. */
const underWay = new Set<Promise<unknown>>();
const load = setInterval(() => {
  const request = fetch(`${urls.get('storefront')}/work`).catch(() => {});
  underWay.add(request);
  void request.then(() => underWay.delete(request));
}, 1000 / Number(args.rps));
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    clearInterval(load);
    setTimeout(() => process.exit(0), 8000).unref();
    void Promise.all(underWay)
      .then(() => Promise.all(stops.map((stop) => stop())))
      .then((sent) => {
        process.stdout.write(`${JSON.stringify({ sent: SERVICES.map(({ name }, i) => ({ service: name, ...sent[i] })) })}\n`, () =>
          process.exit(0),
        );
      });
  });
}
