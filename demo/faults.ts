import { createRandom, type Random } from './random.ts';
import type { DemoScenario } from './scenarios.ts';
import { pickError } from './shop/errors.ts';
import { TENANTS } from './shop/load.ts';
import { SERVICES } from './shop/topology.ts';
import type { Instance, Release } from './simulation/instance.ts';
import { nextVersion, roll } from './simulation/lifecycle.ts';
import type { World } from './simulation/world.ts';

/** What really happened, for tests and benches only: nothing of it is ever sent. */
export interface Truth {
  readonly kind: DemoScenario;
  /** Service, or dependency by its server.address, that holds the cause; '' for 'none'. */
  readonly service: string;
  /** Other names under which the same thing may rightly be reported. */
  readonly aliases: readonly string[];
  /** service.instance.id when only one instance is concerned. */
  readonly instance: string | null;
  /** host.name when the place is a machine. */
  readonly host: string | null;
  readonly onsetMs: number;
  /** What was drawn, for a person reading a table. */
  readonly detail: string;
}
export interface Fault {
  truth(): Truth;
  /** Called once, at the onset. */
  begin(world: World): void;
  /** Called every second from the onset on. */
  step(world: World, sinceMs: number): void;
}
/** Moved by a live run once its back-fill is done. */
export interface Onset {
  atMs: number;
}
interface Draw {
  readonly random: Random;
  readonly onset: Onset;
}
const MIB = 1024 ** 2;
const specOf = (name: string) => SERVICES.find((service) => service.name === name)!;
const listed = (world: World, service: string): Instance[] => (world.instances.get(service) ?? []).filter((instance) => !instance.draining);
const nothing = (): void => {};
const truthOf = (kind: DemoScenario, onsetMs: number, service: string, detail: string, more: Partial<Truth> = {}): Truth => ({
  kind,
  service,
  aliases: [],
  instance: null,
  host: null,
  onsetMs,
  detail,
  ...more,
});
/** 0 at the onset, 1 after `rampMs`. */
const ramped = (sinceMs: number, rampMs: number): number => (rampMs <= 0 ? 1 : Math.min(1, sinceMs / rampMs));

function none({ onset }: Draw): Fault {
  return { truth: () => truthOf('none', onset.atMs, '', ''), begin: nothing, step: nothing };
}
/** Services with little traffic fail harder, else nobody would notice within minutes. */
const QUIET = new Set(['payments', 'shipping', 'checkout']);

