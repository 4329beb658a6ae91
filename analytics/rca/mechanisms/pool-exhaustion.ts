import type { MetricFamily } from '../../anomaly/metric-family.ts';
import type { CaseFile, PlacedMetric } from '../case-file.ts';
import { logRow, metricRow } from '../evidence-rows.ts';
import { shiftBetween, total } from '../shift.ts';
import type { Mechanism } from './mechanism.ts';

/** Families that say somebody waited, with the least mean rise that matters (requests; any unit of time; timeouts). */
const LEAST_RISE: Partial<Record<MetricFamily, number>> = { pool_pending: 0.4, pool_wait: 0, pool_timeouts: 0.01 };

/** Largest value of `metric` in the window over its limit series' (same labels but for the state, or any in the service). */
function fullness(file: CaseFile, used: PlacedMetric): number {
  const limits = file.metricsOf(used.series.service).filter((m) => m.family === 'pool_max' && m.series.instance === used.series.instance);
  const limit = limits.length === 0 ? Number.NaN : Math.max(...limits.map((m) => shiftBetween(m.series.values, null, file.range, 1).value));
  const value = shiftBetween(used.series.values, null, file.range).value;
  return limit > 0 ? value / limit : 0;
}

/** A connection pool whose callers wait: pending, wait time or timeouts rise, or the pool is full. */
export function poolExhaustion(file: CaseFile, service: string): Mechanism | null {
  const waiting: { metric: PlacedMetric; z: number; onset: number }[] = [];
  const full: { metric: PlacedMetric; z: number; onset: number }[] = [];
  for (const metric of file.metricsOf(service)) {
    const shift = shiftBetween(metric.series.values, null, file.range);
    const least = LEAST_RISE[metric.family];
    if (least !== undefined && shift.delta > least && shift.z > 4 && shift.value > 1.5 * shift.baseline)
      waiting.push({ metric, z: shift.z, onset: shift.onset });
    if (metric.family === 'pool_used' && shift.z > 3 && (shift.value > 1.6 * shift.baseline || fullness(file, metric) > 0.85))
      full.push({ metric, z: shift.z, onset: shift.onset });
  }
  if (waiting.length === 0 && full.length === 0) return null;
  const bySure = (a: { z: number }, b: { z: number }): number => b.z - a.z;
  const chosen = [...waiting.sort(bySure).slice(0, 3), ...full.sort(bySure).slice(0, 2)];
  const rows = chosen.map(({ metric, onset }) => metricRow(file, metric, onset));
  const log = file.observation.logs.find(
    (l) =>
      l.service === service &&
      /pool|connection.*(timeout|timed out|acquire|exhaust)/i.test(`${l.pattern} ${l.example}`) &&
      total(l.counts, file.range.from, file.range.to) > 2 + 2 * total(l.counts, file.range.baseFrom, file.range.baseTo),
  );
  if (log !== undefined) rows.push(logRow(file, log));
  const strength = Math.min(
    0.97,
    (waiting.length > 0 ? 0.75 : 0.4) + (full.length > 0 ? 0.15 : 0) + (waiting.length > 1 ? 0.05 : 0) + (log === undefined ? 0 : 0.05),
  );
  const because = `${service} waits for connections of its own pool${full.length > 0 ? ', which is full' : ''}.`;
  return { kind: 'pool_exhaustion', strength, instance: null, because, rows };
}
