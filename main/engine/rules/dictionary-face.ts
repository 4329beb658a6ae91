import type { Dictionary, ResourceRow, ScopeRow, SeriesRow, StackRow } from '#contracts/columns.ts';

/** A dictionary in front of another: all is asked of that one but for what a subclass decides. Decoders remember ids by the face they were given by. */
export class DictionaryFace implements Dictionary {
  protected readonly inner: Dictionary;

  constructor(inner: Dictionary) {
    this.inner = inner;
  }
  resource(key: string, row: () => ResourceRow): number {
    return this.inner.resource(key, row);
  }
  scope(key: string, row: () => ScopeRow): number {
    return this.inner.scope(key, row);
  }
  stack(key: string, row: () => StackRow): number {
    return this.inner.stack(key, row);
  }
  series(key: string, row: () => SeriesRow): number {
    return this.inner.series(key, row);
  }
}
