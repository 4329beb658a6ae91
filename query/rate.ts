/**
 * rate() and increase() with Prometheus' extrapolation (promql/functions.go, extrapolatedRate): the slope between the
 * first and last sample of the range, resets added back, stretched to the range's ends - but never further than half a
 * sampling interval beyond the data, and never below a counter's zero.
 */
export interface CounterSample {
  readonly timeMs: number;
  readonly value: number;
}

/**
 * @param samples of one series in (rangeEndMs - rangeMs, rangeEndMs], in time order, without stale markers
 * @returns increase over the range; NaN with fewer than two samples
 */
export function extrapolatedIncrease(samples: readonly CounterSample[], rangeEndMs: number, rangeMs: number): number {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || samples.length < 2 || last.timeMs === first.timeMs) return Number.NaN;
  let increase = last.value - first.value;
  for (let i = 1; i < samples.length; i++) {
    const before = (samples[i - 1] as CounterSample).value;
    if ((samples[i] as CounterSample).value < before) increase += before;
  }
  const sampledMs = last.timeMs - first.timeMs;
  const intervalMs = sampledMs / (samples.length - 1);
  const reachMs = intervalMs * 1.1;
  let toStartMs = first.timeMs - (rangeEndMs - rangeMs);
  let toEndMs = rangeEndMs - last.timeMs;
  if (toStartMs >= reachMs) toStartMs = intervalMs / 2;
  if (increase > 0 && first.value >= 0) toStartMs = Math.min(toStartMs, sampledMs * (first.value / increase));
  if (toEndMs >= reachMs) toEndMs = intervalMs / 2;
  return increase * ((sampledMs + toStartMs + toEndMs) / sampledMs);
}

/** Per-second rate over the range; NaN with fewer than two samples. */
export const extrapolatedRate = (samples: readonly CounterSample[], rangeEndMs: number, rangeMs: number): number =>
  extrapolatedIncrease(samples, rangeEndMs, rangeMs) / (rangeMs / 1000);
