/** Copies the finite values of values[fromIndex, toIndex). */
export function finiteSlice(values: ArrayLike<number>, fromIndex = 0, toIndex = values.length): number[] {
  const kept: number[] = [];
  for (let i = Math.max(0, fromIndex); i < Math.min(toIndex, values.length); i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) kept.push(value);
  }
  return kept;
}

/** Quantile q (0-1) of the finite values, linear between neighbours (Hyndman-Fan type 7); NaN when there are none. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = finiteSlice(values).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const position = Math.min(Math.max(q, 0), 1) * (sorted.length - 1);
  const low = Math.floor(position);
  const below = sorted[low]!;
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return below + (above - below) * (position - low);
}

/** Median of the finite values; NaN when there are none. */
export const median = (values: ArrayLike<number>): number => quantile(values, 0.5);

/** Median absolute deviation times 1.4826: equals the standard deviation on Gaussian data. NaN when there are no values. */
export function medianAbsoluteDeviation(values: ArrayLike<number>, center = median(values)): number {
  return 1.4826 * median(finiteSlice(values).map((value) => Math.abs(value - center)));
}

/** Mean of the finite values after cutting the share `cut` from each end; NaN when there are none. */
export function trimmedMean(values: ArrayLike<number>, cut = 0.1): number {
  const sorted = finiteSlice(values).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const drop = Math.floor(sorted.length * cut);
  const kept = sorted.slice(drop, sorted.length - drop);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

/** Distance of value from center in robust deviations, the scale never below `floor` (> 0). */
export function robustZ(value: number, center: number, scale: number, floor: number): number {
  return (value - center) / Math.max(Number.isFinite(scale) ? scale : 0, floor);
}
