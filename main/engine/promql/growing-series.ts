import { FaultlineError } from '#contracts/errors.ts';
import type { Labels } from '#query/promql/labels.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { type StoredSeries, staleMarkers } from '#query/promql/value.ts';

/** Samples of one query at most: they are in memory while it runs. A native histogram counts for what it holds. */
export const MAX_SAMPLES = 5_000_000;

/** Samples of one series as they are read. */
export interface Growing {
  readonly labels: Labels;
  /** In time order each, stale markers to the bit. Several where stored series have the same labels. */
  readonly floats: { readonly times: Float64Array; readonly values: Float64Array }[];
  readonly times: number[];
  readonly values: number[];
  readonly stale: number[];
  readonly histogramTimes: number[];
  readonly histograms: NativeHistogram[];
}
/** How much a query has read, by all its selectors. */
export class SampleCounter {
  private read = 0;
  /** Seconds spent waiting for samples. */
  readSeconds = 0;
  get samples(): number {
    return this.read;
  }
  /** Rows a statement may still give. */
  get left(): number {
    return MAX_SAMPLES - this.read;
  }
  /** @throws answer_too_long, in Prometheus' words */
  count(samples: number): void {
    this.read += samples;
    if (this.read <= MAX_SAMPLES) return;
    const more = `it reads more than ${MAX_SAMPLES.toLocaleString('en')}`;
    throw new FaultlineError('answer_too_long', `query processing would load too many samples into memory in query execution: ${more}`);
  }
}
/** Series by their labels. */
export class GrowingSeries {
  private readonly byKey = new Map<string, Growing>();

  of(labels: Labels): Growing {
    const known = this.byKey.get(labels.key);
    if (known) return known;
    const fresh = { labels, floats: [], times: [], values: [], stale: [], histogramTimes: [], histograms: [] };
    this.byKey.set(labels.key, fresh);
    return fresh;
  }
  finished(startMs: number, endMs: number): StoredSeries[] {
    return [...this.byKey.values()].map((each) => finished(each, startMs, endMs));
  }
}
export function push(into: Growing, ms: number, value: number, stale: number): void {
  into.times.push(ms);
  into.values.push(value);
  into.stale.push(stale);
}
function finished(growing: Growing, startMs: number, endMs: number): StoredSeries {
  const { labels, histogramTimes, histograms } = growing;
  const { times, values } = floatsOf(growing);
  const kept = placesOf(times, startMs, endMs);
  const own = placesOf(histogramTimes, startMs, endMs);
  return {
    labels,
    ...(kept ? copied(times, values, kept) : { times, values }),
    starts: null,
    histograms:
      histogramTimes.length === 0
        ? null
        : {
            times: own ? Float64Array.from(own, (i) => histogramTimes[i] as number) : Float64Array.from(histogramTimes),
            histograms: own?.map((i) => histograms[i] as NativeHistogram) ?? histograms,
            starts: null,
          },
  };
}
function floatsOf({ floats, times, values, stale }: Growing): { times: Float64Array; values: Float64Array } {
  const pushed = { times: Float64Array.from(times), values: Float64Array.from(values) };
  stale.forEach((isMarker, i) => {
    if (isMarker === 1) staleMarkers(pushed.values, i);
  });
  const parts = times.length > 0 ? [...floats, pushed] : floats;
  if (parts.length === 1) return parts[0] as (typeof parts)[0];
  const size = parts.reduce((sum, part) => sum + part.times.length, 0);
  const all = { times: new Float64Array(size), values: new Float64Array(size) };
  let at = 0;
  for (const part of parts) {
    all.times.set(part.times, at);
    all.values.set(part.values, at);
    at += part.times.length;
  }
  return all;
}
/** Two words a value: a NaN that travels as a number may lose its payload. */
function copied(times: Float64Array, values: Float64Array, places: readonly number[]): { times: Float64Array; values: Float64Array } {
  const out = { times: new Float64Array(places.length), values: new Float64Array(places.length) };
  const from = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const to = new Uint32Array(out.values.buffer);
  places.forEach((i, n) => {
    out.times[n] = times[i] as number;
    to[n * 2] = from[i * 2] as number;
    to[n * 2 + 1] = from[i * 2 + 1] as number;
  });
  return out;
}
/** Places of the samples of (startMs, endMs] in time order, one of each time. @returns null: all, as they are */
function placesOf(times: ArrayLike<number>, startMs: number, endMs: number): number[] | null {
  let isRight = times.length === 0 || ((times[0] as number) > startMs && (times[times.length - 1] as number) <= endMs);
  let isSorted = true;
  for (let i = 1; i < times.length && (isRight || isSorted); i++) {
    if ((times[i] as number) <= (times[i - 1] as number)) isRight = false;
    if ((times[i] as number) < (times[i - 1] as number)) isSorted = false;
  }
  if (isRight) return null;
  const order = Array.from(times, (_, i) => i);
  if (!isSorted) order.sort((a, b) => (times[a] as number) - (times[b] as number));
  return order.filter((i, n) => {
    const ms = times[i] as number;
    return ms > startMs && ms <= endMs && (n === 0 || times[order[n - 1] as number] !== ms);
  });
}
