import type { Usage } from '#contracts/cost.ts';
import type { NodeUsage, ServiceUsage } from '#contracts/resource-usage.ts';
import type { QueryOptions, QueryResult } from '#contracts/store.ts';
import { nodeUsageSql, serviceUsageSql, type UsageWindow, usageSeriesSql } from '../sql/read/usage-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';

/**
 * What nodes offered and services used in [startMs, endMs), per cell of `stepMs` (an hour when absent), from scraped
 * and OTLP resource metrics alike. Rows of a cell end where the window or the node's own telemetry ends.
 */
export async function readUsage(
  store: Queries,
  window: { readonly startMs: number; readonly endMs: number; readonly stepMs?: number },
  options: QueryOptions = {},
): Promise<Usage> {
  const { startMs, endMs } = window;
  const grid: UsageWindow = { startMs, endMs, stepMs: window.stepMs ?? 3_600_000 };
  const [nodeQuery, serviceQuery] = [nodeUsageSql(grid), serviceUsageSql(grid)];
  const own: QueryOptions = { ...options, samplesOf: usageSeriesSql() };
  const nodes = nodesOf(await store.query(nodeQuery, [], own));
  const services = servicesOf(await store.query(serviceQuery, [], own), grid);
  return { ...grid, nodes, services, nodeQuery, serviceQuery };
}

const known = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : value);
function nodesOf(result: QueryResult): NodeUsage[] {
  const [node, provider, region, type] = ['node', 'provider', 'region', 'instance_type'].map((name) => texts(result, name));
  const [from, to, vcpus, memory, utilization] = ['from_ms', 'to_ms', 'vcpus', 'memory_gib', 'cpu_utilization'].map((name) =>
    numbers(result, name),
  );
  return Array.from({ length: result.rowCount }, (_, i) => ({
    node: node?.[i] ?? '',
    startMs: from?.[i] ?? 0,
    endMs: to?.[i] ?? 0,
    vcpus: vcpus?.[i] ?? 0,
    memoryGiB: memory?.[i] ?? 0,
    cpuUtilization: result.isNull('cpu_utilization', i) ? null : known(utilization?.[i]),
    provider: provider?.[i] ?? '',
    region: region?.[i] ?? '',
    instanceType: type?.[i] ?? '',
  }));
}
function servicesOf(result: QueryResult, grid: UsageWindow): ServiceUsage[] {
  const [service, node] = [texts(result, 'service'), texts(result, 'node')];
  const [cell, cpu, cpuAsked, memory, memoryAsked] = [
    'cell',
    'cpu_core_hours',
    'cpu_requested',
    'memory_gib_hours',
    'memory_requested',
  ].map((name) => numbers(result, name));
  return Array.from({ length: result.rowCount }, (_, i) => {
    const startMs = grid.startMs + (cell?.[i] ?? 0) * grid.stepMs;
    return {
      service: service[i] ?? '',
      node: node[i] ?? '',
      startMs,
      endMs: Math.min(grid.endMs, startMs + grid.stepMs),
      cpuCoreHours: cpu?.[i] ?? 0,
      cpuRequestedCoreHours: result.isNull('cpu_requested', i) ? null : known(cpuAsked?.[i]),
      memoryGiBHours: memory?.[i] ?? 0,
      memoryRequestedGiBHours: result.isNull('memory_requested', i) ? null : known(memoryAsked?.[i]),
    };
  });
}
