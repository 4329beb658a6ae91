import type { Expr, Matcher, SelectorExpr } from './ast.ts';
import type { Budget } from './budget.ts';
import type { Labels } from './labels.ts';
import type { NativeHistogram } from './native-histogram.ts';
import type { Range } from './token.ts';

/** Samples of one series, in time order. Milliseconds. Floats and histograms lie apart; no two samples have the same time. */
export interface Samples {
  readonly times: Float64Array;
  readonly values: Float64Array;
  /** When the counter of each sample began; 0: not told. null: of none. */
  readonly starts: Float64Array | null;
  readonly histograms: HistogramSamples | null;
}
export interface HistogramSamples {
  readonly times: Float64Array;
  readonly histograms: readonly NativeHistogram[];
  readonly starts: Float64Array | null;
}
/** A stale marker is the NaN with Prometheus' payload; histograms are ended by one too. */
export interface StoredSeries extends Samples {
  readonly labels: Labels;
}
/** A series without histograms, as most are. */
export const floatSeries = (labels: Labels, times: Float64Array, values: Float64Array): StoredSeries => ({
  ...{ labels, times, values },
  ...{ starts: null, histograms: null },
});
/** What a selector finds: asked once for each, for all the time it may look at. */
export type Select = (selector: SelectorExpr) => readonly StoredSeries[];

/** Evaluation times: startMs + i * stepMs. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}
export const timeAt = ({ startMs, stepMs }: Grid, i: number): number => startMs + i * stepMs;
export const endOf = (grid: Grid): number => timeAt(grid, grid.count - 1);

export type Sample = number | NativeHistogram;
/** What a row has at a time. */
export const NOTHING = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;
/** One series of a result: for each time of the grid what `has` says. */
export interface Row {
  readonly labels: Labels;
  /** The metric's name is still there, for label_replace and `by (__name__)`, and goes at the end. */
  readonly dropName: boolean;
  readonly values: Float64Array;
  readonly has: Uint8Array;
  /** By place on the grid; null: no histogram anywhere. */
  histograms: NativeHistogram[] | null;
}
/** Rows of a range lie side by side in one memory: a memory each took as long as to fill it. */
const POOLED = 32_768;
let pool = { values: new Float64Array(0), has: new Uint8Array(0), at: 0 };
export function emptyRow(labels: Labels, count: number, dropName = false): Row {
  if (count * 8 > POOLED) return { labels, dropName, values: new Float64Array(count), has: new Uint8Array(count), histograms: null };
  if (pool.at + count > pool.values.length) pool = { values: new Float64Array(POOLED), has: new Uint8Array(POOLED), at: 0 };
  const [from, to] = [pool.at, pool.at + count];
  pool.at = to;
  return { labels, dropName, values: pool.values.subarray(from, to), has: pool.has.subarray(from, to), histograms: null };
}
export function put(row: Row, i: number, sample: Sample | undefined): void {
  if (sample === undefined) return;
  if (typeof sample === 'number') {
    row.values[i] = sample;
    row.has[i] = FLOAT;
    return;
  }
  row.histograms ??= [];
  row.histograms[i] = sample;
  row.has[i] = HISTOGRAM;
}
export function sampleAt({ values, has, histograms }: Row, i: number): Sample | undefined {
  if (has[i] === FLOAT) return values[i];
  return has[i] === HISTOGRAM ? histograms?.[i] : undefined;
}
export const isThere = ({ has, histograms }: Pick<Row, 'has' | 'histograms'>): boolean =>
  has.includes(FLOAT) || (histograms !== null && has.includes(HISTOGRAM));
/** Series with the same labels at different times, as one. @returns null: both are there at some time */
export function joined(a: Row, b: Row): Row | null {
  if (a.has.some((own, i) => own !== NOTHING && b.has[i] !== NOTHING)) return null;
  const row: Row = { ...a, values: a.values.slice(), has: a.has.slice(), histograms: a.histograms?.slice() ?? null };
  for (let i = 0; i < row.has.length; i++) put(row, i, sampleAt(b, i));
  return row;
}
export type Value =
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'vector'; readonly rows: readonly Row[] }
  | { readonly type: 'string'; readonly value: string };

/** Series with a window of time for each evaluation: (times[i] - rangeMs, times[i]]. */
export interface Matrix {
  readonly rangeMs: number;
  /** Ends of the windows. */
  readonly ends: Float64Array;
  readonly rows: readonly MatrixRow[];
}
/** Without stale markers. */
export interface MatrixRow extends Samples {
  readonly labels: Labels;
  readonly dropName: boolean;
}

/** An answer that cannot be given; Prometheus calls it an execution error. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EvaluationError';
  }
}
/** What must be told beside an answer, once each, with the place in the query it was met first. */
export class Notes {
  readonly warnings = new Map<string, Range>();
  readonly infos = new Map<string, Range>();
  warn(message: string, at: Range): void {
    const text = `PromQL warning: ${message}`;
    if (!this.warnings.has(text)) this.warnings.set(text, at);
  }
  info(message: string, at: Range): void {
    const text = `PromQL info: ${message}`;
    if (!this.infos.has(text)) this.infos.set(text, at);
  }
}
export interface Query {
  readonly expr: Expr;
  readonly grid: Grid;
  readonly lookbackMs: number;
  /** Resolution of a subquery that names none. */
  readonly subqueryStepMs: number;
  readonly select: Select;
  /** Absent: none. */
  readonly budget?: Pick<Budget, 'take' | 'check'>;
}
export interface Selection {
  readonly selector: SelectorExpr;
  readonly matchers: readonly Matcher[];
  /** (startMs, endMs]. */
  readonly startMs: number;
  readonly endMs: number;
}
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
const bits = new DataView(new ArrayBuffer(8));
/** value/value.go StaleNaN. */
export function isStale(value: number): boolean {
  if (!Number.isNaN(value)) return false;
  bits.setFloat64(0, value);
  return bits.getUint32(0) === STALE_HIGH && bits.getUint32(4) === STALE_LOW;
}
/** Made in an array: a NaN that travels as a number may lose its payload. */
export function staleMarkers(into: Float64Array, at: number): void {
  const view = new DataView(into.buffer, into.byteOffset + at * 8, 8);
  view.setUint32(0, STALE_LOW, true);
  view.setUint32(4, STALE_HIGH, true);
}
/** Whether each value is a stale marker; reads the bits in place. */
export function staleFlags(values: Float64Array): Uint8Array | null {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let flags: Uint8Array | null = null;
  for (let i = 0; i < values.length; i++) {
    if (words[i * 2] !== STALE_LOW || words[i * 2 + 1] !== STALE_HIGH) continue;
    flags ??= new Uint8Array(values.length);
    flags[i] = 1;
  }
  return flags;
}
