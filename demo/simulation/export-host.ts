import { MetricWriter, type PointLabels } from '../otlp-metric-writer.ts';
import { encodeResource, encodeResourceEntry } from '../otlp-writer.ts';
import { HOST_TYPE, REGION } from '../shop/topology.ts';
import { SCHEMA_URL } from './instance.ts';
import type { HostState, World } from './world.ts';

/** What a collector agent on each host says of it by OTLP (semantic conventions system.*): size, use, place. */
const GIB = 1024 ** 3;
const AGENT = 'node-agent';
const writer = new MetricWriter();
const modes = ['user', 'system', 'iowait', 'idle'] as const;
const modeLabels = new Map<string, PointLabels>(modes.map((mode) => [mode, { 'cpu.mode': mode }]));
const NONE: PointLabels = {};
const resources = new WeakMap<HostState, Uint8Array>();
/** CPU seconds by mode at the export before. */
const before = new WeakMap<HostState, Record<(typeof modes)[number], number>>();

function resourceOf(host: HostState): Uint8Array {
  let resource = resources.get(host);
  if (!resource) {
    const { spec } = host;
    resource = encodeResource({
      'service.name': AGENT,
      'host.name': spec.name,
      'host.id': spec.id,
      'host.type': HOST_TYPE.name,
      'host.arch': 'amd64',
      'cloud.provider': 'aws',
      'cloud.region': REGION,
      'cloud.availability_zone': spec.zone,
      'k8s.cluster.name': 'harborlane-eu',
      'k8s.node.name': spec.name,
    });
    resources.set(host, resource);
  }
  return resource;
}
/** Memory of the instances on a host and of its system. */
export function usedBytes(world: World, host: HostState): number {
  let used = 3.1 * GIB;
  for (const instance of [...world.instances.values()].flat()) if (instance.host === host.spec) used += instance.memoryBytes;
  return Math.round(used);
}
/** One export of a host. Draws no random number: what the shop does must not depend on who watches it. */
export function exportHost(world: World, host: HostState, startMs: number): void {
  const last = before.get(host);
  const grown = modes.map((mode) => host.cpuSeconds[mode] - (last?.[mode] ?? 0));
  const total = grown.reduce((sum, seconds) => sum + seconds, 0);
  before.set(host, { ...host.cpuSeconds });
  const used = usedBytes(world, host);
  writer.begin(startMs, world.loop.nowMs);
  writer.gauge('system.cpu.logical.count', '{cpu}', 'Logical CPUs of the host.', [{ labels: NONE, value: host.spec.cores }]);
  if (last && total > 0) {
    const shares = modes.map((mode, i) => ({ labels: modeLabels.get(mode)!, value: grown[i]! / total }));
    writer.gauge('system.cpu.utilization', '1', 'Share of the CPU time by mode.', shares);
  }
  writer.gauge('system.memory.limit', 'By', 'Memory of the host.', [{ labels: NONE, value: host.spec.memoryBytes }]);
  writer.gauge('system.memory.utilization', '1', 'Share of the memory in use.', [{ labels: NONE, value: used / host.spec.memoryBytes }]);
  const { points } = writer;
  const scope = {
    name: 'github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver',
    version: '0.141.0',
    items: writer.out.take(),
  };
  world.chunks.push({
    signal: 'metrics',
    service: AGENT,
    items: points,
    bytes: encodeResourceEntry(resourceOf(host), [scope], SCHEMA_URL),
  });
  world.counts.points += points;
}
