/**
 * Index at which a series most likely stepped from `baseline` towards `level`: the maximum-likelihood change time of a
 * mean shift (where the cumulative sum of x - midpoint turns). Values are clipped to two shifts so that a single
 * outlier cannot place the onset. Returns -1 when nothing in [fromIndex, toIndex) was observed.
 */
export function shiftOnset(values: ArrayLike<number>, fromIndex: number, toIndex: number, baseline: number, level: number): number {
  const shift = level - baseline;
  if (!Number.isFinite(shift) || shift === 0) return -1;
  let sum = 0;
  let lowest = 0;
  let onset = -1;
  for (let i = Math.max(0, fromIndex); i < Math.min(toIndex, values.length); i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    if (onset < 0) onset = i;
    const relative = Math.min(Math.max((value - baseline) / shift, -1), 2);
    sum += relative - 0.5;
    if (sum < lowest) {
      lowest = sum;
      onset = i + 1;
    }
  }
  return onset >= toIndex ? toIndex - 1 : onset;
}
