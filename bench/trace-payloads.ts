import { create, toBinary } from '@bufbuild/protobuf';
import { ExportTraceServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.js';
import type { Payload } from './load.ts';
import { seededRandom } from './payloads.ts';

const SERVICES = ['frontend', 'cart', 'checkout', 'payment', 'shipping', 'catalog', 'email', 'ledger'] as const;
const PER_REQUEST = 1_000;
const text = (key: string, value: string) => ({ key, value: { value: { case: 'stringValue' as const, value } } });
const integer = (key: string, value: number) => ({ key, value: { value: { case: 'intValue' as const, value: BigInt(value) } } });
function idBytes(number: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(4, number + 1);
  return bytes;
}
interface Node {
  readonly startNano: bigint;
  readonly durationNano: number;
}

/**
 * One trace of `spans` spans as OTLP requests: a tree of eight services, mostly some ten levels deep, 9 attributes a
 * span, an event on every other, 1 % failed, 1 % with an exception event; always the same for the same seed.
 */
export function oneTracePayloads(options: {
  traceId: Uint8Array<ArrayBuffer>;
  spans: number;
  seed: number;
  startUnixNano: bigint;
}): Payload[] {
  const random = seededRandom(options.seed);
  const nodes: Node[] = [];
  const make = (i: number) => {
    const parent = i === 0 ? -1 : Math.floor(i * (0.3 + 0.69 * random()));
    const above = nodes[parent];
    const startNano = above ? above.startNano + BigInt(Math.floor(random() * above.durationNano * 0.5)) : options.startUnixNano;
    const durationNano = above ? Math.max(1_000, Math.floor(above.durationNano * (0.05 + 0.45 * random()))) : 60e9;
    nodes.push({ startNano, durationNano });
    const [endUnixNano, failed, thrown] = [startNano + BigInt(durationNano), random() < 0.01, random() < 0.01];
    const event = {
      timeUnixNano: endUnixNano,
      name: thrown ? 'exception' : 'cache.lookup',
      attributes: [text('key', `session ${i % 977}`)],
    };
    return {
      traceId: options.traceId,
      spanId: idBytes(i),
      ...(parent < 0 ? {} : { parentSpanId: idBytes(parent) }),
      name: `${['GET', 'POST', 'SELECT'][i % 3]} /api/resource/${i % 40}`,
      kind: 1 + (i % 4),
      startTimeUnixNano: startNano,
      endTimeUnixNano: endUnixNano,
      attributes: [
        text('http.request.method', 'GET'),
        text('http.route', `/api/resource/${i % 40}`),
        integer('http.response.status_code', failed ? 500 : 200),
        text('url.path', `/api/resource/${i}`),
        text('server.address', 'shop.example'),
        integer('server.port', 443),
        text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64) Gecko'),
        text('tenant.id', `tenant-${i % 500}`),
        integer('thread.id', i % 64),
      ],
      events: thrown || i % 2 === 0 ? [event] : [],
      status: failed ? { code: 2 as const, message: 'upstream failed' } : {},
    };
  };
  const payloads: Payload[] = [];
  for (let first = 0; first < options.spans; first += PER_REQUEST) {
    const items = Math.min(PER_REQUEST, options.spans - first);
    const spans = Array.from({ length: items }, (_, i) => make(first + i));
    // Each request holds every service: a resource per eighth of its spans.
    const resourceSpans = SERVICES.map((service, s) => ({
      resource: { attributes: [text('service.name', service), text('service.version', '2.14.1'), text('host.name', `node-${s % 3}`)] },
      scopeSpans: [{ scope: { name: 'bench' }, spans: spans.filter((_, i) => i % SERVICES.length === s) }],
    }));
    const body = toBinary(ExportTraceServiceRequestSchema, create(ExportTraceServiceRequestSchema, { resourceSpans }));
    payloads.push({ body: Buffer.from(body), items });
  }
  return payloads;
}
