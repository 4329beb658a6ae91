import type { AggregateExpr, Expr } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { goNumber } from './go-number.ts';
import { HistogramMean, HistogramSum } from './histogram-sum.ts';
import { hashPlace } from './label-hash.ts';
import { entriesOf, type Labels, labelKeeper, labelReader, labelsOf, METRIC_NAME } from './labels.ts';
import { CONFLICT, mixOfSchemas, RECONCILED } from './mixed-ranges.ts';
import { compact, histogramText, type NativeHistogram } from './native-histogram.ts';
import { addTo, MeanSum, nanFirst, newSum, quantileOf, sumOf } from './numerics.ts';
import { printNumber } from './print.ts';
import { EvaluationError, emptyRow, FLOAT, HISTOGRAM, isThere, put, type Row, type Sample, sampleAt } from './value.ts';

/** Values of one group at one time -> one value. */
const FOLDS: Readonly<Record<string, (values: readonly number[], parameter: number) => number>> = {
  sum: (values) => {
    const sum = newSum();
    for (const value of values) addTo(sum, value);
    return sumOf(sum);
  },
  avg: (values) => {
    const sum = new MeanSum();
    for (const value of values) sum.add(value);
    return sum.mean;
  },
  count: (values) => values.length,
  group: () => 1,
  min: (values) => values.reduce((best, value) => (value < best || Number.isNaN(best) ? value : best)),
  max: (values) => values.reduce((best, value) => (value > best || Number.isNaN(best) ? value : best)),
  stdvar: variance,
  stddev: (values) => Math.sqrt(variance(values)),
  quantile: (values, q) => quantileOf(q, [...values].sort(nanFirst)),
};
function variance(values: readonly number[]): number {
  let mean = values[0] as number;
  // The spread of what has no end is not a number.
  let squares = Number.isFinite(mean) ? 0 : Number.NaN;
  values.forEach((value, i) => {
    if (i === 0) return;
    const delta = value - mean;
    mean += delta / (i + 1);
    squares += delta * (value - mean);
  });
  return squares / values.length;
}

interface Group {
  readonly labels: Labels;
  dropName: boolean;
  readonly rows: Row[];
}
function groupsOf(rows: readonly Row[], { grouping, without }: AggregateExpr): Group[] {
  const groups = new Map<string, Group>();
  const keep = labelKeeper(without ? (name) => name !== METRIC_NAME && !grouping.includes(name) : (name) => grouping.includes(name));
  // By one label, as most are: its value says which group it is, and labels are made for the first of each only.
  const only = !without && grouping.length === 1 ? labelReader(grouping[0] as string) : null;
  for (const row of rows) {
    const labels = only ? null : keep(row.labels);
    const key = labels?.key ?? only?.(row.labels) ?? '';
    const group = groups.get(key);
    if (group) {
      group.rows.push(row);
      group.dropName ||= row.dropName;
    } else groups.set(key, { labels: labels ?? keep(row.labels), dropName: row.dropName, rows: [row] });
  }
  return [...groups.values()];
}

