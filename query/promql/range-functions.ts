import { anchoredChange, anchoredRange, type ExtendedWindow, smoothedChange } from './extended-range.ts';
import { linearFit, nanFirst, quantileOf, VarianceSum } from './numerics.ts';
import { meanOver, sumOver } from './range-means.ts';

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
  /** When the counter of each sample began; see Samples. */
  readonly starts: Float64Array | null;
  /** Told when a counter is said to have begun while it still went on. */
  readonly onOverlap: () => void;
}
type WindowFunction = (window: Window) => number | undefined;

/** Prometheus' extrapolation; see query/rate.ts for the rule in words. */
function extrapolated(window: Window, isCounter: boolean): number | undefined {
  const { times, values, from, to, starts } = window;
  const [firstMs, lastMs] = [times[from] as number, times[to - 1] as number];
  const first = values[from] as number;
  let change = (values[to - 1] as number) - first;
  if (isCounter) {
    for (let i = from + 1; i < to; i++) {
      const before = values[i - 1] as number;
      if ((values[i] as number) < before) change += before;
      else if (starts && beganAnew(times, starts, i)) change += before;
    }
    if (starts && overlaps(times, starts, from, to)) window.onOverlap();
  }
  const beganMs = isCounter ? (starts?.[from] ?? 0) : 0;
  if (isWithin(beganMs, firstMs, window)) change += first;
  const toZero = isCounter && change > 0 && first >= 0 ? first / change : Number.POSITIVE_INFINITY;
  const factor = extrapolation(firstMs, lastMs, to - from, window, beganMs, toZero);
  return factor < 0 ? undefined : change * factor;
}
/** The counter began within the range: it was 0 then, as if there were a sample. @param beganMs 0: not told */
export const isWithin = (beganMs: number, firstMs: number, { endMs, rangeMs }: Pick<Window, 'endMs' | 'rangeMs'>): boolean =>
  beganMs !== 0 && beganMs > endMs - rangeMs && beganMs < firstMs;
/**
 * How much longer than the sampled range the change is taken to have gone on. @param toZero how far back the counter was 0, in times of the
 * sampled range. @returns -1: too few samples
 */
export function extrapolation(
  firstMs: number,
  lastMs: number,
  samples: number,
  { endMs, rangeMs }: Pick<Window, 'endMs' | 'rangeMs'>,
  beganMs: number,
  toZero: number,
): number {
  const began = isWithin(beganMs, firstMs, { endMs, rangeMs });
  if (samples < 2 && !began) return -1;
  const every = samples < 2 ? 0 : (lastMs - firstMs) / 1000 / (samples - 1);
  const reach = every * 1.1;
  const sampled = (lastMs - (began ? beganMs : firstMs)) / 1000;
  let toStart = began ? 0 : (firstMs - (endMs - rangeMs)) / 1000;
  let toEnd = (endMs - lastMs) / 1000;
  if (toStart >= reach && !began) toStart = every / 2;
  if (sampled * toZero < toStart) toStart = sampled * toZero;
  if (toEnd >= reach) toEnd = every / 2;
  return (sampled + toStart + toEnd) / sampled;
}
/** Whether by what is told of its start the counter of sample `i` is another one than that of the sample before. */
export function beganAnew(times: Float64Array, starts: Float64Array, i: number): boolean {
  const [start, time] = [starts[i] as number, times[i] as number];
  const [startBefore, timeBefore] = [starts[i - 1] as number, times[i - 1] as number];
  if (start === 0 || start >= time || start < timeBefore) return false;
  // A delta goes on where the one before ended; a counter whose start nobody knows says the same of its second sample.
  return start > timeBefore || (startBefore !== 0 && startBefore < timeBefore);
}
/** Whether any sample says that its counter began before the sample before was taken, and another time than that one. */
export function overlaps(times: Float64Array, starts: Float64Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) {
    const start = starts[i] as number;
    if (start !== 0 && start < (times[i - 1] as number) && start !== starts[i - 1]) return true;
  }
  return false;
}
function instant({ times, values, to, from, starts }: Window, isRate: boolean): number | undefined {
  if (to - from < 2) return undefined;
  const [last, before] = [values[to - 1] as number, values[to - 2] as number];
  const ms = (times[to - 1] as number) - (times[to - 2] as number);
  if (ms === 0) return undefined;
  if (!isRate) return last - before;
  const isReset = last < before || (starts !== null && beganAnew(times, starts, to - 1));
  return (isReset ? last : last - before) / (ms / 1000);
}
/** How often two samples in a row are as asked. */
function countPairs({ values, from, to }: Window, counts: (before: number, value: number, i: number) => boolean): number {
  let count = 0;
  for (let i = from + 1; i < to; i++) if (counts(values[i - 1] as number, values[i] as number, i)) count++;
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
  sum_over_time: ({ values, from, to }) => sumOver(values, from, to),
  avg_over_time: ({ values, from, to }) => meanOver(values, from, to),
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
  resets: (window) => {
    const { times, starts } = window;
    return countPairs(window, (before, value, i) => value < before || (starts !== null && beganAnew(times, starts, i)));
  },
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
    const rest = { rangeMs, nowMs: window.endMs, numbers: [], starts: null, onOverlap: () => undefined };
    return range ? RANGE_FUNCTIONS[name]?.({ ...window, ...range, ...rest }) : undefined;
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
