import type { CallExpr, Expr, SelectorModifier } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { overExtended } from './extended-histograms.ts';
import { goNumber } from './go-number.ts';
import { absentLabels } from './label-functions.ts';
import { type Labels, labelOf, METRIC_NAME } from './labels.ts';
import { overMixed, type Tell, tellOverlap } from './mixed-ranges.ts';
import { CHANGES, changes } from './range-changes.ts';
import { EXTENDED, KEEPS_NAME, RANGE_FUNCTIONS } from './range-functions.ts';
import { means } from './range-means.ts';
import { withHints } from './selected-rows.ts';
import { EvaluationError, emptyRow, FLOAT, isThere, type MatrixRow, put, type Row, timeAt } from './value.ts';

/** Functions of a range: each series' samples within each window -> one sample. */
export function evaluateOverTime(evaluator: Evaluator, { function: name, args, ...at }: CallExpr): Row[] {
  const { grid, query, budget } = evaluator;
  const apply = RANGE_FUNCTIONS[name] as (typeof RANGE_FUNCTIONS)[string];
  const range = args.find((arg) => isRange(arg)) as Expr;
  const numbers = args.filter((arg) => arg !== range).map((arg) => evaluator.scalar(arg));
  if (name === 'double_exponential_smoothing') checkFactors(numbers);
  const { rangeMs, ends, rows } = evaluator.matrix(range);
  const modifier = modifierOf(range);
  const found: Row[] = [];
  for (const series of rows) {
    budget.take(grid.count);
    const { labels, dropName, times, values, starts } = series;
    const histograms = LOOKS_FOR_RESETS.has(name) ? withHints(series.histograms) : series.histograms;
    const row = emptyRow(labels, grid.count, dropName || !KEEPS_NAME.has(name));
    const tell = evaluator.tellOf(labels, range);
    if (modifier) {
      ends.forEach((endMs, i) => {
        const window = { ...series, histograms, startMs: endMs - rangeMs, endMs, lookbackMs: query.lookbackMs };
        put(
          row,
          i,
          histograms ? overExtended(modifier, name, { ...window, histograms, tell }, rangeMs) : EXTENDED[modifier][name]?.(window, rangeMs),
        );
      });
    } else if (CHANGES.has(name) && !histograms && !starts) {
      changes(name, series, ends, rangeMs, row);
      budget.check();
    } else if ((name === 'avg_over_time' || name === 'sum_over_time') && !histograms) {
      means(name === 'avg_over_time', series, ends, rangeMs, row);
      budget.check();
    } else {
      const onOverlap = (): void => tellOverlap(tell);
      let [from, to, histogramFrom, histogramTo] = [0, 0, 0, 0];
      for (let i = 0; i < grid.count; i++) {
        const endMs = ends[i] as number;
        if (i > 0 && endMs < (ends[i - 1] as number)) [from, to, histogramFrom, histogramTo] = [0, 0, 0, 0];
        while (to < times.length && (times[to] as number) <= endMs) to++;
        while (from < to && (times[from] as number) <= endMs - rangeMs) from++;
        if (histograms) {
          const own = histograms.times;
          while (histogramTo < own.length && (own[histogramTo] as number) <= endMs) histogramTo++;
          while (histogramFrom < histogramTo && (own[histogramFrom] as number) <= endMs - rangeMs) histogramFrom++;
        }
        if (from === to && histogramFrom === histogramTo) continue;
        if ((i & 127) === 127) budget.check();
        const at = numbers.map((each) => each[i] as number);
        const window = { times, values, from, to, endMs, rangeMs, nowMs: timeAt(grid, i), numbers: at, starts, onOverlap };
        if (histograms && histogramFrom < histogramTo)
          put(row, i, overMixed(name, { floats: window, histograms, from: histogramFrom, to: histogramTo, tell }));
        else put(row, i, apply(window));
      }
    }
    if (!isThere(row)) continue;
    found.push(row);
    if (COUNTER_FUNCTIONS.has(name) && row.has.includes(FLOAT)) tellOfName(labels, tell);
  }
  if (name === 'quantile_over_time' && found.length > 0) evaluator.warnOfQuantile(numbers[0] as Float64Array, at);
  return found;
}
/** Whether a counter began anew between two samples is found out once for each pair, not in each window it is in. */
const LOOKS_FOR_RESETS: ReadonlySet<string> = new Set(['rate', 'increase', 'irate', 'resets']);
const COUNTER_FUNCTIONS: ReadonlySet<string> = new Set(['rate', 'increase']);
function tellOfName(labels: Labels, tell: Tell): void {
  const name = labelOf(labels, METRIC_NAME);
  if (name === '' || /_(?:total|sum|count|bucket)$/.test(name)) return;
  tell.info(`metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${tell.metric}`);
}
export function absentOverTime(evaluator: Evaluator, range: Expr): Row {
  const { rangeMs, ends, rows } = evaluator.matrix(range);
  const row = emptyRow(absentLabels(range), evaluator.grid.count);
  const isIn = (own: Float64Array, endMs: number): boolean => own.some((ms) => ms > endMs - rangeMs && ms <= endMs);
  ends.forEach((endMs, i) => {
    const isAny = ({ times, histograms }: MatrixRow): boolean =>
      isIn(times, endMs) || (histograms !== null && isIn(histograms.times, endMs));
    if (!rows.some(isAny)) put(row, i, 1);
  });
  return row;
}
function modifierOf(expr: Expr): SelectorModifier | null {
  if (expr.kind === 'paren') return modifierOf(expr.expr);
  return expr.kind === 'matrix' ? expr.selector.modifier : null;
}
function isRange(expr: Expr): boolean {
  return expr.kind === 'matrix' || expr.kind === 'subquery' || (expr.kind === 'paren' && isRange(expr.expr));
}
function checkFactors(numbers: readonly Float64Array[]): void {
  const [smoothing, trend] = numbers.map((each) => each[0] as number);
  if (!((smoothing as number) >= 0 && (smoothing as number) <= 1))
    throw new EvaluationError(`invalid smoothing factor. Expected: 0 <= sf <= 1, got: ${goNumber(smoothing as number)}`);
  if (!((trend as number) >= 0 && (trend as number) <= 1))
    throw new EvaluationError(`invalid trend factor. Expected: 0 <= tf <= 1, got: ${goNumber(trend as number)}`);
}
