import { childrenOf, type DurationExpr, type Expr, type SelectorExpr, type SubqueryExpr } from '#query/promql/ast.ts';
import { METRIC_NAME } from '#query/promql/labels.ts';
import { valueTest } from '#query/promql/matching.ts';
import { type SelectionOptions, selectionsOf } from '#query/promql/selections.ts';
import type { Selection } from '#query/promql/value.ts';
import { ALERTS, ALERTS_FOR_STATE } from '../alert-state.ts';
import type { Rule, RuleGroup } from '../rule.ts';

/** Which rules read what others write, and which can be evaluated for many times at once. */
export interface ReplayGroup {
  readonly group: RuleGroup;
  readonly intervalMs: number;
  /** Evaluations are at multiples of the interval, this much later. */
  readonly phaseMs: number;
}
/** Groups that need each other; mostly one. Those after it may read what it gives, and none before. */
export interface Cluster {
  readonly groups: readonly ReplayGroup[];
  /** Why they are evaluated one time after the other; null: they are not. */
  readonly stepwise: string | null;
}
export interface Plan {
  readonly clusters: readonly Cluster[];
  /** Some rule reads what is written of alerts. */
  readonly readsAlerts: boolean;
}
export const instantAt = (ms: number) => ({ startMs: ms, stepMs: 0, count: 1 });

function* within(expr: Expr): Iterable<Expr> {
  yield expr;
  const inner = expr.kind === 'subquery' ? [expr.expr] : expr.kind === 'matrix' ? [expr.selector] : childrenOf(expr);
  for (const each of inner) yield* within(each);
}
function asksGrid(duration: DurationExpr | null): boolean {
  if (!duration) return false;
  if (duration.kind === 'step' || duration.kind === 'range') return true;
  if ('of' in duration) return asksGrid(duration.of);
  return 'left' in duration && (asksGrid(duration.left) || asksGrid(duration.right));
}
const GRID_CALLS: ReadonlySet<string> = new Set(['start', 'end', 'range', 'step']);
const isGridBound = ({ at, offset }: Pick<SelectorExpr | SubqueryExpr, 'at' | 'offset'>): boolean =>
  at?.kind === 'start' || at?.kind === 'end' || asksGrid(offset);

