import { entriesOf, type Labels, labelsOf } from '#query/promql/labels.ts';
import { durationMs } from '#query/promql/literals.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { histogramsIn, type ScriptHistogram } from './script-histograms.ts';

/** Prometheus' test language (promql/promqltest): loads and evaluations with what they must give. */
export interface ScriptSeries {
  readonly labels: Labels;
  /** null: no sample. 'stale': the marker. */
  readonly values: readonly (number | null | 'stale' | ScriptHistogram)[];
}
export interface LoadStep {
  readonly kind: 'load';
  readonly stepMs: number;
  readonly series: readonly ScriptSeries[];
  /** When the counters began, in milliseconds before or after each sample: lines with @st. */
  readonly starts: readonly { readonly labels: Labels; readonly offsetsMs: readonly (number | null)[] }[];
  /** Classic histograms become native ones as well. */
  readonly isNhcb: boolean;
}
export interface EvalStep {
  readonly kind: 'eval';
  readonly line: number;
  readonly expr: string;
  readonly startMs: number;
  /** Equal to the start for an instant query. */
  readonly endMs: number;
  /** 0: instant. */
  readonly stepMs: number;
  readonly expects: readonly string[];
  readonly wanted: readonly ScriptSeries[];
  readonly scalar: number | null;
}
export type ScriptStep = { readonly kind: 'clear' } | LoadStep | EvalStep;

export const msOf = (text: string): number => {
  const sign = text.startsWith('-') ? -1 : 1;
  const bare = text.replace(/^[+-]/, '');
  return (
    sign *
    (/^[\d.]+$/.test(bare) ? Number(bare) * 1000 : durationMs({ type: 'duration', text: bare, word: bare, start: 0, end: bare.length }))
  );
};
const numberOf = (text: string): number => {
  const sign = text.startsWith('-') ? -1 : 1;
  const bare = text.replace(/^[+-]/, '').toLowerCase();
  return sign * (bare === 'inf' ? Number.POSITIVE_INFINITY : bare === 'nan' ? Number.NaN : Number(bare));
};

function labelsIn(text: string): Labels {
  const expr = parsePromql(text === '{}' ? '{__none__="x"}' : text);
  if (expr.kind !== 'selector') throw new Error(`no series: ${text}`);
  const found = labelsOf(expr.matchers.map(({ name, value }) => [name, value] as const));
  return text === '{}' ? labelsOf(entriesOf(found).filter(([name]) => name !== '__none__')) : found;
}
/** 1+2x3, 5x2, _x3, stale, {{...}}. */
function expand(item: string): (number | null | 'stale' | ScriptHistogram)[] {
  if (item.includes('{{')) return histogramsIn(item);
  if (item === 'stale') return ['stale'];
  const gap = /^_(?:x(\d+))?$/.exec(item);
  if (gap) return Array.from({ length: Number(gap[1] ?? 1) }, () => null);
  const run = /^([+-]?(?:[\d.]+(?:e[+-]?\d+)?|0x[\da-f]+|inf|nan))(?:([+-])([\d.]+(?:e[+-]?\d+)?|inf|nan))?(?:x(\d+))?$/i.exec(item);
  if (!run) throw new Error(`no value: ${item}`);
  const first = numberOf(run[1] as string);
  const delta = run[3] === undefined ? 0 : numberOf(`${run[2]}${run[3]}`);
  // Added up one by one, as Prometheus does: so are the roundings.
  const values = [first];
  for (let i = 0; i < Number(run[4] ?? 0); i++) values.push((values.at(-1) as number) + delta);
  return values;
}
/** -30s-1mx2: the offset of the first sample, what is added for each further one, and how many these are. */
function expandStart(item: string): (number | null)[] {
  if (item === '_') return [null];
  const [, first = '', step, times = '0'] = /^([+-]?[0-9a-z]+?)(?:([+-][0-9a-z]+?))?(?:x(\d+))?$/.exec(item) ?? [];
  return Array.from({ length: Number(times) + 1 }, (_, i) => msOf(first) + i * (step === undefined ? 0 : msOf(step)));
}
const SERIES = /^\s*((?:[a-zA-Z_:][\w:]*)?(?:\{(?:[^"'`}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\})?)(@st)?\s*(.*)$/;
export function seriesIn(line: string): ScriptSeries {
  const [, labels = '', , rest = ''] = SERIES.exec(line) ?? [];
  const items = rest.match(/\{\{.*?\}\}(?:[+-]\{\{.*?\}\})?(?:x\d+)?|\S+/g) ?? [];
  return { labels: labelsIn(labels === '' ? '{}' : labels), values: items.flatMap(expand) };
}

const EVAL = /^eval(_\w+)? (?:instant(?: at (\S+))?|range from (\S+) to (\S+) step (\S+)) (.*)$/;
/** @throws Error for a line that is none of the language */
export function readScript(text: string): ScriptStep[] {
  const lines = text.split('\n').map((line) => line.replace(/\s+$/, ''));
  const steps: ScriptStep[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (line === '' || line.trimStart().startsWith('#')) continue;
    const body: string[] = [];
    const first = at;
    const isIndented = /^\s/.test(line);
    while (
      ((!isIndented || !/^\s+(?:eval|load|clear)/.test(lines[at + 1] ?? '')) && /^\s+\S/.test(lines[at + 1] ?? '')) ||
      (lines[at + 1] ?? '').startsWith('#')
    ) {
      const next = (lines[++at] as string).trim();
      if (next !== '' && !next.startsWith('#')) body.push(next);
    }
    const head = line.trim();
    if (head === 'clear') steps.push({ kind: 'clear' });
    else if (/^load(?:_with_nhcb)? /.test(head)) steps.push(loadOf(head, body));
    else steps.push(evalOf(head, body, first + 1));
  }
  return steps;
}
function loadOf(line: string, body: readonly string[]): LoadStep {
  const isStart = (each: string): boolean => SERIES.exec(each)?.[2] !== undefined;
  return {
    kind: 'load',
    stepMs: msOf(line.split(' ')[1] as string),
    series: body.filter((each) => !isStart(each)).map(seriesIn),
    starts: body.filter(isStart).map((each) => {
      const [, labels = '', , rest = ''] = SERIES.exec(each) ?? [];
      return { labels: labelsIn(labels), offsetsMs: rest.split(/\s+/).filter(Boolean).flatMap(expandStart) };
    }),
    isNhcb: line.startsWith('load_with_nhcb'),
  };
}
function evalOf(line: string, body: readonly string[], number: number): EvalStep {
  const found = EVAL.exec(line);
  if (!found) throw new Error(`line ${number}: ${line}`);
  const [, kind = '', at = '0', from, to, step, expr = ''] = found;
  const expects = body.filter((each) => each.startsWith('expect ')).map((each) => each.slice(7));
  const rest = body.filter((each) => !each.startsWith('expect '));
  const scalar =
    rest.length === 1 && /^[+-]?(?:[\d.]+(?:e[+-]?\d+)?|inf|nan)$/i.test(rest[0] as string) ? numberOf(rest[0] as string) : null;
  const marks = { _fail: 'fail', _warn: 'warn', _ordered: 'ordered', _info: 'info' }[kind];
  return {
    kind: 'eval',
    line: number,
    expr,
    startMs: msOf(from ?? at),
    endMs: msOf(to ?? from ?? at),
    stepMs: step === undefined ? 0 : msOf(step),
    expects: marks ? [...expects, marks] : expects,
    wanted: scalar === null ? rest.map(seriesIn) : [],
    scalar,
  };
}
