import { shiftOnset } from '../stats/onset.ts';
import { finiteSlice, medianAbsoluteDeviation, trimmedMean } from '../stats/robust.ts';

/** Bucket ranges compared, half-open: [baseFrom, baseTo) before the trouble, [from, to) in it. */
export interface GridRange {
  readonly baseFrom: number;
  readonly baseTo: number;
  readonly from: number;
  readonly to: number;
}
/** How a series differs between baseline and window. */
export interface Shift {
  readonly baseline: number;
  readonly value: number;
  /** value - baseline. */
  readonly delta: number;
  /** Deviations of the window's mean from the baseline's, signed; 0 when one side was not observed. */
  readonly z: number;
  /** 0-1: how sure it is that the rise is more than noise. */
  readonly certainty: number;
  /** Bucket where the shift began, -1 when unknown. */
  readonly onset: number;
}
const NO_SHIFT: Shift = { baseline: Number.NaN, value: Number.NaN, delta: 0, z: 0, certainty: 0, onset: -1 };

/** Mean of values over [from, to) weighted by `weights` (NaN and missing weights count as 0); NaN when nothing is left. */
export function weightedMean(values: ArrayLike<number>, weights: ArrayLike<number> | null, from: number, to: number): number {
  let sum = 0;
  let total = 0;
  for (let i = from; i < to; i++) {
    const value = values[i]!;
    const weight = weights === null ? 1 : weights[i]!;
    if (!Number.isFinite(value) || !(weight > 0)) continue;
    sum += value * weight;
    total += weight;
  }
  return total > 0 ? sum / total : Number.NaN;
}

/**
 * Compares window and baseline of one series. `relativeFloor` is the noise granted whatever the baseline's spread, as
 * a part of its level.
 */
export function shiftBetween(values: Float64Array, weights: Float64Array | null, range: GridRange, relativeFloor = 0.05): Shift {
  const before = finiteSlice(values, range.baseFrom, range.baseTo);
  const value = weightedMean(values, weights, range.from, range.to);
  if (before.length < 2 || !Number.isFinite(value)) return NO_SHIFT;
  const baseline = trimmedMean(before, 0.1);
  const count = finiteSlice(values, range.from, range.to).length;
  // Rare counts have a median deviation of 0; their mean deviation is not.
  const spread = Math.max(medianAbsoluteDeviation(before), meanAbsoluteDeviation(before, baseline));
  const noise = Math.max(1.5 * spread * Math.sqrt(1 / count + 1 / before.length), relativeFloor * Math.abs(baseline), 1e-9);
  const delta = value - baseline;
  const z = delta / noise;
  const onset = shiftOnset(values, Math.max(range.baseFrom, range.baseTo - 8), range.to, baseline, value);
  return { baseline, value, delta, z, certainty: Math.min(1, Math.max(0, (z - 2) / 4)), onset };
}

const meanAbsoluteDeviation = (values: readonly number[], center: number): number =>
  values.reduce((sum, value) => sum + Math.abs(value - center), 0) / values.length;

/** Sum of finite values over [from, to). */
export function total(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) if (Number.isFinite(values[i]!)) sum += values[i]!;
  return sum;
}
