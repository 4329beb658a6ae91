import { anchoredChange, anchoredRange, type ExtendedWindow, smoothedChange } from './extended-range.ts';
import { addTo, linearFit, MeanSum, nanFirst, newSum, quantileOf, sumOf, VarianceSum } from './numerics.ts';

/**
 * Functions over the samples of one series within a window. `times` and `values` hold all samples; the window's are [from, to), never
 * empty. `undefined`: no answer for this window.
 */
export interface Window {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  /** (endMs - rangeMs, endMs]. */
  readonly endMs: number;
  readonly rangeMs: number;
  /** Evaluation time; another than `endMs` with offset or @. */
  readonly nowMs: number;
  /** Scalar arguments at this time. */
  readonly numbers: readonly number[];
}
type WindowFunction = (window: Window) => number | undefined;

/** Prometheus' extrapolation; see query/rate.ts for the rule in words. */
function extrapolated({ times, values, from, to, endMs, rangeMs }: Window, isCounter: boolean): number | undefined {
  const samples = to - from;
  if (samples < 2) return undefined;
  const [firstMs, lastMs] = [times[from] as number, times[to - 1] as number];
  const first = values[from] as number;
  let change = (values[to - 1] as number) - first;
  if (isCounter) {
    for (let i = from + 1; i < to; i++) {
      const before = values[i - 1] as number;
      if ((values[i] as number) < before) change += before;
    }
  }
  const sampled = (lastMs - firstMs) / 1000;
  const every = sampled / (samples - 1);
  const reach = every * 1.1;
  let toStart = (firstMs - (endMs - rangeMs)) / 1000;
  let toEnd = (endMs - lastMs) / 1000;
  if (toStart >= reach) toStart = every / 2;
  if (isCounter && change > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / change));
  if (toEnd >= reach) toEnd = every / 2;
  return change * ((sampled + toStart + toEnd) / sampled);
}
function instant({ times, values, to, from }: Window, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined;
  const [last, before] = [values[to - 1] as number, values[to - 2] as number];
  const ms = (times[to - 1] as number) - (times[to - 2] as number);
  if (ms === 0) return undefined;
  if (!isRate) return last - before;
  return (last < before ? last : last - before) / (ms / 1000);
}
/** How often two samples in a row are as asked. */
function countPairs({ values, from, to }: Window, counts: (before: number, value: number) => boolean): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) if (counts(values[i - 1] as number, values[i] as number)) count++;
  return count;
}
const extreme =
  (isBetter: (value: number, best: number) => boolean) =>
  (window: Window): number => {
    let best = window.from;
    for (let i = window.from + 1; i < window.to; i++) {
      const [value, so] = [window.values[i] as number, window.values[best] as number];
      if (isBetter(value, so) || Number.isNaN(so)) best = i;
    }
    return best;
  };
const least = extreme((value, best) => value < best);
const most = extreme((value, best) => value > best);
// The last of several equal ones.
const lastLeast = extreme((value, best) => value <= best);
const lastMost = extreme((value, best) => value >= best);
const sortedOf = ({ values, from, to }: Window): number[] => [...values.subarray(from, to)].sort(nanFirst);
function varianceOf({ values, from, to }: Window): number {
  const sum = new VarianceSum();
  for (let i = from; i < to; i++) sum.add(values[i] as number);
  return sum.variance;
}
/** Holt's linear method: `smoothing` of the level, `trend` of the slope. */
function smoothed({ values, from, to, numbers }: Window): number | undefined {
  const [smoothing, trend] = numbers as [number, number];
  if (to - from < 2) return undefined;
  let level = values[from] as number;
  let before = 0;
  let slope = (values[from + 1] as number) - level;
  for (let i = from + 1; i < to; i++) {
    if (i > from + 1) slope = trend * (level - before) + (1 - trend) * slope;
    const next = smoothing * (values[i] as number) + (1 - smoothing) * (level + slope);
    before = level;
    level = next;
  }
  return level;
}

