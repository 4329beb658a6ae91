import { FLOAT, type MatrixRow, type Row } from './value.ts';

/** rate, increase and delta of numbers without start times: nearly all that is ever asked for, in one loop without an object a window. */
export const CHANGES: ReadonlySet<string> = new Set(['rate', 'increase', 'delta']);

/** Of each window: its samples [from, to), seconds they span, and by how many the change is taken to have gone on before and after them. */
interface Windows {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly sampled: Float64Array;
  readonly toStart: Float64Array;
  readonly toEnd: Float64Array;
}
let known: { readonly times: Float64Array; readonly ends: Float64Array; readonly rangeMs: number; readonly windows: Windows } | null = null;
/** Series of one target share their times, and so their windows. */
function windowsOf(times: Float64Array, ends: Float64Array, rangeMs: number): Windows {
  if (known && known.times === times && known.ends === ends && known.rangeMs === rangeMs) return known.windows;
  // What was made for other times is overwritten: nobody has it any more.
  const windows = known?.windows.from.length === ends.length ? known.windows : emptyWindows(ends.length);
  const size = times.length;
  let [from, to, before] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < ends.length; i++) {
    const endMs = ends[i] as number;
    if (endMs < before) [from, to] = [0, 0];
    before = endMs;
    while (to < size && (times[to] as number) <= endMs) to++;
    while (from < to && (times[from] as number) <= endMs - rangeMs) from++;
    windows.from[i] = from;
    windows.to[i] = to;
    if (to - from < 2) continue;
    // As `extrapolation` of range-functions.ts has it, less what depends on values.
    const [firstMs, lastMs] = [times[from] as number, times[to - 1] as number];
    const every = (lastMs - firstMs) / 1000 / (to - from - 1);
    const [toStart, toEnd] = [(firstMs - (endMs - rangeMs)) / 1000, (endMs - lastMs) / 1000];
    windows.sampled[i] = (lastMs - firstMs) / 1000;
    windows.toStart[i] = toStart >= every * 1.1 ? every / 2 : toStart;
    windows.toEnd[i] = toEnd >= every * 1.1 ? every / 2 : toEnd;
  }
  known = { times, ends, rangeMs, windows };
  return windows;
}
const emptyWindows = (count: number): Windows => ({
  ...{ from: new Int32Array(count), to: new Int32Array(count) },
  ...{ sampled: new Float64Array(count), toStart: new Float64Array(count), toEnd: new Float64Array(count) },
});

/** Fills a row; the same figures as by RANGE_FUNCTIONS, to the bit. @param ends ends of the windows (end - rangeMs, end] */
export function changes(name: string, { times, values }: MatrixRow, ends: Float64Array, rangeMs: number, row: Row): void {
  const isCounter = name !== 'delta';
  const resets = isCounter ? resetsOf(values) : null;
  const per = name === 'rate' ? rangeMs / 1000 : 1;
  const windows = windowsOf(times, ends, rangeMs);
  const { values: out, has } = row;
  for (let i = 0; i < ends.length; i++) {
    const [from, to] = [windows.from[i] as number, windows.to[i] as number];
    if (to - from < 2) continue;
    const first = values[from] as number;
    let change = (values[to - 1] as number) - first;
    if (resets && resets[to - 1] !== resets[from])
      for (let at = from + 1; at < to; at++) if ((values[at] as number) < (values[at - 1] as number)) change += values[at - 1] as number;
    const sampled = windows.sampled[i] as number;
    let toStart = windows.toStart[i] as number;
    if (isCounter && change > 0 && first >= 0) {
      const toZero = sampled * (first / change);
      if (toZero < toStart) toStart = toZero;
    }
    const factor = (sampled + toStart + (windows.toEnd[i] as number)) / sampled;
    out[i] = per === 1 ? change * factor : (change * factor) / per;
    has[i] = FLOAT;
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
