import type { Dictionary, ResourceRow, ScopeRow, SeriesRow, StackRow } from '#contracts/columns.ts';

/** Dictionary in memory, for tests and benches. Ids begin at 1; 0 is what a full dictionary answers. */
export class TestDictionary implements Dictionary {
  /** Rows by id; index 0 is unused. */
  readonly resources: (ResourceRow | null)[] = [null];
  readonly scopes: (ScopeRow | null)[] = [null];
  readonly seriesRows: (SeriesRow | null)[] = [null];
  readonly stacks: (StackRow | null)[] = [null];
  private readonly ids = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ] as const;
  private readonly maxSeries: number;

  constructor(maxSeries = Number.POSITIVE_INFINITY) {
    this.maxSeries = maxSeries;
  }
  resource(key: string, row: () => ResourceRow): number {
    return this.number(this.ids[0], this.resources, key, row);
  }
  scope(key: string, row: () => ScopeRow): number {
    return this.number(this.ids[1], this.scopes, key, row);
  }
  series(key: string, row: () => SeriesRow): number {
    if (!this.ids[2].has(key) && this.ids[2].size >= this.maxSeries) return 0;
    return this.number(this.ids[2], this.seriesRows, key, row);
  }
  stack(key: string, row: () => StackRow): number {
    return this.number(this.ids[3], this.stacks, key, row);
  }
  private number<R>(ids: Map<string, number>, rows: (R | null)[], key: string, row: () => R): number {
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = rows.push(row()) - 1;
    ids.set(key, id);
    return id;
  }
}
