import { Histogram } from '../otlp-metric-writer.ts';
import { HOST_TYPE, REGION } from '../shop/topology.ts';
import { usedBytes } from './export-host.ts';
import type { HostState, World } from './world.ts';

/** Text exposition of one host, as its node and container agents would serve it (Prometheus text format 0.0.4). */
const GIB = 1024 ** 3;
type Labels = Readonly<Record<string, string>>;
const head = (name: string, type: string, help: string): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
function sample(name: string, labels: Labels, value: number): string {
  const inner = Object.entries(labels)
    .map(([key, text]) => `${key}="${text}"`)
    .join(',');
  return `${name}${inner ? `{${inner}}` : ''} ${value}\n`;
}
const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

function cpu(host: HostState): string {
  let text = head('node_cpu_seconds_total', 'counter', 'Seconds the CPUs spent in each mode.');
  for (let core = 0; core < host.spec.cores; core += 1) {
    for (const mode of ['idle', 'iowait', 'system', 'user'] as const) {
      text += sample('node_cpu_seconds_total', { cpu: String(core), mode }, round(host.cpuSeconds[mode] / host.spec.cores));
    }
  }
  text += head('node_load1', 'gauge', '1m load average.') + sample('node_load1', {}, round(host.load[0]));
  text += head('node_load5', 'gauge', '5m load average.') + sample('node_load5', {}, round(host.load[1]));
  text += head('node_load15', 'gauge', '15m load average.') + sample('node_load15', {}, round(host.load[2]));
  text +=
    head('node_context_switches_total', 'counter', 'Total number of context switches.') +
    sample('node_context_switches_total', {}, Math.round(host.contextSwitches));
  text += head('node_pressure_cpu_waiting_seconds_total', 'counter', 'Total time in seconds that processes have waited for CPU time.');
  return text + sample('node_pressure_cpu_waiting_seconds_total', {}, round(host.pressureSeconds, 4));
}
function memoryAndDisk(world: World, host: HostState): string {
  const used = usedBytes(world, host);
  let text =
    head('node_memory_MemTotal_bytes', 'gauge', 'Memory information field MemTotal_bytes.') +
    sample('node_memory_MemTotal_bytes', {}, host.spec.memoryBytes);
  text += head('node_memory_MemAvailable_bytes', 'gauge', 'Memory information field MemAvailable_bytes.');
  text += sample('node_memory_MemAvailable_bytes', {}, host.spec.memoryBytes - used);
  const disk = { device: '/dev/nvme0n1p2', fstype: 'ext4', mountpoint: '/' };
  text += head('node_filesystem_size_bytes', 'gauge', 'Filesystem size in bytes.') + sample('node_filesystem_size_bytes', disk, 118 * GIB);
  text += head('node_filesystem_avail_bytes', 'gauge', 'Filesystem space available to non-root users in bytes.');
  text += sample('node_filesystem_avail_bytes', disk, Math.round(71 * GIB - host.sentBytes * 1e-5));
  const nic = { device: 'eth0' };
  text +=
    head('node_network_receive_bytes_total', 'counter', 'Network device statistic receive_bytes.') +
    sample('node_network_receive_bytes_total', nic, Math.round(host.receivedBytes));
  return (
    text +
    head('node_network_transmit_bytes_total', 'counter', 'Network device statistic transmit_bytes.') +
    sample('node_network_transmit_bytes_total', nic, Math.round(host.sentBytes))
  );
}
function containers(world: World, host: HostState): string {
  let cpuText = head('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed in seconds.');
  let memoryText = head('container_memory_working_set_bytes', 'gauge', 'Current working set in bytes.');
  for (const instance of [...world.instances.values()].flat()) {
    if (instance.host !== host.spec) continue;
    const labels = { namespace: 'shop', pod: instance.podName, container: instance.spec.name };
    cpuText += sample('container_cpu_usage_seconds_total', labels, round(instance.containerCpuSeconds, 3));
    memoryText += sample('container_memory_working_set_bytes', labels, Math.round(instance.memoryBytes));
  }
  return cpuText + memoryText;
}
/** What OpenCost says the node costs an hour. */
function prices(host: HostState): string {
  const node = host.spec.name;
  const labels = {
    node,
    instance_type: HOST_TYPE.name,
    region: REGION,
    provider_id: `aws:///${host.spec.zone}/${host.spec.id}`,
    arch: 'amd64',
  };
  const one = (name: string, help: string, value: number): string => head(name, 'gauge', help) + sample(name, labels, value);
  return (
    one('node_cpu_hourly_cost', 'Cost per CPU and hour.', HOST_TYPE.coreHour) +
    one('node_ram_hourly_cost', 'Cost per GiB of memory and hour.', HOST_TYPE.gibHour) +
    one('node_total_hourly_cost', 'Cost of the node per hour.', HOST_TYPE.listPerHour)
  );
}
const DNS_BOUNDS = [0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032];
/** Look-ups of the node's DNS cache; kept outside HostState because nothing else reads it. */
const dns = new WeakMap<HostState, Histogram>();
/** Adds a second's look-ups to the node's DNS histogram. */
export function countLookups(world: World, host: HostState): void {
  let histogram = dns.get(host);
  if (!histogram) {
    histogram = new Histogram(DNS_BOUNDS);
    dns.set(host, histogram);
  }
  for (let i = 0; i < 4; i += 1) histogram.observe(world.random.lognormal(0.0006, 0.6) * host.slowdown);
}
function lookups(host: HostState): string {
  const name = 'coredns_dns_request_duration_seconds';
  const histogram = dns.get(host) ?? new Histogram(DNS_BOUNDS);
  let text = head(name, 'histogram', 'Histogram of the time (in seconds) each request took per zone.');
  let total = 0;
  for (const [i, bound] of [...DNS_BOUNDS, Number.POSITIVE_INFINITY].entries()) {
    total += histogram.counts[i]!;
    text += sample(`${name}_bucket`, { zone: '.', le: bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound) }, total);
  }
  return text + sample(`${name}_sum`, { zone: '.' }, round(histogram.sum, 6)) + sample(`${name}_count`, { zone: '.' }, histogram.count);
}
/** The whole /metrics page of one host; throws for a name that is not in the topology. */
export function exposition(world: World, hostName: string): string {
  const host = world.hosts.find((candidate) => candidate.spec.name === hostName);
  if (!host) throw new Error(`no host ${hostName} in the shop`);
  return cpu(host) + memoryAndDisk(world, host) + containers(world, host) + prices(host) + lookups(host);
}
