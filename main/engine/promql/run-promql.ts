import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions } from '#contracts/store.ts';
import type { Expr, SelectorExpr } from '#query/promql/ast.ts';
import { Budget } from '#query/promql/budget.ts';
import { type Evaluated, evaluate } from '#query/promql/engine.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import type { Grid, Selection, StoredSeries } from '#query/promql/value.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { SampleCounter } from './growing-series.ts';
import { readSamples } from './read-samples.ts';
import type { SeriesBook } from './series-book.ts';

/** Prometheus' own defaults. */
export const LOOKBACK_MS = 300_000;
const SUBQUERY_STEP_MS = 60_000;

/** Values of all rows of an evaluation together: about 200 MB. */
export const MAX_PLACES = 20_000_000;
/** @throws query_timeout when it is later */
function endsAt(ms: number): void {
  if (performance.now() > ms) throw new FaultlineError('query_timeout', 'The evaluation took too long.');
}

/** One PromQL query over the store. @param beside adds to what the store has of a selector. @throws EvaluationError, FaultlineError of the store */
export async function runExpr(
  { store, book }: { readonly store: Queries; readonly book: SeriesBook },
  expr: Expr,
  grid: Grid,
  options: QueryOptions,
  beside: (stored: StoredSeries[], selection: Selection) => StoredSeries[] = (stored) => stored,
  lookbackMs = LOOKBACK_MS,
): Promise<Evaluated> {
  const endMs = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  await book.refresh();
  const query = { expr, grid, lookbackMs, subqueryStepMs: SUBQUERY_STEP_MS };
  const counter = new SampleCounter();
  const read = new Map<SelectorExpr, StoredSeries[]>();
  /** The same asked for twice is read once. */
  const known = new Map<string, StoredSeries[]>();
  for (const selection of selectionsOf(expr, query)) {
    const { matchers, startMs, endMs: untilMs } = selection;
    const key = JSON.stringify([matchers, startMs, untilMs]);
    const found = known.get(key) ?? beside(await readSamples(store, book.select(matchers), selection, options, counter), selection);
    known.set(key, found);
    read.set(selection.selector, found);
  }
  return evaluate({ ...query, select: (selector) => read.get(selector) ?? [], budget: new Budget(MAX_PLACES, () => endsAt(endMs)) });
}
