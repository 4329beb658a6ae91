import { lowerEnvelope, mannKendallZ } from '../../stats/trend.ts';
import type { CaseFile, PlacedMetric } from '../case-file.ts';
import { changeRow, type EvidenceRow, logRow, metricRow } from '../evidence-rows.ts';
import { amountText } from '../figures.ts';
import { shiftBetween, total } from '../shift.ts';
import type { Mechanism } from './mechanism.ts';

/** Memory that climbed without returning: from what to what, and whether it then fell as only a restart lets it. */
export interface Growth {
  readonly from: number;
  readonly peak: number;
  readonly isReset: boolean;
}
const PARTS = 12;

/** Cuts a memory series at restarts (a fall to under 60 % of the recent peak) into climbs, as index ranges. */
function climbs(values: Float64Array, to: number): { from: number; to: number; isReset: boolean }[] {
  const found: { from: number; to: number; isReset: boolean }[] = [];
  let from = 0;
  let peak = Number.NEGATIVE_INFINITY;
  let peakAt = 0;
  let lowest = Number.POSITIVE_INFINITY;
  let lastAt = -1;
  for (let i = 0; i < to; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    lastAt = i;
    if (value < 0.6 * peak && peak > 1.25 * lowest && i - peakAt <= 3) {
      found.push({ from, to: peakAt + 1, isReset: true });
      from = i;
      peak = value;
      lowest = value;
    }
    if (value >= peak) {
      peak = value;
      peakAt = i;
    }
    lowest = Math.min(lowest, value);
  }
  // A series that ends while others go on belonged to a process that is gone (a new one has a new identity).
  const isGone = lastAt >= 0 && to - lastAt > 6 && peakAt >= lastAt - 3;
  found.push({ from, to: peakAt + 1, isReset: isGone });
  return found;
}

/** The strongest climb of a memory series that ends in the window (or just before it), or null. */
export function memoryGrowth(file: CaseFile, metric: PlacedMetric): Growth | null {
  let best: Growth | null = null;
  const all = climbs(metric.series.values, file.range.to);
  // A heap that came back down twice before the trouble always does: only a climb beyond its usual peaks is news.
  const earlier = all.filter((climb) => climb.isReset && climb.to <= file.range.from - PARTS);
  const usualPeak = earlier.length >= 2 ? Math.max(...earlier.map((climb) => metric.series.values[climb.to - 1]!)) : 0;
  for (const climb of all) {
    if (metric.series.values[climb.to - 1]! < 1.3 * usualPeak) continue;
    if (climb.to < file.range.from - PARTS || climb.to - climb.from < PARTS) continue;
    // The leak may have started late in a long flat stretch: look at the whole climb, its half and its quarter.
    for (const part of [1, 0.5, 0.25]) {
      const from = Math.round(climb.to - (climb.to - climb.from) * part);
      if (climb.to - from < PARTS) continue;
      const floor = lowerEnvelope(metric.series.values, from, climb.to, PARTS);
      const first = floor.find(Number.isFinite) ?? Number.NaN;
      const peak = floor.findLast(Number.isFinite) ?? Number.NaN;
      const isGrowing = mannKendallZ(floor) > 3 && first > 0 && peak > 1.25 * first;
      if (isGrowing && peak / first > (best === null ? 0 : best.peak / best.from)) best = { from: first, peak, isReset: climb.isReset };
    }
  }
  return best;
}

function restartRows(file: CaseFile, service: string): EvidenceRow[] {
  const rows: EvidenceRow[] = [];
  const sinceMs = file.window.startMs - 120_000;
  const change = file.changes.find(
    (c) => c.service === service && c.kind === 'restart' && c.atMs >= sinceMs && c.atMs <= file.window.endMs,
  );
  if (change !== undefined) rows.push(changeRow(file, change, file.window.startMs));
  const restart = file.metricsOf(service).find((metric) => isRestart(metric, file));
  if (restart !== undefined) rows.push(metricRow(file, restart, -1));
  return rows;
}

function isRestart({ family, series }: PlacedMetric, file: CaseFile): boolean {
  if (family !== 'restarts' && family !== 'uptime' && family !== 'start_time') return false;
  for (let i = Math.max(1, file.range.from - 3); i < file.range.to; i++) {
    const before = series.values[i - 1]!;
    const value = series.values[i]!;
    if (series.isRate ? value > 0 && family === 'restarts' : family === 'uptime' ? value < before - 1 : value > before + 0.5) return true;
  }
  return false;
}

/** Memory that climbs until the process dies: growth alone is a suspicion, growth and a restart is a finding. */
export function memoryLeak(file: CaseFile, service: string): Mechanism | null {
  let best: { metric: PlacedMetric; growth: Growth } | null = null;
  let growing = 0;
  const memory = file.metricsOf(service).filter((metric) => metric.family === 'memory');
  for (const metric of memory) {
    const growth = memoryGrowth(file, metric);
    if (growth === null) continue;
    growing++;
    const rank = (g: Growth): number => g.peak / g.from + (g.isReset ? 10 : 0);
    if (best === null || rank(growth) > rank(best.growth)) best = { metric, growth };
  }
  if (best === null) return null;
  const { metric, growth } = best;
  const rows = [metricRow(file, metric, -1)];
  const restarts = restartRows(file, service);
  const isRestarted = growth.isReset || restarts.length > 0;
  rows.push(...restarts);
  const pause = file.metricsOf(service).find((m) => m.family === 'gc' && shiftBetween(m.series.values, null, file.range).z > 4);
  if (pause !== undefined) rows.push(metricRow(file, pause, -1));
  const log = outOfMemory(file, service);
  if (log !== null) rows.push(log);
  const steep = Math.min(1, (growth.peak / growth.from - 1.25) / 0.75);
  const strength = Math.min(0.98, 0.45 + 0.15 * steep + (isRestarted ? 0.3 : 0) + (pause !== undefined || log !== null ? 0.1 : 0));
  const figures = `${amountText(growth.from, metric.series.unit)} to ${amountText(growth.peak, metric.series.unit)}`;
  const because = `${service}'s memory climbed from ${figures} without coming back${isRestarted ? ', then the process restarted' : ''}.`;
  return { kind: 'memory_leak', strength, instance: growing < memory.length ? metric.series.instance : null, because, rows };
}

function outOfMemory(file: CaseFile, service: string): EvidenceRow | null {
  const isOut = (text: string): boolean => /out of memory|outofmemory|\boom\b|oomkilled|heap (limit|space|out)|cannot allocate/i.test(text);
  const log = file.observation.logs.find(
    (l) =>
      l.service === service &&
      (isOut(l.pattern) || isOut(l.example)) &&
      total(l.counts, file.range.from, file.range.to) > total(l.counts, file.range.baseFrom, file.range.baseTo),
  );
  return log === undefined ? null : logRow(file, log);
}
