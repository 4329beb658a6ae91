import type { Change, TimeWindow } from '#contracts/judgement.ts';
import type { EvidenceQueries, MetricObservation, Observation, ServiceObservation } from '#contracts/observation.ts';
import { type MetricFamily, metricFamily } from '../anomaly/metric-family.ts';
import { type CallGraph, callGraph } from '../topology/call-graph.ts';
import type { GridRange } from './shift.ts';

/** A metric series with its family and the host it ran on. */
export interface PlacedMetric {
  readonly series: MetricObservation;
  readonly family: MetricFamily;
  readonly host: string | null;
}
/** Everything a mechanism may look at, indexed once. */
export interface CaseFile {
  readonly observation: Observation;
  readonly graph: CallGraph;
  readonly range: GridRange;
  /** The two windows on bucket borders: what every evidence query is asked with. */
  readonly window: TimeWindow;
  readonly baseline: TimeWindow;
  readonly queries: EvidenceQueries;
  /** Services (all instances together) by name. */
  readonly services: ReadonlyMap<string, ServiceObservation>;
  /** Single instances by service name. */
  readonly instances: ReadonlyMap<string, readonly ServiceObservation[]>;
  readonly metricsOf: (service: string) => readonly PlacedMetric[];
  readonly metrics: readonly PlacedMetric[];
  readonly changes: readonly Change[];
  hostOf(service: string, instance: string): string | null;
  /** Hosts a service ran on. */
  hostsOf(service: string): ReadonlySet<string>;
  startMsOf(bucket: number): number;
}

const group = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const list = groups.get(key);
    if (list === undefined) groups.set(key, [item]);
    else list.push(item);
  }
  return groups;
};

/** Buckets of a window on the observation's grid, clamped to it. */
function bucketsOf(observation: Observation, window: TimeWindow): { from: number; to: number } {
  const at = (ms: number, round: (value: number) => number): number =>
    Math.min(Math.max(round((ms - observation.startMs) / observation.stepMs), 0), observation.buckets);
  return { from: at(window.startMs, Math.floor), to: at(window.endMs, Math.ceil) };
}

/** First bucket in which any service had requests. */
function firstObserved(observation: Observation): number {
  let first = observation.buckets;
  for (const { requests } of observation.services) {
    const at = requests.findIndex((value) => value > 0);
    if (at >= 0 && at < first) first = at;
  }
  return first === observation.buckets ? 0 : first;
}

/** Opens the case: windows become bucket ranges, metrics get family and host. */
export function openCase(observation: Observation, window: TimeWindow, baseline: TimeWindow, queries: EvidenceQueries): CaseFile {
  const hosts = new Map(observation.placements.map((p) => [`${p.service}|${p.instance}`, p.host]));
  const inWindow = bucketsOf(observation, window);
  const before = bucketsOf(observation, baseline);
  // Queries count over whole windows: neither may reach into time before the first telemetry.
  before.from = Math.min(Math.max(before.from, firstObserved(observation)), Math.max(before.to - 1, 0));
  const range = { baseFrom: before.from, baseTo: Math.min(before.to, inWindow.from), from: inWindow.from, to: inWindow.to };
  const startMsOf = (bucket: number): number => observation.startMs + bucket * observation.stepMs;
  const hostsByService = new Map<string, Set<string>>();
  const placed = observation.metrics.map((series): PlacedMetric => {
    const host = series.host ?? (series.instance === null ? null : (hosts.get(`${series.service}|${series.instance}`) ?? null));
    return { series, family: metricFamily(series.metric, series.labels), host };
  });
  const addHost = (service: string, host: string | null): void => {
    if (host !== null) hostsByService.set(service, (hostsByService.get(service) ?? new Set()).add(host));
  };
  for (const { service, host } of observation.placements) addHost(service, host);
  for (const { series, host } of placed) addHost(series.service, host);
  const byService = group(placed, (metric) => metric.series.service);
  const whole = observation.services.filter((s) => s.instance === null);
  return {
    observation,
    graph: callGraph(observation),
    range,
    window: { startMs: startMsOf(range.from), endMs: startMsOf(Math.max(range.to, range.from + 1)) },
    baseline: { startMs: startMsOf(range.baseFrom), endMs: startMsOf(Math.max(range.baseTo, range.baseFrom)) },
    queries,
    services: new Map(whole.map((s) => [s.service, s])),
    instances: group(
      observation.services.filter((s) => s.instance !== null),
      (s) => s.service,
    ),
    metricsOf: (service) => byService.get(service) ?? [],
    metrics: placed,
    changes: observation.changes,
    hostOf: (service, instance) => hosts.get(`${service}|${instance}`) ?? null,
    hostsOf: (service) => hostsByService.get(service) ?? new Set(),
    startMsOf,
  };
}
