/** Sums and fits as Prometheus does them, digit for digit (promql/functions.go, util/kahansum). */

/** Neumaier's summation: `sum + correction` is the sum. */
export interface KahanSum {
  sum: number;
  correction: number;
}
export const newSum = (): KahanSum => ({ sum: 0, correction: 0 });
export function addTo(to: KahanSum, value: number): void {
  const total = to.sum + value;
  if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) to.correction = 0;
  else if (Math.abs(to.sum) >= Math.abs(value)) to.correction += to.sum - total + value;
  else to.correction += value - total + to.sum;
  to.sum = total;
}
const isInfinite = (value: number): boolean => value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY;
export const sumOf = ({ sum, correction }: KahanSum): number => (isInfinite(sum) ? sum : sum + correction);

/** Mean; by the running mean once the sum itself overflows. */
export class MeanSum {
  count = 0;
  private readonly total = newSum();
  private isIncremental = false;

  add(value: number): void {
    const { total } = this;
    this.count++;
    if (!this.isIncremental) {
      const [sum, correction] = [total.sum, total.correction];
      addTo(total, value);
      if (this.count === 1 || !isInfinite(total.sum)) return;
      this.isIncremental = true;
      total.sum = sum / (this.count - 1);
      total.correction = correction / (this.count - 1);
    }
    const kept = (this.count - 1) / this.count;
    total.sum *= kept;
    total.correction *= kept;
    addTo(total, value / this.count);
  }
  get mean(): number {
    const { total, count } = this;
    if (this.isIncremental) return total.sum + total.correction;
    return isInfinite(total.sum) ? total.sum / count : total.sum / count + total.correction / count;
  }
}

/** Population variance by Welford's recurrence. */
export class VarianceSum {
  private count = 0;
  private readonly mean = newSum();
  private readonly squares = newSum();

  add(value: number): void {
    this.count++;
    const delta = value - (this.mean.sum + this.mean.correction);
    addTo(this.mean, delta / this.count);
    addTo(this.squares, delta * (value - (this.mean.sum + this.mean.correction)));
  }
  get variance(): number {
    return (this.squares.sum + this.squares.correction) / this.count;
  }
}

/** @param sorted ascending, NaN first */
export function quantileOf(q: number, sorted: ArrayLike<number>): number {
  const { length } = sorted;
  if (length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[lower] as number) * (1 - weight) + (sorted[upper] as number) * weight;
}
export const nanFirst = (a: number, b: number): number => (Number.isNaN(a) ? (Number.isNaN(b) ? 0 : -1) : Number.isNaN(b) ? 1 : a - b);

/** Least squares over points [from, to); x in seconds since `originMs`. */
export function linearFit(
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
  originMs: number,
): { slope: number; intercept: number } {
  const [sumX, sumY, sumXY, sumX2] = [newSum(), newSum(), newSum(), newSum()];
  const first = values[from] as number;
  let isConstant = true;
  for (let i = from; i < to; i++) {
    const y = values[i] as number;
    if (y !== first) isConstant = false;
    const x = ((times[i] as number) - originMs) / 1000;
    addTo(sumX, x);
    addTo(sumY, y);
    addTo(sumXY, x * y);
    addTo(sumX2, x * x);
  }
  if (isConstant && !Number.isNaN(first)) {
    return isInfinite(first) ? { slope: Number.NaN, intercept: Number.NaN } : { slope: 0, intercept: first };
  }
  const n = to - from;
  const [x, y] = [sumX.sum + sumX.correction, sumY.sum + sumY.correction];
  const slope = (sumXY.sum + sumXY.correction - (x * y) / n) / (sumX2.sum + sumX2.correction - (x * x) / n);
  return { slope, intercept: y / n - (slope * x) / n };
}
