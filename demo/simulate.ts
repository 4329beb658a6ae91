import { drawFault, type Onset, type Truth } from './faults.ts';
import { createRandom, type Random } from './random.ts';
import type { DemoScenario } from './scenarios.ts';
import { type BackgroundEvent, bumpFactor, drawBackground, drawCoincidence } from './shop/background.ts';
import { createDrift, diurnal } from './shop/load.ts';
import { jobLine } from './shop/messages.ts';
import { ENTRY_MIX } from './shop/operations.ts';
import { HOSTS, SERVICES } from './shop/topology.ts';
import { newCall, pickInstance, runSteps } from './simulation/call.ts';
import { exportHost } from './simulation/export-host.ts';
import { exportMetrics } from './simulation/export-metrics.ts';
import { countLookups, exposition } from './simulation/exposition.ts';
import type { Chunk, Instance } from './simulation/instance.ts';
import { nextVersion, pause, plainRelease, roll } from './simulation/lifecycle.ts';
import { log } from './simulation/record.ts';
import { drawRequest } from './simulation/request.ts';
import { serve } from './simulation/serve.ts';
import { tick } from './simulation/tick.ts';
import { createWorld, type World } from './simulation/world.ts';

export interface ShopOptions {
  /** Equal seeds (with equal other options) give equal bytes. */
  readonly seed: number | string;
  readonly scenario: DemoScenario;
  /** Shop time at which the run begins, Unix ms. */
  readonly startMs: number;
  /** Length of the run when known; the onset then lies near 70 % of it. */
  readonly durationMs?: number;
  /** Onset, Unix ms; wins over durationMs. */
  readonly onsetMs?: number;
  /** Mean of the day; 20 by default. */
  readonly requestsPerSecond?: number;
}
/** OTLP protobuf request bodies (Export*ServiceRequest), each at most 512 KiB. */
export interface Bodies {
  readonly traces: Uint8Array[];
  readonly logs: Uint8Array[];
  readonly metrics: Uint8Array[];
}
export interface Shop {
  /** Runs the shop up to `toMs` and returns what it sent since the last call. */
  advance(toMs: number): Bodies;
  /** The same, grouped by what `groupOf` says of a service, for senders that use several transports. */
  advanceBy<G>(groupOf: (service: string) => G, toMs: number): Map<G, Bodies>;
  /** Prometheus text of one host, as of the time reached. */
  exposition(host: string): string;
  readonly hosts: readonly string[];
  /** Moves an onset that still lies ahead; a live run knows it only after its back-fill. */
  setOnset(onsetMs: number): void;
  /** What is really wrong: for tests and benches, never sent. */
  truth(): Truth;
  /** Requests arrived, spans, log records and data points made so far. */
  readonly counts: Readonly<World['counts']>;
}
const MAX_BODY_BYTES = 512 * 1024;
const EXPORT_EVERY_MS = 10_000;
const HOUR_MS = 3_600_000;
const MIX_SHARES = ENTRY_MIX.map((entry) => entry.share);

