import { ByteWriter } from '../byte-writer.ts';
import { Histogram } from '../otlp-metric-writer.ts';
import {
  encodeResource,
  encodeResourceEntry,
  type LogRecord,
  type ScopeItems,
  type SpanRecord,
  writeLog,
  writeSpan,
} from '../otlp-writer.ts';
import type { ErrorShape } from '../shop/errors.ts';
import { DEPENDENCIES, ENVIRONMENT, type HostSpec, NAMESPACE, type ServiceSpec } from '../shop/topology.ts';
import { ConnectionPool } from './connection-pool.ts';
import type { EventLoop, Task } from './event-loop.ts';
import type { Failure } from './failure.ts';
import { RUNTIMES } from './runtimes.ts';

export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.41.0';
/** Entries are cut at this size so that several always fit into one request body. */
const CHUNK_BYTES = 96 * 1024;
const MIB = 1024 ** 2;

export type Signal = 'traces' | 'logs' | 'metrics';
/** One encoded resource entry, see encodeResourceEntry. */
export interface Chunk {
  readonly signal: Signal;
  readonly service: string;
  readonly items: number;
  readonly bytes: Uint8Array;
}
/** What a release changes in the behaviour of the instances that run it. */
export interface Release {
  readonly version: string;
  readonly errorChance: number;
  readonly error: ErrorShape | null;
  /** Median of the time added to a request, ms; 0 = none. */
  readonly addedMs: number;
  /** Names of the operations affected; null = all. */
  readonly operations: readonly string[] | null;
}
/** A server call in progress; the caller waits on it, the instance may die under it. */
export interface ServerCall {
  done: boolean;
  /** The instance died: nothing more is recorded. */
  dead: boolean;
  waiter: Task | null;
  failure: Failure | null;
}

/** Bounds of http.server.request.duration, seconds (OpenTelemetry semantic conventions). */
const DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const GC_BOUNDS = [0.01, 0.1, 1, 10];

/** One running copy of a service: its resource, its telemetry buffers and what it uses. */
export class Instance {
  readonly spec: ServiceSpec;
  readonly host: HostSpec;
  readonly release: Release;
  readonly podName: string;
  readonly id: string;
  readonly resource: Uint8Array;
  readonly podResource: Uint8Array;
  up = true;
  /** Taken out of the load balancer, finishing what it has. */
  draining = false;
  startedMs: number;
  /** First moment at which requests may come. */
  servingSinceMs: number;
  restarts = 0;
  pausedUntilMs = 0;
  /** CPU seconds used since the process started, and in the running second. */
  cpuSeconds = 0;
  cpuThisSecond = 0;
  /** Cores used over the last seconds, smoothed. */
  cpuCores = 0;
  containerCpuSeconds = 0;
  memoryBytes: number;
  /** Memory kept and never given back. */
  retainedBytes = 0;
  heapFill = 0.3;
  /** 0 with room to spare, 1 at the limit. */
  memoryPressure = 0;
  gcCount = 0;
  consumerLag = 0;
  pools = new Map<string, ConnectionPool>();
  workers: ConnectionPool;
  readonly calls = new Set<ServerCall>();
  durations = new Map<string, { readonly labels: Record<string, string | number>; readonly histogram: Histogram }>();
  gcSeconds = new Histogram(GC_BOUNDS);
  jobsDone = 0;
  #spans: [ByteWriter, ByteWriter, ByteWriter] = [new ByteWriter(8192), new ByteWriter(8192), new ByteWriter(4096)];
  #spanCount = 0;
  #logs = new ByteWriter(4096);
  #logCount = 0;
  readonly #loop: EventLoop;
  readonly #emit: (chunk: Chunk) => void;

