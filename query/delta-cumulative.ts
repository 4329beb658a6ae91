/**
 * Delta points as the cumulative ones a counter would have shown, for readers that know only those (PromQL). Stored is what was
 * sent. Rules of the OpenTelemetry metrics data model, "Sums: Delta-to-Cumulative": a point that continues the one before is
 * added; one that does not (a gap, an overlap, other bounds) begins anew, as a restart does; one that is older is left out.
 */
export interface DeltaPoint {
  /** 0: not told; then it continues the point before. */
  readonly startNano: bigint;
  readonly timeNano: bigint;
}
export interface DeltaNumber extends DeltaPoint {
  readonly value: number;
}
/** A classic or an exponential histogram laid out over one list of buckets. */
export interface DeltaHistogram extends DeltaPoint {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly number[];
  /** Equal where two points may be added: bounds, or scale and offset. */
  readonly shape: string;
}
export interface Cumulative<P> {
  /** Totals since `startNano`. */
  readonly points: readonly (P & { readonly startNano: bigint })[];
  /** Points that came too late for their turn. */
  readonly leftOut: number;
}

function accumulate<P extends DeltaPoint>(
  points: readonly P[],
  fits: (total: P, point: P) => boolean,
  add: (total: P, point: P) => P,
): Cumulative<P> {
  const totals: P[] = [];
  let leftOut = 0;
  for (const point of points) {
    const total = totals.at(-1);
    if (total && point.timeNano <= total.timeNano) leftOut++;
    else if (total && (point.startNano === 0n || point.startNano === total.timeNano) && fits(total, point))
      totals.push({ ...add(total, point), startNano: total.startNano, timeNano: point.timeNano });
    else totals.push(point.startNano === 0n ? { ...point, startNano: total?.timeNano ?? point.timeNano } : point);
  }
  return { points: totals, leftOut };
}

/** @param points of one series, in the order of their times */
export const cumulativeNumbers = (points: readonly DeltaNumber[]): Cumulative<DeltaNumber> =>
  accumulate(
    points,
    () => true,
    (total, point) => ({ ...point, value: total.value + point.value }),
  );
/** @param points of one series, in the order of their times */
export const cumulativeHistograms = (points: readonly DeltaHistogram[]): Cumulative<DeltaHistogram> =>
  accumulate(
    points,
    (total, point) => total.shape === point.shape && total.buckets.length === point.buckets.length,
    (total, point) => ({
      ...point,
      count: total.count + point.count,
      sum: total.sum + point.sum,
      buckets: total.buckets.map((each, i) => each + (point.buckets[i] as number)),
    }),
  );
