import { add, type Combined, divide, isReset, multiply, subtract } from './histogram-arithmetic.ts';
import { reduce } from './histogram-layout.ts';
import { HistogramMean, HistogramSum } from './histogram-sum.ts';
import { areEqual, compact, EMPTY_HISTOGRAM, isCustom, type NativeHistogram } from './native-histogram.ts';
import { beganAnew, extrapolation, isWithin, overlaps, RANGE_FUNCTIONS, type Window } from './range-functions.ts';
import type { HistogramSamples, Sample } from './value.ts';

/** Functions over the samples of a series that has native histograms, alone or beside floats (range-functions.ts has those of floats). */
export interface MixedWindow {
  /** May be empty. */
  readonly floats: Window;
  readonly histograms: HistogramSamples;
  /** The window's are [from, to). */
  readonly from: number;
  readonly to: number;
  readonly tell: Tell;
}
/** Annotations of one series. */
export interface Tell {
  /** Name of the metric, quoted. */
  readonly metric: string;
  warn(message: string): void;
  info(message: string): void;
}
export const mixOfTypes = (tell: Tell): undefined =>
  void tell.warn(`encountered a mix of histograms and floats for metric name ${tell.metric}`);
export const mixOfSchemas = (tell: Tell): undefined =>
  void tell.warn(`vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${tell.metric}`);
export const notCounter = (tell: Tell): void => tell.warn(`this native histogram metric is not a counter: ${tell.metric}`);
export const notGauge = (tell: Tell): void => tell.warn(`this native histogram metric is not a gauge: ${tell.metric}`);
export const CONFLICT = 'conflicting counter resets during histogram';
export const RECONCILED = 'mismatched custom buckets were reconciled during';

const isGauge = ({ hint }: NativeHistogram): boolean => hint === 'gauge';
/** The result, after what must be told of it. @returns undefined: exponential and custom buckets do not mix */
export function settle(combined: Combined | null, how: 'addition' | 'subtraction', tell: Tell): NativeHistogram | undefined {
  if (!combined) return mixOfSchemas(tell);
  if (combined.isReconciled) tell.info(`${RECONCILED} ${how}`);
  return combined.histogram;
}

/** Increase of the histograms [from, to), two at least, between the first and the last of them. */
function change(
  { histograms: { histograms, times, starts }, from, to, tell }: MixedWindow,
  isCounter: boolean,
): NativeHistogram | undefined {
  const last = histograms[to - 1] as NativeHistogram;
  let first = histograms[from] as NativeHistogram;
  const isNew = (i: number, before: NativeHistogram): boolean =>
    (starts !== null && beganAnew(times, starts, i)) || isReset(histograms[i] as NativeHistogram, before);
  const within = histograms.slice(from, to);
  if (isCounter ? within.some(isGauge) : !(isGauge(first) && isGauge(last))) (isCounter ? notCounter : notGauge)(tell);
  // Of a sample before a reset nothing but its count matters: its buckets may be any.
  if (isCounter && isNew(from + 1, first)) {
    const { schema, bounds } = histograms[from + 1] as NativeHistogram;
    first = { ...EMPTY_HISTOGRAM, schema, bounds };
  }
  const relevant = isCounter ? [first, ...within.slice(1)] : [first, last];
  if (relevant.some((each) => isCustom(each) !== isCustom(first))) return mixOfSchemas(tell);
  const schema = Math.min(...relevant.map((each) => each.schema));
  let result = settle(subtract(reduce(last, schema), first), 'subtraction', tell);
  if (isCounter) {
    if (starts && overlaps(times, starts, from, to)) tellOverlap(tell);
    let before = first;
    for (let i = from + 1; i < to && result; i++) {
      if (isNew(i, before)) result = settle(add(result, before), 'addition', tell);
      before = histograms[i] as NativeHistogram;
    }
  }
  return result && compact({ ...result, hint: 'gauge' });
}
export const tellOverlap = (tell: Tell): void =>
  tell.warn(`sample has start time that overlaps with previous sample timestamp for metric ${tell.metric}`);

function extrapolated(window: MixedWindow, isCounter: boolean): NativeHistogram | undefined {
  const { histograms: samples, from, to, floats, tell } = window;
  if (floats.to > floats.from) return mixOfTypes(tell);
  const first = samples.histograms[from] as NativeHistogram;
  const [firstMs, lastMs] = [samples.times[from] as number, samples.times[to - 1] as number];
  const beganMs = isCounter ? (samples.starts?.[from] ?? 0) : 0;
  let result = to - from > 1 ? change(window, isCounter) : { ...EMPTY_HISTOGRAM, schema: first.schema, bounds: first.bounds };
  if (result && isWithin(beganMs, firstMs, floats)) result = settle(add(result, first), 'addition', tell);
  if (!result) return undefined;
  const falls = isCounter && result.count > 0 && first.count >= 0;
  const factor = extrapolation(firstMs, lastMs, to - from, floats, beganMs, falls ? first.count / result.count : Number.POSITIVE_INFINITY);
  return factor < 0 ? undefined : multiply(result, factor);
}

