import { smoothedAt } from './extended-range.ts';
import { add, divide, isReset, multiply, subtract } from './histogram-arithmetic.ts';
import { changes, type MixedWindow, mixOfSchemas, mixOfTypes, notCounter, notGauge, resets, settle, type Tell } from './mixed-ranges.ts';
import { compact, isCustom, type NativeHistogram } from './native-histogram.ts';
import { notAfter } from './not-after.ts';
import { EXTENDED } from './range-functions.ts';
import type { HistogramSamples, Sample, Samples } from './value.ts';

/** `anchored` and `smoothed` over native histograms: extended-range.ts has the rule, for floats. */
export interface ExtendedSamples extends Samples {
  readonly histograms: HistogramSamples;
  /** (startMs, endMs]. */
  readonly startMs: number;
  readonly endMs: number;
  readonly lookbackMs: number;
  readonly tell: Tell;
}

/** On the way from one histogram to the next; of a counter that began anew, from nothing. */
function between(
  { times, histograms }: HistogramSamples,
  at: number,
  ms: number,
  isCounter: boolean,
  tell: Tell,
): NativeHistogram | undefined {
  const [t1, t2] = [times[at] as number, times[at + 1] as number];
  const [h1, h2] = [histograms[at] as NativeHistogram, histograms[at + 1] as NativeHistogram];
  if (ms === t1) return h1;
  if (ms === t2) return h2;
  const part = (ms - t1) / (t2 - t1);
  if (isCounter && isReset(h2, h1)) return multiply(h2, part);
  const difference = settle(subtract(h2, h1), 'subtraction', tell);
  return difference && settle(add(multiply(difference, part), h1), 'addition', tell);
}

function change(window: ExtendedSamples, isSmoothed: boolean, isCounter: boolean): NativeHistogram | undefined {
  const { histograms: samples, startMs, endMs, lookbackMs, tell } = window;
  const { times, histograms } = samples;
  const lowest = notAfter(times, startMs - lookbackMs);
  const highest = notAfter(times, isSmoothed ? endMs + lookbackMs : endMs) - 1;
  const firstWithin = notAfter(times, startMs);
  const first = Math.max(lowest, firstWithin - 1);
  const atEnd = times.findIndex((ms) => ms >= endMs);
  const last = isSmoothed && atEnd >= 0 ? Math.min(highest, Math.max(first, atEnd)) : highest;
  if (last < first || (times[last] as number) <= startMs || (isSmoothed && (times[first] as number) > endMs)) return undefined;
  const within = histograms.slice(first, last + 1);
  if (within.some((each) => isCustom(each) !== isCustom(within[0] as NativeHistogram))) return mixOfSchemas(tell);
  if (isCounter && within.some(({ hint }) => hint === 'gauge')) notCounter(tell);
  const isLeftBetween = isSmoothed && (times[first] as number) < startMs;
  const isRightBetween = isSmoothed && last > 0 && (times[last] as number) > endMs;
  const left = isLeftBetween ? between(samples, first, startMs, isCounter, tell) : histograms[first];
  const right = isRightBetween ? between(samples, last - 1, endMs, isCounter, tell) : histograms[last];
  if (!left || !right) return undefined;
  if (!isCounter && !(left.hint === 'gauge' && right.hint === 'gauge')) notGauge(tell);
  let result = settle(subtract(right, left), 'subtraction', tell);
  if (isCounter) {
    let from = first + 1;
    let before = left;
    // A reset the left end lies in is in it already.
    if (isLeftBetween && isReset(histograms[from] as NativeHistogram, histograms[first] as NativeHistogram))
      before = histograms[from++] as NativeHistogram;
    const inner = from > last ? [] : [...histograms.slice(from, last), right];
    for (const each of inner) {
      if (result && isReset(each, before)) result = settle(add(result, before), 'addition', tell);
      before = each;
    }
  }
  return result && compact({ ...result, hint: 'gauge' });
}

/** With the sample before the start, whatever it is; samples before that do not count. */
function anchoredPairs(window: ExtendedSamples, count: (window: MixedWindow) => number): number | undefined {
  const { times, values, histograms, startMs, endMs, lookbackMs, tell } = window;
  const before = (own: Float64Array): number => {
    const at = notAfter(own, startMs) - 1;
    return at >= 0 && (own[at] as number) > startMs - lookbackMs ? at : -1;
  };
  const [floatBefore, histogramBefore] = [before(times), before(histograms.times)];
  const range = (own: Float64Array): readonly [number, number] => [notAfter(own, startMs), notAfter(own, endMs)];
  let [from, to] = range(times);
  let [histogramFrom, histogramTo] = range(histograms.times);
  if (from === to && histogramFrom === histogramTo) return undefined;
  const floatMs = floatBefore < 0 ? Number.NEGATIVE_INFINITY : (times[floatBefore] as number);
  const histogramMs = histogramBefore < 0 ? Number.NEGATIVE_INFINITY : (histograms.times[histogramBefore] as number);
  if (floatMs > histogramMs) from = floatBefore;
  else if (histogramBefore >= 0) histogramFrom = histogramBefore;
  const rest = { endMs, rangeMs: endMs - startMs, nowMs: endMs, numbers: [], starts: null, onOverlap: () => undefined };
  return count({ floats: { times, values, from, to, ...rest }, histograms, from: histogramFrom, to: histogramTo, tell });
}

const isAny = (times: Float64Array, startMs: number, endMs: number): boolean => notAfter(times, startMs) < notAfter(times, endMs);
/** @param rangeMs of the selector */
export function overExtended(
  modifier: 'anchored' | 'smoothed',
  name: string,
  window: ExtendedSamples,
  rangeMs: number,
): Sample | undefined {
  if (name === 'changes') return anchoredPairs(window, changes);
  if (name === 'resets') return anchoredPairs(window, resets);
  const isSmoothed = modifier === 'smoothed';
  const { times, histograms, startMs, endMs, lookbackMs, tell } = window;
  const reach = [startMs - lookbackMs, isSmoothed ? endMs + lookbackMs : endMs] as const;
  const hasFloats = isAny(times, ...reach);
  if (!isAny(histograms.times, ...reach)) return hasFloats ? EXTENDED[modifier][name]?.(window, rangeMs) : undefined;
  if (hasFloats) return mixOfTypes(tell);
  const increase = change(window, isSmoothed, name !== 'delta');
  return increase && name === 'rate' ? divide(increase, rangeMs / 1000) : increase;
}
/** What a smoothed instant selector finds in a series with histograms. */
export function smoothedSampleAt(window: Omit<ExtendedSamples, 'startMs'>): Sample | undefined {
  const { times, histograms, endMs, lookbackMs, tell } = window;
  const reach = [endMs - lookbackMs, endMs + lookbackMs] as const;
  if (!isAny(histograms.times, ...reach)) return smoothedAt(window);
  if (isAny(times, ...reach)) return mixOfTypes(tell);
  const to = notAfter(histograms.times, endMs);
  if (to === 0 || (histograms.times[to - 1] as number) <= endMs - lookbackMs) return undefined;
  const last = histograms.histograms[to - 1] as NativeHistogram;
  if (to === histograms.times.length || (histograms.times[to] as number) > endMs + lookbackMs) return last;
  if (isCustom(last) !== isCustom(histograms.histograms[to] as NativeHistogram)) return mixOfSchemas(tell);
  return between(histograms, to - 1, endMs, last.hint !== 'gauge', tell);
}
