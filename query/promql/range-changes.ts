import { extrapolation } from './range-functions.ts';
import { FLOAT, type MatrixRow, type Row } from './value.ts';

/** rate, increase and delta of numbers without start times: nearly all that is ever asked for, in one loop without an object a window. */
export const CHANGES: ReadonlySet<string> = new Set(['rate', 'increase', 'delta']);

/** Fills a row; the same figures as by RANGE_FUNCTIONS, to the bit. @param ends ends of the windows (end - rangeMs, end] */
export function changes(name: string, { times, values }: MatrixRow, ends: Float64Array, rangeMs: number, row: Row): void {
  const isCounter = name !== 'delta';
  const resets = isCounter ? resetsOf(values) : null;
  const per = name === 'rate' ? rangeMs / 1000 : 1;
  const window = { endMs: 0, rangeMs };
  const size = times.length;
  let [from, to, before] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < ends.length; i++) {
    const endMs = ends[i] as number;
    if (endMs < before) [from, to] = [0, 0];
    before = endMs;
    while (to < size && (times[to] as number) <= endMs) to++;
    while (from < to && (times[from] as number) <= endMs - rangeMs) from++;
    if (to - from < 2) continue;
    const first = values[from] as number;
    let change = (values[to - 1] as number) - first;
    if (resets && resets[to - 1] !== resets[from])
      for (let at = from + 1; at < to; at++) if ((values[at] as number) < (values[at - 1] as number)) change += values[at - 1] as number;
    window.endMs = endMs;
    const toZero = isCounter && change > 0 && first >= 0 ? first / change : Number.POSITIVE_INFINITY;
    const factor = extrapolation(times[from] as number, times[to - 1] as number, to - from, window, 0, toZero);
    if (factor < 0) continue;
    row.values[i] = per === 1 ? change * factor : (change * factor) / per;
    row.has[i] = FLOAT;
  }
}
/** How many resets there were up to each sample; null: none at all. */
function resetsOf(values: Float64Array): Uint32Array | null {
  let counts: Uint32Array | null = null;
  for (let i = 1; i < values.length; i++) {
    const isReset = (values[i] as number) < (values[i - 1] as number);
    if (!counts && isReset) counts = new Uint32Array(values.length);
    if (counts) counts[i] = (counts[i - 1] as number) + (isReset ? 1 : 0);
  }
  return counts;
}
