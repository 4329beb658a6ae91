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
import type { SampleCache } from './sample-cache.ts';
import type { SeriesBook } from './series-book.ts';

/** Prometheus' own defaults. */
export const LOOKBACK_MS = 300_000;
const SUBQUERY_STEP_MS = 60_000;
export const PROMQL_DEFAULTS = { lookbackMs: LOOKBACK_MS, subqueryStepMs: SUBQUERY_STEP_MS };

/** Values of all rows of an evaluation together: about 200 MB. */
export const MAX_PLACES = 20_000_000;
/** @throws query_timeout when it is later */
function endsAt(ms: number): void {
  if (performance.now() > ms) throw new FaultlineError('query_timeout', 'The evaluation took too long.');
}

export interface RunLimits {
  readonly lookbackMs?: number;
  /** Called ever so often while it is evaluated; throws when it is to end. */
  readonly onCheck?: () => void;
  /** What it reads is counted here. */
  readonly counter?: SampleCounter;
}
export interface RunMeans {
  readonly store: Queries;
  readonly book: SeriesBook;
  readonly newestSeries?: number;
  /** Samples known already. */
  readonly cache?: SampleCache;
}
/** One PromQL query over the store. @throws EvaluationError, FaultlineError of the store */
export async function runExpr(
  { store, book, newestSeries, cache }: RunMeans,
  expr: Expr,
  grid: Grid,
  options: QueryOptions,
  { lookbackMs = LOOKBACK_MS, onCheck, counter = new SampleCounter() }: RunLimits = {},
): Promise<Evaluated> {
  const endMs = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  await book.refresh(newestSeries);
  /** The same asked for twice is read once. */
  const known = new Map<string, readonly StoredSeries[]>();
  const readOne = async (selection: Selection): Promise<readonly StoredSeries[]> => {
    const { matchers, startMs, endMs: untilMs } = selection;
    const key = JSON.stringify([matchers, startMs, untilMs]);
    const startedMs = performance.now();
    const found = known.get(key) ?? (await readSamples(store, book.select(matchers), selection, options, counter, cache));
    known.set(key, found);
    counter.readSeconds += (performance.now() - startedMs) / 1000;
    return found;
  };
  return evaluateOver(expr, grid, readOne, { endMs, lookbackMs, ...(onCheck ? { onCheck } : {}) });
}
/**
 * @param readOne samples of what a selector asks for
 * @param limits `endMs`, of performance.now(): when the evaluation must be done
 */
export async function evaluateOver(
  expr: Expr,
  grid: Grid,
  readOne: (selection: Selection) => Promise<readonly StoredSeries[]>,
  { endMs, lookbackMs = LOOKBACK_MS, onCheck }: Omit<RunLimits, 'counter'> & { readonly endMs: number },
): Promise<Evaluated> {
  const query = { expr, grid, lookbackMs, subqueryStepMs: SUBQUERY_STEP_MS };
  const read = new Map<SelectorExpr, readonly StoredSeries[]>();
  for (const selection of selectionsOf(expr, query)) read.set(selection.selector, await readOne(selection));
  const check = (): void => {
    endsAt(endMs);
    onCheck?.();
  };
  return evaluate({ ...query, select: (selector) => read.get(selector) ?? [], budget: new Budget(MAX_PLACES, check) });
}
