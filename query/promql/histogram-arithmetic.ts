import { matchLayouts, reduce, widenZero, withBounds } from './histogram-layout.ts';
import { areSame, type Buckets, isCustom, type NativeHistogram, NO_BUCKETS, type ResetHint, upperBound } from './native-histogram.ts';

/** Sums, differences and products of native histograms, and whether one shows that its counter began anew. */
export interface Combined {
  readonly histogram: NativeHistogram;
  /** One of the two says there was a reset, the other that there was none. */
  readonly isConflict: boolean;
  /** Custom bounds were not the same and have been brought to those both have. */
  readonly isReconciled: boolean;
}
/** @returns null: one has exponential, the other custom buckets */
export const add = (left: NativeHistogram, right: NativeHistogram): Combined | null => combine(left, right, 1);
/** As add: the caller says that the result is a gauge, where it is one. @returns null: see add */
export const subtract = (left: NativeHistogram, right: NativeHistogram): Combined | null => combine(left, right, -1);

function combine(a: NativeHistogram, b: NativeHistogram, sign: 1 | -1): Combined | null {
  const matched = matchLayouts(a, b);
  if (!matched) return null;
  const { left, right, isReconciled } = matched;
  const histogram: NativeHistogram = {
    ...left,
    count: left.count + sign * right.count,
    sum: left.sum + sign * right.sum,
    zeroCount: left.zeroCount + sign * right.zeroCount,
    positive: combineBuckets(left.positive, right.positive, sign),
    negative: combineBuckets(left.negative, right.negative, sign),
    hint: combinedHint(a.hint, b.hint),
  };
  return { histogram, isConflict: isConflict(a.hint, b.hint), isReconciled };
}
export function combinedHint(a: ResetHint, b: ResetHint): ResetHint {
  if (a === b) return a;
  return a === 'gauge' || b === 'gauge' ? 'gauge' : 'unknown';
}
const isConflict = (a: ResetHint, b: ResetHint): boolean => (a === 'reset' && b === 'not_reset') || (a === 'not_reset' && b === 'reset');

function combineBuckets(a: Buckets, b: Buckets, sign: 1 | -1): Buckets {
  if (b.indexes.length === 0) return a;
  if (areSame(a.indexes, b.indexes))
    return { indexes: a.indexes, counts: a.counts.map((count, i) => count + sign * (b.counts[i] as number)) };
  const indexes = new Int32Array(a.indexes.length + b.indexes.length);
  const counts = new Float64Array(indexes.length);
  let [i, j, used] = [0, 0, 0];
  while (i < a.indexes.length || j < b.indexes.length) {
    const left = i < a.indexes.length ? (a.indexes[i] as number) : Number.POSITIVE_INFINITY;
    const right = j < b.indexes.length ? (b.indexes[j] as number) : Number.POSITIVE_INFINITY;
    indexes[used] = Math.min(left, right);
    counts[used++] = (left <= right ? (a.counts[i++] as number) : 0) + (right <= left ? sign * (b.counts[j++] as number) : 0);
  }
  return { indexes: indexes.slice(0, used), counts: counts.slice(0, used) };
}

export function multiply(histogram: NativeHistogram, by: number): NativeHistogram {
  return { ...mapCounts(histogram, (count) => count * by), hint: by < 0 ? 'gauge' : histogram.hint };
}
/** By 0 no bucket is left: nobody knows which would hold how many. */
export function divide(histogram: NativeHistogram, by: number): NativeHistogram {
  const divided = mapCounts(histogram, (count) => count / by);
  if (by === 0) return { ...divided, positive: NO_BUCKETS, negative: NO_BUCKETS };
  return { ...divided, hint: by < 0 ? 'gauge' : histogram.hint };
}
function mapCounts(histogram: NativeHistogram, change: (count: number) => number): NativeHistogram {
  const { positive, negative } = histogram;
  return {
    ...histogram,
    count: change(histogram.count),
    sum: change(histogram.sum),
    zeroCount: change(histogram.zeroCount),
    positive: { indexes: positive.indexes, counts: positive.counts.map(change) },
    negative: { indexes: negative.indexes, counts: negative.counts.map(change) },
  };
}

/** Whether a counter has begun anew between two samples: as the second one says, or because any count fell or any bucket is gone. */
export function isReset(histogram: NativeHistogram, before: NativeHistogram): boolean {
  if (histogram.hint === 'reset') return true;
  if (histogram.hint === 'not_reset') return false;
  if (histogram.count < before.count) return true;
  if (isCustom(histogram)) {
    if (!isCustom(before)) return true;
    if (areSame(histogram.bounds, before.bounds)) return hasFallen(histogram.positive, before.positive);
    const bounds = histogram.bounds.filter((bound) => before.bounds.includes(bound));
    return hasFallen(withBounds(histogram, bounds).positive, withBounds(before, bounds).positive);
  }
  // Neither may become finer, and a wider zero bucket ends where no populated bucket is cut.
  if (histogram.schema > before.schema || histogram.zeroThreshold < before.zeroThreshold) return true;
  const widened = widenZero(before, histogram.zeroThreshold);
  if (widened.zeroThreshold !== histogram.zeroThreshold || histogram.zeroCount < widened.zeroCount) return true;
  const reduced = reduce(widened, histogram.schema);
  return (
    hasFallen(outsideZero(histogram, histogram.positive), outsideZero(histogram, reduced.positive)) ||
    hasFallen(outsideZero(histogram, histogram.negative), outsideZero(histogram, reduced.negative))
  );
}
function outsideZero(histogram: NativeHistogram, buckets: Buckets): Buckets {
  const from = buckets.indexes.findIndex((index) => upperBound(histogram, index) > histogram.zeroThreshold);
  if (from === 0) return buckets;
  return from < 0 ? NO_BUCKETS : { indexes: buckets.indexes.subarray(from), counts: buckets.counts.subarray(from) };
}
function hasFallen(now: Buckets, before: Buckets): boolean {
  for (let i = 0, j = 0; j < before.indexes.length; j++) {
    const index = before.indexes[j] as number;
    while (i < now.indexes.length && (now.indexes[i] as number) < index) i++;
    const count = now.indexes[i] === index ? (now.counts[i] as number) : 0;
    if (count < (before.counts[j] as number)) return true;
  }
  return false;
}
