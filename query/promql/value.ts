import type { Expr, Matcher, SelectorExpr } from './ast.ts';
import type { Labels } from './labels.ts';
import type { Range } from './token.ts';

/** Samples of one series, in time order. Milliseconds; a stale marker is the NaN with Prometheus' payload. */
export interface StoredSeries {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
}
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

/** One series of a result: a value for each time of the grid where `has` is 1. */
export interface Row {
  readonly labels: Labels;
  /** The metric's name is still there, for label_replace and `by (__name__)`, and goes at the end. */
  readonly dropName: boolean;
  readonly values: Float64Array;
  readonly has: Uint8Array;
}
export const emptyRow = (labels: Labels, count: number, dropName = false): Row => ({
  labels,
  dropName,
  values: new Float64Array(count),
  has: new Uint8Array(count),
});
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
export interface MatrixRow {
  readonly labels: Labels;
  readonly dropName: boolean;
  /** Without stale markers. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

/** An answer that cannot be given; Prometheus calls it an execution error. */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EvaluationError';
  }
}
export class Notes {
  readonly warnings = new Set<string>();
  readonly infos = new Set<string>();
  warn(message: string, _at: Range): void {
    this.warnings.add(`PromQL warning: ${message}`);
  }
  info(message: string, _at: Range): void {
    this.infos.add(`PromQL info: ${message}`);
  }
}
export interface Query {
  readonly expr: Expr;
  readonly grid: Grid;
  readonly lookbackMs: number;
  /** Resolution of a subquery that names none. */
  readonly subqueryStepMs: number;
  readonly select: Select;
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
