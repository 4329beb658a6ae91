/** Counts of several classes per step -> one total per step; steps without any are zero. Pure. */
export function totalCounts(
  times: ArrayLike<number>,
  counts: ArrayLike<number>,
  startMs: number,
  endMs: number,
  stepMs: number,
): { times: number[]; counts: number[] } {
  const first = Math.floor(startMs / stepMs) * stepMs;
  const steps = Math.max(1, Math.min(10_000, Math.ceil((endMs - first) / stepMs)));
  const totals = new Array<number>(steps).fill(0);
  for (let i = 0; i < times.length; i++) {
    const at = Math.round((times[i]! - first) / stepMs);
    if (at >= 0 && at < steps) totals[at] = totals[at]! + counts[i]!;
  }
  return { times: totals.map((_, i) => first + i * stepMs), counts: totals };
}
