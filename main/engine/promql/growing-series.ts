import { FaultlineError } from '#contracts/errors.ts';
import type { Labels } from '#query/promql/labels.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { notAfter } from '#query/promql/not-after.ts';
import { type StoredSeries, staleMarkers } from '#query/promql/value.ts';

/** Samples of one query at most: they are in memory while it runs. A native histogram counts for what it holds. */
export const MAX_SAMPLES = 5_000_000;

/** In time order, stale markers to the bit. */
interface Floats {
  readonly times: Float64Array;
  readonly values: Float64Array;
}
/** Samples of one series that come one by one. */
export interface Growing {
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
interface Series {
  readonly labels: Labels;
  /** Several where stored series have the same labels. */
  readonly floats: Floats[];
  /** null: none came one by one, as with most. */
  points: Growing | null;
}
/** Series by their labels. */
export class GrowingSeries {
  private readonly byKey = new Map<string, Series>();

  /** All samples of a stored series. */
  add(labels: Labels, floats: Floats): void {
    const known = this.byKey.get(labels.key);
    if (known) known.floats.push(floats);
    else this.byKey.set(labels.key, { labels, floats: [floats], points: null });
  }
  of(labels: Labels): Growing {
    const known = this.byKey.get(labels.key) ?? { labels, floats: [], points: null };
    this.byKey.set(labels.key, known);
    known.points ??= { times: [], values: [], stale: [], histogramTimes: [], histograms: [] };
    return known.points;
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
/** Those of (startMs, endMs] in time order, one of each time. They stay in the memory they were read into where they are so already. */
function finished({ labels, floats, points }: Series, startMs: number, endMs: number): StoredSeries {
  const read = points || floats.length !== 1 ? joined(floats, points) : (floats[0] as Floats);
  return { labels, ...within(read, startMs, endMs), starts: null, histograms: points && histogramsOf(points, startMs, endMs) };
}
/** The times that were cut last: series of one target share theirs, and go on to. */
let cut = { all: new Float64Array(0), startMs: 0, endMs: 0, times: new Float64Array(0), from: 0, to: 0 };
function within(read: Floats, startMs: number, endMs: number): Floats {
  if (cut.all !== read.times || cut.startMs !== startMs || cut.endMs !== endMs) {
    if (!isInOrder(read.times)) return within(copied(read, placesOf(read.times)), startMs, endMs);
    const all = read.times as Float64Array<ArrayBuffer>;
    const [from, to] = [notAfter(all, startMs), notAfter(all, endMs)];
    cut = { all, startMs, endMs, times: all.subarray(from, to), from, to };
  }
  return { times: cut.times, values: read.values.subarray(cut.from, cut.to) };
}
function histogramsOf({ histogramTimes, histograms }: Growing, startMs: number, endMs: number): StoredSeries['histograms'] {
  if (histogramTimes.length === 0) return null;
  const places = isInOrder(histogramTimes) ? null : placesOf(histogramTimes);
  const times = Float64Array.from(places?.map((i) => histogramTimes[i] as number) ?? histogramTimes);
  const all = places?.map((i) => histograms[i] as NativeHistogram) ?? histograms;
  const [from, to] = [notAfter(times, startMs), notAfter(times, endMs)];
  return { times: times.subarray(from, to), histograms: all.slice(from, to), starts: null };
}
function joined(floats: readonly Floats[], points: Growing | null): Floats {
  const pushed = { times: Float64Array.from(points?.times ?? []), values: Float64Array.from(points?.values ?? []) };
  points?.stale.forEach((isMarker, i) => {
    if (isMarker === 1) staleMarkers(pushed.values, i);
  });
  const parts = [...floats, pushed];
  if (parts.length === 1) return pushed;
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
function copied({ times, values }: Floats, places: readonly number[]): Floats {
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
function isInOrder(times: ArrayLike<number>): boolean {
  for (let i = 1; i < times.length; i++) if ((times[i] as number) <= (times[i - 1] as number)) return false;
  return true;
}
/** Places of the samples in time order, one of each time: the first that was read. */
function placesOf(times: ArrayLike<number>): number[] {
  const order = Array.from(times, (_, i) => i).sort((a, b) => (times[a] as number) - (times[b] as number));
  return order.filter((i, n) => n === 0 || times[order[n - 1] as number] !== times[i]);
}
