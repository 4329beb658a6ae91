import type { Expr, Matcher, SelectorExpr } from '#query/promql/ast.ts';
import type { Budget } from '#query/promql/budget.ts';
import { type Evaluated, evaluate } from '#query/promql/engine.ts';
import { type Labels, labelOf, METRIC_NAME } from '#query/promql/labels.ts';
import { notAfter } from '#query/promql/not-after.ts';
import { type SelectionOptions, selectionsOf } from '#query/promql/selections.ts';
import { EvaluationError, type Grid, type Selection, type StoredSeries } from '#query/promql/value.ts';
import { ALERTS, ALERTS_FOR_STATE } from '../alert-state.ts';
import type { RuleStore } from '../evaluate-group.ts';
import { parsed } from '../memory-store.ts';
import type { Rule } from '../rule.ts';
import { type RuleSample, ruleVector, type WrittenSample } from '../sample.ts';
import type { OutputBook } from './output-book.ts';

/** A source cannot hold that much in memory: a shorter stretch may do. */
export class TooMuchAtOnce extends Error {}
/** Where a replay reads what is stored. */
export interface ReplaySource {
  /** Series that may fit, about. */
  count(matchers: readonly Matcher[]): number;
  /** Of each selection its series; more samples than it asks for may come. @throws TooMuchAtOnce, what the store says */
  read(selections: readonly Selection[]): Promise<readonly (readonly StoredSeries[])[]>;
}
export const NO_HISTOGRAMS = 'native histograms of recording rules are not replayed in this version';
export type EvaluationOptions = Omit<SelectionOptions, 'grid'>;

/**
 * What the rules of a replay write themselves is not read from the store: it was written by rules as they were then.
 * @returns whether a stored series is one that was measured, or of rules that are not replayed
 */
export function measuredTest(rules: readonly Rule[]): (labels: Labels) => boolean {
  const recorded = new Set(rules.flatMap((rule) => (rule.kind === 'recording' ? [rule.name] : [])));
  const alerts = new Set(rules.flatMap((rule) => (rule.kind === 'alerting' ? [rule.name] : [])));
  return (labels) => {
    const name = labelOf(labels, METRIC_NAME);
    if (name === ALERTS || name === ALERTS_FOR_STATE) return !alerts.has(labelOf(labels, 'alertname'));
    return !recorded.has(name);
  };
}
const keyOf = (matchers: readonly Matcher[]): string => JSON.stringify(matchers);

/** Samples of a stretch of the window, as rules see them: stored ones, and what rules before them gave. */
export class ChunkSamples implements RuleStore {
  /** Later samples are not there yet: the time of the evaluation. */
  nowMs = Number.POSITIVE_INFINITY;
  samples = 0;
  private readonly source: ReplaySource;
  private readonly outputs: OutputBook;
  private readonly options: EvaluationOptions;
  private readonly isMeasured: (labels: Labels) => boolean;
  private readonly budget: () => Budget;
  private readonly known = new Map<
    string,
    { readonly series: readonly StoredSeries[]; readonly startMs: number; readonly endMs: number }
  >();

  constructor(parts: {
    readonly source: ReplaySource;
    readonly outputs: OutputBook;
    readonly options: EvaluationOptions;
    readonly isMeasured: (labels: Labels) => boolean;
    readonly budget: () => Budget;
  }) {
    this.source = parts.source;
    this.outputs = parts.outputs;
    this.options = parts.options;
    this.isMeasured = parts.isMeasured;
    this.budget = parts.budget;
  }
  /** Reads what expressions will ask for, each selector once for all that ask it. */
  async prefetch(wanted: Iterable<readonly [expr: Expr, grid: Grid]>): Promise<void> {
    const selections = new Map<string, Selection>();
    for (const [expr, grid] of wanted)
      for (const selection of selectionsOf(expr, { ...this.options, grid })) {
        const key = keyOf(selection.matchers);
        const before = selections.get(key) ?? selection;
        const [startMs, endMs] = [Math.min(before.startMs, selection.startMs), Math.max(before.endMs, selection.endMs)];
        selections.set(key, { ...selection, startMs, endMs });
      }
    await this.read([...selections.values()]);
  }
  private async read(selections: readonly Selection[]): Promise<void> {
    const found = await this.source.read(selections);
    selections.forEach(({ matchers, startMs, endMs }, i) => {
      const series = (found[i] ?? []).filter(({ labels }) => this.isMeasured(labels));
      for (const { times, histograms } of series) this.samples += times.length + (histograms?.times.length ?? 0);
      this.known.set(keyOf(matchers), { series, startMs, endMs });
    });
  }
  private of({ matchers }: Selection): readonly StoredSeries[] {
    const written = this.outputs.select(matchers);
    const stored = this.known.get(keyOf(matchers))?.series ?? [];
    if (written.length === 0) return stored;
    const keys = new Set(written.map(({ labels }) => labels.key));
    return [...stored.filter(({ labels }) => !keys.has(labels.key)), ...written];
  }
  /** Over many times at once; what is asked for must have been read. @throws EvaluationError */
  evaluate(expr: Expr, grid: Grid): Evaluated {
    const query = { expr, grid, ...this.options };
    const found = new Map<SelectorExpr, readonly StoredSeries[]>();
    for (const selection of selectionsOf(expr, query)) found.set(selection.selector, this.of(selection));
    return evaluate({ ...query, select: (selector) => found.get(selector) ?? [], budget: this.budget() });
  }
  /** At one time, as the live evaluation saw it. */
  async query(expr: Expr, atMs: number): Promise<readonly RuleSample[]> {
    const query = { expr, grid: { startMs: atMs, stepMs: 0, count: 1 }, ...this.options };
    const found = new Map<SelectorExpr, readonly StoredSeries[]>();
    for (const selection of selectionsOf(expr, query)) {
      const { matchers, startMs, endMs } = selection;
      const known = this.known.get(keyOf(matchers));
      if (!known || known.startMs > startMs || known.endMs < endMs) await this.read([selection]);
      const until = Math.min(endMs, this.nowMs);
      found.set(
        selection.selector,
        this.of(selection).flatMap((series) => between(series, startMs, until) ?? []),
      );
    }
    return ruleVector(evaluate({ ...query, select: (selector) => found.get(selector) ?? [], budget: this.budget() }));
  }
  async queryText(text: string, atMs: number): Promise<readonly RuleSample[]> {
    return this.query(parsed(text), atMs);
  }
  async append(samples: readonly WrittenSample[]): Promise<void> {
    if (samples.some(({ histogram }) => histogram)) throw new EvaluationError(NO_HISTOGRAMS);
    for (const { labels, atMs, value, isStale } of samples) this.outputs.add(labels, atMs, isStale ? 'stale' : value);
  }
}

/** Samples of (startMs, endMs]; null: none. */
function between(series: StoredSeries, startMs: number, endMs: number): StoredSeries | null {
  const { labels, times, values, starts, histograms } = series;
  const [from, to] = [notAfter(times, startMs), notAfter(times, endMs)];
  const [first, end] = histograms ? [notAfter(histograms.times, startMs), notAfter(histograms.times, endMs)] : [0, 0];
  if (from === to && first === end) return null;
  const own = histograms && first < end ? histograms : null;
  return {
    labels,
    times: times.subarray(from, to),
    values: values.subarray(from, to),
    starts: starts?.subarray(from, to) ?? null,
    histograms: own && {
      times: own.times.subarray(first, end),
      histograms: own.histograms.slice(first, end),
      starts: own.starts?.subarray(first, end) ?? null,
    },
  };
}
