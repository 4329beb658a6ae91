import type { SpanId, TraceId } from '../otlp-writer.ts';
import { createRandom, type Random } from '../random.ts';
import type { ErrorShape } from '../shop/errors.ts';
import { OPERATIONS, type OperationSpec } from '../shop/operations.ts';
import { HOSTS, type HostSpec, SERVICES, type ServiceSpec } from '../shop/topology.ts';
import { EventLoop } from './event-loop.ts';
import { type Chunk, Instance, type Release } from './instance.ts';

/** State of one machine, renewed every second. */
export interface HostState {
  readonly spec: HostSpec;
  /** Cores asked for in the last second, smoothed. */
  demandCores: number;
  /** Factor on every piece of CPU work. */
  slowdown: number;
  /** Mean wait for a core before a piece of work, ms. */
  runQueueMs: number;
  cpuSeconds: { user: number; system: number; iowait: number; idle: number };
  pressureSeconds: number;
  load: [number, number, number];
  receivedBytes: number;
  sentBytes: number;
  contextSwitches: number;
}
/** What is at present unusual; read by the request code, written by whatever drives the run. */
export interface Conditions {
  /** Factor on the latency of a dependency. */
  readonly slowDependency: Map<string, number>;
  /** Chance of an error answer from a dependency. */
  readonly failingDependency: Map<string, number>;
  /** One tenant's requests fail at one service. */
  tenantError: { service: string; tenant: string; chance: number; error: ErrorShape } | null;
  /** Connections of one service are given back late. */
  heldConnections: { service: string; instance: string | null; store: string; chance: number; holdMs: number } | null;
  /** Bytes a second kept by instances (by id) of a service. */
  readonly retention: Map<string, number>;
  /** Cores wanted by an instance besides its work. */
  readonly extraCores: Map<string, number>;
}
export interface World {
  readonly loop: EventLoop;
  readonly random: Random;
  readonly ids: Random;
  readonly hosts: readonly HostState[];
  /** All instances of a service, also those starting or draining. */
  readonly instances: Map<string, Instance[]>;
  readonly conditions: Conditions;
  readonly chunks: Chunk[];
  readonly counts: { requests: number; spans: number; logs: number; points: number };
  operation(service: string, name: string): OperationSpec;
  newTraceId(): TraceId;
  newSpanId(): SpanId;
  host(instance: Instance): HostState;
  /** Called for every instance made after the start. */
  onInstance: (instance: Instance) => void;
  createInstance(spec: ServiceSpec, host: HostSpec, release: Release, startedMs: number): Instance;
}
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const letters = (random: Random, count: number): string =>
  Array.from({ length: count }, () => LETTERS[random.integer(LETTERS.length)]).join('');

function createHost(spec: HostSpec): HostState {
  return {
    spec,
    demandCores: spec.idleCores,
    slowdown: 1,
    runQueueMs: 0,
    cpuSeconds: { user: 41_000, system: 17_300, iowait: 1_210, idle: 811_000 },
    pressureSeconds: 902,
    load: [0.6, 0.6, 0.6],
    receivedBytes: 4.1e11,
    sentBytes: 3.7e11,
    contextSwitches: 8.2e9,
  };
}
export function createWorld(seed: string, startMs: number): World {
  const loop = new EventLoop(startMs);
  const ids = createRandom(`${seed}/ids`);
  const names = createRandom(`${seed}/names`);
  const hosts = HOSTS.map(createHost);
  const chunks: Chunk[] = [];
  const operations = new Map(OPERATIONS.map((operation) => [`${operation.service} ${operation.name}`, operation]));
  const replicaSets = new Map<string, string>();
  const world: World = {
    loop,
    random: createRandom(`${seed}/behaviour`),
    ids,
    hosts,
    instances: new Map(),
    conditions: {
      slowDependency: new Map(),
      failingDependency: new Map(),
      tenantError: null,
      heldConnections: null,
      retention: new Map(),
      extraCores: new Map(),
    },
    chunks,
    counts: { requests: 0, spans: 0, logs: 0, points: 0 },
    operation(service, name) {
      const found = operations.get(`${service} ${name}`);
      if (!found) throw new Error(`BUG: no operation ${service} ${name}`);
      return found;
    },
    newTraceId: () => [ids.uint32(), ids.uint32(), ids.uint32(), ids.uint32() || 1],
    newSpanId: () => ({ high: ids.uint32(), low: ids.uint32() || 1 }),
    host: (instance) => hosts.find((host) => host.spec === instance.host)!,
    createInstance(spec, host, release, startedMs) {
      const key = `${spec.name} ${release.version}`;
      const set = replicaSets.get(key) ?? letters(names, 9);
      replicaSets.set(key, set);
      const emit = (chunk: Chunk): void => {
        chunks.push(chunk);
      };
      const instance = new Instance(loop, emit, spec, host, release, `${set}-${letters(names, 5)}`, startedMs);
      world.onInstance(instance);
      return instance;
    },
    onInstance: () => {},
  };
  for (const spec of SERVICES) {
    const release: Release = { version: spec.version, errorChance: 0, error: null, addedMs: 0, operations: null };
    const age = (): number => startMs - names.between(2, 90) * 3_600_000;
    world.instances.set(
      spec.name,
      spec.hosts.map((host) => world.createInstance(spec, HOSTS[host]!, release, age())),
    );
  }
  return world;
}
