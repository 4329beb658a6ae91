import { add, combinedHint, divide, multiply } from './histogram-arithmetic.ts';
import { matchLayouts, reduce, withBounds } from './histogram-layout.ts';
import { areSame, type Buckets, EMPTY_HISTOGRAM, isCustom, type NativeHistogram, NO_BUCKETS, upperBound } from './native-histogram.ts';
import { addTo, type KahanSum } from './numerics.ts';

/** Sum or mean of histograms with Neumaier's correction for each number in them (numerics.ts does it for one). */
export class HistogramSum {
  /** Custom bounds were not the same and have been brought to those all have. */
  isReconciled = false;
  /** Exponential and custom buckets came together: there is no sum. */
  isMixed = false;
  protected count = 0;
  protected sum: NativeHistogram = EMPTY_HISTOGRAM;
  /** Corrections, laid out as the sum. */
  protected rest: NativeHistogram = EMPTY_HISTOGRAM;
  private sawReset = false;
  private sawNoReset = false;

  add(histogram: NativeHistogram): void {
    if (histogram.hint === 'reset') this.sawReset = true;
    if (histogram.hint === 'not_reset') this.sawNoReset = true;
    if (this.isMixed) return;
    this.count++;
    if (this.count > 1) this.include(histogram);
    else {
      this.sum = histogram;
      this.rest = { ...emptyLike(histogram), positive: NO_BUCKETS, negative: NO_BUCKETS };
    }
  }
  /** Some say that there was a reset, others that there was none. */
  get isConflict(): boolean {
    return this.sawReset && this.sawNoReset;
  }
  get total(): NativeHistogram {
    return add(this.sum, this.rest)?.histogram ?? this.sum;
  }
  protected include(histogram: NativeHistogram): void {
    this.put(this.plus(this.sum, this.rest, histogram));
  }
  protected put(next: readonly [sum: NativeHistogram, rest: NativeHistogram] | null): void {
    if (next) [this.sum, this.rest] = next;
    else this.isMixed = true;
  }
  protected plus(
    sum: NativeHistogram,
    rest: NativeHistogram,
    histogram: NativeHistogram,
  ): readonly [sum: NativeHistogram, rest: NativeHistogram] | null {
    const matched = matchLayouts(sum, histogram);
    if (!matched) return null;
    const { left, right } = matched;
    this.isReconciled ||= matched.isReconciled;
    return plusMatched(left, layoutLike(rest, left), right, combinedHint(sum.hint, histogram.hint));
  }
}

/** Mean; by the running mean once the sum itself overflows. */
export class HistogramMean extends HistogramSum {
  private isRunning = false;

  protected override include(histogram: NativeHistogram): void {
    const { count } = this;
    if (!this.isRunning) {
      const next = this.plus(this.sum, this.rest, histogram);
      if (!next || !hasOverflow(next[0])) {
        this.put(next);
        return;
      }
      this.isRunning = true;
      [this.sum, this.rest] = [divide(this.sum, count - 1), divide(this.rest, count - 1)];
    }
    const kept = (count - 1) / count;
    this.put(this.plus(multiply(this.sum, kept), multiply(this.rest, kept), divide(histogram, count)));
  }
  override get total(): NativeHistogram {
    if (this.isRunning) return super.total;
    const { sum, rest, count } = this;
    return add(divide(sum, count), divide(rest, count))?.histogram ?? sum;
  }
}

function hasOverflow({ count, sum, zeroCount, positive, negative }: NativeHistogram): boolean {
  const isInfinite = (value: number): boolean => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
  return (
    isInfinite(count) || isInfinite(sum) || isInfinite(zeroCount) || positive.counts.some(isInfinite) || negative.counts.some(isInfinite)
  );
}
const emptyLike = (histogram: NativeHistogram): NativeHistogram => ({ ...histogram, count: 0, sum: 0, zeroCount: 0 });

/** Corrections in the layout their sum has by now. */
function layoutLike(rest: NativeHistogram, sum: NativeHistogram): NativeHistogram {
  if (isCustom(sum)) return areSame(rest.bounds, sum.bounds) ? rest : withBounds(rest, sum.bounds);
  const { schema, zeroThreshold } = sum;
  if (rest.schema === schema && rest.zeroThreshold === zeroThreshold) return rest;
  let { zeroCount } = rest;
  const outside = ({ indexes, counts }: Buckets): Buckets => {
    const isOut = Uint8Array.from(indexes, (index) => (upperBound(rest, index) > zeroThreshold ? 1 : 0));
    counts.forEach((count, i) => {
      if (isOut[i] === 0) zeroCount += count;
    });
    return { indexes: indexes.filter((_, i) => isOut[i] === 1), counts: counts.filter((_, i) => isOut[i] === 1) };
  };
  const sides = { positive: outside(rest.positive), negative: outside(rest.negative) };
  return reduce({ ...rest, ...sides, zeroThreshold, zeroCount }, schema);
}

const cell: KahanSum = { sum: 0, correction: 0 };
function plusMatched(
  sum: NativeHistogram,
  rest: NativeHistogram,
  histogram: NativeHistogram,
  hint: NativeHistogram['hint'],
): readonly [NativeHistogram, NativeHistogram] {
  const plus = (key: 'count' | 'sum' | 'zeroCount'): readonly [number, number] => {
    [cell.sum, cell.correction] = [sum[key], rest[key]];
    addTo(cell, histogram[key]);
    return [cell.sum, cell.correction];
  };
  const [count, restCount] = plus('count');
  const [total, restTotal] = plus('sum');
  const [zeroCount, restZero] = plus('zeroCount');
  const [positive, restPositive] = plusBuckets(sum.positive, rest.positive, histogram.positive);
  const [negative, restNegative] = plusBuckets(sum.negative, rest.negative, histogram.negative);
  return [
    { ...sum, count, sum: total, zeroCount, positive, negative, hint },
    { ...sum, count: restCount, sum: restTotal, zeroCount: restZero, positive: restPositive, negative: restNegative, hint },
  ];
}
function plusBuckets(sum: Buckets, rest: Buckets, more: Buckets): readonly [Buckets, Buckets] {
  const indexes = areSame(sum.indexes, more.indexes) ? sum.indexes : union(sum.indexes, more.indexes);
  const [counts, corrections] = [new Float64Array(indexes.length), new Float64Array(indexes.length)];
  for (let n = 0, i = 0, j = 0, k = 0; n < indexes.length; n++) {
    const index = indexes[n];
    cell.sum = sum.indexes[i] === index ? (sum.counts[i++] as number) : 0;
    while (j < rest.indexes.length && (rest.indexes[j] as number) < (index as number)) j++;
    cell.correction = rest.indexes[j] === index ? (rest.counts[j++] as number) : 0;
    if (more.indexes[k] === index) addTo(cell, more.counts[k++] as number);
    counts[n] = cell.sum;
    corrections[n] = cell.correction;
  }
  return [
    { indexes, counts },
    { indexes, counts: corrections },
  ];
}
function union(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  let [i, j, used] = [0, 0, 0];
  while (i < a.length || j < b.length) {
    const left = i < a.length ? (a[i] as number) : Number.POSITIVE_INFINITY;
    const right = j < b.length ? (b[j] as number) : Number.POSITIVE_INFINITY;
    if (left <= right) i++;
    if (right <= left) j++;
    all[used++] = Math.min(left, right);
  }
  return all.slice(0, used);
}
