import type { CallExpr, Expr } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { keepLabels, type Labels, labelOf, METRIC_NAME } from './labels.ts';
import { emptyRow, type Row } from './value.ts';

/** Quantiles and fractions of histograms whose buckets are series with `le` (promql/quantile.go). */
interface Bucket {
  readonly upper: number;
  count: number;
}
interface Histogram {
  readonly labels: Labels;
  readonly rows: { readonly upper: number; readonly row: Row }[];
}
function histogramsOf(evaluator: Evaluator, rows: readonly Row[], at: Expr): Histogram[] {
  const found = new Map<string, Histogram>();
  for (const row of rows) {
    const le = labelOf(row.labels, 'le');
    const upper = /^[+-]?inf/i.test(le)
      ? le.startsWith('-')
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY
      : le === ''
        ? Number.NaN
        : Number(le);
    if (Number.isNaN(upper) && !/^nan$/i.test(le)) {
      evaluator.notes.warn(
        `bucket label "le" is missing or has a malformed value of ${JSON.stringify(le)} for metric name ${JSON.stringify(labelOf(row.labels, METRIC_NAME))}`,
        at,
      );
      continue;
    }
    const labels = keepLabels(row.labels, (name) => name !== 'le');
    const known = found.get(labels.key);
    if (known) known.rows.push({ upper, row });
    else found.set(labels.key, { labels, rows: [{ upper, row }] });
  }
  return [...found.values()];
}
/** Buckets at one time, ascending, equal bounds together. */
function bucketsAt({ rows }: Histogram, i: number): Bucket[] {
  const there = rows.filter(({ row }) => row.has[i] === 1).sort((a, b) => a.upper - b.upper);
  const buckets: Bucket[] = [];
  for (const { upper, row } of there) {
    const last = buckets.at(-1);
    if (last && last.upper === upper) last.count += row.values[i] as number;
    else buckets.push({ upper, count: row.values[i] as number });
  }
  return buckets;
}
const SMALL_DELTA = 1e-12;
/** Counts that fall from bucket to bucket by rounding are lifted; by more than that it is told. @returns whether it must be told */
function makeMonotonic(buckets: Bucket[]): boolean {
  let isForced = false;
  let before = (buckets[0] as Bucket).count;
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

function quantileAt(q: number, buckets: Bucket[], onForced: () => void): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  if (makeMonotonic(buckets)) onForced();
  if (buckets.length < 2) return Number.NaN;
  const observations = (buckets.at(-1) as Bucket).count;
  if (observations === 0) return Number.NaN;
  const rank = q * observations;
  let b = buckets.slice(0, -1).findIndex(({ count }) => count >= rank);
  if (b < 0) b = buckets.length - 1;
  if (b === buckets.length - 1) return (buckets[b - 1] as Bucket).upper;
  const { upper, count } = buckets[b] as Bucket;
  if (b === 0 && upper <= 0) return upper;
  const before = b > 0 ? (buckets[b - 1] as Bucket) : { upper: 0, count: 0 };
  return before.upper + (upper - before.upper) * ((rank - before.count) / (count - before.count));
}
/** Of a bucket without an end on one side nothing is known but its whole: a bound within it takes none of it, or all up to +Inf. */
function fractionAt(lower: number, upper: number, buckets: Bucket[]): number {
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  makeMonotonic(buckets);
  const observations = (buckets.at(-1) as Bucket).count;
  if (observations === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  /** Observations up to a bound. */
  const rankOf = (bound: number, isLower: boolean): number => {
    if (bound === Number.NEGATIVE_INFINITY) return 0;
    if (bound === Number.POSITIVE_INFINITY) return observations;
    const b = buckets.findIndex((bucket) => bound < bucket.upper);
    const { upper: end, count } = buckets[b] as Bucket;
    const from = buckets[b - 1] ?? { upper: end > 0 && end !== Number.POSITIVE_INFINITY ? 0 : Number.NEGATIVE_INFINITY, count: 0 };
    if (bound <= from.upper) return from.count;
    if (!Number.isFinite(from.upper)) return isLower ? count : from.count;
    if (end === Number.POSITIVE_INFINITY) return from.count;
    return from.count + (count - from.count) * ((bound - from.upper) / (end - from.upper));
  };
  return Math.max(0, rankOf(upper, false) - rankOf(lower, true)) / observations;
}

function each(evaluator: Evaluator, vector: Expr, at: (buckets: Bucket[], i: number, labels: Labels) => number): Row[] {
  const { count } = evaluator.grid;
  return histogramsOf(evaluator, evaluator.vector(vector), vector).flatMap((histogram) => {
    const row = emptyRow(histogram.labels, count, true);
    for (let i = 0; i < count; i++) {
      const buckets = bucketsAt(histogram, i);
      if (buckets.length === 0) continue;
      row.values[i] = at(buckets, i, histogram.labels);
      row.has[i] = 1;
    }
    return row.has.includes(1) ? [row] : [];
  });
}
export function classicQuantile(evaluator: Evaluator, { args }: CallExpr): Row[] {
  const quantiles = evaluator.scalar(args[0] as Expr);
  evaluator.warnOfQuantile(quantiles, args[0] as Expr);
  return each(evaluator, args[1] as Expr, (buckets, i, labels) =>
    quantileAt(quantiles[i] as number, buckets, () => {
      const metric = JSON.stringify(labelOf(labels, METRIC_NAME));
      evaluator.notes.info(
        `input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name ${metric}`,
        args[1] as Expr,
      );
    }),
  );
}
export function classicFraction(evaluator: Evaluator, { args }: CallExpr): Row[] {
  const [lower, upper] = [evaluator.scalar(args[0] as Expr), evaluator.scalar(args[1] as Expr)];
  return each(evaluator, args[2] as Expr, (buckets, i) => fractionAt(lower[i] as number, upper[i] as number, buckets));
}
