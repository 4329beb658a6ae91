import type { Expr, Matcher } from '#query/promql/ast.ts';
import { evaluate } from '#query/promql/engine.ts';
import { compileLabelRegex } from '#query/promql/label-regex.ts';
import { entriesOf, type Labels, labelOf, labelsOf } from '#query/promql/labels.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { PromqlError } from '#query/promql/token.ts';
import { EvaluationError, type Grid, type StoredSeries, staleMarkers, timeAt } from '#query/promql/value.ts';
import { type EvalStep, readScript, type ScriptSeries } from './read-script.ts';

/** Runs the evaluations of a script over what it loaded. */
export interface Outcome {
  readonly line: number;
  readonly expr: string;
  /** skipped: needs native histograms or start times. */
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly why: string;
}
interface Loaded {
  readonly labels: Labels;
  readonly samples: Map<number, number | 'stale'>;
}
/** The native histogram load_with_nhcb makes of classic ones. */
const nativeOf = (labels: Labels): Labels =>
  labelsOf(
    entriesOf(labels)
      .filter(([name]) => name !== 'le')
      .map(([name, value]) => [name, name === '__name__' ? value.replace(/_bucket$/, '') : value] as const),
  );
const fits = (labels: Labels, { name, operator, value }: Matcher): boolean => {
  const own = labelOf(labels, name);
  if (operator === '=') return own === value;
  if (operator === '!=') return own !== value;
  return compileLabelRegex(value)(own) === (operator === '=~');
};
function storedOf({ labels, samples }: Loaded): StoredSeries {
  const sorted = [...samples].sort(([a], [b]) => a - b);
  const values = new Float64Array(sorted.length);
  sorted.forEach(([, value], i) => {
    if (value === 'stale') staleMarkers(values, i);
    else values[i] = value;
  });
  return { labels, times: Float64Array.from(sorted, ([ms]) => ms), values };
}

