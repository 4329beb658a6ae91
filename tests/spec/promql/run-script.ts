import { type AtModifier, childrenOf, type Expr } from '#query/promql/ast.ts';
import { evaluate } from '#query/promql/engine.ts';
import { entriesOf, type Labels, NO_LABELS } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { compact, histogramText, type NativeHistogram } from '#query/promql/native-histogram.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import {
  EvaluationError,
  emptyRow,
  FLOAT,
  type Grid,
  NOTHING,
  put,
  type Row,
  type Sample,
  type Samples,
  type StoredSeries,
  sampleAt,
  staleMarkers,
  timeAt,
} from '#query/promql/value.ts';
import { storedHistogram } from '#query/rules/histogram-notation.ts';
import { type EvalStep, type LoadStep, readScript, type ScriptSeries } from './read-script.ts';
import { nativeAt, nativeOf, type ScriptHistogram } from './script-histograms.ts';

/** Runs the evaluations of a script over what it loaded. */
export interface Outcome {
  readonly line: number;
  readonly expr: string;
  /** '' when all is as wanted, else what is not. */
  readonly why: string;
}
type Loaded = ScriptSeries['values'][number];
interface LoadedSeries {
  readonly labels: Labels;
  readonly samples: Map<number, Exclude<Loaded, null>>;
  readonly starts: Map<number, number>;
}
function storedOf({ labels, samples, starts }: LoadedSeries): StoredSeries {
  const sorted = [...samples].sort(([a], [b]) => a - b);
  const floats = sorted.flatMap(([ms, value]) => (typeof value === 'object' ? [] : [[ms, value] as const]));
  const values = new Float64Array(floats.length);
  floats.forEach(([, value], i) => {
    if (value === 'stale') staleMarkers(values, i);
    else values[i] = value;
  });
  const histograms: NativeHistogram[] = [];
  let before: NativeHistogram | null = null;
  for (const [, value] of sorted) {
    const histogram: NativeHistogram | null = typeof value === 'object' ? storedHistogram(value.histogram, before) : null;
    if (histogram) histograms.push(histogram);
    before = histogram;
  }
  const startsOf = (times: Float64Array): Float64Array | null => (starts.size > 0 ? times.map((ms) => starts.get(ms) ?? 0) : null);
  const times = Float64Array.from(floats, ([ms]) => ms);
  const own = Float64Array.from(
    sorted.filter(([, value]) => typeof value === 'object'),
    ([ms]) => ms,
  );
  return {
    ...{ labels, times, values, starts: startsOf(times) },
    histograms: histograms.length > 0 ? { times: own, histograms, starts: startsOf(own) } : null,
  };
}
function load(into: Map<string, LoadedSeries>, { series, starts, stepMs, isNhcb }: LoadStep): void {
  const seriesOf = (labels: Labels): LoadedSeries => {
    const known = into.get(labels.key) ?? { labels, samples: new Map(), starts: new Map() };
    into.set(labels.key, known);
    return known;
  };
  for (const { labels, values } of series) {
    const { samples } = seriesOf(labels);
    values.forEach((value, i) => {
      if (value !== null) samples.set(i * stepMs, value);
    });
  }
  for (const { labels, offsetsMs } of starts) {
    offsetsMs.forEach((offset, i) => {
      if (offset !== null) seriesOf(labels).starts.set(i * stepMs, i * stepMs + offset);
    });
  }
  if (!isNhcb) return;
  const groups = new Map<string, ScriptSeries[]>();
  for (const each of series) {
    const { key } = nativeOf(each.labels);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  for (const group of groups.values()) {
    const { samples } = seriesOf(nativeOf((group[0] as ScriptSeries).labels));
    const most = Math.max(...group.map(({ values }) => values.length));
    for (let i = 0; i < most; i++) {
      const there = group.flatMap(({ labels, values }) => (typeof values[i] === 'number' ? [{ labels, value: values[i] as number }] : []));
      const histogram = nativeAt(there);
      if (histogram) samples.set(i * stepMs, { histogram, isHintWritten: false });
    }
  }
}

const LOOKBACK_MS = 300_000;
export function runScript(text: string): Outcome[] {
  let loaded = new Map<string, LoadedSeries>();
  const outcomes: Outcome[] = [];
  for (const step of readScript(text)) {
    if (step.kind === 'clear') loaded = new Map();
    else if (step.kind === 'load') load(loaded, step);
    else {
      const all = [...loaded.values()].filter(({ samples }) => samples.size > 0).map(storedOf);
      const why = judge(step, all) || judgeAround(step, all) || judgeAt(step, all);
      outcomes.push({ line: step.line, expr: step.expr, why });
    }
  }
  return outcomes;
}

/** Relative difference that still counts as equal (util/almost). */
const EPSILON = 1e-6;
function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const difference = Math.abs(a - b);
  const sum = Math.abs(a) + Math.abs(b);
  if (a === 0 || b === 0 || sum < 2.2250738585072014e-308) return difference < EPSILON * 2.2250738585072014e-308;
  return difference / Math.min(sum, Number.MAX_VALUE) < EPSILON;
}
const shown = (labels: Labels): string =>
  `{${entriesOf(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;

function evaluateStep(step: EvalStep, all: readonly StoredSeries[], expr: Expr) {
  const count = step.stepMs === 0 ? 1 : Math.floor((step.endMs - step.startMs) / step.stepMs) + 1;
  const grid: Grid = { startMs: step.startMs, stepMs: step.stepMs, count };
  const evaluated = evaluate({
    expr,
    grid,
    lookbackMs: LOOKBACK_MS,
    subqueryStepMs: 60_000,
    select: ({ matchers }) => {
      const fits = labelsTest(matchers);
      return all.filter(({ labels }) => fits(labels));
    },
  });
  return { ...evaluated, grid };
}
/** @returns '' when all is as wanted, else what is not */
function judge(step: EvalStep, all: readonly StoredSeries[]): string {
  const mustFail = step.expects.find((each) => each.startsWith('fail'));
  try {
    const expr = parsePromql(step.expr);
    const { answer, notes, grid } = evaluateStep(step, all, expr);
    if (mustFail) return 'no error';
    const noted = judgeNotes(step, [...notes.warnings.keys()], [...notes.infos.keys()]);
    if (noted !== '') return noted;
    const text = step.expects.find((each) => each.startsWith('string '))?.slice(7);
    if (text !== undefined) {
      const wanted = parsePromql(text);
      return answer.type === 'string' && wanted.kind === 'string' && answer.value === wanted.value ? '' : `not the text ${text}`;
    }
    if (answer.type === 'matrix') return judgeMatrix(step, answer.rows);
    if (answer.type === 'string') return 'a text';
    if (step.scalar !== null) {
      if (answer.type !== 'scalar') return 'not a scalar';
      return almostEqual(answer.values[0] as number, step.scalar) ? '' : `${answer.values[0]} is not ${step.scalar}`;
    }
    const rows =
      answer.type === 'scalar'
        ? [{ ...emptyRow(NO_LABELS, 0), values: answer.values, has: new Uint8Array(grid.count).fill(FLOAT) }]
        : answer.rows;
    return judgeRows(step, rows, grid);
  } catch (error) {
    if (!(error instanceof EvaluationError || error instanceof PromqlError)) throw error;
    if (!mustFail) return `error: ${error.message}`;
    const [, kind, wanted] = /^fail(?: (msg|regex):\s*(.*))?$/.exec(mustFail) ?? [];
    if (kind === 'msg' && !error.message.includes(wanted as string)) return `another error: ${error.message}`;
    return kind === 'regex' && !new RegExp(wanted as string).test(error.message) ? `another error: ${error.message}` : '';
  }
}
const isPlain = ({ expects, stepMs, wanted }: EvalStep): boolean =>
  stepMs === 0 && wanted.length > 0 && expects.every((each) => /^(?:no_|warn|info)/.test(each));
const rowAt = (row: Row, i: number): Row => {
  const one = emptyRow(row.labels, 1);
  put(one, 0, sampleAt(row, i));
  return one;
};
/** What a query gives at one place of its grid is as wanted. */
function judgeOne(step: EvalStep, all: readonly StoredSeries[], expr: Expr, place: number, name: string): string {
  try {
    const { answer } = evaluateStep(step, all, expr);
    if (answer.type !== 'vector') return '';
    const there = answer.rows.filter(({ has }) => has[place] !== NOTHING).map((row) => rowAt(row, place));
    const why = judgeRows(step, there, { startMs: step.startMs, stepMs: 0, count: 1 });
    return why && `${name}: ${why}`;
  } catch (error) {
    // At another time something may not be unique.
    if (error instanceof EvaluationError) return '';
    throw error;
  }
}
/** Each instant case holds as well in the middle of a range query, as Prometheus' own runner has it. */
function judgeAround(step: EvalStep, all: readonly StoredSeries[]): string {
  // What these say depends on the grid, or on the series that are there at other times.
  if (!isPlain(step) || /\b(?:range|step|start|end|timestamp|limitk|limit_ratio|sort\w*|time)\(/.test(step.expr)) return '';
  const gap = 60_000;
  const around = { ...step, startMs: step.startMs - gap, endMs: step.startMs + gap, stepMs: gap };
  return judgeOne(around, all, parsePromql(step.expr), 1, 'within a range');
}
/** Results that are another thing at another time, whatever is asked about. */
const UNSAFE =
  /^(?:days_in_month|day_of_(?:month|week|year)|end|hour|minute|month|year|predict_linear|range|start|step|time|timestamp|start_timestamp|info)$/;
/** Each instant case holds at any other time as well once all its selectors say `@` its own, as Prometheus' own runner has it. */
function judgeAt(step: EvalStep, all: readonly StoredSeries[]): string {
  if (!isPlain(step)) return '';
  const expr = parsePromql(step.expr);
  if (!fixTime(expr, { kind: 'time', ms: step.startMs })) return '';
  for (const ms of [0, step.startMs + 7_654_321]) {
    const why = judgeOne({ ...step, startMs: ms, endMs: ms }, all, expr, 0, `with @, at ${ms / 1000}`);
    if (why !== '') return why;
  }
  return '';
}
/** @returns false: its result depends on the time in another way */
function fixTime(expr: Expr, at: AtModifier): boolean {
  if (expr.kind === 'call' && UNSAFE.test(expr.function)) return false;
  if (expr.kind === 'selector' || expr.kind === 'subquery') {
    expr.at ??= at;
    return expr.kind === 'selector' || isSafe(expr.expr);
  }
  if (expr.kind === 'matrix') return fixTime(expr.selector, at);
  return childrenOf(expr).every((child) => fixTime(child, at));
}
function isSafe(expr: Expr): boolean {
  if (expr.kind === 'call' && UNSAFE.test(expr.function)) return false;
  return expr.kind === 'subquery' ? isSafe(expr.expr) : childrenOf(expr).every(isSafe);
}
function judgeNotes({ expects }: EvalStep, warnings: readonly string[], infos: readonly string[]): string {
  for (const [name, found] of [
    ['warn', warnings],
    ['info', infos],
  ] as const) {
    const wanted = expects.filter((each) => each === name || each.startsWith(`${name} `));
    if (wanted.length > 0 && found.length === 0) return `no ${name}`;
    if (expects.includes(`no_${name}`) && found.length > 0) return `unwanted ${name}: ${found[0]}`;
    for (const each of wanted) {
      const message = /msg:\s*(.*)$/.exec(each)?.[1];
      if (message !== undefined && !found.some((one) => one.startsWith(message))) return `another ${name}: ${found.join('; ')}`;
    }
  }
  return '';
}
const textOf = (sample: Loaded | Sample | undefined): string =>
  typeof sample === 'object' && sample !== null
    ? `${histogramText(compact('histogram' in sample ? sample.histogram : sample))}`
    : String(sample);
function isWanted(sample: Sample | undefined, wanted: Loaded): boolean {
  if (sample === undefined || wanted === null) return sample === undefined && wanted === null;
  if (typeof sample === 'number') return typeof wanted === 'number' && almostEqual(sample, wanted);
  return typeof wanted === 'object' && areAlmostEqual(compact(sample), wanted);
}
function areAlmostEqual(a: NativeHistogram, { histogram, isHintWritten }: ScriptHistogram): boolean {
  const b = compact(histogram);
  const areAll = (x: ArrayLike<number>, y: ArrayLike<number>): boolean =>
    x.length === y.length && Array.from(x).every((value, i) => almostEqual(value, y[i] as number));
  return (
    a.schema === b.schema &&
    a.zeroThreshold === b.zeroThreshold &&
    (!isHintWritten || a.hint === b.hint) &&
    areAll([a.count, a.sum, a.zeroCount], [b.count, b.sum, b.zeroCount]) &&
    areAll(a.bounds, b.bounds) &&
    areAll(a.positive.indexes, b.positive.indexes) &&
    areAll(a.negative.indexes, b.negative.indexes) &&
    areAll(a.positive.counts, b.positive.counts) &&
    areAll(a.negative.counts, b.negative.counts)
  );
}
function judgeRows(step: EvalStep, rows: readonly Row[], grid: Grid): string {
  const left = new Map(rows.map((row) => [row.labels.key, row]));
  const isOrdered = step.expects.includes('ordered');
  for (const [n, { labels, values }] of step.wanted.entries()) {
    const row = left.get(labels.key);
    if (!row) {
      if (values.every((value) => value === null)) continue;
      return `no ${shown(labels)} in ${rows.map((each) => `${shown(each.labels)} ${textOf(sampleAt(each, 0))}`).join(' | ')}`;
    }
    left.delete(labels.key);
    if (isOrdered && rows[n] !== row) return `${shown(labels)} is in another place`;
    for (let i = 0; i < grid.count; i++) {
      const wanted = values[i] ?? null;
      const sample = sampleAt(row, i);
      if (!isWanted(sample, wanted)) return `${shown(labels)} at ${timeAt(grid, i) / 1000} s is ${textOf(sample)}, not ${textOf(wanted)}`;
    }
  }
  const [more] = left.values();
  return more ? `unwanted ${shown(more.labels)}` : '';
}
function judgeMatrix(step: EvalStep, rows: readonly (Samples & { readonly labels: Labels })[]): string {
  const range = step.expects.find((each) => each.startsWith('range vector'));
  const found = /from (\S+) to (\S+) step (\S+)/.exec(range ?? '');
  if (!found) return 'a range of samples';
  const [fromMs, stepMs] = [durationOf(found[1] as string), durationOf(found[3] as string)];
  const wanted = new Map(step.wanted.map((series: ScriptSeries) => [series.labels.key, series]));
  for (const { labels, times, values, histograms } of rows) {
    const series = wanted.get(labels.key);
    if (!series) return `unwanted ${shown(labels)}`;
    wanted.delete(labels.key);
    const points = series.values.flatMap((value, i) => (value === null ? [] : [[fromMs + i * stepMs, value] as const]));
    const found = [
      ...[...times].map((ms, i) => [ms, values[i] as number] as const),
      ...[...(histograms?.times ?? [])].map((ms, i) => [ms, histograms?.histograms[i] as NativeHistogram] as const),
    ].sort(([a], [b]) => a - b);
    const isEqual =
      points.length === found.length && points.every(([ms, value], i) => found[i]?.[0] === ms && isWanted(found[i]?.[1], value));
    if (!isEqual) return `${shown(labels)} has ${found.map(([ms, sample]) => `${textOf(sample)}@${ms}`).join(' ')}`;
  }
  return wanted.size > 0 ? 'series are missing' : '';
}
const durationOf = (text: string): number => {
  const expr = parsePromql(text);
  return expr.kind === 'number' ? Math.round(expr.value * 1000) : Number.NaN;
};