/** By the last two samples, floats or histograms. */
function instant({ floats, histograms, from, to, tell }: MixedWindow, isRate: boolean): Sample | undefined {
  const lastFloatMs = (back: number): number => (floats.to - back >= floats.from ? (floats.times[floats.to - back] as number) : -Infinity);
  const lastMs = (back: number): number => (to - back >= from ? (histograms.times[to - back] as number) : -Infinity);
  // Both of the last two are of one kind, or they do not go together.
  if (lastFloatMs(2) > lastMs(1)) return RANGE_FUNCTIONS[isRate ? 'irate' : 'idelta']?.(floats);
  if (!(lastMs(2) > lastFloatMs(1))) return floats.to - floats.from + to - from < 2 ? undefined : mixOfTypes(tell);
  const [last, before] = [histograms.histograms[to - 1] as NativeHistogram, histograms.histograms[to - 2] as NativeHistogram];
  if (isRate ? isGauge(last) || isGauge(before) : !(isGauge(last) && isGauge(before))) (isRate ? notCounter : notGauge)(tell);
  const { starts, times } = histograms;
  const isNew = isRate && ((starts !== null && beganAnew(times, starts, to - 1)) || isReset(last, before));
  const result = isNew ? last : settle(subtract(last, before), 'subtraction', tell);
  if (!result) return undefined;
  const whole = compact({ ...result, hint: 'gauge' });
  return isRate ? divide(whole, (lastMs(1) - lastMs(2)) / 1000) : whole;
}

/** What every pair of samples in a row is, in time order, of whatever kind. */
function countPairs(window: MixedWindow, counts: (before: Place, now: Place) => boolean): number {
  const { floats, histograms } = window;
  let count = 0;
  let before: Place | null = null;
  for (let i = floats.from, j = window.from; i < floats.to || j < window.to; ) {
    const isFloat = j >= window.to || (i < floats.to && (floats.times[i] as number) < (histograms.times[j] as number));
    const now: Place = isFloat ? { value: floats.values[i] as number, i } : { value: histograms.histograms[j] as NativeHistogram, i: j };
    if (isFloat) i++;
    else j++;
    if (before && counts(before, now)) count++;
    before = now;
  }
  return count;
}
interface Place {
  readonly value: Sample;
  readonly i: number;
}
export function changes(window: MixedWindow): number {
  return countPairs(window, ({ value: before }, { value }) => {
    if (typeof value === 'number' && typeof before === 'number') return value !== before && !(Number.isNaN(value) && Number.isNaN(before));
    return typeof value === 'number' || typeof before === 'number' || !areEqual(value, before);
  });
}
export function resets(window: MixedWindow): number {
  const { floats, histograms } = window;
  return countPairs(window, ({ value: before, i: beforeAt }, { value, i }) => {
    if (typeof value !== typeof before) return true;
    const { times, starts } = typeof value === 'number' ? floats : histograms;
    if (starts && i === beforeAt + 1 && beganAnew(times, starts, i)) return true;
    return typeof value === 'number' || typeof before === 'number' ? value < before : isReset(value, before);
  });
}

function total(into: HistogramSum, { floats, histograms, from, to, tell }: MixedWindow): NativeHistogram | undefined {
  if (floats.to > floats.from) return mixOfTypes(tell);
  for (let i = from; i < to; i++) into.add(histograms.histograms[i] as NativeHistogram);
  if (into.isMixed) return mixOfSchemas(tell);
  if (into.isConflict) tell.warn(`${CONFLICT} aggregation`);
  if (into.isReconciled) tell.info(`${RECONCILED} aggregation`);
  return into.total;
}
const isFloatFirst = ({ floats, histograms, from }: MixedWindow): boolean =>
  floats.to > floats.from && (floats.times[floats.from] as number) < (histograms.times[from] as number);
const isFloatLast = ({ floats, histograms, to }: MixedWindow): boolean =>
  floats.to > floats.from && (floats.times[floats.to - 1] as number) > (histograms.times[to - 1] as number);

const MIXED: Readonly<Record<string, (window: MixedWindow) => Sample | undefined>> = {
  rate: (window) => {
    const increase = extrapolated(window, true);
    return increase && divide(increase, window.floats.rangeMs / 1000);
  },
  increase: (window) => extrapolated(window, true),
  delta: (window) => extrapolated(window, false),
  irate: (window) => instant(window, true),
  idelta: (window) => instant(window, false),
  changes,
  resets,
  sum_over_time: (window) => total(new HistogramSum(), window),
  avg_over_time: (window) => total(new HistogramMean(), window),
  count_over_time: ({ floats, from, to }) => floats.to - floats.from + to - from,
  present_over_time: () => 1,
  first_over_time: (window) =>
    isFloatFirst(window) ? window.floats.values[window.floats.from] : window.histograms.histograms[window.from],
  last_over_time: (window) =>
    isFloatLast(window) ? window.floats.values[window.floats.to - 1] : window.histograms.histograms[window.to - 1],
  ts_of_first_over_time: (window) =>
    ((isFloatFirst(window) ? window.floats.times[window.floats.from] : window.histograms.times[window.from]) as number) / 1000,
  ts_of_last_over_time: (window) =>
    ((isFloatLast(window) ? window.floats.times[window.floats.to - 1] : window.histograms.times[window.to - 1]) as number) / 1000,
};
/** @param window with one histogram at least */
export function overMixed(name: string, window: MixedWindow): Sample | undefined {
  const { floats, tell } = window;
  const mixed = MIXED[name];
  if (mixed) return mixed(window);
  // The others are of floats alone.
  if (floats.from === floats.to) return undefined;
  tell.info(`ignored histograms in a range containing both floats and histograms for metric name ${tell.metric}`);
  return RANGE_FUNCTIONS[name]?.(floats);
}
