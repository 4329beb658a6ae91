import { evaluateAggregate } from './aggregate.ts';
import type { CallExpr, Expr, MatrixExpr, SelectorExpr, SelectorModifier, SubqueryExpr } from './ast.ts';
import { evaluateBinary } from './binary.ts';
import { durationSeconds } from './duration.ts';
import { smoothedAt } from './extended-range.ts';
import { goNumber } from './go-number.ts';
import { absentLabels } from './label-functions.ts';
import { labelsOf } from './labels.ts';
import { EXTENDED, KEEPS_NAME, RANGE_FUNCTIONS } from './range-functions.ts';
import {
  EvaluationError,
  emptyRow,
  type Grid,
  type Matrix,
  type MatrixRow,
  type Notes,
  type Query,
  type Row,
  type StoredSeries,
  staleFlags,
  timeAt,
  type Value,
} from './value.ts';
import { evaluateVectorCall, VECTOR_FUNCTIONS } from './vector-functions.ts';

/** Evaluates an expression at every time of a grid at once: one array of values for each series. */
export class Evaluator {
  readonly query: Query;
  readonly notes: Notes;
  /** Of the query, or of the subquery that is evaluated. */
  readonly grid: Grid;

  constructor(query: Query, notes: Notes, grid: Grid) {
    this.query = query;
    this.notes = notes;
    this.grid = grid;
  }

  value(expr: Expr): Value {
    switch (expr.kind) {
      case 'number':
        return { type: 'scalar', values: this.constant(expr.value) };
      case 'string':
        return { type: 'string', value: expr.value };
      case 'paren':
        return this.value(expr.expr);
      case 'unary': {
        const value = this.value(expr.expr);
        if (expr.operator === '+') return value;
        if (value.type === 'scalar') return { type: 'scalar', values: value.values.map((each) => -each) };
        const rows = this.vector(expr.expr).map((row) => ({ ...row, dropName: true, values: row.values.map((each) => -each) }));
        return { type: 'vector', rows };
      }
      case 'selector':
        return { type: 'vector', rows: this.select(expr) };
      case 'binary':
        return evaluateBinary(this, expr);
      case 'aggregate':
        return { type: 'vector', rows: evaluateAggregate(this, expr) };
      case 'call':
        return this.call(expr);
      default:
        throw new EvaluationError('a range of samples is no value by itself');
    }
  }
  constant(value: number): Float64Array {
    return new Float64Array(this.grid.count).fill(value);
  }
  vector(expr: Expr): readonly Row[] {
    const value = this.value(expr);
    if (value.type !== 'vector') throw new EvaluationError(`a vector is needed, this is a ${value.type}`);
    return value.rows;
  }
  scalar(expr: Expr): Float64Array {
    const value = this.value(expr);
    if (value.type !== 'scalar') throw new EvaluationError(`a scalar is needed, this is a ${value.type}`);
    return value.values;
  }
  text(expr: Expr): string {
    const value = this.value(expr);
    if (value.type !== 'string') throw new EvaluationError(`a string is needed, this is a ${value.type}`);
    return value.value;
  }

  /** When a selector or subquery looks, in the place of each time of the grid. */
  private moments({ at, offset }: Pick<SelectorExpr | SubqueryExpr, 'at' | 'offset'>): Float64Array {
    const { grid, query } = this;
    const offsetMs = offset ? Math.round(durationSeconds(offset, query.grid) * 1000) : 0;
    const fixed =
      at === null ? null : at.kind === 'time' ? at.ms : at.kind === 'start' ? query.grid.startMs : timeAt(query.grid, query.grid.count - 1);
    return Float64Array.from({ length: grid.count }, (_, i) => (fixed ?? timeAt(grid, i)) - offsetMs);
  }

  private select(selector: SelectorExpr): Row[] {
    const moments = this.moments(selector);
    const rows: Row[] = [];
    for (const series of this.query.select(selector)) {
      const row = selector.modifier === 'smoothed' ? this.smoothed(series, moments) : latest(series, moments, this.query.lookbackMs);
      if (row) rows.push(row);
    }
    return rows;
  }
  private smoothed(series: StoredSeries, moments: Float64Array): Row | null {
    const samples = withoutStale(series);
    const row = emptyRow(series.labels, moments.length);
    moments.forEach((endMs, i) => {
      put(row, i, smoothedAt({ ...samples, endMs, lookbackMs: this.query.lookbackMs }));
    });
    return row.has.includes(1) ? row : null;
  }
  /** For timestamp(): when the sample a selector finds was taken. */
  sampleTimes(selector: SelectorExpr): Row[] {
    const moments = this.moments(selector);
    return this.query
      .select(selector)
      .flatMap((series) => latest({ ...series, values: series.values }, moments, this.query.lookbackMs, series.times) ?? []);
  }

