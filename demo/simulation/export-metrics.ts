import { type Histogram, type HistogramPoint, MetricWriter, type NumberPoint, type PointLabels } from '../otlp-metric-writer.ts';
import { encodeResourceEntry, type ScopeItems } from '../otlp-writer.ts';
import { type Chunk, type Instance, SCHEMA_URL } from './instance.ts';
import { RUNTIMES } from './runtimes.ts';
import type { World } from './world.ts';

const MIB = 1024 ** 2;
const NONE: PointLabels = {};
const writer = new MetricWriter();
const one = (value: number, labels: PointLabels = NONE): NumberPoint[] => [{ labels, value }];
const labelCache = new Map<string, PointLabels>();
/** Label objects must be the same from export to export: the writer keeps their encoding. */
function labels(key: string, make: () => PointLabels): PointLabels {
  let found = labelCache.get(key);
  if (!found) {
    found = make();
    labelCache.set(key, found);
  }
  return found;
}
const mode = (name: string): PointLabels => labels(`mode ${name}`, () => ({ 'cpu.mode': name }));

function writeProcess(world: World, instance: Instance): void {
  const nowMs = world.loop.nowMs;
  // The share of the machine a busy process can get is limited by its host.
  const share = instance.cpuCores / instance.host.cores;
  writer.gauge('process.cpu.utilization', '1', 'Share of the host CPU used by the process.', [
    { labels: mode('user'), value: share * 0.8 },
    { labels: mode('system'), value: share * 0.2 },
  ]);
  writer.sum('process.cpu.time', 's', 'CPU time of the process.', true, [
    { labels: mode('user'), value: instance.cpuSeconds * 0.8 + 0.001 },
    { labels: mode('system'), value: instance.cpuSeconds * 0.2 + 0.001 },
  ]);
  writer.sum('process.memory.usage', 'By', 'Resident memory of the process.', false, one(Math.round(instance.memoryBytes)));
  writer.gauge('process.uptime', 's', 'Time since the process started.', one((nowMs - instance.startedMs) / 1000));
  writer.sum(
    'process.thread.count',
    '{thread}',
    'Threads of the process.',
    false,
    one(8 + Math.min(instance.spec.threads, 60) + instance.calls.size),
  );
}
function writePools(instance: Instance): void {
  if (instance.pools.size === 0) return;
  const points: Record<'count' | 'max' | 'pending' | 'timeouts', NumberPoint[]> = { count: [], max: [], pending: [], timeouts: [] };
  const waits: HistogramPoint[] = [];
  const uses: HistogramPoint[] = [];
  for (const [name, pool] of instance.pools) {
    const plain = labels(`pool ${name}`, () => ({ 'db.client.connection.pool.name': name }));
    const state = (word: string): PointLabels =>
      labels(`pool ${name} ${word}`, () => ({ 'db.client.connection.pool.name': name, 'db.client.connection.state': word }));
    points.count.push({ labels: state('used'), value: pool.used }, { labels: state('idle'), value: pool.size - pool.used });
    points.max.push({ labels: plain, value: pool.size });
    points.pending.push({ labels: plain, value: pool.pending });
    points.timeouts.push({ labels: plain, value: pool.timeouts });
    waits.push({ labels: plain, histogram: pool.waitSeconds });
    uses.push({ labels: plain, histogram: pool.useSeconds });
  }
  writer.sum('db.client.connection.count', '{connection}', 'Connections of the pool by state.', false, points.count);
  writer.sum('db.client.connection.max', '{connection}', 'Most connections the pool may open.', false, points.max);
  writer.sum('db.client.connection.pending_requests', '{request}', 'Requests waiting for a connection.', false, points.pending);
  writer.sum('db.client.connection.timeouts', '{timeout}', 'Requests that gave up waiting for a connection.', true, points.timeouts);
  writer.histogram('db.client.connection.wait_time', 's', 'Time to obtain a connection.', waits);
  writer.histogram('db.client.connection.use_time', 's', 'Time between borrowing a connection and giving it back.', uses);
}
function writeRequests(instance: Instance): void {
  const by = { http: [], rpc: [], messaging: [] } as Record<string, { labels: PointLabels; histogram: Histogram }[]>;
  for (const series of instance.durations.values()) {
    const group = 'http.route' in series.labels ? 'http' : 'rpc.method' in series.labels ? 'rpc' : 'messaging';
    by[group]!.push(series);
  }
  writer.histogram('http.server.request.duration', 's', 'Duration of HTTP server requests.', by['http']!);
  writer.histogram('rpc.server.call.duration', 's', 'Duration of inbound remote procedure calls.', by['rpc']!);
  writer.histogram('messaging.process.duration', 's', 'Duration of processing a message.', by['messaging']!);
  if (instance.spec.threads < 1000) {
    writer.sum('http.server.active_requests', '{request}', 'Requests in progress.', false, one(instance.calls.size));
  }
  if (instance.spec.consumes) {
    const lag = labels(`lag ${instance.spec.consumes}`, () => ({
      'messaging.consumer.group.name': instance.spec.consumes!,
      'messaging.destination.name': 'order-events',
    }));
    writer.gauge('kafka.consumer.records_lag', '{record}', 'Records not yet processed.', one(instance.consumerLag, lag));
  }
}
function writeRuntime(world: World, instance: Instance): void {
  const { language, baseMiB, limitMiB } = instance.spec;
  const heap = Math.round(instance.memoryBytes - baseMiB * MIB * 0.45);
  const { random } = world;
  if (language === 'java') {
    const pool = (name: string, type: string): PointLabels =>
      labels(`jvm ${name}`, () => ({ 'jvm.memory.pool.name': name, 'jvm.memory.type': type }));
    const eden = instance.heapFill * 60 * MIB;
    writer.sum('jvm.memory.used', 'By', 'Memory used.', false, [
      { labels: pool('G1 Eden Space', 'heap'), value: Math.round(eden) },
      { labels: pool('G1 Old Gen', 'heap'), value: Math.max(20 * MIB, Math.round(heap - eden)) },
      { labels: pool('Metaspace', 'non_heap'), value: 96 * MIB },
    ]);
    writer.sum(
      'jvm.memory.limit',
      'By',
      'Most memory that can be used.',
      false,
      one(Math.round(limitMiB * MIB * 0.75), pool('G1 Old Gen', 'heap')),
    );
    const gc = labels('jvm gc', () => ({ 'jvm.gc.name': 'G1 Young Generation', 'jvm.gc.action': 'end of minor GC' }));
    writer.histogram('jvm.gc.duration', 's', 'Duration of garbage collection actions.', [{ labels: gc, histogram: instance.gcSeconds }]);
    writer.sum('jvm.thread.count', '{thread}', 'Threads of the JVM.', false, one(38 + instance.workers.used));
  } else if (language === 'nodejs') {
    const delay =
      Math.max(0, instance.pausedUntilMs - world.loop.nowMs) / 1000 + random.lognormal(0.0012, 0.4) * world.host(instance).slowdown;
    writer.gauge('nodejs.eventloop.delay.p99', 's', 'Event loop delay, 99th percentile.', one(delay * 4));
    writer.gauge('nodejs.eventloop.utilization', '1', 'Event loop utilization.', one(Math.min(1, instance.cpuCores * 0.9)));
    const space = labels('v8 old', () => ({ 'v8js.heap.space.name': 'old_space' }));
    writer.sum('v8js.memory.heap.used', 'By', 'Heap used.', false, one(Math.max(12 * MIB, heap), space));
    writer.histogram('v8js.gc.duration', 's', 'Garbage collection duration.', [
      { labels: labels('v8 gc', () => ({ 'v8js.gc.type': 'major' })), histogram: instance.gcSeconds },
    ]);
  } else if (language === 'go') {
    writer.sum(
      'go.memory.used',
      'By',
      'Memory used by the Go runtime.',
      false,
      one(
        Math.max(8 * MIB, heap),
        labels('go other', () => ({ 'go.memory.type': 'other' })),
      ),
    );
    writer.sum('go.goroutine.count', '{goroutine}', 'Goroutines.', false, one(31 + instance.calls.size * 3));
  } else {
    writer.sum(
      'cpython.gc.collections',
      '{collection}',
      'Collections by generation.',
      true,
      one(
        instance.gcCount,
        labels('py gc', () => ({ 'cpython.gc.generation': 2 })),
      ),
    );
  }
}
/** What the cluster's own agent says about the pod; goes on while the process is down. */
function podMetrics(world: World, instance: Instance): ScopeItems & { readonly points: number } {
  writer.begin(instance.startedMs, world.loop.nowMs);
  writer.gauge('k8s.container.restarts', '{restart}', 'How often the container was restarted.', one(instance.restarts));
  writer.gauge('k8s.container.ready', '', 'Whether the container passed its readiness probe.', one(instance.up ? 1 : 0));
  writer.gauge('k8s.container.memory_limit', 'By', 'Memory limit of the container.', one(instance.spec.limitMiB * MIB));
  writer.gauge('k8s.container.cpu_request', '{cpu}', 'Cores requested for the container.', one(instance.spec.requestCores));
  writer.gauge('k8s.container.memory_request', 'By', 'Memory requested for the container.', one(instance.spec.requestMiB * MIB));
  writer.sum('container.memory.usage', 'By', 'Memory of the container.', false, one(Math.round(instance.memoryBytes * 1.03)));
  writer.gauge('container.cpu.usage', '{cpu}', 'Cores used by the container.', one(Math.min(instance.cpuCores, instance.host.cores)));
  return {
    name: 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/k8sclusterreceiver',
    version: '0.141.0',
    items: writer.out.take(),
    points: writer.points,
  };
}
function processMetrics(world: World, instance: Instance): ScopeItems & { readonly points: number } {
  writer.begin(instance.startedMs, world.loop.nowMs);
  writeProcess(world, instance);
  writePools(instance);
  writeRequests(instance);
  writeRuntime(world, instance);
  return { name: RUNTIMES[instance.spec.language].meter, version: '', items: writer.out.take(), points: writer.points };
}
/** One export of everything an instance measures. */
export function exportMetrics(world: World, instance: Instance): void {
  const pod = podMetrics(world, instance);
  const send = (resource: Uint8Array, scope: ScopeItems, items: number): void => {
    const chunk: Chunk = {
      signal: 'metrics',
      service: instance.spec.name,
      items,
      bytes: encodeResourceEntry(resource, [scope], SCHEMA_URL),
    };
    world.chunks.push(chunk);
    world.counts.points += items;
  };
  send(instance.podResource, pod, pod.points);
  if (!instance.up) return;
  const process = processMetrics(world, instance);
  send(instance.resource, process, process.points);
}
