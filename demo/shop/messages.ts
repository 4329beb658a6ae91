import type { Random } from '../random.ts';

export interface LogLine {
  readonly severity: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL';
  readonly body: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}
export const SEVERITY_NUMBERS = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 } as const;
export interface Done {
  readonly service: string;
  readonly operation: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly tenant: string;
  readonly orderId: string;
  readonly customerId: number;
  readonly productId: number;
  readonly items: number;
}
const line = (severity: LogLine['severity'], body: string, attributes: LogLine['attributes'] = {}): LogLine => ({
  severity,
  body,
  attributes,
});
const money = (random: Random, items: number): string => (items * random.lognormal(24, 0.6)).toFixed(2);

type Writer = (done: Done, random: Random) => LogLine | null;
const sometimes =
  (chance: number, writer: Writer): Writer =>
  (done, random) =>
    random.chance(chance) ? writer(done, random) : null;
const WRITERS: Readonly<Record<string, Writer>> = {
  storefront: (done) =>
    line('INFO', `${done.operation.split(' ')[0]} ${done.path} ${done.status} ${Math.round(done.durationMs)}ms`, {
      'http.response.status_code': done.status,
      'tenant.id': done.tenant,
    }),
  checkout: (done, random) =>
    line('INFO', `order ${done.orderId} placed items=${done.items} total=${money(random, done.items)} EUR`, {
      'order.id': done.orderId,
      'tenant.id': done.tenant,
    }),
  payments: (done, random) =>
    random.chance(0.04)
      ? line('INFO', `authorization declined order=${done.orderId} reason=insufficient_funds`, { 'order.id': done.orderId })
      : line(
          'INFO',
          `authorization approved order=${done.orderId} scheme=${random.pick(['visa', 'mastercard', 'maestro'])} amount=${money(random, done.items)}`,
          {
            'order.id': done.orderId,
          },
        ),
  inventory: (done) =>
    done.operation.endsWith('Reserve') ? line('INFO', `reserved ${done.items} units of product ${done.productId}`) : null,
  shipping: (done) => line('INFO', `shipment created for order ${done.orderId}`, { 'order.id': done.orderId }),
  notifications: (done) => line('INFO', `order confirmation sent to customer ${done.customerId}`, { 'order.id': done.orderId }),
  fulfilment: (done) => line('INFO', `order ${done.orderId} moved to PICKING`, { 'order.id': done.orderId }),
  accounts: (done) => (done.operation === 'POST /sessions' ? line('INFO', `customer ${done.customerId} signed in`) : null),
  catalog: sometimes(0.02, (done) => line('INFO', `refreshed cache entry catalog:product:${done.productId}`)),
  pricing: sometimes(0.01, (done) =>
    line('DEBUG', `price rules evaluated for product ${done.productId} in ${done.durationMs.toFixed(1)} ms`),
  ),
  cart: sometimes(0.02, (done) => line('DEBUG', `cart ${done.customerId} has ${done.items} items`)),
  recommendations: sometimes(0.02, (done) => line('INFO', `served 12 recommendations for customer ${done.customerId}`)),
};
/** What a service logs about a request that went well; null for most. */
export function successLine(done: Done, random: Random): LogLine | null {
  if (done.durationMs > 2000 && done.operation !== 'POST /checkout')
    return line('WARN', `slow request: ${done.operation} took ${Math.round(done.durationMs)} ms`);
  return WRITERS[done.service]?.(done, random) ?? null;
}
export function failureLine(
  operation: string,
  message: string,
  exception: { type: string; message: string; stack: string } | null,
): LogLine {
  return line(
    'ERROR',
    `${operation} failed: ${message}`,
    exception ? { 'exception.type': exception.type, 'exception.message': exception.message, 'exception.stacktrace': exception.stack } : {},
  );
}
export const retryLine = (peer: string, attempt: number, reason: string): LogLine =>
  line('WARN', `attempt ${attempt} to call ${peer} failed: ${reason}; trying again`);
export const degradedLine = (peer: string, reason: string): LogLine =>
  line('WARN', `${peer} unavailable, continuing without it: ${reason}`);
export const slowQueryLine = (store: string, verb: string, target: string, ms: number): LogLine =>
  line('WARN', `slow statement on ${store}: ${verb} ${target} took ${Math.round(ms)} ms`, { 'db.operation.name': verb });
export const startedLine = (service: string, version: string, seconds: number): LogLine =>
  line('INFO', `${service} ${version} started in ${seconds.toFixed(1)} s`, { 'service.version': version });
export const stoppingLine = (service: string): LogLine => line('INFO', `${service} received SIGTERM, draining`);
export const longPauseLine = (ms: number, usedMiB: number, limitMiB: number): LogLine =>
  line(
    'WARN',
    `garbage collection paused the process for ${Math.round(ms)} ms (heap ${Math.round(usedMiB)} of ${Math.round(limitMiB)} MiB)`,
  );
export const killedLine = (container: string, pod: string, limitMiB: number): LogLine =>
  line('WARN', `Container ${container} in pod ${pod} was OOMKilled (limit ${limitMiB}Mi), exit code 137`, {
    'k8s.event.reason': 'OOMKilling',
    'k8s.pod.name': pod,
  });
export const jobLine = (job: string, seconds: number): LogLine => line('INFO', `${job} finished in ${seconds.toFixed(1)} s`);
