import type { Row } from './value.ts';
import { FLOAT } from './value.ts';

/** Quantiles and fractions of histograms whose buckets are series with `le` (promql/quantile.go). */
export interface ClassicBucket {
  readonly upper: number;
  /** Of all buckets up to this one. */
  count: number;
}
/** The bound `le` says; NaN where it says none. */
export function boundOf(le: string): number {
  if (/^[+-]?inf/i.test(le)) return le.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return le === '' ? Number.NaN : Number(le);
}
/** Buckets at one time, ascending, equal bounds together. */
export function bucketsAt(rows: readonly { readonly upper: number; readonly row: Row }[], i: number): ClassicBucket[] {
  const there = rows.filter(({ row }) => row.has[i] === FLOAT).sort((a, b) => a.upper - b.upper);
  const buckets: ClassicBucket[] = [];
  for (const { upper, row } of there) {
    const last = buckets.at(-1);
    if (last && last.upper === upper) last.count += row.values[i] as number;
    else buckets.push({ upper, count: row.values[i] as number });
  }
  return buckets;
}
const SMALL_DELTA = 1e-12;
/** Counts that fall from bucket to bucket by rounding are lifted; by more than that it is told. @returns whether it must be told */
function makeMonotonic(buckets: ClassicBucket[]): boolean {
  let isForced = false;
  let before = (buckets[0] as ClassicBucket).count;
  for (const bucket of buckets.slice(1)) {
    const { count } = bucket;
    const isNear = count === before || Math.abs(count - before) / Math.max(Math.abs(count), Math.abs(before)) < SMALL_DELTA;
    if (count !== before && isNear) bucket.count = before;
    else if (count < before) {
      bucket.count = before;
      isForced = true;
    } else before = count;
  }
  return isForced;
}

export function classicQuantile(q: number, buckets: ClassicBucket[], onForced: () => void): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  if (makeMonotonic(buckets)) onForced();
  if (buckets.length < 2) return Number.NaN;
  const observations = (buckets.at(-1) as ClassicBucket).count;
  if (observations === 0) return Number.NaN;
  const rank = q * observations;
  let b = buckets.slice(0, -1).findIndex(({ count }) => count >= rank);
  if (b < 0) b = buckets.length - 1;
  if (b === buckets.length - 1) return (buckets[b - 1] as ClassicBucket).upper;
  const { upper, count } = buckets[b] as ClassicBucket;
  if (b === 0 && upper <= 0) return upper;
  const before = b > 0 ? (buckets[b - 1] as ClassicBucket) : { upper: 0, count: 0 };
  return before.upper + (upper - before.upper) * ((rank - before.count) / (count - before.count));
}
/** Of a bucket without an end on one side nothing is known but its whole: a bound within it takes none of it, or all up to +Inf. */
export function classicFraction(lower: number, upper: number, buckets: ClassicBucket[]): number {
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  makeMonotonic(buckets);
  const observations = (buckets.at(-1) as ClassicBucket).count;
  if (observations === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  /** Observations up to a bound. */
  const rankOf = (bound: number, isLower: boolean): number => {
    if (bound === Number.NEGATIVE_INFINITY) return 0;
    if (bound === Number.POSITIVE_INFINITY) return observations;
    const b = buckets.findIndex((bucket) => bound < bucket.upper);
    const { upper: end, count } = buckets[b] as ClassicBucket;
    const from = buckets[b - 1] ?? { upper: end > 0 && end !== Number.POSITIVE_INFINITY ? 0 : Number.NEGATIVE_INFINITY, count: 0 };
    if (bound <= from.upper) return from.count;
    if (!Number.isFinite(from.upper)) return isLower ? count : from.count;
    if (end === Number.POSITIVE_INFINITY) return from.count;
    return from.count + (count - from.count) * ((bound - from.upper) / (end - from.upper));
  };
  return Math.max(0, rankOf(upper, false) - rankOf(lower, true)) / observations;
}
