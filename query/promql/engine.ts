import { childrenOf, type Expr, type MatrixExpr, type SelectorExpr, type SubqueryExpr } from './ast.ts';
import { checkExpr } from './check.ts';
import { Evaluator } from './evaluate.ts';
import { compareLabels, type Labels, withoutName } from './labels.ts';
import { EvaluationError, isThere, joined, type Matrix, Notes, type Query, type Row, type Samples } from './value.ts';

/** A query's answer: values for each time of its grid, or, for a range of an instant query, the samples themselves. */
export type Answer =
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'vector'; readonly rows: readonly Row[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'matrix'; readonly rows: readonly (Samples & { readonly labels: Labels })[] };
export interface Evaluated {
  readonly answer: Answer;
  readonly notes: Notes;
}

/** @throws EvaluationError */
export function evaluate(query: Query): Evaluated {
  const notes = new Notes();
  const evaluator = new Evaluator(query, notes, query.grid, countedSelectors(query.expr));
  if (checkExpr(query.expr, '') === 'matrix') return { answer: window(evaluator.matrix(rangeOf(query.expr))), notes };
  const value = evaluator.value(query.expr);
  return { answer: value.type === 'vector' ? { type: 'vector', rows: named(value.rows, query) } : value, notes };
}
function rangeOf(expr: Expr): MatrixExpr | SubqueryExpr {
  if (expr.kind === 'paren') return rangeOf(expr.expr);
  if (expr.kind === 'matrix' || expr.kind === 'subquery') return expr;
  throw new EvaluationError('a range of samples is needed');
}
function window({ rangeMs, ends, rows }: Matrix): Answer {
  const end = ends[0] as number;
  const within = rows.map(({ labels, dropName, times, values, starts, histograms }) => {
    const inside =
      (own: Float64Array) =>
      (_: unknown, i: number): boolean =>
        (own[i] as number) > end - rangeMs && (own[i] as number) <= end;
    const isIn = inside(times);
    const isHistogramIn = histograms ? inside(histograms.times) : isIn;
    return {
      labels: dropName ? withoutName(labels) : labels,
      times: times.filter(isIn),
      values: values.filter(isIn),
      starts,
      histograms: histograms && {
        times: histograms.times.filter(isHistogramIn),
        histograms: histograms.histograms.filter(isHistogramIn),
        starts: null,
      },
    };
  });
  const rowsThere = within.filter(({ times, histograms }) => times.length + (histograms?.times.length ?? 0) > 0);
  return { type: 'matrix', rows: rowsThere.sort((a, b) => compareLabels(a.labels, b.labels)) };
}
/** Names that were to go do, and series that are then the same must not be there at the same time. */
function named(rows: readonly Row[], { grid }: Query): readonly Row[] {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const labels = row.dropName ? withoutName(row.labels) : row.labels;
    const before = found.get(labels.key);
    const both = before ? joined(before, row) : { ...row, labels };
    if (!both) throw new EvaluationError('vector cannot contain metrics with the same labelset');
    found.set(labels.key, both);
  }
  const answer = [...found.values()].filter(isThere);
  return grid.count > 1 || grid.stepMs > 0 ? answer.sort((a, b) => compareLabels(a.labels, b.labels)) : answer;
}

/**
 * Selectors of whose histograms nothing but count and sum is asked for. Prometheus reads no buckets of those, and so finds out while reading
 * whether a counter began anew: only then its annotations tell of conflicts.
 */
function countedSelectors(expr: Expr): ReadonlySet<SelectorExpr> {
  const found = new Set<SelectorExpr>();
  const walk = (each: Expr, isCounted: boolean): void => {
    if (each.kind === 'selector' && isCounted) found.add(each);
    else if (each.kind === 'matrix' && isCounted) found.add(each.selector);
    else if (each.kind === 'subquery') walk(each.expr, false);
    else {
      const name = each.kind === 'call' ? each.function : '';
      const isNow = NEEDS_COUNTS.has(name) || (isCounted && !NEEDS_BUCKETS.has(name));
      for (const child of childrenOf(each)) walk(child, isNow);
    }
  };
  walk(expr, false);
  return found;
}
const NEEDS_COUNTS: ReadonlySet<string> = new Set(['histogram_count', 'histogram_sum', 'histogram_avg']);
const NEEDS_BUCKETS: ReadonlySet<string> = new Set(['histogram_quantile', 'histogram_quantiles', 'histogram_fraction']);
