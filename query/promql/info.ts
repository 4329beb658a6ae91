import type { CallExpr, Matcher, SelectorExpr } from './ast.ts';
import type { Evaluator } from './evaluate.ts';
import { entriesOf, type Labels, labelOf, labelsOf, METRIC_NAME } from './labels.ts';
import { labelsTest, valueTest } from './matching.ts';
import { latest } from './selected-rows.ts';
import { EvaluationError, emptyRow, FLOAT, HISTOGRAM, NOTHING, put, type Row, sampleAt, timeAt } from './value.ts';

/** info(): labels of info metrics (target_info and its like) on the series of the same target. */
const IDENTIFYING = ['instance', 'job'] as const;
const TARGET_INFO: Matcher = { name: METRIC_NAME, operator: '=', value: 'target_info' };
/** Of a selector that only says which names it does not want. */
const ANY_INFO: Matcher = { name: METRIC_NAME, operator: '=~', value: '.+_info' };

const isName = ({ name }: Matcher): boolean => name === METRIC_NAME;
const selectors = new WeakMap<CallExpr, SelectorExpr>();
/** Which info series a call looks at. @returns the same for the same call: what is read for it is kept by it */
export function infoSelector(call: CallExpr): SelectorExpr {
  const known = selectors.get(call);
  if (known) return known;
  const [, given] = call.args;
  const matchers = given?.kind === 'selector' ? given.matchers : [];
  const names = matchers.filter(isName);
  const isAsked = names.some(({ operator }) => operator === '=' || operator === '=~');
  const more = names.length === 0 ? [TARGET_INFO] : isAsked ? [] : [ANY_INFO];
  const { start, end } = call;
  const selector: SelectorExpr = {
    kind: 'selector',
    name: '',
    matchers: [...matchers, ...more],
    modifier: null,
    offset: null,
    at: null,
    start,
    end,
  };
  selectors.set(call, selector);
  return selector;
}
/** The info series there are at each time, by the metric's name and the target. */
interface InfoRow {
  readonly labels: Labels;
  readonly name: string;
  readonly key: string;
  /** When its newest sample was taken, in seconds. */
  readonly taken: Row;
}
const targetOf = (labels: Labels): string => IDENTIFYING.map((name) => labelOf(labels, name)).join('\xff');

function infoRows(evaluator: Evaluator, selector: SelectorExpr, base: readonly Row[]): InfoRow[] {
  const { grid, query } = evaluator;
  const looking = { moments: Float64Array.from({ length: grid.count }, (_, i) => timeAt(grid, i)), lookbackMs: query.lookbackMs };
  const values = IDENTIFYING.map((name) => new Set(base.map(({ labels }) => labelOf(labels, name)).filter((value) => value !== '')));
  if (values.every(({ size }) => size === 0)) return [];
  return query.select(selector).flatMap((series): InfoRow[] => {
    const { labels } = series;
    if (!IDENTIFYING.every((name, n) => values[n]?.size === 0 || values[n]?.has(labelOf(labels, name)))) return [];
    if (latest(series, looking, 'sample')?.has.includes(HISTOGRAM)) throw new EvaluationError('info sample should be float');
    const taken = latest(series, looking, 'time');
    const name = labelOf(labels, METRIC_NAME);
    return taken ? [{ labels, name, key: `${name}\xff${targetOf(labels)}`, taken }] : [];
  });
}
/** Of several of one target the newest. */
function infosAt(infos: readonly InfoRow[], i: number): Map<string, InfoRow> {
  const found = new Map<string, InfoRow>();
  for (const info of infos) {
    if (info.taken.has[i] !== FLOAT) continue;
    const other = found.get(info.key);
    const [own, others] = [info.taken.values[i] as number, other?.taken.values[i] ?? Number.NEGATIVE_INFINITY];
    if (own === others) {
      const [a, b] = [other as InfoRow, info].map((each) => `${shown(each.labels)} @ ${Math.round(own * 1000)}`);
      throw new EvaluationError(`found duplicate series for info metric: existing ${a}, new ${b}`);
    }
    if (own > others) found.set(info.key, info);
  }
  return found;
}
const shown = (labels: Labels): string => {
  const others = entriesOf(labels).filter(([name]) => name !== METRIC_NAME);
  return `${labelOf(labels, METRIC_NAME)}{${others.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
};

export function evaluateInfo(evaluator: Evaluator, call: CallExpr): Row[] {
  const selector = infoSelector(call);
  const names = selector.matchers.filter(isName);
  const data = selector.matchers.filter((matcher) => !isName(matcher));
  const wanted = new Set(data.map(({ name }) => name));
  const mayBeWithout = data.every((matcher) => valueTest(matcher)(''));
  const rows = evaluator.vector(call.args[0] as SelectorExpr);
  const isNamed = labelsTest(names);
  const isInfo = ({ labels }: Row): boolean => isNamed(labels);
  const base = rows.filter((row) => !isInfo(row));
  const infos = infoRows(evaluator, selector, base);
  const { count } = evaluator.grid;
  const at = Array.from({ length: count }, (_, i) => infosAt(infos, i));
  const metrics = [...new Set(infos.map(({ name }) => name))];
  const found = new Map<string, Row>();
  for (const row of rows) {
    const keys = isInfo(row) ? null : metrics.map((name) => `${name}\xff${targetOf(row.labels)}`);
    let before: readonly InfoRow[] = [];
    let made: Row | null = null;
    for (let i = 0; i < count; i++) {
      const sample = sampleAt(row, i);
      if (sample === undefined) continue;
      const own = keys?.flatMap((key) => at[i]?.get(key) ?? []) ?? [];
      if (keys && own.length === 0 && !mayBeWithout) continue;
      const isSame = made !== null && own.length === before.length && own.every((info, n) => info === before[n]);
      if (!made || !isSame) {
        const labels = enriched(row.labels, own, wanted);
        // A name that was to go stays: so it is in Prometheus 3.14.
        made = found.get(labels.key) ?? emptyRow(labels, count);
        found.set(labels.key, made);
        before = own;
      }
      if (made.has[i] !== NOTHING) throw new EvaluationError('vector cannot contain metrics with the same labelset');
      put(made, i, sample);
    }
  }
  return [...found.values()];
}
/** @param wanted which labels; all where it is empty */
function enriched(labels: Labels, infos: readonly InfoRow[], wanted: ReadonlySet<string>): Labels {
  const more = new Map<string, string>();
  for (const info of infos) {
    for (const [name, value] of entriesOf(info.labels)) {
      if (name === METRIC_NAME || (wanted.size > 0 && !wanted.has(name))) continue;
      if ((more.get(name) ?? value) !== value) throw new EvaluationError(`conflicting label: ${name}`);
      if (labelOf(labels, name) === '') more.set(name, value);
    }
  }
  return more.size === 0 ? labels : labelsOf([...entriesOf(labels), ...more]);
}
