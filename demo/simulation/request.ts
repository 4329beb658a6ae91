import { encodeAttributes, type SpanId, type TraceId } from '../otlp-writer.ts';
import type { Random } from '../random.ts';
import { REGIONS, TENANTS, USER_AGENTS } from '../shop/load.ts';
import type { OperationSpec } from '../shop/operations.ts';
import type { Instance, ServerCall } from './instance.ts';

/** What travels with one customer request through all services. */
export interface Request {
  readonly traceId: TraceId;
  readonly tenant: string;
  readonly region: string;
  readonly customerId: number;
  readonly productId: number;
  readonly orderId: string;
  readonly items: number;
  readonly userAgent: string;
}
/** A server's view of the request it is working on. */
export interface Frame {
  readonly instance: Instance;
  readonly operation: OperationSpec;
  readonly request: Request;
  readonly spanId: SpanId;
  readonly call: ServerCall;
}
const TENANT_SHARES = TENANTS.map((tenant) => tenant.share);
const REGION_SHARES = REGIONS.map((region) => region.share);

export function drawRequest(random: Random, traceId: TraceId): Request {
  // Few products and customers make most of the traffic, as in any shop.
  const skewed = (count: number): number => Math.floor(count * random.next() ** 3);
  return {
    traceId,
    tenant: TENANTS[random.weighted(TENANT_SHARES)]!.id,
    region: REGIONS[random.weighted(REGION_SHARES)]!.id,
    customerId: 100_000 + skewed(40_000),
    productId: 10_000 + skewed(9_000),
    orderId: random.uint32().toString(36).toUpperCase().padStart(7, '0'),
    items: 1 + Math.floor(random.exponential(1.6)),
    userAgent: random.pick(USER_AGENTS),
  };
}
/** The path the request would show for a route, e.g. /products/18342. */
export function pathOf(route: string, request: Request): string {
  return route
    .replace('{productId}', String(request.productId))
    .replace('{cartId}', String(request.customerId))
    .replace('{sessionId}', `s-${request.customerId.toString(36)}`);
}

const cache = new Map<string, Uint8Array>();
/** Attributes that never change for a key, encoded once per process. The key must determine the attributes. */
export function constantAttributes(key: string, attributes: () => Record<string, string | number>): Uint8Array {
  let bytes = cache.get(key);
  if (!bytes) {
    bytes = encodeAttributes(9, attributes());
    cache.set(key, bytes);
  }
  return bytes;
}
/** Tenant and region ride along as baggage and are set on every server span. */
export const baggageAttributes = (request: Request): Uint8Array =>
  constantAttributes(`baggage ${request.tenant} ${request.region}`, () => ({
    'tenant.id': request.tenant,
    'customer.region': request.region,
  }));
