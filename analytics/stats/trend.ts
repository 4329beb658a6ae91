/** Kendall's S normalised to a z score without tie correction: > 0 rising, |z| > 3 is a trend no noise makes. NaN skipped. */
export function mannKendallZ(values: ArrayLike<number>): number {
  let s = 0;
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    const left = values[i]!;
    if (!Number.isFinite(left)) continue;
    n++;
    for (let j = i + 1; j < values.length; j++) if (Number.isFinite(values[j]!)) s += Math.sign(values[j]! - left);
  }
  if (n < 4) return 0;
  return (s - Math.sign(s)) / Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
}

/** Theil-Sen slope per index step: the median of all pairwise slopes. NaN values are skipped; NaN with fewer than two. */
export function theilSenSlope(values: ArrayLike<number>): number {
  const slopes: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]!)) continue;
    for (let j = i + 1; j < values.length; j++) if (Number.isFinite(values[j]!)) slopes.push((values[j]! - values[i]!) / (j - i));
  }
  slopes.sort((a, b) => a - b);
  return slopes.length === 0 ? Number.NaN : slopes[slopes.length >> 1]!;
}

/**
 * Splits [fromIndex, toIndex) into `parts` equal pieces and keeps each piece's minimum: the floor a sawtooth (garbage
 * collection) returns to, so that a rising floor is growth and a tooth is not.
 */
export function lowerEnvelope(values: ArrayLike<number>, fromIndex: number, toIndex: number, parts: number): number[] {
  const floor: number[] = [];
  const length = toIndex - fromIndex;
  for (let part = 0; part < parts; part++) {
    let lowest = Number.NaN;
    const end = fromIndex + Math.floor((length * (part + 1)) / parts);
    for (let i = fromIndex + Math.floor((length * part) / parts); i < end; i++) {
      const value = values[i]!;
      if (Number.isFinite(value) && !(value >= lowest)) lowest = value;
    }
    floor.push(lowest);
  }
  return floor;
}