/** Resource entries joined end to end are one request: protobuf repeated fields concatenate. */
export function joinChunks(chunks: readonly Chunk[]): Bodies {
  const bodies: Bodies = { traces: [], logs: [], metrics: [] };
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    let group: Uint8Array[] = [];
    let size = 0;
    const close = (): void => {
      if (group.length > 0) bodies[signal].push(Buffer.concat(group));
      group = [];
      size = 0;
    };
    for (const chunk of chunks) {
      if (chunk.signal !== signal) continue;
      if (size + chunk.bytes.length > MAX_BODY_BYTES) close();
      group.push(chunk.bytes);
      size += chunk.bytes.length;
    }
    close();
  }
  return bodies;
}
function* arrivals(
  world: World,
  seed: string,
  meanPerSecond: number,
  startMs: number,
  background: readonly BackgroundEvent[],
): Generator<number, void, void> {
  const random = createRandom(`${seed}/arrivals`);
  const drift = createDrift(random);
  let rate = meanPerSecond;
  let nextStepMs = startMs;
  while (true) {
    const nowMs = world.loop.nowMs;
    while (nextStepMs <= nowMs) {
      rate = meanPerSecond * diurnal(nowMs) * drift() * bumpFactor(background, nowMs - startMs);
      nextStepMs += 1000;
    }
    yield nowMs + random.exponential(1000 / rate);
    const instance = pickInstance(world, 'storefront');
    const entry = ENTRY_MIX[random.weighted(MIX_SHARES)]!;
    world.counts.requests += 1;
    // The front proxy answers 502 by itself when the process behind it is gone; nothing of ours is sent then.
    if (!instance?.up) continue;
    world.loop.start(
      serve(
        world,
        instance,
        world.operation('storefront', entry.operation),
        drawRequest(random, world.newTraceId()),
        null,
        null,
        newCall(null),
        runSteps,
      ),
      world.loop.nowMs,
    );
  }
}
function* jobs(world: World, seed: string, service: string, index: number): Generator<number, void, void> {
  const random = createRandom(`${seed}/jobs/${service}/${index}`);
  const operation = world.operation(service, service === 'report-builder' ? 'build sales report' : 'resize product images');
  while (true) {
    yield world.loop.nowMs + random.between(25_000, 80_000);
    const instance = world.instances.get(service)![index]!;
    const startMs = world.loop.nowMs;
    const call = newCall(world.loop.current);
    world.loop.start(serve(world, instance, operation, drawRequest(random, world.newTraceId()), null, null, call, runSteps), startMs);
    yield Number.POSITIVE_INFINITY;
    log(world, instance, jobLine(operation.name, (world.loop.nowMs - startMs) / 1000), null);
  }
}
function* seconds(world: World, onset: Onset, fault: ReturnType<typeof drawFault>): Generator<number, void, void> {
  let begun = false;
  while (true) {
    const nowMs = world.loop.nowMs;
    tick(world);
    for (const host of world.hosts) countLookups(world, host);
    if (nowMs >= onset.atMs) {
      if (!begun) fault.begin(world);
      begun = true;
      fault.step(world, nowMs - onset.atMs);
    }
    yield nowMs + 1000;
  }
}
/** Exports of one instance until it is gone; the phase differs from process to process. */
function* exports(world: World, instance: Instance, random: Random): Generator<number, void, void> {
  yield world.loop.nowMs + random.between(500, EXPORT_EVERY_MS);
  while (world.instances.get(instance.spec.name)!.includes(instance)) {
    exportMetrics(world, instance);
    yield world.loop.nowMs + EXPORT_EVERY_MS;
  }
}
/** The agents of the hosts export one after the other, at fixed times of their own. */
function* hostExports(world: World, index: number, startMs: number): Generator<number, void, void> {
  yield startMs + 1_300 * (index + 1);
  while (true) {
    exportHost(world, world.hosts[index]!, startMs);
    yield world.loop.nowMs + EXPORT_EVERY_MS;
  }
}
function releaseSomewhere(world: World, event: Extract<BackgroundEvent, { kind: 'release' }>, spared: string): void {
  const names = SERVICES.filter((spec) => !spec.batch && spec.consumes === null && spec.name !== spared).map((spec) => spec.name);
  const service = names[Math.floor(event.pick * names.length)]!;
  const instances = (world.instances.get(service) ?? []).filter((instance) => !instance.draining && instance.up);
  if (instances.length > 0) roll(world, instances, plainRelease(nextVersion(instances[0]!.release.version, event.minor)), 18_000);
}
function runBackground(world: World, events: readonly BackgroundEvent[], startMs: number, onset: Onset, place: string): void {
  for (const event of events) {
    world.loop.at(startMs + event.atMs, () => {
      // A release of the very service that breaks minutes later would leave two true answers.
      if (event.kind === 'release') releaseSomewhere(world, event, event.atMs + startMs > onset.atMs - 600_000 ? place : '');
      if (event.kind === 'pause') {
        const java = [...world.instances.values()]
          .flat()
          .filter((instance: Instance) => instance.spec.language === 'java' && instance.up && !instance.draining);
        if (java.length > 0) pause(world, java[Math.floor(event.pick * java.length)]!, event.forMs);
      }
    });
  }
}
/** A shop that trades, logs and measures in its own time; see the README of this folder. */
export function createShop(options: ShopOptions): Shop {
  const seed = `${options.seed}`;
  const { startMs, durationMs } = options;
  const world = createWorld(seed, startMs);
  const placed = createRandom(`${seed}/onset`).between(0.67, 0.73);
  const onset: Onset = { atMs: Math.round((options.onsetMs ?? startMs + placed * (durationMs ?? HOUR_MS)) / 1000) * 1000 };
  const fault = drawFault(options.scenario, seed, onset);
  const background = drawBackground(createRandom(`${seed}/background`), durationMs ?? 24 * HOUR_MS);
  const coincidence = drawCoincidence(createRandom(`${seed}/coincidence`), onset.atMs - startMs);
  if (coincidence) background.push(coincidence);
  runBackground(world, background, startMs, onset, fault.truth().service);
  world.loop.start(seconds(world, onset, fault), startMs);
  world.loop.start(arrivals(world, seed, options.requestsPerSecond ?? 20, startMs, background), startMs);
  const phases = createRandom(`${seed}/exports`);
  world.onInstance = (instance) => {
    world.loop.start(exports(world, instance, phases), world.loop.nowMs);
  };
  for (const instance of [...world.instances.values()].flat()) world.onInstance(instance);
  for (const index of world.hosts.keys()) world.loop.start(hostExports(world, index, startMs), startMs);
  for (const spec of SERVICES) {
    for (const index of spec.hosts.keys()) {
      if (spec.batch) world.loop.start(jobs(world, seed, spec.name, index), startMs);
    }
  }
  const drain = (toMs: number): Chunk[] => {
    world.loop.run(toMs);
    for (const instance of [...world.instances.values()].flat()) {
      instance.flushSpans();
      instance.flushLogs();
    }
    return world.chunks.splice(0);
  };
  return {
    advance: (toMs) => joinChunks(drain(toMs)),
    advanceBy(groupOf, toMs) {
      const groups = Map.groupBy(drain(toMs), (chunk) => groupOf(chunk.service));
      return new Map([...groups].map(([group, chunks]) => [group, joinChunks(chunks)]));
    },
    exposition: (host) => exposition(world, host),
    hosts: HOSTS.map((host) => host.name),
    setOnset(onsetMs) {
      if (world.loop.nowMs < onset.atMs) onset.atMs = onsetMs;
    },
    truth: () => fault.truth(),
    counts: world.counts,
  };
}
