import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import type { PromqlSeries, SeriesBook } from '#main/engine/promql/series-book.ts';
import type { Matcher } from '#query/promql/ast.ts';
import { labelsTest } from '#query/promql/matching.ts';
import type { Selection, StoredSeries } from '#query/promql/value.ts';
import { type ReplaySource, TooMuchAtOnce } from '#query/rules/replay/chunk-samples.ts';
import type { Queries } from '#store/read/columns-of.ts';

/** What a replay reads of the store: a statement for each span of time its rules look at, and not for each selector. */
export class EngineSource implements ReplaySource {
  private readonly store: Queries;
  private readonly book: SeriesBook;
  private readonly options: QueryOptions;

  constructor(store: Queries, book: SeriesBook, options: QueryOptions) {
    this.store = store;
    this.book = book;
    this.options = options;
  }
  count(matchers: readonly Matcher[]): number {
    return this.book.select(matchers).length;
  }
  async read(selections: readonly Selection[]): Promise<readonly (readonly StoredSeries[])[]> {
    const spans = new Map<string, { readonly places: number[]; readonly series: Set<PromqlSeries> }>();
    selections.forEach(({ matchers, startMs, endMs }, i) => {
      const key = `${startMs} ${endMs}`;
      const span = spans.get(key) ?? { places: [], series: new Set() };
      spans.set(key, span);
      for (const series of this.book.select(matchers)) span.series.add(series);
      span.places.push(i);
    });
    const found: (readonly StoredSeries[])[] = selections.map(() => []);
    for (const { places, series } of spans.values()) {
      const { startMs, endMs } = selections[places[0] as number] as Selection;
      const all = await this.readSpan([...series], startMs, endMs);
      for (const i of places) {
        const fits = labelsTest((selections[i] as Selection).matchers);
        found[i] = all.filter(({ labels }) => fits(labels));
      }
    }
    return found;
  }
  private async readSpan(series: readonly PromqlSeries[], startMs: number, endMs: number): Promise<readonly StoredSeries[]> {
    try {
      return await readSamples(this.store, series, { matchers: [], startMs, endMs }, this.options);
    } catch (error) {
      if (error instanceof FaultlineError && error.code === 'answer_too_long') throw new TooMuchAtOnce(error.message);
      throw error;
    }
  }
}
