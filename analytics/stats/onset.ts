/** A stretch of a series, half-open bucket indices. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * The stretch of [fromIndex, toIndex) in which a series was at `level` rather than at `baseline`: the one with the
 * largest sum of x - midpoint (for a lasting step its start is the maximum-likelihood change time; a trouble that ended
 * inside the range is found too). Values are clipped to two shifts so that one outlier cannot place it. Null when
 * nothing was observed or no value is nearer to `level`.
 */
export function shiftedStretch(
  values: ArrayLike<number>,
  fromIndex: number,
  toIndex: number,
  baseline: number,
  level: number,
): Stretch | null {
  const shift = level - baseline;
  if (!Number.isFinite(shift) || shift === 0) return null;
  let sum = 0;
  let start = -1;
  let best = 0;
  let found: Stretch | null = null;
  for (let i = Math.max(0, fromIndex); i < Math.min(toIndex, values.length); i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (sum <= 0) {
      sum = 0;
      start = i;
    }
    sum += Math.min(Math.max((value - baseline) / shift, -1), 2) - 0.5;
    if (sum > best) {
      best = sum;
      found = { from: start, to: i + 1 };
    }
  }
  return found;
}

/** Start of the shifted stretch, -1 when there is none. */
export const shiftOnset = (values: ArrayLike<number>, fromIndex: number, toIndex: number, baseline: number, level: number): number =>
  shiftedStretch(values, fromIndex, toIndex, baseline, level)?.from ?? -1;
