import type { QueryOptions } from '#contracts/store.ts';
import type { Expr, SelectorExpr } from '#query/promql/ast.ts';
import { type Evaluated, evaluate } from '#query/promql/engine.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import type { Grid, Selection, StoredSeries } from '#query/promql/value.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { readSamples } from './read-samples.ts';
import type { SeriesBook } from './series-book.ts';

/** Prometheus' own defaults. */
export const LOOKBACK_MS = 300_000;
const SUBQUERY_STEP_MS = 60_000;

/** One PromQL query over the store. @throws PromqlError, EvaluationError, FaultlineError of the store */
export async function runPromql(
  { store, book }: { readonly store: Queries; readonly book: SeriesBook },
  text: string,
  grid: Grid,
  options: QueryOptions,
  lookbackMs = LOOKBACK_MS,
): Promise<Evaluated> {
  return runExpr({ store, book }, parsePromql(text), grid, options, undefined, lookbackMs);
}
/** @param beside adds to what the store has of a selector */
export async function runExpr(
  { store, book }: { readonly store: Queries; readonly book: SeriesBook },
  expr: Expr,
  grid: Grid,
  options: QueryOptions,
  beside: (stored: StoredSeries[], selection: Selection) => StoredSeries[] = (stored) => stored,
  lookbackMs = LOOKBACK_MS,
): Promise<Evaluated> {
  await book.refresh();
  const query = { expr, grid, lookbackMs, subqueryStepMs: SUBQUERY_STEP_MS };
  const read = new Map<SelectorExpr, StoredSeries[]>();
  for (const selection of selectionsOf(expr, query))
    read.set(selection.selector, beside(await readSamples(store, book.select(selection.matchers), selection, options), selection));
  return evaluate({ ...query, select: (selector) => read.get(selector) ?? [] });
}
