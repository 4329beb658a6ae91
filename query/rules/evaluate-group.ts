import type { Expr } from '#query/promql/ast.ts';
import { entriesOf, type Labels, labelsOf, METRIC_NAME } from '#query/promql/labels.ts';
import { EvaluationError } from '#query/promql/value.ts';
import { AlertBook, type ExpandedSample, type LastSample, storedAlerts } from './alert-state.ts';
import { Expander } from './expand-templates.ts';
import type { AlertingRule, RecordingRule, Rule, RuleGroup } from './rule.ts';
import type { RuleSample, WrittenSample } from './sample.ts';

/** What rules are evaluated over. */
export interface RuleStore {
  /** @throws EvaluationError, or what the store says */
  query(expr: Expr, atMs: number): Promise<readonly RuleSample[]>;
  /** A query of a template, as text. */
  queryText(text: string, atMs: number): Promise<readonly RuleSample[]>;
  /** Rules that follow, and later evaluations, find them. @throws what the store says */
  append(samples: readonly WrittenSample[]): Promise<void>;
}
export interface GroupOptions {
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  /** Seconds of some clock, for how long things take. */
  readonly seconds: () => number;
  /** Of one rule's answer at most. */
  readonly maxSeries: number;
}
export type Health = 'unknown' | 'ok' | 'err';

/** A rule and what it did. */
export class RuleRun {
  readonly rule: Rule;
  readonly book: AlertBook | null;
  health: Health = 'unknown';
  lastError = '';
  lastEvaluationMs: number | null = null;
  evaluationSeconds = 0;
  templateFailures = 0;
  /** Series of the last evaluation, by key: what is gone ends. */
  series = new Map<string, Labels>();

  constructor(rule: Rule) {
    this.rule = rule;
    this.book = rule.kind === 'alerting' ? new AlertBook(rule) : null;
  }
  /** Goes on with the alerts a store has of this rule. */
  restore(last: readonly LastSample[], nowMs: number, intervalMs: number): void {
    if (!this.book) return;
    const stored = storedAlerts(this.book.rule, last);
    this.book.restore(stored, nowMs, intervalMs);
    for (const { series } of stored) for (const labels of series) this.series.set(labels.key, labels);
  }
}
const identity = ({ kind, name, labels }: Rule): string => JSON.stringify([kind, name, [...labels]]);

/** One group: its rules one after the other, each finds what those before it wrote. */
export class GroupRun {
  readonly group: RuleGroup;
  readonly runs: readonly RuleRun[];
  lastEvaluationMs: number | null = null;
  evaluationSeconds = 0;
  evaluations = 0;
  failures = 0;
  samples = 0;
  private readonly options: GroupOptions;
  /** Series of rules that are no more. */
  private ended: Labels[] = [];

  constructor(group: RuleGroup, options: GroupOptions) {
    this.group = group;
    this.options = options;
    this.runs = group.rules.map((rule) => new RuleRun(rule));
  }
  /** Goes on where the group was before its file changed; rules are the same by name and labels. */
  takeOver(before: GroupRun): void {
    const left = new Map<string, RuleRun[]>();
    for (const run of before.runs) left.set(identity(run.rule), [...(left.get(identity(run.rule)) ?? []), run]);
    for (const run of this.runs) {
      const known = left.get(identity(run.rule))?.shift();
      if (!known) continue;
      run.series = known.series;
      if (run.book && known.book) run.book.takeOver(known.book);
    }
    this.ended = [...before.ended, ...[...left.values()].flat().flatMap(({ series }) => [...series.values()])];
    this.lastEvaluationMs = before.lastEvaluationMs;
  }
  /** All its series end: the group is no more. */
  endings(atMs: number): WrittenSample[] {
    const labels = [...this.ended, ...this.runs.flatMap(({ series }) => [...series.values()])];
    return labels.map((each) => ({ labels: each, value: Number.NaN, atMs, isStale: true }));
  }

  /** One evaluation of all rules. What fails is noted with its rule; never rejects. */
  async evaluate(atMs: number, store: RuleStore): Promise<void> {
    const started = this.options.seconds();
    this.samples = 0;
    for (const run of this.runs) {
      const before = this.options.seconds();
      this.evaluations++;
      try {
        await this.evaluateOne(run, atMs, store);
        run.health = 'ok';
        run.lastError = '';
      } catch (error) {
        this.failures++;
        run.health = 'err';
        run.lastError = error instanceof Error ? error.message : String(error);
      }
      run.evaluationSeconds = this.options.seconds() - before;
      run.lastEvaluationMs = atMs;
    }
    if (this.ended.length > 0) {
      const writtenMs = atMs - (this.group.queryOffsetMs ?? 0);
      const ended = this.ended.map((labels) => ({ labels, value: Number.NaN, atMs: writtenMs, isStale: true }));
      await store.append(ended).then(
        () => {
          this.ended = [];
        },
        () => undefined,
      );
    }
    this.evaluationSeconds = this.options.seconds() - started;
    this.lastEvaluationMs = atMs;
  }
  private async evaluateOne(run: RuleRun, atMs: number, store: RuleStore): Promise<void> {
    const writtenMs = atMs - (this.group.queryOffsetMs ?? 0);
    const vector = await store.query(run.rule.expr, writtenMs);
    const { maxSeries } = this.options;
    if (vector.length > maxSeries) throw new EvaluationError(`more than ${maxSeries} series`);
    const written = run.book
      ? run.book.evaluate(await this.expand(run, vector, atMs, store), atMs, writtenMs, this.group.limit)
      : recorded(run.rule as RecordingRule, vector, writtenMs, this.group.limit);
    this.samples += written.length;
    const now = new Map(written.map(({ labels }) => [labels.key, labels]));
    const gone = [...run.series].filter(([key]) => !now.has(key)).map(([, labels]) => labels);
    await store.append([...written, ...gone.map((labels) => ({ labels, value: Number.NaN, atMs: writtenMs, isStale: true }))]);
    run.series = now;
  }
  private async expand(run: RuleRun, vector: readonly RuleSample[], atMs: number, store: RuleStore): Promise<readonly ExpandedSample[]> {
    const { labels, annotations, templates } = run.rule as AlertingRule;
    const { externalLabels, externalUrl } = this.options;
    const expander = new Expander({ externalLabels, externalUrl, atMs, query: (text) => store.queryText(text, atMs) });
    const expanded: ExpandedSample[] = [];
    for (const sample of vector)
      expanded.push({
        sample,
        labels: await expander.expand(labels, templates, sample),
        annotations: await expander.expand(annotations, templates, sample),
      });
    run.templateFailures += expander.failures;
    return expanded;
  }
}
function recorded(rule: RecordingRule, vector: readonly RuleSample[], atMs: number, limit: number): WrittenSample[] {
  const found = new Map<string, WrittenSample>();
  for (const { labels: from, ...sample } of vector) {
    const labels = recordedLabels(rule, from);
    if (found.has(labels.key)) throw new EvaluationError('vector contains metrics with the same labelset after applying rule labels');
    found.set(labels.key, { ...sample, labels, atMs, isStale: false });
  }
  if (limit > 0 && found.size > limit) throw new EvaluationError(`exceeded limit of ${limit} with ${found.size} series`);
  return [...found.values()];
}
export function recordedLabels(rule: RecordingRule, from: Labels): Labels {
  const entries = new Map(entriesOf(from)).set(METRIC_NAME, rule.name);
  for (const [name, text] of rule.labels) entries.set(name, text);
  return labelsOf(entries);
}
