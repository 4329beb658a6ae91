import type { Instance } from './instance.ts';
import { kill, pause } from './lifecycle.ts';
import type { HostState, World } from './world.ts';

const MIB = 1024 ** 2;
/** Above this share of the limit the collector begins to run all the time. */
const PRESSURE_FROM = 0.68;

function ageHost(world: World, host: HostState, instances: readonly Instance[]): void {
  const { random } = world;
  let wanted = host.spec.idleCores * random.lognormal(1, 0.15);
  for (const instance of instances) if (instance.host === host.spec) wanted += instance.cpuThisSecond;
  host.demandCores = host.demandCores * 0.55 + wanted * 0.45;
  const load = host.demandCores / host.spec.cores;
  // Processor sharing: mild below saturation, in proportion to the demand above it.
  host.slowdown = 1 + 0.35 * Math.max(0, load - 0.5) + (load > 0.85 ? 2.6 * (load - 0.85) : 0);
  host.runQueueMs = load > 0.9 ? 9 * (load - 0.9) : 0;
  const busy = Math.min(host.spec.cores, host.demandCores);
  const system = busy * 0.22;
  const iowait = random.lognormal(0.02, 0.4);
  host.cpuSeconds.user += busy - system;
  host.cpuSeconds.system += system;
  host.cpuSeconds.iowait += iowait;
  host.cpuSeconds.idle += Math.max(0, host.spec.cores - busy - iowait);
  host.pressureSeconds += Math.min(1, Math.max(0, load - 0.75)) + 0.004 * load;
  const runnable = host.demandCores + random.next() * 0.2;
  for (const [i, seconds] of [60, 300, 900].entries()) host.load[i]! += (runnable - host.load[i]!) / seconds;
  host.contextSwitches += 4200 * random.lognormal(1 + load, 0.1);
  host.receivedBytes += 620_000 * random.lognormal(1, 0.2);
  host.sentBytes += 540_000 * random.lognormal(1, 0.2);
}
function ageMemory(world: World, instance: Instance): void {
  const { random, conditions } = world;
  const { baseMiB, limitMiB } = instance.spec;
  const limit = limitMiB * MIB;
  // A process busy collecting serves less and so allocates less.
  const growth = (conditions.retention.get(instance.id) ?? 0) * (1 - 0.65 * instance.memoryPressure);
  instance.retainedBytes += growth * random.lognormal(1, 0.2);
  instance.heapFill += 0.012 + instance.cpuThisSecond * 0.12;
  if (instance.heapFill > 0.7 + random.next() * 0.1) {
    instance.heapFill = 0.22 + random.next() * 0.04;
    instance.gcCount += 1;
    instance.gcSeconds.observe(random.lognormal(instance.spec.language === 'go' ? 0.0006 : 0.008, 0.4));
  }
  const target = baseMiB * MIB * (0.94 + 0.12 * instance.heapFill) + instance.retainedBytes;
  instance.memoryBytes += (target - instance.memoryBytes) * 0.3;
  const pressure = Math.max(0, (instance.memoryBytes / limit - PRESSURE_FROM) / (1 - PRESSURE_FROM));
  instance.memoryPressure = pressure;
  if (pressure > 0) {
    instance.useCpu(pressure * 700);
    if (random.chance(0.15 + 0.6 * pressure)) pause(world, instance, random.lognormal(110 + 900 * pressure * pressure, 0.4));
  }
  if (instance.memoryBytes >= limit * 0.995) kill(world, instance, random.between(9_000, 19_000));
}
/** Everything that goes on once a second: CPU shares, memory, garbage collection, restarts. */
export function tick(world: World): void {
  const all = [...world.instances.values()].flat();
  for (const instance of all) {
    if (!instance.up) continue;
    instance.useCpu(instance.spec.idleCores * 1000 * world.random.lognormal(1, 0.2));
    const extra = world.conditions.extraCores.get(instance.id) ?? 0;
    if (extra > 0) instance.useCpu(extra * 1000 * world.random.lognormal(1, 0.06));
    ageMemory(world, instance);
  }
  for (const host of world.hosts) ageHost(world, host, all);
  for (const instance of all) {
    const host = world.host(instance);
    instance.settleCpu(Math.min(1, host.spec.cores / host.demandCores));
  }
}
