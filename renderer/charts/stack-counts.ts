/** Counts per step and class -> bars that stand on each other. Pure. */
export interface CountRows {
  /** Unix milliseconds of the step's start. */
  readonly times: ArrayLike<number>;
  readonly classes: readonly string[];
  readonly counts: ArrayLike<number>;
}
export interface Stack {
  readonly times: number[];
  /** In drawing order: the tallest (whole) bar first, so that the next covers its lower part. */
  readonly layers: readonly { readonly name: string; readonly tops: number[]; readonly counts: number[] }[];
  readonly total: number;
}
/** Every step of [startMs, endMs) is there, also the empty ones: no bar means no lines. `order`: lowest layer first. */
export function stackCounts(rows: CountRows, order: readonly string[], startMs: number, endMs: number, stepMs: number): Stack {
  const first = Math.floor(startMs / stepMs) * stepMs;
  const steps = Math.max(1, Math.min(10_000, Math.ceil((endMs - first) / stepMs)));
  const times = Array.from({ length: steps }, (_, i) => first + i * stepMs);
  const counts = new Map(order.map((name) => [name, new Array<number>(steps).fill(0)]));
  let total = 0;
  for (let i = 0; i < rows.times.length; i++) {
    const at = Math.round((rows.times[i]! - first) / stepMs);
    const layer = counts.get(rows.classes[i]!);
    if (!layer || at < 0 || at >= steps) continue;
    layer[at] = layer[at]! + rows.counts[i]!;
    total += rows.counts[i]!;
  }
  const below = new Array<number>(steps).fill(0);
  const layers = order.map((name) => {
    const own = counts.get(name)!;
    const tops = own.map((count, i) => (below[i] = below[i]! + count));
    return { name, tops, counts: own };
  });
  return { times, layers: layers.reverse(), total };
}