  matrix(expr: Expr): Matrix {
    if (expr.kind === 'paren') return this.matrix(expr.expr);
    if (expr.kind === 'matrix') return this.stored(expr);
    if (expr.kind === 'subquery') return this.subquery(expr);
    throw new EvaluationError('a range of samples is needed');
  }
  private rangeMs(expr: MatrixExpr | SubqueryExpr): number {
    const ms = Math.round(durationSeconds(expr.range, this.query.grid) * 1000);
    if (!(ms > 0)) throw new EvaluationError('duration must be greater than 0');
    return ms;
  }
  private stored(expr: MatrixExpr): Matrix {
    const rows = this.query
      .select(expr.selector)
      .map((series): MatrixRow => ({ labels: series.labels, dropName: false, ...withoutStale(series) }));
    return { rangeMs: this.rangeMs(expr), ends: this.moments(expr.selector), rows };
  }
  private subquery(expr: SubqueryExpr): Matrix {
    const rangeMs = this.rangeMs(expr);
    const ends = this.moments(expr);
    const stepMs = expr.step ? Math.round(durationSeconds(expr.step, this.query.grid) * 1000) : this.query.subqueryStepMs;
    if (!(stepMs > 0)) throw new EvaluationError('duration must be greater than 0');
    const first = ends.reduce((least, end) => Math.min(least, end), Number.POSITIVE_INFINITY) - rangeMs;
    const last = ends.reduce((most, end) => Math.max(most, end), Number.NEGATIVE_INFINITY);
    // Multiples of the step, the first one after the window's open start.
    const startMs = (Math.floor(first / stepMs) + 1) * stepMs;
    const count = Math.max(0, Math.floor((last - startMs) / stepMs) + 1);
    const rows = new Evaluator(this.query, this.notes, { startMs, stepMs, count })
      .vector(expr.expr)
      .map(({ labels, dropName, values, has }): MatrixRow => {
        const at = [...has.keys()].filter((i) => has[i] === 1);
        return {
          labels,
          dropName,
          times: Float64Array.from(at, (i) => startMs + i * stepMs),
          values: Float64Array.from(at, (i) => values[i] as number),
        };
      });
    return { rangeMs, ends, rows };
  }

  private call(expr: CallExpr): Value {
    const { function: name, args } = expr;
    const { grid, query } = this;
    switch (name) {
      case 'time':
        return { type: 'scalar', values: this.constant(0).map((_, i) => timeAt(grid, i) / 1000) };
      case 'pi':
        return { type: 'scalar', values: this.constant(Math.PI) };
      case 'start':
        return { type: 'scalar', values: this.constant(query.grid.startMs / 1000) };
      case 'end':
        return { type: 'scalar', values: this.constant(timeAt(query.grid, query.grid.count - 1) / 1000) };
      case 'range':
        return { type: 'scalar', values: this.constant(((query.grid.count - 1) * query.grid.stepMs) / 1000) };
      case 'step':
        return { type: 'scalar', values: this.constant(query.grid.stepMs / 1000) };
      case 'min_of':
      case 'max_of': {
        const [left, right] = [this.scalar(args[0] as Expr), this.scalar(args[1] as Expr)];
        const choose = name === 'min_of' ? Math.min : Math.max;
        return { type: 'scalar', values: left.map((value, i) => choose(value, right[i] as number)) };
      }
      case 'scalar': {
        const rows = this.vector(args[0] as Expr);
        return { type: 'scalar', values: this.constant(Number.NaN).map((none, i) => onlyOne(rows, i) ?? none) };
      }
      case 'vector':
        return {
          type: 'vector',
          rows: [{ ...emptyRow(labelsOf([]), 0), values: this.scalar(args[0] as Expr), has: new Uint8Array(grid.count).fill(1) }],
        };
      case 'absent_over_time':
        return { type: 'vector', rows: [this.absentOverTime(args[0] as Expr)] };
    }
    if (Object.hasOwn(RANGE_FUNCTIONS, name)) return { type: 'vector', rows: this.overTime(expr) };
    if (VECTOR_FUNCTIONS.has(name)) return { type: 'vector', rows: evaluateVectorCall(this, expr) };
    throw new EvaluationError(`${name}() is not there yet`);
  }

