import type { Matcher } from '#query/promql/ast.ts';
import { labelsTest } from '#query/promql/matching.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { floatSeries, type StoredSeries, staleFlags, staleMarkers } from '#query/promql/value.ts';
import type { WrittenSample } from '#query/rules/sample.ts';

/** Samples rules gave that the store does not show yet: rules that follow in a group must find them at once. */
export class PendingSamples {
  /** Samples of an evaluation stay and go together. */
  private readonly batches = new Set<readonly WrittenSample[]>();
  size = 0;
  private held = false;
  private readonly leaving: (readonly WrittenSample[])[] = [];

  add(batch: readonly WrittenSample[]): void {
    this.batches.add(batch);
    this.size += batch.length;
  }
  /** They are in the store now, or nowhere. They stay while somebody works with what the store was before. */
  remove(batch: readonly WrittenSample[]): void {
    if (this.held) this.leaving.push(batch);
    else if (this.batches.delete(batch)) this.size -= batch.length;
  }
  async hold(work: () => Promise<void>): Promise<void> {
    this.held = true;
    try {
      await work();
    } finally {
      this.held = false;
      for (const batch of this.leaving.splice(0)) this.remove(batch);
    }
  }
  /** @param stored what the store has of a selector; (startMs, endMs] */
  merge(stored: StoredSeries[], matchers: readonly Matcher[], startMs: number, endMs: number): StoredSeries[] {
    if (this.size === 0) return stored;
    const fits = labelsTest(matchers);
    const found = new Map<string, WrittenSample[]>();
    for (const batch of this.batches)
      for (const sample of batch) {
        if (sample.atMs <= startMs || sample.atMs > endMs || !fits(sample.labels)) continue;
        found.set(sample.labels.key, [...(found.get(sample.labels.key) ?? []), sample]);
      }
    if (found.size === 0) return stored;
    const merged = stored.map((series) => {
      const more = found.get(series.labels.key);
      found.delete(series.labels.key);
      return more ? withSamples(series, more) : series;
    });
    const fresh = [...found.values()].map((samples) => withSamples(emptySeries(samples[0] as WrittenSample), samples));
    return [...merged, ...fresh];
  }
}
const emptySeries = ({ labels }: WrittenSample): StoredSeries => floatSeries(labels, new Float64Array(0), new Float64Array(0));
/** What both have is the store's. */
function withSamples(series: StoredSeries, more: readonly WrittenSample[]): StoredSeries {
  const stale = staleFlags(series.values);
  const floats = new Map<number, { readonly value: number; readonly isStale: boolean }>();
  const histograms = new Map<number, NativeHistogram>();
  for (const { atMs, value, histogram, isStale } of more) {
    if (histogram) histograms.set(atMs, histogram);
    else floats.set(atMs, { value, isStale });
  }
  const stored = series.histograms;
  stored?.histograms.forEach((each, i) => {
    histograms.set(stored.times[i] as number, each);
    floats.delete(stored.times[i] as number);
  });
  series.times.forEach((ms, i) => {
    floats.set(ms, { value: series.values[i] as number, isStale: stale?.[i] === 1 });
    histograms.delete(ms);
  });
  const sorted = [...floats].sort(([a], [b]) => a - b);
  const values = new Float64Array(sorted.length);
  sorted.forEach(([, { value, isStale }], i) => {
    if (isStale) staleMarkers(values, i);
    else values[i] = value;
  });
  const own = [...histograms].sort(([a], [b]) => a - b);
  const found = { times: Float64Array.from(own, ([ms]) => ms), histograms: own.map(([, histogram]) => histogram), starts: null };
  return { ...series, times: Float64Array.from(sorted, ([ms]) => ms), values, starts: null, histograms: own.length > 0 ? found : null };
}
