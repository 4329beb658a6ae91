import type { Expr, MatrixExpr, SubqueryExpr } from './ast.ts';
import { checkExpr } from './check.ts';
import { Evaluator } from './evaluate.ts';
import { compareLabels, type Labels, withoutName } from './labels.ts';
import { EvaluationError, type Matrix, Notes, type Query, type Row } from './value.ts';

/** A query's answer: values for each time of its grid, or, for a range of an instant query, the samples themselves. */
export type Answer =
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'vector'; readonly rows: readonly Row[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'matrix'; readonly rows: readonly { labels: Labels; times: Float64Array; values: Float64Array }[] };
export interface Evaluated {
  readonly answer: Answer;
  readonly notes: Notes;
}

/** @throws EvaluationError */
export function evaluate(query: Query): Evaluated {
  const notes = new Notes();
  const evaluator = new Evaluator(query, notes, query.grid);
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
  const within = rows.map(({ labels, dropName, times, values }) => {
    const isIn = (_: number, i: number): boolean => (times[i] as number) > end - rangeMs && (times[i] as number) <= end;
    return { labels: dropName ? withoutName(labels) : labels, times: times.filter(isIn), values: values.filter(isIn) };
  });
  return { type: 'matrix', rows: within.filter(({ times }) => times.length > 0).sort((a, b) => compareLabels(a.labels, b.labels)) };
}
/** Names that were to go do, and series that are then the same must not be there at the same time. */
function named(rows: readonly Row[], { grid }: Query): readonly Row[] {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const labels = row.dropName ? withoutName(row.labels) : row.labels;
    const before = found.get(labels.key);
    if (!before) {
      found.set(labels.key, { ...row, labels });
      continue;
    }
    if (before.has.some((own, i) => own === 1 && row.has[i] === 1))
      throw new EvaluationError('vector cannot contain metrics with the same labelset');
    const values = before.values.map((value, i) => (row.has[i] === 1 ? (row.values[i] as number) : value));
    found.set(labels.key, { ...before, values, has: before.has.map((own, i) => own | (row.has[i] as number)) });
  }
  const answer = [...found.values()].filter(({ has }) => has.includes(1));
  return grid.count > 1 || grid.stepMs > 0 ? answer.sort((a, b) => compareLabels(a.labels, b.labels)) : answer;
}
