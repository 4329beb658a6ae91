import { type CallExpr, childrenOf, type Expr } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { HISTOGRAM_FUNCTIONS } from './histogram-functions.ts';
import { DATE_FUNCTIONS, NUMBER_FUNCTIONS } from './instant-functions.ts';
import { absentLabels, labelJoin, labelReplace } from './label-functions.ts';
import { compareLabels, compareText, type Labels, labelOf, METRIC_NAME, NO_LABELS } from './labels.ts';
import { nanFirst } from './numerics.ts';
import { emptyRow, FLOAT, isThere, NOTHING, put, type Row, timeAt } from './value.ts';

/** Functions of an instant vector, series by series or over all of them. */
type VectorFunction = (evaluator: Evaluator, expr: CallExpr) => readonly Row[];

const first = (expr: CallExpr): Expr => expr.args[0] as Expr;
/** Without histograms. */
function floatsOf(rows: readonly Row[]): readonly Row[] {
  if (rows.every(({ histograms }) => histograms === null)) return rows;
  const floats = rows.map(
    (row): Row => (row.histograms ? { ...row, has: row.has.map((own) => (own === FLOAT ? own : NOTHING)), histograms: null } : row),
  );
  return floats.filter(isThere);
}
function eachNumber(apply: (value: number, ...more: number[]) => number): VectorFunction {
  return (evaluator, expr) => {
    const more = expr.args.slice(1).map((arg) => evaluator.scalar(arg));
    return floatsOf(evaluator.vector(first(expr))).map((row) => ({
      ...row,
      dropName: true,
      values: row.values.map((value, i) => apply(value, ...more.map((each) => each[i] as number))),
    }));
  };
}
function eachDate(apply: (seconds: number) => number): VectorFunction {
  return (evaluator, expr) => {
    if (expr.args.length > 0) return eachNumber(apply)(evaluator, expr);
    const { grid } = evaluator;
    const values = Float64Array.from({ length: grid.count }, (_, i) => apply(timeAt(grid, i) / 1000));
    return [{ ...emptyRow(NO_LABELS, 0), values, has: new Uint8Array(grid.count).fill(FLOAT) }];
  };
}
function relabelled(
  make: (texts: readonly string[]) => (labels: Labels) => Labels,
  target: (texts: readonly string[]) => string,
): VectorFunction {
  return (evaluator, expr) => {
    const texts = expr.args.slice(1).map((arg) => evaluator.text(arg));
    const change = make(texts);
    return evaluator.vector(first(expr)).map((row) => {
      const labels = change(row.labels);
      // A name that was written is one that stays.
      const isWritten = labels !== row.labels && target(texts) === METRIC_NAME;
      return { ...row, labels, dropName: row.dropName && !isWritten };
    });
  };
}
const OF_TIME: ReadonlySet<string> = new Set([...Object.keys(DATE_FUNCTIONS), 'time', 'timestamp', 'predict_linear']);
/** The same at each time: all it looks at has `@`. */
function isFixed(expr: Expr): boolean {
  if (expr.kind === 'selector' || expr.kind === 'subquery') return expr.at !== null;
  if (expr.kind === 'matrix') return isFixed(expr.selector);
  return !(expr.kind === 'call' && OF_TIME.has(expr.function)) && childrenOf(expr).every(isFixed);
}
function sorted(compare: (a: Row, b: Row) => number): VectorFunction {
  return (evaluator, expr) => {
    const rows = evaluator.vector(first(expr));
    // Of a range query the order is that of the labels.
    if (evaluator.query.grid.count > 1 || evaluator.query.grid.stepMs > 0) {
      if (isFixed(expr)) return rows;
      evaluator.notes.warn('sort is ineffective for range queries since results are always ordered by labels', expr);
      return rows;
    }
    return [...rows].sort(compare);
  };
}
function byValue(sign: number): VectorFunction {
  const inOrder = sorted((a, b) => {
    const [x, y] = [a.values[0] as number, b.values[0] as number];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return sign * nanFirst(x, y);
  });
  return (evaluator, expr) => floatsOf(inOrder(evaluator, expr));
}
/** Numbers within texts by their value. */
function naturalOrder(a: string, b: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const [p, q] = [x[i] as string, y[i] as string];
    if (p === q) continue;
    const areNumbers = /^\d/.test(p) && /^\d/.test(q);
    const order = areNumbers ? Number(p) - Number(q) || p.length - q.length : compareText(p, q);
    if (order !== 0) return order;
  }
  return x.length - y.length;
}
function byLabels(sign: number): VectorFunction {
  return (evaluator, expr) => {
    const names = expr.args.slice(1).map((arg) => evaluator.text(arg));
    return sorted((a, b) => {
      for (const name of names) {
        const order = naturalOrder(labelOf(a.labels, name), labelOf(b.labels, name));
        if (order !== 0) return sign * order;
      }
      return sign * compareLabels(a.labels, b.labels);
    })(evaluator, expr);
  };
}
function absent(evaluator: Evaluator, expr: CallExpr): Row[] {
  const rows = evaluator.vector(first(expr));
  const row = emptyRow(absentLabels(first(expr)), evaluator.grid.count);
  for (let i = 0; i < row.has.length; i++) if (rows.every(({ has }) => has[i] === NOTHING)) put(row, i, 1);
  return isThere(row) ? [row] : [];
}
/** When the samples were taken; of what was computed, the time of the evaluation. */
function timestamp(evaluator: Evaluator, expr: CallExpr): readonly Row[] {
  const arg = unwrapped(first(expr));
  if (arg.kind === 'selector') return evaluator.sampleTimes(arg, 'time').map((row) => ({ ...row, dropName: true }));
  return evaluator.vector(arg).map((row) => {
    const made = emptyRow(row.labels, row.values.length, true);
    row.has.forEach((own, i) => {
      if (own !== NOTHING) put(made, i, timeAt(evaluator.grid, i) / 1000);
    });
    return made;
  });
}
/** When the counters of the samples began; of what was computed nobody knows. */
function startTimestamp(evaluator: Evaluator, expr: CallExpr): readonly Row[] {
  const arg = unwrapped(first(expr));
  if (arg.kind === 'selector') return evaluator.sampleTimes(arg, 'start').map((row) => ({ ...row, dropName: true }));
  evaluator.vector(arg);
  return [];
}
const unwrapped = (expr: Expr): Expr => (expr.kind === 'paren' ? unwrapped(expr.expr) : expr);

