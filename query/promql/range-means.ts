import { addTo, MeanSum, newSum, sumOf } from './numerics.ts';
import { FLOAT, type MatrixRow, type Row } from './value.ts';

type OfWindow = (values: Float64Array, from: number, to: number) => number;
/**
 * Neumaier's sum of numerics.ts in one loop without a call a sample. Each window is added up anew, in order: no sum that slides has the same
 * last digits. What overflows, and infinities, have rules of their own: there numerics.ts does it.
 */
function overWindow(values: Float64Array, from: number, to: number, isMean: boolean): number {
  let sum = 0;
  let correction = 0;
  for (let at = from; at < to; at++) {
    const value = values[at] as number;
    const total = sum + value;
    correction += Math.abs(sum) >= Math.abs(value) ? sum - total + value : value - total + sum;
    sum = total;
  }
  if (!Number.isFinite(sum)) return (isMean ? slowMean : slowSum)(values, from, to);
  return isMean ? sum / (to - from) + correction / (to - from) : sum + correction;
}
const slowSum: OfWindow = (values, from, to) => {
  const sum = newSum();
  for (let at = from; at < to; at++) addTo(sum, values[at] as number);
  return sumOf(sum);
};
const slowMean: OfWindow = (values, from, to) => {
  const sum = new MeanSum();
  for (let at = from; at < to; at++) sum.add(values[at] as number);
  return sum.mean;
};
export const sumOver: OfWindow = (values, from, to) => overWindow(values, from, to, false);
export const meanOver: OfWindow = (values, from, to) => overWindow(values, from, to, true);

/** Fills a row with sum_over_time or avg_over_time of numbers, without an object a window. @param ends of the windows (end - rangeMs, end] */
export function means(isMean: boolean, { times, values }: MatrixRow, ends: Float64Array, rangeMs: number, row: Row): void {
  const { values: found, has } = row;
  const size = times.length;
  let [from, to, before] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < ends.length; i++) {
    const endMs = ends[i] as number;
    if (endMs < before) [from, to] = [0, 0];
    before = endMs;
    while (to < size && (times[to] as number) <= endMs) to++;
    while (from < to && (times[from] as number) <= endMs - rangeMs) from++;
    if (from === to) continue;
    found[i] = overWindow(values, from, to, isMean);
    has[i] = FLOAT;
  }
}
