import {
  areSame,
  type Buckets,
  CUSTOM_SCHEMA,
  compact,
  isCustom,
  type NativeHistogram,
  NO_BUCKETS,
  upperBound,
} from './native-histogram.ts';

/** Brings two histograms to one layout: the coarser schema, a zero bucket that holds both, the bounds both have. */
export interface Matched {
  readonly left: NativeHistogram;
  readonly right: NativeHistogram;
  /** Custom bounds were not the same. */
  readonly isReconciled: boolean;
}
/** @returns null: one has exponential, the other custom buckets */
export function matchLayouts(left: NativeHistogram, right: NativeHistogram): Matched | null {
  if (isCustom(left) !== isCustom(right)) return null;
  if (isCustom(left)) {
    if (areSame(left.bounds, right.bounds)) return { left, right, isReconciled: false };
    const bounds = left.bounds.filter((bound) => right.bounds.includes(bound));
    return { left: withBounds(left, bounds), right: withBounds(right, bounds), isReconciled: true };
  }
  const schema = Math.min(left.schema, right.schema);
  // The zero buckets first: a finer schema knows better where they may end.
  const [l, r] = matchZeroBuckets(left, right);
  return { left: reduce(l, schema), right: reduce(r, schema), isReconciled: false };
}

/** Adds up the counts of buckets that become one. @param target ascending for ascending indexes */
function merge({ indexes, counts }: Buckets, target: (index: number) => number): Buckets {
  const merged = new Int32Array(indexes.length);
  const sums = new Float64Array(indexes.length);
  let used = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = target(indexes[i] as number);
    if (used === 0 || merged[used - 1] !== index) merged[used++] = index;
    sums[used - 1] = (sums[used - 1] as number) + (counts[i] as number);
  }
  return { indexes: merged.slice(0, used), counts: sums.slice(0, used) };
}
/** To a coarser schema; a finer one is left as it is. */
export function reduce(histogram: NativeHistogram, schema: number): NativeHistogram {
  const { positive, negative } = histogram;
  if (histogram.schema <= schema || isCustom(histogram)) return histogram;
  const by = histogram.schema - schema;
  const target = (index: number): number => ((index - 1) >> by) + 1;
  return { ...histogram, schema, positive: merge(positive, target), negative: merge(negative, target) };
}
/** @param bounds some of those the histogram has */
export function withBounds(histogram: NativeHistogram, bounds: Float64Array): NativeHistogram {
  const target = (index: number): number => {
    const upper = upperBound(histogram, index);
    const at = bounds.findIndex((bound) => bound >= upper);
    return at < 0 ? bounds.length : at;
  };
  return { ...histogram, schema: CUSTOM_SCHEMA, bounds, positive: merge(histogram.positive, target) };
}

function matchZeroBuckets(left: NativeHistogram, right: NativeHistogram): readonly [NativeHistogram, NativeHistogram] {
  let [l, r] = [left, right];
  while (l.zeroThreshold !== r.zeroThreshold) {
    if (l.zeroThreshold > r.zeroThreshold) r = widenZero(r, l.zeroThreshold);
    else l = widenZero(l, r.zeroThreshold);
  }
  return [l, r];
}
/** With a zero bucket at least that wide: one that would end within a populated bucket takes all of it. */
export function widenZero(histogram: NativeHistogram, threshold: number): NativeHistogram {
  const { positive, negative, zeroCount } = histogram;
  if (threshold === histogram.zeroThreshold) return histogram;
  let wide = threshold;
  for (let before = Number.NaN; before !== wide; ) {
    before = wide;
    for (const { indexes, counts } of [positive, negative]) {
      for (let i = 0; i < indexes.length; i++) {
        if (upperBound(histogram, (indexes[i] as number) - 1) >= wide) break;
        const upper = upperBound(histogram, indexes[i] as number);
        if (upper > wide && counts[i] !== 0) wide = upper;
      }
    }
  }
  let count = zeroCount;
  const outside = ({ indexes, counts }: Buckets): Buckets => {
    let from = 0;
    for (; from < indexes.length && upperBound(histogram, (indexes[from] as number) - 1) < wide; from++) count += counts[from] as number;
    return from === indexes.length ? NO_BUCKETS : { indexes: indexes.slice(from), counts: counts.slice(from) };
  };
  const rest = { positive: outside(positive), negative: outside(negative) };
  return compact({ ...histogram, ...rest, zeroThreshold: wide, zeroCount: count });
}