function badDeploy({ random, onset }: Draw): Fault {
  const service = random.pick(['storefront', 'checkout', 'cart', 'catalog', 'pricing', 'inventory', 'payments', 'shipping', 'accounts']);
  const spec = specOf(service);
  const style = random.pick(['errors', 'errors', 'latency', 'both'] as const);
  const one = !QUIET.has(service) && random.chance(0.3);
  const isMinor = random.chance(0.6);
  let release: Release = {
    version: nextVersion(spec.version, isMinor),
    errorChance: style === 'latency' ? 0 : QUIET.has(service) || one ? random.between(0.35, 0.7) : random.between(0.12, 0.5),
    error: style === 'latency' ? null : pickError(random, spec.language, service, 'release'),
    addedMs: style === 'errors' ? 0 : random.between(260, 900),
    operations: null,
  };
  const gapMs = random.between(6_000, 25_000);
  let instance: string | null = null;
  return {
    truth: () => truthOf('bad_deploy', onset.atMs, service, `${style} ${release.version}${one ? ' on one instance' : ''}`, { instance }),
    begin(world) {
      const all = listed(world, service);
      // A harmless release may have come before: its number is taken.
      release = { ...release, version: nextVersion(all[0]?.release.version ?? spec.version, isMinor) };
      roll(world, one ? all.slice(0, 1) : all, release, gapMs);
    },
    step(world) {
      if (one && instance === null) instance = listed(world, service).find((candidate) => candidate.release === release)?.id ?? null;
    },
  };
}
function slowDependency({ random, onset }: Draw): Fault {
  const [name, system, low, high] = random.pick([
    ['orders-db', 'postgresql', 14, 45],
    ['catalog-db', 'postgresql', 14, 40],
    ['redis', 'redis', 50, 140],
    ['api.cardbridge.example', '', 6, 14],
  ] as const);
  const factor = random.between(low, high);
  const rampMs = random.pick([0, 15_000, 60_000]);
  return {
    truth: () =>
      truthOf('slow_dependency', onset.atMs, name, `x${factor.toFixed(0)}, ramp ${rampMs / 1000} s`, { aliases: system ? [system] : [] }),
    begin: nothing,
    step(world, sinceMs) {
      world.conditions.slowDependency.set(name, 1 + (factor - 1) * ramped(sinceMs, rampMs));
      if (name === 'api.cardbridge.example') world.conditions.failingDependency.set(name, 0.002 + 0.03 * ramped(sinceMs, rampMs));
    },
  };
}
function poolExhaustion({ random, onset }: Draw): Fault {
  const [service, store] = random.pick([
    ['checkout', 'orders-db'],
    ['inventory', 'orders-db'],
    ['payments', 'orders-db'],
    ['catalog', 'catalog-db'],
    ['pricing', 'catalog-db'],
    ['shipping', 'orders-db'],
  ] as const);
  const over = random.between(1.45, 2.6);
  const holdMs = random.between(11_000, 26_000);
  const rampMs = random.pick([0, 20_000, 45_000]);
  let chance = 0;
  return {
    truth: () => truthOf('pool_exhaustion', onset.atMs, service, `${store} x${over.toFixed(1)}, held ${(holdMs / 1000).toFixed(0)} s`),
    begin(world) {
      const pools = listed(world, service).map((instance) => instance.pools.get(store)!);
      const perSecond =
        pools.reduce((sum, pool) => sum + pool.acquired / Math.max(30, (world.loop.nowMs - pool.createdMs) / 1000), 0) / pools.length;
      chance = Math.min(0.95, (over * pools[0]!.size) / (perSecond * (holdMs / 1000)));
    },
    step(world, sinceMs) {
      world.conditions.heldConnections = {
        service,
        instance: null,
        store,
        chance: chance * Math.max(0.3, ramped(sinceMs, rampMs)),
        holdMs,
      };
    },
  };
}
function memoryLeak({ random, onset }: Draw): Fault {
  const service = random.pick(['storefront', 'checkout', 'cart', 'catalog', 'pricing', 'inventory', 'payments', 'accounts']);
  const spec = specOf(service);
  const seconds = random.between(110, 230);
  const perSecond = ((spec.limitMiB - spec.baseMiB) * MIB) / seconds;
  const spread = [random.between(0.9, 1.1), random.between(0.75, 1), random.between(0.7, 1)];
  return {
    truth: () => truthOf('memory_leak', onset.atMs, service, `limit after ${seconds.toFixed(0)} s`),
    begin: nothing,
    step(world) {
      world.conditions.retention.clear();
      for (const [i, instance] of listed(world, service).entries()) world.conditions.retention.set(instance.id, perSecond * spread[i]!);
    },
  };
}
function tenantErrorBurst({ random, onset }: Draw): Fault {
  const service = random.pick(['storefront', 'checkout', 'cart', 'catalog', 'pricing', 'inventory', 'accounts']);
  const tenant = TENANTS[random.integer(4)]!;
  const chance = random.between(0.75, 1);
  const error = pickError(random, specOf(service).language, service, 'tenant');
  return {
    truth: () => truthOf('tenant_error_burst', onset.atMs, service, `${tenant.id} ${(chance * 100).toFixed(0)} %`),
    begin: nothing,
    step(world) {
      world.conditions.tenantError = { service, tenant: tenant.id, chance, error };
    },
  };
}
function noisyNeighbour({ random, onset }: Draw): Fault {
  const service = random.pick(SERVICES.filter((spec) => spec.batch)).name;
  const index = random.integer(specOf(service).hosts.length);
  const cores = random.between(5, 9);
  const rampMs = random.pick([0, 10_000, 30_000]);
  let place: Instance | null = null;
  return {
    truth: () =>
      truthOf('noisy_neighbour', onset.atMs, service, `${cores.toFixed(1)} cores`, {
        instance: place?.id ?? null,
        host: place?.host.name ?? null,
      }),
    begin(world) {
      place = world.instances.get(service)![index]!;
    },
    step(world, sinceMs) {
      world.conditions.extraCores.set(place!.id, cores * ramped(sinceMs, rampMs));
    },
  };
}
const KINDS: Readonly<Record<DemoScenario, (draw: Draw) => Fault>> = {
  none,
  bad_deploy: badDeploy,
  slow_dependency: slowDependency,
  pool_exhaustion: poolExhaustion,
  memory_leak: memoryLeak,
  tenant_error_burst: tenantErrorBurst,
  noisy_neighbour: noisyNeighbour,
};
/** Draws place, severity and ramp of a scenario from the seed. */
export function drawFault(scenario: DemoScenario, seed: string, onset: Onset): Fault {
  return KINDS[scenario]({ random: createRandom(`${seed}/${scenario}`), onset });
}
