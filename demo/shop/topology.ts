/** The shop as data: hosts, services and what they depend on. */
export type Language = 'java' | 'go' | 'nodejs' | 'python';
export interface HostSpec {
  readonly name: string;
  /** host.id, as the cloud names it. */
  readonly id: string;
  readonly zone: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Cores used by the operating system and agents. */
  readonly idleCores: number;
}
export interface ServiceSpec {
  readonly name: string;
  readonly language: Language;
  readonly version: string;
  /** Index into HOSTS, one per instance. */
  readonly hosts: readonly number[];
  /** Worker threads per instance; requests beyond them wait. */
  readonly threads: number;
  readonly baseMiB: number;
  readonly limitMiB: number;
  /** Requested of the scheduler. */
  readonly requestCores: number;
  readonly requestMiB: number;
  /** CPU seconds per second of self time spent on a request. */
  readonly cpuShare: number;
  /** Cores used without any request. */
  readonly idleCores: number;
  /** Connections per instance, by dependency. */
  readonly pools: Readonly<Record<string, number>>;
  /** Background work instead of requests. */
  readonly batch: boolean;
  /** Consumer group, for services fed from the queue. */
  readonly consumes: string | null;
}
export interface DependencySpec {
  readonly name: string;
  readonly kind: 'database' | 'cache' | 'external' | 'queue';
  /** db.system.name or messaging.system; '' for HTTP. */
  readonly system: string;
  readonly port: number;
  readonly namespace: string;
  readonly timeoutMs: number;
}
const GIB = 1024 ** 3;
/** Machine all hosts are, and its price; OpenCost splits such a price by its default rates. */
export const HOST_TYPE = { name: 'm6i.xlarge', listPerHour: 0.214, coreHour: 0.034828, gibHour: 0.004668 } as const;
export const REGION = 'eu-west-1';
const host = (name: string, id: string, zone: string): HostSpec => ({ name, id, zone, cores: 4, memoryBytes: 16 * GIB, idleCores: 0.32 });
export const HOSTS: readonly HostSpec[] = [
  host('shop-node-1', 'i-0c31f7a9e2b4d8a17', 'eu-west-1a'),
  host('shop-node-2', 'i-07be52d1c9f0463ae', 'eu-west-1b'),
  host('shop-node-3', 'i-0a94e6c83b7d215f0', 'eu-west-1c'),
  host('shop-node-4', 'i-0f5d28b1e7c6a9342', 'eu-west-1a'),
];

interface Shape {
  readonly threads: number;
  readonly baseMiB: number;
  readonly limitMiB: number;
  readonly requestCores: number;
  readonly requestMiB: number;
  readonly cpuShare: number;
  readonly idleCores: number;
}
const SHAPES: Readonly<Record<Language, Shape>> = {
  java: { threads: 40, baseMiB: 420, limitMiB: 768, requestCores: 0.5, requestMiB: 512, cpuShare: 1.9, idleCores: 0.035 },
  go: { threads: 1000, baseMiB: 64, limitMiB: 192, requestCores: 0.1, requestMiB: 96, cpuShare: 1.3, idleCores: 0.008 },
  nodejs: { threads: 1000, baseMiB: 140, limitMiB: 384, requestCores: 0.2, requestMiB: 192, cpuShare: 1.6, idleCores: 0.015 },
  python: { threads: 16, baseMiB: 180, limitMiB: 448, requestCores: 0.25, requestMiB: 256, cpuShare: 1.5, idleCores: 0.012 },
};
interface Extra {
  readonly pools?: Readonly<Record<string, number>>;
  readonly batch?: boolean;
  readonly consumes?: string;
}
const service = (name: string, language: Language, version: string, hosts: readonly number[], extra: Extra = {}): ServiceSpec => ({
  name,
  language,
  version,
  hosts,
  ...SHAPES[language],
  pools: extra.pools ?? {},
  batch: extra.batch ?? false,
  consumes: extra.consumes ?? null,
});
export const SERVICES: readonly ServiceSpec[] = [
  service('storefront', 'nodejs', '8.14.2', [0, 1, 2]),
  service('checkout', 'java', '5.7.0', [0, 3], { pools: { 'orders-db': 10 } }),
  service('cart', 'go', '3.2.9', [1, 2], { pools: { redis: 24 } }),
  service('catalog', 'java', '6.21.3', [0, 1, 3], { pools: { 'catalog-db': 10, redis: 16 } }),
  service('pricing', 'go', '2.45.1', [2, 3], { pools: { 'catalog-db': 10, redis: 24 } }),
  service('inventory', 'java', '4.9.6', [0, 2], { pools: { 'orders-db': 12 } }),
  service('payments', 'java', '7.3.4', [1, 3], { pools: { 'orders-db': 10 } }),
  service('shipping', 'nodejs', '2.18.0', [0, 2], { pools: { 'orders-db': 8 } }),
  service('accounts', 'java', '5.0.11', [1, 3], { pools: { 'accounts-db': 10, redis: 16 } }),
  service('recommendations', 'python', '1.33.7', [0, 2], { pools: { redis: 16 } }),
  service('notifications', 'nodejs', '1.12.5', [3], { consumes: 'notifications' }),
  service('fulfilment', 'java', '3.6.2', [1], { pools: { 'orders-db': 8 }, consumes: 'fulfilment' }),
  service('report-builder', 'python', '0.27.1', [2, 3], { batch: true }),
  service('image-resizer', 'go', '1.8.4', [1, 0], { batch: true }),
];
const dependency = (
  name: string,
  kind: DependencySpec['kind'],
  system: string,
  port: number,
  namespace: string,
  timeoutMs: number,
): DependencySpec => ({ name, kind, system, port, namespace, timeoutMs });
export const DEPENDENCIES: readonly DependencySpec[] = [
  dependency('orders-db', 'database', 'postgresql', 5432, 'orders', 5000),
  dependency('catalog-db', 'database', 'postgresql', 5432, 'catalog', 5000),
  dependency('accounts-db', 'database', 'postgresql', 5432, 'accounts', 5000),
  dependency('redis', 'cache', 'redis', 6379, '0', 1000),
  dependency('kafka', 'queue', 'kafka', 9092, 'order-events', 5000),
  dependency('api.cardbridge.example', 'external', '', 443, '', 4000),
  dependency('labels.parcelway.example', 'external', '', 443, '', 3000),
  dependency('smtp.mailrelay.example', 'external', '', 443, '', 5000),
];
export const NAMESPACE = 'shop';
export const ENVIRONMENT = 'production';
