import { killedLine, longPauseLine, startedLine, stoppingLine } from '../shop/messages.ts';
import type { Instance, Release } from './instance.ts';
import { log } from './record.ts';
import type { World } from './world.ts';

const MIB = 1024 ** 2;
const START_SECONDS = { java: 14, go: 1.2, nodejs: 3.1, python: 4.4 } as const;
const DRAIN_MS = 20_000;

/** The kernel kills the process; the container starts again in the same pod after `downMs`. */
export function kill(world: World, instance: Instance, downMs: number): void {
  const { loop } = world;
  instance.up = false;
  for (const call of instance.calls) {
    call.dead = true;
    if (call.waiter) loop.wake(call.waiter, loop.nowMs + 0.4);
  }
  instance.calls.clear();
  instance.consumerLag = 0;
  instance.memoryBytes = 0;
  log(world, instance, killedLine(instance.spec.name, instance.podName, instance.spec.limitMiB), null);
  const list = world.instances.get(instance.spec.name)!;
  // The load balancer needs a few failed probes before it stops sending.
  if (list.length > 1)
    loop.at(loop.nowMs + Math.min(5000, downMs), () => {
      if (!instance.up) instance.draining = true;
    });
  loop.at(loop.nowMs + downMs, () => {
    instance.restarts += 1;
    instance.begin(loop.nowMs);
    instance.draining = false;
    log(
      world,
      instance,
      startedLine(instance.spec.name, instance.release.version, world.random.lognormal(START_SECONDS[instance.spec.language], 0.1)),
      null,
    );
  });
}
/** Replaces an instance by one of another release on the same host: the new one first, then the old one drains. */
export function replace(world: World, old: Instance, release: Release): void {
  const { loop } = world;
  const list = world.instances.get(old.spec.name)!;
  const startSeconds = world.random.lognormal(START_SECONDS[old.spec.language], 0.1);
  loop.at(loop.nowMs + startSeconds * 1000, () => {
    const fresh = world.createInstance(old.spec, old.host, release, loop.nowMs - startSeconds * 1000);
    fresh.servingSinceMs = loop.nowMs;
    fresh.memoryBytes = old.spec.baseMiB * MIB * 0.85;
    fresh.containerCpuSeconds = startSeconds * 0.8;
    list.push(fresh);
    log(world, fresh, startedLine(old.spec.name, release.version, startSeconds), null);
    old.draining = true;
    log(world, old, stoppingLine(old.spec.name), null);
    loop.at(loop.nowMs + DRAIN_MS, () => {
      old.flushSpans();
      old.flushLogs();
      old.up = false;
      list.splice(list.indexOf(old), 1);
    });
  });
}
/** A rolling deployment of `release` over the given instances, one after another. */
export function roll(world: World, instances: readonly Instance[], release: Release, gapMs: number): void {
  instances.forEach((instance, i) => {
    world.loop.at(world.loop.nowMs + i * gapMs, () => replace(world, instance, release));
  });
}
/** A pause of the whole process by its runtime. */
export function pause(world: World, instance: Instance, ms: number): void {
  instance.pausedUntilMs = Math.max(instance.pausedUntilMs, world.loop.nowMs + ms);
  instance.gcSeconds.observe(ms / 1000);
  instance.gcCount += 1;
  if (ms > 400) log(world, instance, longPauseLine(ms, instance.memoryBytes / MIB, instance.spec.limitMiB), null);
}
/** The next patch or minor number of a version. */
export function nextVersion(version: string, minor: boolean): string {
  const [major, mid, patch] = version.split('.').map(Number);
  return minor ? `${major}.${mid! + 1}.0` : `${major}.${mid}.${patch! + 1}`;
}
export const plainRelease = (version: string): Release => ({ version, errorChance: 0, error: null, addedMs: 0, operations: null });
