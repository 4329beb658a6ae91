import { notAfter } from './not-after.ts';

/**
 * `anchored` and `smoothed` (PROM-52, experimental): a range is measured at its ends, not extrapolated to them. Anchored takes the sample at
 * or before the start; smoothed puts a straight line between the samples around each end. All of it within the lookback.
 */
export interface ExtendedWindow {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** (startMs, endMs]. */
  readonly startMs: number;
  readonly endMs: number;
  readonly lookbackMs: number;
}
/** On the line from sample `at` to the next one; where a counter fell it began at 0. */
function between({ times, values }: ExtendedWindow, at: number, ms: number, isCounter: boolean): number {
  const [t1, t2, y1, y2] = [times[at] as number, times[at + 1] as number, values[at] as number, values[at + 1] as number];
  if (ms === t1) return y1;
  const from = isCounter && y2 < y1 ? 0 : y1;
  return from + ((y2 - from) * (ms - t1)) / (t2 - t1);
}
/** Samples [from, to) of the window, with the one before its start where there is one. null: nothing to say. */
export function anchoredRange({ times, startMs, endMs, lookbackMs }: ExtendedWindow): { from: number; to: number } | null {
  const first = notAfter(times, startMs);
  const to = notAfter(times, endMs);
  if (first === to) return null;
  const hasBefore = first > 0 && (times[first - 1] as number) > startMs - lookbackMs;
  return { from: hasBefore ? first - 1 : first, to };
}
export function anchoredChange(window: ExtendedWindow, isCounter: boolean): number | undefined {
  const range = anchoredRange(window);
  if (!range) return undefined;
  const { values } = window;
  const [left, right] = [values[range.from] as number, values[range.to - 1] as number];
  return right - left + (isCounter ? resetsBetween(values, range.from + 1, range.to - 1, left, right) : 0);
}
export function smoothedChange(window: ExtendedWindow, isCounter: boolean): number | undefined {
  const { times, values, startMs, endMs, lookbackMs } = window;
  const first = notAfter(times, startMs);
  const to = notAfter(times, endMs);
  const hasBefore = first > 0 && (times[first - 1] as number) > startMs - lookbackMs;
  const hasAfter = to < times.length && (times[to] as number) <= endMs + lookbackMs;
  if (first === to && !(hasBefore && hasAfter)) return undefined;
  const left = hasBefore
    ? first < times.length && (first < to || hasAfter)
      ? between(window, first - 1, startMs, isCounter)
      : (values[first - 1] as number)
    : (values[first] as number);
  const right = hasAfter && to > 0 && (to > first || hasBefore) ? between(window, to - 1, endMs, isCounter) : (values[to - 1] as number);
  return right - left + (isCounter ? resetsBetween(values, first, to, left, right) : 0);
}
/** What a counter had when it fell, from `left` over the samples [from, to) to `right`. */
function resetsBetween(values: Float64Array, from: number, to: number, left: number, right: number): number {
  let lost = 0;
  let before = left;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value < before) lost += before;
    before = value;
  }
  return right < before ? lost + before : lost;
}
/** The value a smoothed instant selector finds. */
export function smoothedAt(window: Omit<ExtendedWindow, 'startMs'>): number | undefined {
  const { times, values, endMs, lookbackMs } = window;
  const to = notAfter(times, endMs);
  const hasBefore = to > 0 && (times[to - 1] as number) > endMs - lookbackMs;
  if (!hasBefore) return undefined;
  const hasAfter = to < times.length && (times[to] as number) <= endMs + lookbackMs;
  return hasAfter ? between({ ...window, startMs: endMs }, to - 1, endMs, false) : values[to - 1];
}
