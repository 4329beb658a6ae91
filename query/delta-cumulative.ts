/**
 * Delta points as the cumulative ones a counter would have shown, for readers that know only those (PromQL). Stored is what was sent. All
 * points of a series are added up, whatever their start times say: after a gap OpenTelemetry's data model ("Sums: Delta-to-Cumulative") has a
 * total begin anew, and then an increase over the gap would lack what was counted before it wherever the next delta is larger than the total.
 */
export class Cumulative<V> {
  private total: V | null = null;
  private readonly add: (total: V, delta: V) => V;

  constructor(add: (total: V, delta: V) => V) {
    this.add = add;
  }
  /** @param delta of the next point in time order. @returns the total with it */
  next(delta: V): V {
    this.total = this.total === null ? delta : this.add(this.total, delta);
    return this.total;
  }
}
export const cumulativeNumber = (): Cumulative<number> => new Cumulative((total, delta) => total + delta);
