import type { SelectorModifier } from './ast.ts';
import { smoothedSampleAt } from './extended-histograms.ts';
import { smoothedAt } from './extended-range.ts';
import { isReset } from './histogram-arithmetic.ts';
import type { Tell } from './mixed-ranges.ts';
import type { NativeHistogram } from './native-histogram.ts';
import { emptyRow, FLOAT, type HistogramSamples, isThere, put, type Row, type Samples, type StoredSeries, staleFlags } from './value.ts';

/** What an instant selector finds in one series: its newest sample for each moment. */
export interface Looking {
  readonly moments: Float64Array;
  readonly lookbackMs: number;
}
/** What of a found sample is wanted: itself, or seconds of when it was taken or its counter began. */
export type Wanted = 'sample' | 'time' | 'start';

/** The newest sample of (moment - lookback, moment] for each moment; null when there is none at all. */
export function latest(series: StoredSeries, { moments, lookbackMs }: Looking, wanted: Wanted): Row | null {
  const { times, values, labels, starts, histograms } = series;
  const stale = staleFlags(values);
  const row = emptyRow(labels, moments.length);
  if (!histograms && wanted === 'sample') {
    newest(series, stale, { moments, lookbackMs }, row);
    return isThere(row) ? row : null;
  }
  const own = histograms?.times ?? times;
  let [next, nextHistogram] = [0, 0];
  for (let i = 0; i < moments.length; i++) {
    const moment = moments[i] as number;
    if (i > 0 && moment < (moments[i - 1] as number)) [next, nextHistogram] = [0, 0];
    while (next < times.length && (times[next] as number) <= moment) next++;
    const at = next - 1;
    const isFloat = at >= 0 && (times[at] as number) > moment - lookbackMs;
    if (histograms) {
      while (nextHistogram < own.length && (own[nextHistogram] as number) <= moment) nextHistogram++;
      const there = nextHistogram - 1;
      const ms = there < 0 ? Number.NEGATIVE_INFINITY : (own[there] as number);
      if (ms > moment - lookbackMs && !(isFloat && (times[at] as number) > ms)) {
        if (wanted === 'sample') put(row, i, histograms.histograms[there]);
        else put(row, i, (wanted === 'time' ? ms : (histograms.starts?.[there] ?? 0)) / 1000);
        continue;
      }
    }
    if (!isFloat || stale?.[at] === 1) continue;
    put(row, i, wanted === 'sample' ? values[at] : (wanted === 'time' ? (times[at] as number) : (starts?.[at] ?? 0)) / 1000);
  }
  return isThere(row) ? row : null;
}
/** Numbers only, as nearly all series are: one loop without a call for a step. */
function newest({ times, values }: StoredSeries, stale: Uint8Array | null, { moments, lookbackMs }: Looking, row: Row): void {
  const { values: found, has } = row;
  const size = times.length;
  let [next, before] = [0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < moments.length; i++) {
    const moment = moments[i] as number;
    if (moment < before) next = 0;
    before = moment;
    while (next < size && (times[next] as number) <= moment) next++;
    if (next === 0 || (times[next - 1] as number) <= moment - lookbackMs || (stale !== null && stale[next - 1] === 1)) continue;
    found[i] = values[next - 1] as number;
    has[i] = FLOAT;
  }
}
export function smoothed(series: StoredSeries, { moments, lookbackMs }: Looking, tell: Tell): Row | null {
  const samples = withoutStale(series);
  const { histograms } = samples;
  const row = emptyRow(series.labels, moments.length);
  moments.forEach((endMs, i) => {
    const window = { ...samples, endMs, lookbackMs };
    put(row, i, histograms ? smoothedSampleAt({ ...window, histograms, tell }) : smoothedAt(window));
  });
  return isThere(row) ? row : null;
}
export function selectRow(series: StoredSeries, looking: Looking, modifier: SelectorModifier | null, tell: Tell): Row | null {
  return modifier === 'smoothed' ? smoothed(series, looking, tell) : latest(series, looking, 'sample');
}

export function withoutStale({ times, values, starts, histograms }: StoredSeries): Samples {
  const stale = staleFlags(values);
  if (!stale) return { times, values, starts, histograms };
  const isKept = (_: number, i: number): boolean => stale[i] === 0;
  return { times: times.filter(isKept), values: values.filter(isKept), starts: starts?.filter(isKept) ?? null, histograms };
}
/** Each histogram says whether there was a reset since the one before. */
export function withHints(samples: HistogramSamples | null): HistogramSamples | null {
  if (!samples) return null;
  const { histograms } = samples;
  const hinted = histograms.map((each, i): NativeHistogram => {
    if (each.hint !== 'unknown' || i === 0) return each;
    return { ...each, hint: isReset(each, histograms[i - 1] as NativeHistogram) ? 'reset' : 'not_reset' };
  });
  return { ...samples, histograms: hinted };
}
