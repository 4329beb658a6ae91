import type { TimeWindow } from '#contracts/judgement.ts';
import type { Observation, RankInput, ServiceObservation } from '#contracts/observation.ts';
import { shiftOnset } from '../stats/onset.ts';
import { median, medianAbsoluteDeviation } from '../stats/robust.ts';
import { callGraph } from '../topology/call-graph.ts';

/** Sum over services of how far errors and latency are above their baseline, bucket by bucket: where the trouble is. */
function troubleOf(services: readonly ServiceObservation[], from: number, to: number, observation: Observation): Float64Array {
  const trouble = new Float64Array(observation.buckets);
  for (const service of services) {
    const latency = service.p95Ms.map((value) => Math.log(value));
    const before = latency.subarray(from, to);
    const level = median(before);
    const scale = Math.max(medianAbsoluteDeviation(before, level), 0.08);
    const errors = service.errors.map((value, i) => (service.requests[i]! > 0 ? value / service.requests[i]! : 0));
    const usual = median(errors.subarray(from, to)) || 0;
    for (let i = 0; i < trouble.length; i++) {
      const slow = Number.isFinite(latency[i]!) && Number.isFinite(level) ? Math.min(8, Math.max(0, (latency[i]! - level) / scale - 3)) : 0;
      trouble[i]! += slow + Math.min(8, 40 * Math.max(0, errors[i]! - usual - 0.05));
    }
  }
  return trouble;
}

/**
 * Moves the start of the window to where the symptom began, when the window opens earlier (a leak's growth, a window a
 * person typed): what lies before it is calm and belongs to the baseline. The window is never widened.
 */
export function refineWindow(input: RankInput): { window: TimeWindow; baseline: TimeWindow } {
  const { observation, window, baseline } = input;
  const at = (ms: number): number =>
    Math.min(observation.buckets, Math.max(0, Math.round((ms - observation.startMs) / observation.stepMs)));
  const from = at(window.startMs);
  const to = at(window.endMs);
  const graph = callGraph(observation);
  const wanted = new Set(input.symptom === null ? graph.entries : [input.symptom.service]);
  const whole = observation.services.filter((s) => s.instance === null);
  const chosen = whole.filter((s) => wanted.has(s.service));
  const baseFrom = at(baseline.startMs);
  const baseTo = Math.max(at(baseline.endMs), Math.min(baseFrom + 8, from + 8));
  if (to - from < 12) return { window, baseline };
  const trouble = troubleOf(chosen.length > 0 ? chosen : whole, baseFrom, baseTo, observation);
  const level = upperMean(trouble.subarray(from, to));
  if (level < 1) return { window, baseline };
  const onset = shiftOnset(trouble, from, to, 0, level);
  if (onset - from < 4 || to - onset < 3) return { window, baseline };
  const startMs = observation.startMs + onset * observation.stepMs;
  return { window: { startMs, endMs: window.endMs }, baseline: { startMs: baseline.startMs, endMs: startMs - observation.stepMs } };
}

/** Mean of the upper third: what the trouble is like while it lasts, however much calm the window holds besides. */
function upperMean(values: Float64Array): number {
  const sorted = [...values].sort((a, b) => b - a);
  const kept = sorted.slice(0, Math.max(3, Math.ceil(sorted.length / 3)));
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}