const all: Record<string, VectorFunction> = {
  timestamp,
  start_timestamp: startTimestamp,
  absent,
  sort: byValue(1),
  sort_desc: byValue(-1),
  sort_by_label: byLabels(1),
  sort_by_label_desc: byLabels(-1),
  label_replace: relabelled(labelReplace, ([to = '']) => to),
  label_join: relabelled(labelJoin, ([to = '']) => to),
  ...HISTOGRAM_FUNCTIONS,
};
for (const [name, apply] of Object.entries(NUMBER_FUNCTIONS)) all[name] = eachNumber(apply);
for (const [name, apply] of Object.entries(DATE_FUNCTIONS)) all[name] = eachDate(apply);
all['clamp'] = (evaluator, expr) => {
  const [least, most] = [evaluator.scalar(expr.args[1] as Expr), evaluator.scalar(expr.args[2] as Expr)];
  const rows = eachNumber(NUMBER_FUNCTIONS['clamp'] as (value: number) => number)(evaluator, expr);
  // Nothing lies between bounds that are the wrong way round.
  return rows.map((row) => ({ ...row, has: row.has.map((own, i) => ((least[i] as number) > (most[i] as number) ? 0 : own)) }));
};
export const VECTOR_FUNCTIONS: ReadonlyMap<string, VectorFunction> = new Map(Object.entries(all));
export const evaluateVectorCall: VectorFunction = (evaluator, expr) =>
  (VECTOR_FUNCTIONS.get(expr.function) as VectorFunction)(evaluator, expr);