  constructor(
    loop: EventLoop,
    emit: (chunk: Chunk) => void,
    spec: ServiceSpec,
    host: HostSpec,
    release: Release,
    suffix: string,
    startedMs: number,
  ) {
    this.#loop = loop;
    this.#emit = emit;
    this.spec = spec;
    this.host = host;
    this.release = release;
    this.startedMs = startedMs;
    this.servingSinceMs = startedMs;
    this.podName = `${spec.name}-${suffix}`;
    this.id = `${NAMESPACE}.${this.podName}.${spec.name}`;
    this.memoryBytes = spec.baseMiB * MIB;
    this.workers = new ConnectionPool(loop, spec.threads);
    this.makePools();
    const pod = {
      'service.name': spec.name,
      'service.namespace': NAMESPACE,
      'service.instance.id': this.id,
      'service.version': release.version,
      'deployment.environment.name': ENVIRONMENT,
      'host.name': host.name,
      'cloud.availability_zone': host.zone,
      'k8s.cluster.name': 'harborlane-eu',
      'k8s.namespace.name': NAMESPACE,
      'k8s.node.name': host.name,
      'k8s.pod.name': this.podName,
      'k8s.container.name': spec.name,
      'k8s.deployment.name': spec.name,
    };
    this.podResource = encodeResource(pod);
    this.resource = encodeResource({ ...pod, ...RUNTIMES[spec.language].resource });
  }
  makePools(): void {
    this.pools = new Map(Object.entries(this.spec.pools).map(([name, size]) => [name, new ConnectionPool(this.#loop, size)]));
  }
  /** A new process in the same pod: counters, pools and memory begin again. */
  begin(atMs: number): void {
    this.up = true;
    this.startedMs = atMs;
    this.servingSinceMs = atMs;
    this.pausedUntilMs = 0;
    this.cpuSeconds = 0;
    this.retainedBytes = 0;
    this.memoryPressure = 0;
    this.memoryBytes = this.spec.baseMiB * MIB * 0.8;
    this.gcCount = 0;
    this.gcSeconds = new Histogram(GC_BOUNDS);
    this.durations = new Map();
    this.workers = new ConnectionPool(this.#loop, this.spec.threads);
    this.makePools();
  }
  useCpu(ms: number): void {
    this.cpuThisSecond += ms / 1000;
  }
  /** Closes the running second. @param granted share of the CPU asked for that the host could give */
  settleCpu(granted: number): void {
    const got = this.cpuThisSecond * granted;
    this.cpuCores = this.cpuCores * 0.6 + got * 0.4;
    if (this.up) this.cpuSeconds += got;
    this.containerCpuSeconds += got;
    this.cpuThisSecond = 0;
  }
  observeDuration(key: string, labels: Record<string, string | number>, seconds: number): Histogram {
    let series = this.durations.get(key);
    if (!series) {
      series = { labels, histogram: new Histogram(DURATION_BOUNDS) };
      this.durations.set(key, series);
    }
    series.histogram.observe(seconds);
    return series.histogram;
  }
  /** @param scope 0 server, 1 client, 2 database and queue. */
  recordSpan(scope: 0 | 1 | 2, span: SpanRecord): void {
    writeSpan(this.#spans[scope], span);
    this.#spanCount += 1;
    if (this.#spans[0].length + this.#spans[1].length + this.#spans[2].length > CHUNK_BYTES) this.flushSpans();
  }
  recordLog(log: LogRecord): void {
    writeLog(this.#logs, log);
    this.#logCount += 1;
    if (this.#logs.length > CHUNK_BYTES) this.flushLogs();
  }
  flushSpans(): void {
    if (this.#spanCount === 0) return;
    const names = RUNTIMES[this.spec.language].scopes;
    const scopes: ScopeItems[] = [];
    for (const [i, writer] of this.#spans.entries()) {
      if (writer.length > 0) scopes.push({ name: names[i]!.name, version: names[i]!.version, items: writer.take() });
      writer.reset();
    }
    const items = this.#spanCount;
    this.#spanCount = 0;
    this.#emit({ signal: 'traces', service: this.spec.name, items, bytes: encodeResourceEntry(this.resource, scopes, SCHEMA_URL) });
  }
  flushLogs(): void {
    if (this.#logCount === 0) return;
    const scope = { name: RUNTIMES[this.spec.language].logger, version: '', items: this.#logs.take() };
    const items = this.#logCount;
    this.#logs.reset();
    this.#logCount = 0;
    this.#emit({ signal: 'logs', service: this.spec.name, items, bytes: encodeResourceEntry(this.resource, [scope], SCHEMA_URL) });
  }
  peerPool(name: string): ConnectionPool | undefined {
    return this.pools.get(name);
  }
}
export const dependencyOf = (name: string): (typeof DEPENDENCIES)[number] => {
  const found = DEPENDENCIES.find((dependency) => dependency.name === name);
  if (!found) throw new Error(`BUG: no dependency ${name}`);
  return found;
};
