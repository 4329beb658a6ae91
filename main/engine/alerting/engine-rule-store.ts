import type { Store } from '#contracts/store.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import { evaluateOver, PROMQL_DEFAULTS } from '#main/engine/promql/run-promql.ts';
import type { PromqlSeries, SeriesBook } from '#main/engine/promql/series-book.ts';
import type { Expr, Matcher } from '#query/promql/ast.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import { EvaluationError, type Grid, type Selection, type StoredSeries } from '#query/promql/value.ts';
import type { RuleStore } from '#query/rules/evaluate-group.ts';
import { parsed } from '#query/rules/memory-store.ts';
import { type RuleSample, ruleVector, type WrittenSample } from '#query/rules/sample.ts';
import type { PendingSamples } from './pending-samples.ts';
import { histogramProblem, keptHistogram } from './written-histogram.ts';

/** One query of a rule; groups wait for each other. */
const TIMEOUT_MS = 30_000;
/** Samples kept for the rules of an evaluation that follow. */
const MAX_KNOWN = 1_000_000;

/** The engine's other work waits for rules no longer than this and one step of theirs: a query, or what it reads. */
const TURN_MS = 5;

const keyOf = (matchers: readonly Matcher[], startMs: number, endMs: number): string => JSON.stringify([matchers, startMs, endMs]);
const instant = (atMs: number): Grid => ({ startMs: atMs, stepMs: 0, count: 1 });

/**
 * The store as the rules of one evaluation see it: as it was at its beginning, and what those before them gave. The pending samples are held
 * while it is used.
 */
export class EngineRuleStore implements RuleStore {
  private readonly parts: { readonly store: Store; readonly book: SeriesBook };
  private readonly pending: PendingSamples;
  /** What was read for rules before: those of a group ask for much the same. */
  private readonly known = new Map<string, StoredSeries[]>();
  private left = MAX_KNOWN;
  private turnMs = performance.now();
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
  /**
   * Reads what the rules will ask for: a statement for each span of time they look at, and not for each selector. What cannot be read so,
   * because it is too much or its rule is wrong, is read as it is asked for, and fails there.
   */
  async prefetch(exprs: readonly Expr[], atMs: number): Promise<void> {
    const { store, book } = this.parts;
    const spans = new Map<string, { readonly selections: Selection[]; readonly series: Set<PromqlSeries> }>();
    const note = (selection: Selection): void => {
      const series = book.select(selection.matchers);
      // What is counted from spans is asked for one by one: its matchers say what to count.
      if (series.some(({ kind }) => kind === 'spans')) return;
      const key = `${selection.startMs} ${selection.endMs}`;
      const span = spans.get(key) ?? { selections: [], series: new Set() };
      spans.set(key, span);
      for (const each of series) span.series.add(each);
      span.selections.push(selection);
    };
    for (const expr of exprs) {
      await this.giveWay();
      try {
        selectionsOf(expr, { ...PROMQL_DEFAULTS, grid: instant(atMs) }).forEach(note);
      } catch {
        // Its own query says what is wrong.
      }
    }
    for (const { selections, series } of spans.values()) {
      const first = selections[0];
      if (!first) continue;
      const { startMs, endMs } = first;
      const all = await readSamples(store, [...series], { matchers: [], startMs, endMs }, { timeoutMs: TIMEOUT_MS }).catch(() => null);
      if (!all) continue;
      this.left -= all.reduce((sum, { times }) => sum + times.length, 0);
      if (this.left <= 0) return;
      for (const { matchers } of selections) {
        await this.giveWay();
        const fits = labelsTest(matchers);
        this.known.set(
          keyOf(matchers, startMs, endMs),
          all.filter(({ labels }) => fits(labels)),
        );
      }
    }
  }
  async query(expr: Expr, atMs: number): Promise<readonly RuleSample[]> {
    await this.giveWay();
    return ruleVector(
      await evaluateOver(expr, instant(atMs), (selection) => this.read(selection), { endMs: performance.now() + TIMEOUT_MS }),
    );
  }
  /** What was read for a group is at hand: without this its rules would be one long turn. */
  private async giveWay(): Promise<void> {
    if (performance.now() - this.turnMs < TURN_MS) return;
    await new Promise((done) => setImmediate(done));
    this.turnMs = performance.now();
  }
  private async read(selection: Selection): Promise<readonly StoredSeries[]> {
    const { matchers, startMs, endMs } = selection;
    const key = keyOf(matchers, startMs, endMs);
    let stored = this.known.get(key);
    if (!stored) {
      const { store, book } = this.parts;
      stored = await readSamples(store, book.select(matchers), selection, { timeoutMs: TIMEOUT_MS });
      this.left -= stored.reduce((sum, { times }) => sum + times.length, 1);
      if (this.left > 0) this.known.set(key, stored);
    }
    return this.pending.merge(stored, matchers, startMs, endMs);
  }
  async queryText(text: string, atMs: number): Promise<readonly RuleSample[]> {
    return this.query(parsed(text), atMs);
  }
  /** @throws EvaluationError when some cannot be kept; the others are */
  async append(samples: readonly WrittenSample[]): Promise<void> {
    let problem = '';
    const kept = samples.flatMap((sample): WrittenSample[] => {
      const { histogram } = sample;
      if (!histogram) return [sample];
      const own = histogramProblem(histogram);
      problem ||= own;
      return own === '' ? [{ ...sample, histogram: keptHistogram(histogram) }] : [];
    });
    this.pending.add(kept);
    this.onBatch(kept);
    if (problem !== '') throw new EvaluationError(problem);
  }
}
