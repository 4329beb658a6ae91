import { type Bucket, bucketsOf, isCustom, type NativeHistogram } from './native-histogram.ts';
import { addTo, newSum } from './numerics.ts';

/**
 * What can be told of the observations of a native histogram from its buckets (promql/quantile.go): within a bucket they lie evenly, in
 * exponential buckets on a logarithmic scale. The zero bucket is one-sided where no bucket lies on the other side.
 */
/** What must be told beside a quantile or fraction: observations that are no numbers are in no bucket. */
export type NanNote = 'result is NaN' | 'result is skewed higher' | 'are excluded';
export interface Estimate {
  readonly value: number;
  readonly note?: NanNote;
}

export function oneSided(histogram: NativeHistogram, bucket: Bucket): void {
  const [positive, negative] = [histogram.positive.indexes.length, histogram.negative.indexes.length];
  if (negative === 0 && positive > 0) bucket.lower = 0;
  else if (positive === 0 && negative > 0) bucket.upper = 0;
}
const log = (value: number): number => Math.log2(Math.abs(value));
/** Which part of a bucket lies below a value within it. */
export function partBelow({ lower, upper }: Pick<Bucket, 'lower' | 'upper'>, value: number, isLinear: boolean): number {
  if (isLinear) return (value - lower) / (upper - lower);
  const [from, to, at] = [log(lower), log(upper), log(value)];
  return value > 0 ? (at - from) / (to - from) : 1 - (at - to) / (from - to);
}

export function histogramQuantile(q: number, histogram: NativeHistogram): Estimate {
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  if (histogram.count === 0 || Number.isNaN(q)) return { value: Number.NaN };
  const buckets = bucketsOf(histogram);
  const hasNan = Number.isNaN(histogram.sum);
  // From the nearer end, but not from the upper one when some observations are in no bucket.
  const isForward = hasNan || q < 0.5;
  if (!isForward) buckets.reverse();
  const rank = (isForward ? q : 1 - q) * histogram.count;
  let bucket: Bucket = { lower: 0, upper: 0, count: 0, includesLower: false, includesUpper: false };
  let seen = 0;
  for (const each of buckets) {
    bucket = each;
    seen += each.count;
    if (each.count !== 0 && seen >= rank) break;
  }
  if (isCustom(histogram)) {
    if (bucket.lower === Number.NEGATIVE_INFINITY) {
      if (bucket.upper <= 0) return { value: bucket.upper };
      bucket.lower = 0;
    } else if (bucket.upper === Number.POSITIVE_INFINITY) return { value: bucket.lower };
  } else if (bucket.lower < 0 && bucket.upper > 0) oneSided(histogram, bucket);
  seen = Math.min(seen, histogram.count);
  if (seen < rank) return hasNan ? { value: Number.NaN, note: 'result is NaN' } : { value: bucket.upper };
  const part = (isForward ? rank - (seen - bucket.count) : seen - rank) / bucket.count;
  const value = valueAt(bucket, part, isCustom(histogram));
  const inBuckets = buckets.reduce((sum, { count }) => sum + count, 0);
  return hasNan && inBuckets < histogram.count ? { value, note: 'result is skewed higher' } : { value };
}
function valueAt({ lower, upper }: Bucket, part: number, isLinear: boolean): number {
  if (isLinear || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * part;
  const [from, to] = [log(lower), log(upper)];
  return lower > 0 ? 2 ** (from + (to - from) * part) : -(2 ** (to + (from - to) * (1 - part)));
}

/** Part of the observations in (lower, upper]. */
export function histogramFraction(lower: number, upper: number, histogram: NativeHistogram): Estimate {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return { value: Number.NaN };
  if (lower >= upper) return { value: 0 };
  const buckets = bucketsOf(histogram);
  /** Observations up to a value. */
  const rankOf = (value: number): number => {
    let rank = 0;
    for (const each of buckets) {
      const bucket = { ...each };
      const isZero = bucket.lower <= 0 && bucket.upper >= 0;
      if (isZero) oneSided(histogram, bucket);
      if (bucket.lower >= value) return rank;
      if (bucket.upper > value) {
        const isLinear = isCustom(histogram) || isZero;
        // Of a bucket without a lower end nothing is known but its whole.
        if (isLinear && bucket.lower === Number.NEGATIVE_INFINITY) return bucket.count;
        return rank + bucket.count * partBelow(bucket, value, isLinear);
      }
      rank += bucket.count;
    }
    return Number.POSITIVE_INFINITY;
  };
  const hasNan = Number.isNaN(histogram.sum);
  const counted = hasNan ? buckets.reduce((sum, { count }) => sum + count, 0) : histogram.count;
  const value = (Math.min(rankOf(upper), counted) - Math.min(rankOf(lower), counted)) / histogram.count;
  return hasNan && counted < histogram.count ? { value, note: 'are excluded' } : { value };
}

/** Population variance, each bucket taken for its middle: the geometric one of exponential buckets. */
export function histogramVariance(histogram: NativeHistogram): number {
  const mean = histogram.sum / histogram.count;
  const squares = newSum();
  for (const { lower, upper, count } of bucketsOf(histogram)) {
    if (count === 0) continue;
    const delta = middle(lower, upper, isCustom(histogram)) - mean;
    addTo(squares, count * delta * delta);
  }
  return (squares.sum + squares.correction) / histogram.count;
}
function middle(lower: number, upper: number, isLinear: boolean): number {
  if (isLinear) return (lower + upper) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  return Math.sqrt(lower * upper) * (upper < 0 ? -1 : 1);
}
