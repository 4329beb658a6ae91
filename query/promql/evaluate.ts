import { evaluateAggregate } from './aggregate.ts';
import type { CallExpr, Expr, MatrixExpr, SelectorExpr, SubqueryExpr } from './ast.ts';
import { evaluateBinary } from './binary.ts';
import { type Budget, NO_LIMITS } from './budget.ts';
import { durationSeconds } from './duration.ts';
import { goNumber } from './go-number.ts';
import { multiply } from './histogram-arithmetic.ts';
import { evaluateInfo } from './info.ts';
import { type Labels, labelOf, METRIC_NAME, NO_LABELS } from './labels.ts';
import type { Tell } from './mixed-ranges.ts';
import { absentOverTime, evaluateOverTime } from './over-time.ts';
import { RANGE_FUNCTIONS } from './range-functions.ts';
import { latest, selectRow, type Wanted, withHints, withoutStale } from './selected-rows.ts';
import {
  EvaluationError,
  emptyRow,
  endOf,
  FLOAT,
  type Grid,
  HISTOGRAM,
  type Matrix,
  type MatrixRow,
  type Notes,
  type Query,
  type Row,
  type StoredSeries,
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
  /** Selectors of whose histograms only count and sum are asked for. */
  readonly hinted: ReadonlySet<SelectorExpr>;
  readonly budget: Pick<Budget, 'take' | 'check'>;

  constructor(query: Query, notes: Notes, grid: Grid, hinted: ReadonlySet<SelectorExpr>) {
    this.query = query;
    this.notes = notes;
    this.grid = grid;
    this.hinted = hinted;
    this.budget = query.budget ?? NO_LIMITS;
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
        if (expr.operator === '+' || value.type === 'string') return value;
        if (value.type === 'scalar') return { type: 'scalar', values: value.values.map((each) => -each) };
        const rows = value.rows.map(
          (row): Row => ({
            ...row,
            dropName: true,
            values: row.values.map((each) => -each),
            histograms: row.histograms?.map((each) => multiply(each, -1)) ?? null,
          }),
        );
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

  /** What is told of a series, at a place in the query. */
  tellOf(labels: Labels, at: Expr): Tell {
    return new SeriesTell(this.notes, labels, at);
  }
  warnOfQuantile(quantiles: Float64Array, at: { start: number; end: number }): void {
    const bad = quantiles.find((q) => !(q >= 0 && q <= 1));
    if (bad !== undefined) this.notes.warn(`quantile value should be between 0 and 1, got ${goNumber(bad)}`, at);
  }

  /** When a selector or subquery looks, in the place of each time of the grid. */
  private moments({ at, offset }: Pick<SelectorExpr | SubqueryExpr, 'at' | 'offset'>): Float64Array {
    const { grid, query } = this;
    const offsetMs = offset ? Math.round(durationSeconds(offset, query.grid) * 1000) : 0;
    const fixed = at === null ? null : at.kind === 'time' ? at.ms : at.kind === 'start' ? query.grid.startMs : endOf(query.grid);
    return Float64Array.from({ length: grid.count }, (_, i) => (fixed ?? timeAt(grid, i)) - offsetMs);
  }
  private read(selector: SelectorExpr): readonly StoredSeries[] {
    const found = this.query.select(selector);
    // Sums of such tell of conflicts among them.
    return this.hinted.has(selector) ? found.map((series) => ({ ...series, histograms: withHints(series.histograms) })) : found;
  }
  private select(selector: SelectorExpr): Row[] {
    const looking = { moments: this.moments(selector), lookbackMs: this.query.lookbackMs };
    const rows: Row[] = [];
    for (const series of this.read(selector)) {
      this.budget.take(this.grid.count);
      const row = selectRow(series, looking, selector.modifier, this.tellOf(series.labels, selector));
      if (row) rows.push(row);
    }
    return rows;
  }
  /** For timestamp() and start_timestamp(): of the samples a selector finds. */
  sampleTimes(selector: SelectorExpr, wanted: Wanted): Row[] {
    const looking = { moments: this.moments(selector), lookbackMs: this.query.lookbackMs };
    return this.query.select(selector).flatMap((series) => latest(series, looking, wanted) ?? []);
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
    const rows = this.read(expr.selector).map((series): MatrixRow => ({ labels: series.labels, dropName: false, ...withoutStale(series) }));
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
    const grid = { startMs, stepMs, count: Math.max(0, Math.floor((last - startMs) / stepMs) + 1) };
    this.budget.take(grid.count);
    const rows = new Evaluator(this.query, this.notes, grid, this.hinted).vector(expr.expr).map((row) => samplesOf(row, grid));
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
        return { type: 'scalar', values: this.constant(endOf(query.grid) / 1000) };
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
          rows: [{ ...emptyRow(NO_LABELS, 0), values: this.scalar(args[0] as Expr), has: new Uint8Array(grid.count).fill(FLOAT) }],
        };
      case 'absent_over_time':
        return { type: 'vector', rows: [absentOverTime(this, args[0] as Expr)] };
      case 'info':
        return { type: 'vector', rows: evaluateInfo(this, expr) };
    }
    if (Object.hasOwn(RANGE_FUNCTIONS, name)) return { type: 'vector', rows: evaluateOverTime(this, expr) };
    if (VECTOR_FUNCTIONS.has(name)) return { type: 'vector', rows: evaluateVectorCall(this, expr) };
    throw new EvaluationError(`unknown function with name ${JSON.stringify(name)}`);
  }
}

class SeriesTell implements Tell {
  private readonly notes: Notes;
  private readonly labels: Labels;
  private readonly at: Expr;

  constructor(notes: Notes, labels: Labels, at: Expr) {
    this.notes = notes;
    this.labels = labels;
    this.at = at;
  }
  get metric(): string {
    return JSON.stringify(labelOf(this.labels, METRIC_NAME));
  }
  warn(message: string): void {
    this.notes.warn(message, this.at);
  }
  info(message: string): void {
    this.notes.info(message, this.at);
  }
}
/** The only float there is at that time. */
function onlyOne(rows: readonly Row[], i: number): number | undefined {
  const there = rows.filter((row) => row.has[i] === FLOAT);
  return there.length === 1 ? (there[0] as Row).values[i] : undefined;
}
function samplesOf({ labels, dropName, values, has, histograms }: Row, grid: Grid): MatrixRow {
  const places = (kind: number): number[] => [...has.keys()].filter((i) => has[i] === kind);
  const timesOf = (at: readonly number[]): Float64Array => Float64Array.from(at, (i) => timeAt(grid, i));
  const [floats, others] = [places(FLOAT), histograms ? places(HISTOGRAM) : []];
  return {
    labels,
    dropName,
    times: timesOf(floats),
    values: Float64Array.from(floats, (i) => values[i] as number),
    starts: null,
    // Samples between those of a subquery are passed over: what they say of the one before them is not so here.
    histograms:
      histograms && others.length > 0
        ? {
            times: timesOf(others),
            histograms: others.flatMap((i) => {
              const histogram = histograms[i];
              if (!histogram) return [];
              return [histogram.hint === 'gauge' ? histogram : { ...histogram, hint: 'unknown' as const }];
            }),
            starts: null,
          }
        : null,
  };
}
