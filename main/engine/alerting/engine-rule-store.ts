import type { Store } from '#contracts/store.ts';
import { runExpr } from '#main/engine/promql/run-promql.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import type { Expr } from '#query/promql/ast.ts';
import { EvaluationError } from '#query/promql/value.ts';
import type { RuleStore } from '#query/rules/evaluate-group.ts';
import { parsed } from '#query/rules/memory-store.ts';
import { type RuleSample, ruleVector, type WrittenSample } from '#query/rules/sample.ts';
import type { PendingSamples } from './pending-samples.ts';

/** One query of a rule; groups wait for each other. */
const TIMEOUT_MS = 30_000;

/** The store as the rules of one evaluation see it: what those before them gave is there already. */
export class EngineRuleStore implements RuleStore {
  private readonly parts: { readonly store: Store; readonly book: SeriesBook };
  private readonly pending: PendingSamples;
  private readonly onBatch: (batch: readonly WrittenSample[]) => void;

  constructor(
    parts: { readonly store: Store; readonly book: SeriesBook },
    pending: PendingSamples,
    onBatch: (batch: readonly WrittenSample[]) => void,
  ) {
    this.parts = parts;
    this.pending = pending;
    this.onBatch = onBatch;
  }
  async query(expr: Expr, atMs: number): Promise<readonly RuleSample[]> {
    const grid = { startMs: atMs, stepMs: 0, count: 1 };
    const beside: Parameters<typeof runExpr>[4] = (stored, { matchers, startMs, endMs }) =>
      this.pending.merge(stored, matchers, startMs, endMs);
    return ruleVector(await runExpr(this.parts, expr, grid, { timeoutMs: TIMEOUT_MS }, beside));
  }
  async queryText(text: string, atMs: number): Promise<readonly RuleSample[]> {
    return this.query(parsed(text), atMs);
  }
  async append(samples: readonly WrittenSample[]): Promise<void> {
    if (samples.some(({ histogram }) => histogram)) throw new EvaluationError('native histograms are not kept by rules in this version');
    this.pending.add(samples);
    this.onBatch(samples);
  }
}