export const RANGE_FUNCTIONS: Readonly<Record<string, WindowFunction>> = {
  rate: (window) => {
    const increase = extrapolated(window, true);
    return increase === undefined ? undefined : increase / (window.rangeMs / 1000);
  },
  increase: (window) => extrapolated(window, true),
  delta: (window) => extrapolated(window, false),
  irate: (window) => instant(window, true),
  idelta: (window) => instant(window, false),
  count_over_time: ({ from, to }) => to - from,
  present_over_time: () => 1,
  last_over_time: ({ values, to }) => values[to - 1],
  first_over_time: ({ values, from }) => values[from],
  sum_over_time: ({ values, from, to }) => {
    const sum = newSum();
    for (let i = from; i < to; i++) addTo(sum, values[i] as number);
    return sumOf(sum);
  },
  avg_over_time: ({ values, from, to }) => {
    const sum = new MeanSum();
    for (let i = from; i < to; i++) sum.add(values[i] as number);
    return sum.mean;
  },
  min_over_time: (window) => window.values[least(window)],
  max_over_time: (window) => window.values[most(window)],
  ts_of_min_over_time: (window) => (window.times[lastLeast(window)] as number) / 1000,
  ts_of_max_over_time: (window) => (window.times[lastMost(window)] as number) / 1000,
  ts_of_first_over_time: ({ times, from }) => (times[from] as number) / 1000,
  ts_of_last_over_time: ({ times, to }) => (times[to - 1] as number) / 1000,
  stdvar_over_time: varianceOf,
  stddev_over_time: (window) => Math.sqrt(varianceOf(window)),
  quantile_over_time: (window) => quantileOf(window.numbers[0] as number, sortedOf(window)),
  mad_over_time: (window) => {
    if (window.values.subarray(window.from, window.to).some(Number.isNaN)) return Number.NaN;
    const median = quantileOf(0.5, sortedOf(window));
    const distances = [...window.values.subarray(window.from, window.to)].map((value) => Math.abs(value - median)).sort(nanFirst);
    return quantileOf(0.5, distances);
  },
  changes: (window) => countPairs(window, (before, value) => value !== before && !(Number.isNaN(value) && Number.isNaN(before))),
  resets: (window) => countPairs(window, (before, value) => value < before),
  deriv: ({ times, values, from, to }) => (to - from < 2 ? undefined : linearFit(times, values, from, to, times[from] as number).slope),
  predict_linear: ({ times, values, from, to, nowMs, numbers }) => {
    if (to - from < 2) return undefined;
    const { slope, intercept } = linearFit(times, values, from, to, nowMs);
    return slope * (numbers[0] as number) + intercept;
  },
  double_exponential_smoothing: smoothed,
};
/** They give a sample as it was: the name stays. */
export const KEEPS_NAME: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);

type ExtendedFunction = (window: ExtendedWindow, rangeMs: number) => number | undefined;
const perSecond =
  (change: (window: ExtendedWindow, isCounter: boolean) => number | undefined): ExtendedFunction =>
  (window, rangeMs) => {
    const increase = change(window, true);
    return increase === undefined ? undefined : increase / (rangeMs / 1000);
  };
/** Counts pairs of samples, with the one before the start. */
const anchoredPairs =
  (name: 'changes' | 'resets'): ExtendedFunction =>
  (window, rangeMs) => {
    const range = anchoredRange(window);
    return range ? RANGE_FUNCTIONS[name]?.({ ...window, ...range, rangeMs, nowMs: window.endMs, numbers: [] }) : undefined;
  };
/** What a modifier of the range makes of a function. */
export const EXTENDED: Readonly<Record<'anchored' | 'smoothed', Readonly<Record<string, ExtendedFunction>>>> = {
  anchored: {
    rate: perSecond(anchoredChange),
    increase: (window) => anchoredChange(window, true),
    delta: (window) => anchoredChange(window, false),
    changes: anchoredPairs('changes'),
    resets: anchoredPairs('resets'),
  },
  smoothed: {
    rate: perSecond(smoothedChange),
    increase: (window) => smoothedChange(window, true),
    delta: (window) => smoothedChange(window, false),
  },
};