/** Why an expression over a grid is not the same as at each of its times; null: it is. */
export function whyOneByOne(expr: Expr, firstMs: number, options: Omit<SelectionOptions, 'grid'>): string | null {
  for (const each of within(expr)) {
    if (each.kind === 'call' && GRID_CALLS.has(each.function)) return `${each.function}() is another one at each evaluation`;
    if ((each.kind === 'selector' || each.kind === 'subquery') && isGridBound(each))
      return '@ start() and @ end() are others at each evaluation';
    if ((each.kind === 'matrix' || each.kind === 'subquery') && asksGrid(each.range)) return 'a duration is another one at each evaluation';
    if (each.kind === 'subquery' && asksGrid(each.step)) return 'a duration is another one at each evaluation';
  }
  const looksAhead = selectionsOf(expr, { ...options, grid: instantAt(firstMs) }).some(({ endMs }) => endMs > firstMs);
  return looksAhead ? 'it looks at times that were not there yet' : null;
}
/** Label templates that need more than the labels: each evaluation may make other alerts of them. */
function whyTemplates(rule: Rule): string | null {
  if (rule.kind === 'recording') return null;
  const more = [...rule.labels.values()].some((text) => rule.templates.has(text) && !asksLabelsOnly(text));
  return more ? 'its labels are made of the value or a query' : null;
}
const asksLabelsOnly = (text: string): boolean =>
  !/\$value|\.Value|query|now/.test(text) && !/(?:^|[\s({|,])\.(?![A-Za-z_])/.test(text) && !/\$(?![A-Za-z_])/.test(text);

/** What a rule writes: names, and the labels that are known. */
interface Written {
  readonly names: readonly string[];
  readonly fixed: ReadonlyMap<string, string>;
}
function writtenBy(rule: Rule): Written {
  if (rule.kind === 'recording') return { names: [rule.name], fixed: rule.labels };
  const fixed = [...rule.labels].filter(([, text]) => !rule.templates.has(text) && text !== '');
  return { names: [ALERTS, ALERTS_FOR_STATE], fixed: new Map([...fixed, ['alertname', rule.name]]) };
}
type Test = (written: Written) => boolean;
function testsOf(selections: readonly Selection[]): Test[] {
  return selections.map(({ matchers }) => {
    const tests = matchers.map((matcher) => ({ name: matcher.name, fits: valueTest(matcher) }));
    return ({ names, fixed }) =>
      tests.every(({ name, fits }) => {
        if (name === METRIC_NAME) return names.some(fits);
        const known = fixed.get(name);
        return known === undefined || fits(known);
      });
  });
}
const mayBeSame = (a: Written, b: Written): boolean => [...a.fixed].every(([name, value]) => (b.fixed.get(name) ?? value) === value);
const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/** @param firstMs of the first evaluation, about; @param forced groups that turned out to need it, by file and name */
export function planReplay(
  groups: readonly ReplayGroup[],
  firstMs: number,
  options: Omit<SelectionOptions, 'grid'>,
  forced: ReadonlyMap<string, string> = new Map(),
): Plan {
  const written = groups.map(({ group }) => group.rules.map(writtenBy));
  const reads = groups.map(({ group }) =>
    group.rules.map(({ expr }) => testsOf(selectionsOf(expr, { ...options, grid: instantAt(firstMs) }))),
  );
  const asks = (reader: readonly Test[], rule: Written): boolean => reader.some((test) => test(rule));
  const whys = groups.map(({ group }, g): string | null => {
    const known = forced.get(groupKey(group));
    if (known !== undefined) return known;
    for (const [i, rule] of group.rules.entries()) {
      const why = whyOneByOne(rule.expr, firstMs, options) ?? whyTemplates(rule);
      if (why !== null) return `${rule.name}: ${why}`;
      const later = group.rules.findIndex((_, k) => k >= i && asks(reads[g]?.[i] ?? [], written[g]?.[k] as Written));
      if (later >= 0) return `${rule.name} reads what ${later === i ? 'it gave itself' : 'a later rule gave'} before`;
    }
    return group.limit > 0 ? 'the group has a limit' : null;
  });
  /** Groups each group reads. */
  const edges = groups.map((_, reader) =>
    groups.flatMap((_writer, writer) => {
      const isRead = (reads[reader] ?? []).some((tests) => (written[writer] ?? []).some((rule) => asks(tests, rule)));
      return isRead && writer !== reader ? [writer] : [];
    }),
  );
  const readsAlerts = reads.some((rules) =>
    rules.some((tests) => written.flat().some((rule) => rule.names[0] === ALERTS && asks(tests, rule))),
  );
  // Of two that may write the same series the first sample of a time holds: time after time.
  const writers = new Map<string, { readonly g: number; readonly rule: Written }[]>();
  for (const [g, rules] of written.entries())
    for (const rule of rules) {
      const name = rule.names[0] === ALERTS ? `${ALERTS} ${rule.fixed.get('alertname')}` : (rule.names[0] as string);
      if (rule.names[0] === ALERTS && !readsAlerts) continue;
      for (const other of writers.get(name) ?? [])
        if (other.g !== g && mayBeSame(other.rule, rule)) {
          (edges[g] as number[]).push(other.g);
          (edges[other.g] as number[]).push(g);
        }
      writers.set(name, [...(writers.get(name) ?? []), { g, rule }]);
    }
  // A group that comes later at the very same time has not been evaluated then.
  for (const [reader, list] of edges.entries())
    for (const writer of list) {
      const [a, b] = [groups[reader] as ReplayGroup, groups[writer] as ReplayGroup];
      const meet = (b.phaseMs - a.phaseMs) % greatestDivisor(a.intervalMs, b.intervalMs) === 0;
      if (writer > reader && meet && !edges[writer]?.includes(reader)) (edges[writer] as number[]).push(reader);
    }
  const clusters = componentsOf(edges).map((members): Cluster => {
    const sorted = [...members].sort((a, b) => a - b);
    const own = sorted.map((i) => whys[i] ?? null).find((why) => why !== null) ?? null;
    return { groups: sorted.map((i) => groups[i] as ReplayGroup), stepwise: own ?? (sorted.length > 1 ? 'groups read each other' : null) };
  });
  return { clusters, readsAlerts };
}
export const groupKey = ({ file, name }: RuleGroup): string => `${file};${name}`;

/** Strongly connected components, each after those it reads (Tarjan). */
function componentsOf(edges: readonly (readonly number[])[]): number[][] {
  const found: number[][] = [];
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const open = new Set<number>();
  const visit = (node: number): void => {
    index.set(node, index.size);
    low.set(node, index.get(node) as number);
    stack.push(node);
    open.add(node);
    for (const next of edges[node] ?? []) {
      if (!index.has(next)) visit(next);
      if (open.has(next)) low.set(node, Math.min(low.get(node) as number, low.get(next) as number));
    }
    if (low.get(node) !== index.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    for (const member of members) open.delete(member);
    found.push(members);
  };
  edges.forEach((_, node) => {
    if (!index.has(node)) visit(node);
  });
  return found;
}