  private overTime({ function: name, args, ...at }: CallExpr): Row[] {
    const apply = RANGE_FUNCTIONS[name] as (typeof RANGE_FUNCTIONS)[string];
    const range = args.find((arg) => isRange(arg)) as Expr;
    const numbers = args.filter((arg) => arg !== range).map((arg) => this.scalar(arg));
    if (name === 'quantile_over_time') this.warnOfQuantile(numbers[0] as Float64Array, at);
    if (name === 'double_exponential_smoothing') checkFactors(numbers);
    const { rangeMs, ends, rows } = this.matrix(range);
    const modifier = modifierOf(range);
    const found: Row[] = [];
    for (const { labels, dropName, times, values } of rows) {
      const row = emptyRow(labels, this.grid.count, dropName || !KEEPS_NAME.has(name));
      if (modifier) {
        ends.forEach((endMs, i) => {
          const window = { times, values, startMs: endMs - rangeMs, endMs, lookbackMs: this.query.lookbackMs };
          put(row, i, EXTENDED[modifier][name]?.(window, rangeMs));
        });
        if (row.has.includes(1)) found.push(row);
        continue;
      }
      let [from, to] = [0, 0];
      for (let i = 0; i < this.grid.count; i++) {
        const endMs = ends[i] as number;
        if (i > 0 && endMs < (ends[i - 1] as number)) [from, to] = [0, 0];
        while (to < times.length && (times[to] as number) <= endMs) to++;
        while (from < to && (times[from] as number) <= endMs - rangeMs) from++;
        if (from === to) continue;
        const window = {
          times,
          values,
          from,
          to,
          endMs,
          rangeMs,
          nowMs: timeAt(this.grid, i),
          numbers: numbers.map((each) => each[i] as number),
        };
        put(row, i, apply(window));
      }
      if (row.has.includes(1)) found.push(row);
    }
    return found;
  }
  warnOfQuantile(quantiles: Float64Array, at: { start: number; end: number }): void {
    const bad = quantiles.find((q) => !(q >= 0 && q <= 1));
    if (bad !== undefined) this.notes.warn(`quantile value should be between 0 and 1, got ${goNumber(bad)}`, at);
  }
  private absentOverTime(range: Expr): Row {
    const { rangeMs, ends, rows } = this.matrix(range);
    const row = emptyRow(absentLabels(range), this.grid.count);
    for (let i = 0; i < this.grid.count; i++) {
      const endMs = ends[i] as number;
      const isThere = rows.some(({ times }) => times.some((ms) => ms > endMs - rangeMs && ms <= endMs));
      if (isThere) continue;
      row.values[i] = 1;
      row.has[i] = 1;
    }
    return row;
  }
}

function put(row: Row, i: number, value: number | undefined): void {
  if (value === undefined) return;
  row.values[i] = value;
  row.has[i] = 1;
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
/** The value of the only series there is at that time. */
function onlyOne(rows: readonly Row[], i: number): number | undefined {
  const there = rows.filter((row) => row.has[i] === 1);
  return there.length === 1 ? (there[0] as Row).values[i] : undefined;
}
function withoutStale({ times, values }: StoredSeries): { times: Float64Array; values: Float64Array } {
  const stale = staleFlags(values);
  if (!stale) return { times, values };
  return { times: times.filter((_, i) => stale[i] === 0), values: values.filter((_, i) => stale[i] === 0) };
}
/** The newest sample of (moment - lookback, moment] for each moment; null when there is none at all. @param ask what is wanted of it */
function latest(series: StoredSeries, moments: Float64Array, lookbackMs: number, ask = series.values): Row | null {
  const { times, values, labels } = series;
  const stale = staleFlags(values);
  const row = emptyRow(labels, moments.length);
  let next = 0;
  for (let i = 0; i < moments.length; i++) {
    const moment = moments[i] as number;
    if (i > 0 && moment < (moments[i - 1] as number)) next = 0;
    while (next < times.length && (times[next] as number) <= moment) next++;
    const at = next - 1;
    if (at < 0 || (times[at] as number) <= moment - lookbackMs || stale?.[at] === 1) continue;
    put(row, i, ask === times ? (ask[at] as number) / 1000 : ask[at]);
  }
  return row.has.includes(1) ? row : null;
}
