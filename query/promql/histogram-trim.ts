import { oneSided, partBelow } from './histogram-estimates.ts';
import { type Bucket, bucketAt, compact, isCustom, type NativeHistogram } from './native-histogram.ts';

/**
 * `histogram </ at` and `>/ at`: the observations on one side of a value. A bucket around it is divided as for a fraction; the sum is
 * estimated anew from the middles of the buckets where any observation is left out.
 */
export function trim(histogram: NativeHistogram, at: number, keeps: 'below' | 'above'): NativeHistogram {
  let count = 0;
  let sum = 0;
  let isTrimmed = false;
  const take = (bucket: Bucket, isPositive: boolean, isLinear: boolean): number => {
    const { kept, middle } = keptOf(bucket, at, keeps, isPositive, isLinear);
    count += kept;
    sum += kept * middle;
    if (kept !== bucket.count) isTrimmed = true;
    return kept;
  };
  const side = (name: 'positive' | 'negative'): NativeHistogram['positive'] => ({
    indexes: histogram[name].indexes,
    counts: histogram[name].counts.map((each, i) =>
      each === 0 ? 0 : take(bucketAt(histogram, name, i), name === 'positive', isCustom(histogram)),
    ),
  });
  const sides = { positive: side('positive'), negative: side('negative') };
  const { zeroThreshold, zeroCount } = histogram;
  const zero: Bucket = { lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount, includesLower: true, includesUpper: true };
  oneSided(compact(histogram), zero);
  const rest = zeroCount > 0 ? take(zero, true, true) : zeroCount;
  return isTrimmed ? compact({ ...histogram, ...sides, zeroCount: rest, count, sum }) : histogram;
}
interface Kept {
  readonly kept: number;
  /** What the kept ones are taken for. */
  readonly middle: number;
}
function keptOf(bucket: Bucket, at: number, keeps: 'below' | 'above', isPositive: boolean, isLinear: boolean): Kept {
  const { lower, upper, count } = bucket;
  // A zero bucket without width lies above what it is.
  if (keeps === 'below' && lower === upper && at <= lower) return { kept: 0, middle: 0 };
  if (keeps === 'below' ? upper <= at : lower >= at) return { kept: count, middle: trimMiddle(lower, upper, isPositive, isLinear) };
  if (keeps === 'below' ? lower >= at : upper <= at) return { kept: 0, middle: 0 };
  if (!Number.isFinite(lower) || !Number.isFinite(upper)) return keptOfEndless(bucket, at, keeps);
  const below = count * partBelow(bucket, at, isLinear);
  return keeps === 'below'
    ? { kept: below, middle: trimMiddle(lower, at, isPositive, isLinear) }
    : { kept: count - below, middle: trimMiddle(at, upper, isPositive, isLinear) };
}
function trimMiddle(lower: number, upper: number, isPositive: boolean, isLinear: boolean): number {
  if (!Number.isFinite(lower)) return !Number.isFinite(upper) ? 0 : upper > 0 ? upper / 2 : upper;
  if (!Number.isFinite(upper)) return lower;
  if (isLinear) return (lower + upper) / 2;
  return Math.sqrt(Math.abs(lower * upper)) * (isPositive ? 1 : -1);
}
/** How a bucket without an end is spread nobody knows: it is kept or left out whole, but between 0 and a positive bound. */
function keptOfEndless({ lower, upper, count }: Bucket, at: number, keeps: 'below' | 'above'): Kept {
  const none = { kept: 0, middle: 0 };
  if (lower === Number.NEGATIVE_INFINITY) {
    if (keeps === 'below') {
      if (at > 0 && upper > 0 && Number.isFinite(upper)) return { kept: (count * at) / upper, middle: at / 2 };
      return upper <= 0 ? { kept: count, middle: at } : none;
    }
    return at >= 0 && Number.isFinite(upper) ? { kept: count * (1 - at / upper), middle: (at + upper) / 2 } : none;
  }
  return keeps === 'below' ? none : { kept: count, middle: at };
}