const LOOKBACK_MS = 300_000;
export function runScript(text: string): Outcome[] {
  let loaded = new Map<string, Loaded>();
  let needsMore = new Set<string>();
  const outcomes: Outcome[] = [];
  for (const step of readScript(text)) {
    if (step.kind === 'clear') {
      loaded = new Map();
      needsMore = new Set();
    } else if (step.kind === 'load') {
      for (const { labels, values } of step.series) {
        if (values.includes('histogram')) needsMore.add(labels.key);
        if (step.isNhcb) {
          const native = nativeOf(labels);
          needsMore.add(native.key);
          loaded.set(native.key, { labels: native, samples: new Map() });
        }
        const series = loaded.get(labels.key) ?? { labels, samples: new Map() };
        loaded.set(labels.key, series);
        values.forEach((value, i) => {
          if (value !== null && value !== 'histogram') series.samples.set(i * step.stepMs, value);
        });
      }
    } else {
      const stored = [...loaded.values()].filter(({ samples, labels }) => samples.size > 0 || needsMore.has(labels.key)).map(storedOf);
      const why = step.needsHistograms ? 'skipped' : judge(step, stored, needsMore) || judgeAround(step, stored, needsMore);
      outcomes.push({ line: step.line, expr: step.expr, state: why === '' ? 'passed' : why === 'skipped' ? 'skipped' : 'failed', why });
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

/** Thrown by a selector that meets what is not there yet: native histograms, start times. */
class NeedsMore extends Error {}
function evaluateStep(step: EvalStep, stored: readonly StoredSeries[], expr: Expr, needsMore: ReadonlySet<string>) {
  const count = step.stepMs === 0 ? 1 : Math.floor((step.endMs - step.startMs) / step.stepMs) + 1;
  const grid: Grid = { startMs: step.startMs, stepMs: step.stepMs, count };
  const evaluated = evaluate({
    expr,
    grid,
    lookbackMs: LOOKBACK_MS,
    subqueryStepMs: 60_000,
    select: ({ matchers }) => {
      const found = stored.filter(({ labels }) => matchers.every((matcher) => fits(labels, matcher)));
      if (found.some(({ labels }) => needsMore.has(labels.key))) throw new NeedsMore();
      return found;
    },
  });
  return { ...evaluated, grid };
}
/** @returns '' when all is as wanted, else what is not */
function judge(step: EvalStep, stored: readonly StoredSeries[], needsMore: ReadonlySet<string>): string {
  const mustFail = step.expects.find((each) => each.startsWith('fail'));
  try {
    const expr = parsePromql(step.expr);
    const { answer, notes, grid } = evaluateStep(step, stored, expr, needsMore);
    if (mustFail) return 'no error';
    const noted = judgeNotes(step, [...notes.warnings], [...notes.infos]);
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
        ? [{ labels: { names: [], values: [], key: '' } as Labels, values: answer.values, has: new Uint8Array(grid.count).fill(1) }]
        : answer.rows;
    return judgeRows(step, rows, grid);
  } catch (error) {
    if (error instanceof NeedsMore) return 'skipped';
    if (!(error instanceof EvaluationError || error instanceof PromqlError)) throw error;
    if (error.message.endsWith('is not there yet')) return 'skipped';
    if (!mustFail) return `error: ${error.message}`;
    const [, kind, wanted] = /^fail(?: (msg|regex):\s*(.*))?$/.exec(mustFail) ?? [];
    if (kind === 'msg' && !error.message.includes(wanted as string)) return `another error: ${error.message}`;
    return kind === 'regex' && !new RegExp(wanted as string).test(error.message) ? `another error: ${error.message}` : '';
  }
}
/** Each instant case holds as well in the middle of a range query, as Prometheus' own runner has it. */
function judgeAround(step: EvalStep, stored: readonly StoredSeries[], needsMore: ReadonlySet<string>): string {
  const isPlain = step.expects.every((each) => /^no_/.test(each));
  if (step.stepMs !== 0 || !isPlain || step.wanted.length === 0) return '';
  const gap = 60_000;
  const grid = { startMs: step.startMs - gap, endMs: step.startMs + gap, stepMs: gap };
  // What these say depends on the grid, or on the series that are there at other times.
  if (/\b(?:range|step|start|end|timestamp|limitk|limit_ratio|sort\w*|time)\(/.test(step.expr)) return '';
  const expr = parsePromql(step.expr);
  try {
    const { answer } = evaluateStep({ ...step, ...grid }, stored, expr, needsMore);
    if (answer.type !== 'vector') return '';
    const middle = answer.rows.flatMap(({ labels, values, has }) =>
      has[1] === 1 ? [{ labels, values: values.slice(1, 2), has: has.slice(1, 2) }] : [],
    );
    const why = judgeRows(step, middle, { startMs: step.startMs, stepMs: 0, count: 1 });
    return why && `within a range: ${why}`;
  } catch (error) {
    // At another time something may not be unique.
    if (error instanceof EvaluationError) return '';
    throw error;
  }
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
interface AnswerRow {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly has: Uint8Array;
}
function judgeRows(step: EvalStep, rows: readonly AnswerRow[], grid: Grid): string {
  const left = new Map(rows.map((row) => [row.labels.key, row]));
  const isOrdered = step.expects.includes('ordered');
  for (const [n, { labels, values }] of step.wanted.entries()) {
    const row = left.get(labels.key);
    if (!row) {
      if (values.every((value) => value === null)) continue;
      return `no ${shown(labels)} in ${rows.map((each) => `${shown(each.labels)} ${each.values.join(' ')}`).join(' | ')}`;
    }
    left.delete(labels.key);
    if (isOrdered && rows[n] !== row) return `${shown(labels)} is in another place`;
    for (let i = 0; i < grid.count; i++) {
      const wanted = values[i] ?? null;
      const value = row.has[i] === 1 ? (row.values[i] as number) : null;
      const isEqual = wanted === null || value === null ? wanted === value : almostEqual(value, wanted as number);
      if (!isEqual) return `${shown(labels)} at ${timeAt(grid, i) / 1000} s is ${value}, not ${wanted}`;
    }
  }
  const [more] = left.values();
  return more ? `unwanted ${shown(more.labels)}` : '';
}
function judgeMatrix(step: EvalStep, rows: readonly { labels: Labels; times: Float64Array; values: Float64Array }[]): string {
  const range = step.expects.find((each) => each.startsWith('range vector'));
  const found = /from (\S+) to (\S+) step (\S+)/.exec(range ?? '');
  if (!found) return 'a range of samples';
  const [fromMs, stepMs] = [durationOf(found[1] as string), durationOf(found[3] as string)];
  const wanted = new Map(step.wanted.map((series: ScriptSeries) => [series.labels.key, series]));
  for (const { labels, times, values } of rows) {
    const series = wanted.get(labels.key);
    if (!series) return `unwanted ${shown(labels)}`;
    wanted.delete(labels.key);
    const points = series.values.flatMap((value, i) => (value === null ? [] : [[fromMs + i * stepMs, value as number] as const]));
    const isEqual =
      points.length === times.length && points.every(([ms, value], i) => times[i] === ms && almostEqual(values[i] as number, value));
    if (!isEqual) return `${shown(labels)} has ${[...times].map((ms, i) => `${values[i]}@${ms}`).join(' ')}`;
  }
  return wanted.size > 0 ? 'series are missing' : '';
}
const durationOf = (text: string): number => {
  const expr = parsePromql(text);
  return expr.kind === 'number' ? Math.round(expr.value * 1000) : Number.NaN;
};
