import type { TimeWindow } from '#contracts/judgement.ts';
import type { Observation, RankInput, ServiceObservation } from '#contracts/observation.ts';
import { shiftedStretch } from '../stats/onset.ts';
import { median, medianAbsoluteDeviation } from '../stats/robust.ts';

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
 * Narrows the window to where the symptom is, when it opens much earlier (a leak's growth, a window a person typed) or
 * closes much later: the calm before belongs to the baseline. The window is never widened.
 */
export function refineWindow(input: RankInput): { window: TimeWindow; baseline: TimeWindow } {
  const { observation, window, baseline } = input;
  const at = (ms: number): number =>
    Math.min(observation.buckets, Math.max(0, Math.round((ms - observation.startMs) / observation.stepMs)));
  const from = at(window.startMs);
  const to = at(window.endMs);
  const whole = observation.services.filter((s) => s.instance === null);
  const baseFrom = at(baseline.startMs);
  const baseTo = Math.max(at(baseline.endMs), Math.min(baseFrom + 8, from + 8));
  if (to - from < 12) return { window, baseline };
  const trouble = troubleOf(whole, baseFrom, baseTo, observation);
  // The plain mean: a trouble shorter than the window gets a lower midpoint, so that all of it is found, not its peak.
  const level = mean(trouble.subarray(from, to));
  if (level < 0.6) return { window, baseline };
  const stretch = shiftedStretch(trouble, from, to, 0, level);
  if (stretch === null || stretch.to - stretch.from < 3) return { window, baseline };
  const ms = (bucket: number): number => observation.startMs + bucket * observation.stepMs;
  const isLate = stretch.from - from >= 4;
  // A trouble that ended long before the window does would be diluted by the calm after it.
  const isOver = to - stretch.to > 0.4 * (to - from);
  const refined = { startMs: isLate ? ms(stretch.from) : window.startMs, endMs: isOver ? ms(stretch.to + 3) : window.endMs };
  return { window: refined, baseline: isLate ? { startMs: baseline.startMs, endMs: refined.startMs - observation.stepMs } : baseline };
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