const CHOOSING: ReadonlySet<string> = new Set(['topk', 'bottomk', 'limitk', 'limit_ratio']);
export function evaluateAggregate(evaluator: Evaluator, expr: AggregateExpr): readonly Row[] {
  const { operator, parameter } = expr;
  if (operator === 'count_values') return countValues(evaluator, expr, evaluator.text(parameter as Expr));
  const numbers = parameter ? evaluator.scalar(parameter) : null;
  const rows = evaluator.vector(expr.expr);
  const { count } = evaluator.grid;
  if (CHOOSING.has(operator)) return chosen(evaluator, expr, rows, numbers as Float64Array);
  if (operator === 'quantile') evaluator.warnOfQuantile(numbers as Float64Array, parameter as Expr);
  const fold = FOLDS[operator] as (typeof FOLDS)[string];
  return groupsOf(rows, expr).flatMap((group) => {
    evaluator.budget.check();
    const row = emptyRow(group.labels, count, group.dropName);
    const hasHistograms = group.rows.some(({ histograms }) => histograms !== null);
    if (operator === 'sum' && !hasHistograms) {
      sumRows(group.rows, row);
      return isThere(row) ? [row] : [];
    }
    for (let i = 0; i < count; i++) {
      const values: number[] = [];
      for (const each of group.rows) if (each.has[i] === FLOAT) values.push(each.values[i] as number);
      const withHistograms = hasHistograms ? group.rows.filter(({ has }) => has[i] === HISTOGRAM) : [];
      if (withHistograms.length > 0) put(row, i, foldMixed(evaluator, expr, values, withHistograms, i, numbers?.[i]));
      else if (values.length > 0) put(row, i, fold(values, numbers?.[i] ?? Number.NaN));
    }
    return isThere(row) ? [row] : [];
  });
}
let corrections = new Float64Array(0);
/** FOLDS.sum at each time at once, in the same order and to the bit: series by series, so that no list is made for each time. */
function sumRows(rows: readonly Row[], { values, has }: Row): void {
  const count = values.length;
  if (corrections.length < count) corrections = new Float64Array(count * 2);
  corrections.fill(0, 0, count);
  for (const row of rows) {
    for (let i = 0; i < count; i++) {
      if (row.has[i] !== FLOAT) continue;
      const [sum, value] = [values[i] as number, row.values[i] as number];
      const total = sum + value;
      if (total === Number.POSITIVE_INFINITY || total === Number.NEGATIVE_INFINITY) corrections[i] = 0;
      else if (Math.abs(sum) >= Math.abs(value)) corrections[i] = (corrections[i] as number) + (sum - total + value);
      else corrections[i] = (corrections[i] as number) + (value - total + sum);
      values[i] = total;
      has[i] = FLOAT;
    }
  }
  for (let i = 0; i < count; i++) {
    const sum = values[i] as number;
    if (sum !== Number.POSITIVE_INFINITY && sum !== Number.NEGATIVE_INFINITY) values[i] = sum + (corrections[i] as number);
  }
}
/** Values of one group at one time with at least one histogram among them. */
function foldMixed(
  evaluator: Evaluator,
  { operator, expr }: AggregateExpr,
  values: readonly number[],
  rows: readonly Row[],
  i: number,
  parameter = Number.NaN,
): Sample | undefined {
  const { notes } = evaluator;
  if (operator === 'count') return values.length + rows.length;
  if (operator === 'group') return 1;
  if (operator !== 'sum' && operator !== 'avg') {
    notes.info(`ignored histogram in ${operator} aggregation`, expr);
    return values.length > 0 ? FOLDS[operator]?.(values, parameter) : undefined;
  }
  if (values.length > 0) {
    notes.warn('encountered a mix of histograms and floats for aggregation', expr);
    return undefined;
  }
  const into = operator === 'sum' ? new HistogramSum() : new HistogramMean();
  for (const { histograms } of rows) into.add(histograms?.[i] as NativeHistogram);
  if (into.isMixed) mixOfSchemas(evaluator.tellOf((rows[0] as Row).labels, expr));
  else if (into.isConflict) notes.warn(`${CONFLICT} aggregation`, expr);
  if (into.isReconciled) notes.info(`${RECONCILED} aggregation`, expr);
  return into.isMixed ? undefined : compact(into.total);
}

function countValues(evaluator: Evaluator, expr: AggregateExpr, label: string): Row[] {
  const { count } = evaluator.grid;
  if (label === '' || /[\ud800-\udfff]/u.test(label)) throw new EvaluationError(`invalid label name ${goQuoted(label)}`);
  const found = new Map<string, Row>();
  for (const group of groupsOf(evaluator.vector(expr.expr), expr)) {
    for (const row of group.rows) {
      for (let i = 0; i < count; i++) {
        const sample = sampleAt(row, i);
        if (sample === undefined) continue;
        const value = typeof sample === 'number' ? printNumber(sample) : histogramText(sample);
        const labels = labelsOf([...entriesOf(group.labels).filter(([name]) => name !== label), [label, value]]);
        const counted = found.get(labels.key) ?? emptyRow(labels, count);
        found.set(labels.key, counted);
        put(counted, i, (counted.values[i] as number) + 1);
      }
    }
  }
  return [...found.values()];
}
const goQuoted = (text: string): string =>
  `"${[...text].map((c) => (c >= '\udc80' && c <= '\udcff' ? `\\x${((c.charCodeAt(0) as number) - 0xdc00).toString(16)}` : c)).join('')}"`;

