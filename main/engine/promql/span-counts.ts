import type { QueryOptions } from '#contracts/store.ts';
import type { Matcher } from '#query/promql/ast.ts';
import { EvaluationError } from '#query/promql/value.ts';
import { SPAN_CELL_MS, type SpanFilter, spanFilterOf, spanLabels } from '#query/span-series.ts';
import { numbers, type Queries, whole } from '#store/read/columns-of.ts';
import { spanCountsSql } from '#store/sql/read/span-counts-sql.ts';
import type { PromqlSeries } from './series-book.ts';

/** Cells younger than this are counted again each time: spans of slow requests come late. */
const LATE_MS = 10 * 60_000;
/** All is counted anew after this: what came later still, was imported, or went with the retention. */
const AGAIN_MS = 3_600_000;
const MAX_CELLS = 2_000_000;
/** Filters whose counts are kept; of more the oldest go. */
const MAX_KEPT = 200;

interface Cells {
  readonly cells: readonly number[];
  readonly totals: readonly number[];
  readonly bads: readonly number[];
}
const NOTHING: Cells = { cells: [], totals: [], bads: [] };
const joined = (a: Cells, b: Cells): Cells => ({
  ...{ cells: [...a.cells, ...b.cells], totals: [...a.totals, ...b.totals], bads: [...a.bads, ...b.bads] },
});

/** Counts of one filter, cell by cell: rules ask for the last three days every minute, and only the last minutes are new. */
export class SpanCounts {
  readonly filter: SpanFilter;
  private known = NOTHING;
  /** Cells [from, to) are known for good. */
  private from = 0;
  private to = 0;
  private sinceMs = 0;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(filter: SpanFilter) {
    this.filter = filter;
  }
  /** Samples of (startMs, endMs], each at the end of its cell. */
  async read(
    store: Queries,
    span: Span,
    of: 'totals' | 'bads',
    options: QueryOptions,
  ): Promise<{ times: Float64Array; values: Float64Array }> {
    // One after the other: what one has read the next need not.
    const reading = this.turn.then(() => this.take(store, span, options));
    this.turn = reading.catch(() => undefined);
    const { cells, ...counts } = await reading;
    return { times: Float64Array.from(cells, (cell) => (cell + 1) * SPAN_CELL_MS), values: Float64Array.from(counts[of]) };
  }
  private async take(store: Queries, { startMs, endMs }: Span, options: QueryOptions): Promise<Cells> {
    const [first, end] = [Math.floor(startMs / SPAN_CELL_MS), Math.floor(endMs / SPAN_CELL_MS)];
    if (end <= first) return NOTHING;
    if (end - first > MAX_CELLS)
      throw new EvaluationError(`requests of more than ${(MAX_CELLS * SPAN_CELL_MS) / 1000} seconds cannot be counted`);
    const count = (from: number, to: number): Promise<Cells> => this.count(store, from, to, options);
    const nowMs = performance.now();
    if (nowMs - this.sinceMs > AGAIN_MS || first > this.to) {
      this.known = NOTHING;
      this.from = this.to = first;
      this.sinceMs = nowMs;
    }
    // Long ago: not worth keeping what lies between.
    if (end < this.from) return count(first, end);
    if (first < this.from) {
      this.known = joined(await count(first, this.from), this.known);
      this.from = first;
    }
    const fresh = end > this.to ? await count(this.to, end) : NOTHING;
    const all = slice(joined(this.known, fresh), first, end);
    const settled = end - LATE_MS / SPAN_CELL_MS;
    if (settled > this.to) {
      this.known = joined(this.known, slice(fresh, this.to, settled));
      this.to = settled;
    }
    return all;
  }
  private async count(store: Queries, from: number, to: number, options: QueryOptions): Promise<Cells> {
    const window = { startMs: from * SPAN_CELL_MS, endMs: to * SPAN_CELL_MS };
    const result = whole(
      await store.query(spanCountsSql(this.filter, window, SPAN_CELL_MS), [], { ...options, maxRows: MAX_CELLS }),
      'cells',
    );
    const list = (name: string): number[] => Array.from(numbers(result, name));
    return { cells: list('cell'), totals: list('total'), bads: list('bad') };
  }
}
interface Span {
  readonly startMs: number;
  readonly endMs: number;
}
function slice(all: Cells, from: number, to: number): Cells {
  const begin = placeOf(all.cells, from);
  const end = placeOf(all.cells, to);
  return { cells: all.cells.slice(begin, end), totals: all.totals.slice(begin, end), bads: all.bads.slice(begin, end) };
}
/** Of the first cell that is not before. */
function placeOf(cells: readonly number[], cell: number): number {
  let [low, high] = [0, cells.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cells[middle] as number) < cell) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Series of requests that were asked for. */
export class SpanSeries {
  private readonly byKey = new Map<string, SpanCounts>();

  /** @returns null: the matchers ask for another metric */
  select(matchers: readonly Matcher[]): PromqlSeries[] | null {
    const filter = spanFilterOf(matchers);
    if (!filter) return null;
    const labels = spanLabels(filter);
    return [
      {
        ...{ id: 0, labels, type: 'gauge', kind: 'spans', source: 'otlp', unit: '', help: '', isDelta: false, isMonotonic: false },
        spans: { counts: this.of(filter, labels.key), of: filter.bad ? 'bads' : 'totals' },
      },
    ];
  }
  private of(filter: SpanFilter, key: string): SpanCounts {
    const { service, operation } = filter;
    // Counts of the bad ones know all of them as well.
    const alike = ({ filter: other }: SpanCounts): boolean => other.service === service && other.operation === operation;
    const known = this.byKey.get(key) ?? (filter.bad ? undefined : [...this.byKey.values()].find(alike));
    if (known) return known;
    const fresh = new SpanCounts(filter);
    this.byKey.set(key, fresh);
    for (const oldest of this.byKey.keys()) {
      if (this.byKey.size <= MAX_KEPT) break;
      this.byKey.delete(oldest);
    }
    return fresh;
  }
}
