import type { FloatHistogram } from '#collectors/files/sample-batch.ts';
import { type Buckets, EMPTY_HISTOGRAM, type NativeHistogram } from '#query/promql/native-histogram.ts';

/** Native histograms as rules give them: judged as Prometheus judges what is appended, and as remote write has them. */
const GAUGE_HINT = 3;
/** Counts are kept exactly below it (collectors/prometheus/write-histogram.ts). */
const MAX_EXACT = 2 ** 53;

/** Why it cannot be kept, in Prometheus' words where it has them (model/histogram Validate); '': it can. */
export function histogramProblem({ count, zeroCount, positive, negative }: NativeHistogram): string {
  const isBelow = (value: number): boolean => value < 0;
  if ([positive, negative].some(({ counts }) => counts.some(isBelow))) return 'histogram has a bucket whose observation count is negative';
  if (count < 0 || zeroCount < 0) return 'histogram has an observation count that is negative';
  const all = [count, zeroCount, ...positive.counts, ...negative.counts];
  const total = all.slice(1).reduce((sum, each) => sum + each, 0);
  if (all.some(Number.isNaN)) return 'histogram has an observation count that is not a number';
  return Math.max(count, total) >= MAX_EXACT ? 'histogram counts 2^53 observations or more, which is the most that is kept' : '';
}
/** Of resets a rule's sample tells nothing: the one before it is another than the one before what it was computed of. */
export const keptHistogram = (histogram: NativeHistogram): NativeHistogram =>
  histogram.hint === 'gauge' || histogram.hint === 'unknown' ? histogram : { ...histogram, hint: 'unknown' };

/** @param histogram without a problem */
export function writtenHistogram(histogram: NativeHistogram, atMs: number): FloatHistogram {
  const { count, sum, schema, zeroThreshold, zeroCount, positive, negative, bounds, hint } = histogram;
  return {
    ...{ timestampMs: atMs, count, sum, schema, zeroThreshold, zeroCount, isStale: false },
    ...{ positiveSpans: spansOf(positive), positiveCounts: positive.counts },
    ...{ negativeSpans: spansOf(negative), negativeCounts: negative.counts },
    ...{ resetHint: hint === 'gauge' ? GAUGE_HINT : 0, customValues: [...bounds] },
  };
}
export const staleHistogram = (schema: number, atMs: number): FloatHistogram => ({
  ...writtenHistogram({ ...EMPTY_HISTOGRAM, schema }, atMs),
  isStale: true,
});
/** Runs of buckets, each by how far it is from the end of the one before, and how many it has. */
function spansOf({ indexes }: Buckets): (readonly [number, number])[] {
  const spans: [number, number][] = [];
  let end = 0;
  for (const index of indexes) {
    const last = spans.at(-1);
    if (last && index === end) last[1]++;
    else spans.push([index - end, 1]);
    end = index + 1;
  }
  return spans;
}