/** Series are chosen as they are, so all that is new is at which times they are there. */
function chosen(evaluator: Evaluator, expr: AggregateExpr, rows: readonly Row[], numbers: Float64Array): Row[] {
  const { operator } = expr;
  const { count } = evaluator.grid;
  const isRatio = operator === 'limit_ratio';
  const takesAny = isRatio || operator === 'limitk';
  const kept = new Map<Row, Uint8Array>();
  const ranks = new Map<Row, number>();
  const groups = groupsOf(rows, expr);
  for (let i = 0; i < count; i++) {
    const number = numbers[i] as number;
    if (Number.isNaN(number)) throw new EvaluationError(isRatio ? 'Ratio value is NaN' : 'Parameter value is NaN');
    if (!isRatio && Math.abs(number) >= 2 ** 63) throw new EvaluationError(`Scalar value ${goNumber(number)} overflows int64`);
    if (isRatio && Math.abs(number) > 1)
      evaluator.notes.warn(
        `ratio value should be between -1 and 1, got ${goNumber(number)}, capping to ${number > 0 ? 1 : -1}`,
        expr.parameter as Expr,
      );
    if (isRatio ? number === 0 : Math.trunc(number) < 1) continue;
    for (const group of groups) {
      const there = group.rows.filter((row) => row.has[i] === FLOAT || (takesAny && row.has[i] === HISTOGRAM));
      if (!takesAny && group.rows.some((row) => row.has[i] === HISTOGRAM))
        evaluator.notes.info(`ignored histogram in ${operator} aggregation`, expr.expr);
      const taken = isRatio ? there.filter(({ labels }) => isInRatio(labels, number)) : best(there, i, Math.trunc(number), operator);
      taken.forEach((row, rank) => {
        const has = kept.get(row) ?? new Uint8Array(count);
        has[i] = row.has[i] as number;
        kept.set(row, has);
        ranks.set(row, rank);
      });
    }
  }
  const found = rows.flatMap((row) => (kept.has(row) ? [{ row, has: kept.get(row) as Uint8Array }] : []));
  // Of an instant query the order is part of the answer.
  if (count === 1 && (operator === 'topk' || operator === 'bottomk'))
    found.sort((a, b) => (ranks.get(a.row) as number) - (ranks.get(b.row) as number));
  return found.map(({ row, has }) => ({ ...row, has }));
}
function best(there: readonly Row[], i: number, most: number, operator: string): readonly Row[] {
  if (operator === 'limitk') return there.slice(0, most);
  const of = (row: Row): number => row.values[i] as number;
  const last = (row: Row): number => (Number.isNaN(of(row)) ? 1 : 0);
  const sign = operator === 'topk' ? -1 : 1;
  const compare = (a: Row, b: Row): number => last(a) - last(b) || (of(a) === of(b) ? 0 : sign * (of(a) - of(b)));
  if (most * 8 > there.length) return [...there].sort(compare).slice(0, most);
  // Few of many: each goes behind those it does not come before, as in a sort that keeps the order of equal ones.
  const found: Row[] = [];
  for (const row of there) {
    if (found.length === most && compare(row, found[most - 1] as Row) >= 0) continue;
    let at = found.length;
    while (at > 0 && compare(row, found[at - 1] as Row) < 0) at--;
    found.splice(at, 0, row);
    if (found.length > most) found.pop();
  }
  return found;
}
/** A stable part of the series: by where a hash of their labels lies between 0 and 1. */
const isInRatio = (labels: Labels, ratio: number): boolean => (ratio >= 0 ? hashPlace(labels) < ratio : hashPlace(labels) >= 1 + ratio);
