import type { Observation } from '#contracts/observation.ts';

/** Who calls whom, from the edges of an observation. Nodes are services and whatever they call. */
export interface CallGraph {
  readonly nodes: ReadonlySet<string>;
  callees(node: string): readonly string[];
  callers(node: string): readonly string[];
  /** Instrumented services that nobody in the observation calls: where users (or schedules) enter. */
  readonly entries: readonly string[];
  /** Everything reachable from a node along calls, the node included. Cycles are fine. */
  reach(node: string): ReadonlySet<string>;
  /** Nodes joined to a node by calls in either direction or by a shared host, the node included. */
  component(node: string): ReadonlySet<string>;
}

function walk(from: string, next: (node: string) => Iterable<string>): Set<string> {
  const seen = new Set([from]);
  const queue = [from];
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    for (const other of next(node)) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}

const link = (map: Map<string, Set<string>>, from: string, to: string): void => {
  const set = map.get(from);
  if (set === undefined) map.set(from, new Set([to]));
  else set.add(to);
};

/** Builds the call graph; calls of a service to itself are left out. */
export function callGraph(observation: Pick<Observation, 'edges' | 'services' | 'placements'>): CallGraph {
  const down = new Map<string, Set<string>>();
  const up = new Map<string, Set<string>>();
  const hosts = new Map<string, Set<string>>();
  const nodes = new Set<string>();
  for (const { service } of observation.services) nodes.add(service);
  for (const { from, to } of observation.edges) {
    nodes.add(from).add(to);
    if (from === to) continue;
    link(down, from, to);
    link(up, to, from);
  }
  for (const { service, host } of observation.placements) if (host !== null) link(hosts, service, `host:${host}`);
  for (const { service, host } of observation.placements) if (host !== null) link(hosts, `host:${host}`, service);
  const around = function* (node: string): Iterable<string> {
    yield* down.get(node) ?? [];
    yield* up.get(node) ?? [];
    yield* hosts.get(node) ?? [];
  };
  const services = new Set(observation.services.map((service) => service.service));
  return {
    nodes,
    callees: (node) => [...(down.get(node) ?? [])].sort(),
    callers: (node) => [...(up.get(node) ?? [])].sort(),
    entries: [...services].filter((service) => !up.has(service)).sort(),
    reach: (node) => walk(node, (at) => down.get(at) ?? []),
    component: (node) => walk(node, around),
  };
}
