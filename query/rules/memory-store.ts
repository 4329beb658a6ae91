import type { Expr, SelectorExpr } from '#query/promql/ast.ts';
import { type Evaluated, evaluate } from '#query/promql/engine.ts';
import type { Labels } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import type { NativeHistogram } from '#query/promql/native-histogram.ts';
import { notAfter } from '#query/promql/not-after.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import { PromqlError } from '#query/promql/token.ts';
import { EvaluationError, floatSeries, type StoredSeries, staleMarkers } from '#query/promql/value.ts';
import type { RuleStore } from './evaluate-group.ts';
import { storedHistogram } from './histogram-notation.ts';
import { placeOf } from './place-of.ts';
import { type RuleSample, ruleVector, type WrittenSample } from './sample.ts';

/** Samples of one series, in time order; grows. */
class Series {
  readonly labels: Labels;
  times = new Float64Array(16);
  values = new Float64Array(16);
  count = 0;
  readonly histogramTimes: number[] = [];
  readonly histograms: NativeHistogram[] = [];
  /** Of either kind. */
  private lastMs = Number.NEGATIVE_INFINITY;

  constructor(labels: Labels) {
    this.labels = labels;
  }
  /** @returns whether it is there: later than all before, or the last one once more */
  add(atMs: number, value: number | 'stale' | NativeHistogram): boolean {
    const last = this.count - 1;
    if (this.lastMs >= atMs) return this.times[last] === atMs && Object.is(this.values[last], value);
    const isAfterHistogram = this.histogramTimes.at(-1) === this.lastMs;
    this.lastMs = atMs;
    if (typeof value === 'object') {
      this.histograms.push(storedHistogram(value, isAfterHistogram ? (this.histograms.at(-1) ?? null) : null));
      this.histogramTimes.push(atMs);
      return true;
    }
    if (this.count === this.times.length) {
      this.times = grown(this.times);
      this.values = grown(this.values);
    }
    this.times[this.count] = atMs;
    if (value === 'stale') staleMarkers(this.values, this.count);
    else this.values[this.count] = value;
    this.count++;
    return true;
  }
  /** Samples of (startMs, endMs]. */
  between(startMs: number, endMs: number): StoredSeries {
    const [from, to] = [notAfter(this.times, startMs, this.count), notAfter(this.times, endMs, this.count)];
    const floats = floatSeries(this.labels, this.times.subarray(from, to), this.values.subarray(from, to));
    const { histogramTimes: times, histograms } = this;
    if (times.length === 0) return floats;
    const [first, end] = [notAfter(times, startMs), notAfter(times, endMs)];
    const found = { times: Float64Array.from(times.slice(first, end)), histograms: histograms.slice(first, end), starts: null };
    return { ...floats, histograms: found.times.length > 0 ? found : null };
  }
}
function grown(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
const LOOKBACK_MS = 300_000;

/** Series in memory to evaluate rules over: rule tests. */
export class MemoryStore implements RuleStore {
  /** Later samples are not there yet. */
  nowMs = Number.POSITIVE_INFINITY;
  private readonly series = new Map<string, Series>();
  private readonly subqueryStepMs: number;
  private readonly tests = new WeakMap<SelectorExpr, (labels: Labels) => boolean>();

  constructor(subqueryStepMs: number) {
    this.subqueryStepMs = subqueryStepMs;
  }
  add(labels: Labels, atMs: number, value: number | 'stale' | NativeHistogram): boolean {
    let series = this.series.get(labels.key);
    if (!series) {
      series = new Series(labels);
      this.series.set(labels.key, series);
    }
    return series.add(atMs, value);
  }
  /** @throws EvaluationError when two rules say different things of a series at a time; the first holds */
  async append(samples: readonly WrittenSample[]): Promise<void> {
    let isTwice = false;
    for (const { labels, atMs, value, histogram, isStale } of samples)
      if (!this.add(labels, atMs, isStale ? 'stale' : (histogram ?? value)) && !isStale) isTwice = true;
    if (isTwice) throw new EvaluationError('duplicate sample for timestamp');
  }
  async query(expr: Expr, atMs: number): Promise<readonly RuleSample[]> {
    return ruleVector(this.evaluate(expr, atMs));
  }
  /** @throws EvaluationError, also for what is no PromQL */
  async queryText(text: string, atMs: number): Promise<readonly RuleSample[]> {
    return this.query(parsed(text), atMs);
  }
  private evaluate(expr: Expr, atMs: number): Evaluated {
    const query = { expr, grid: { startMs: atMs, stepMs: 0, count: 1 }, lookbackMs: LOOKBACK_MS, subqueryStepMs: this.subqueryStepMs };
    const found = new Map<SelectorExpr, StoredSeries[]>();
    for (const { selector, startMs, endMs } of selectionsOf(expr, query))
      found.set(selector, this.select(selector, startMs, Math.min(endMs, this.nowMs)));
    return evaluate({ ...query, select: (selector) => found.get(selector) ?? [] });
  }
  private select(selector: SelectorExpr, startMs: number, endMs: number): StoredSeries[] {
    let test = this.tests.get(selector);
    if (!test) {
      test = labelsTest(selector.matchers);
      this.tests.set(selector, test);
    }
    const found: StoredSeries[] = [];
    for (const series of this.series.values()) {
      if (!test(series.labels)) continue;
      const between = series.between(startMs, endMs);
      if (between.times.length > 0 || between.histograms) found.push(between);
    }
    return found;
  }
}
/** An expression that is part of a text. @throws EvaluationError with the place */
export function parsed(text: string): Expr {
  try {
    return parsePromql(text);
  } catch (error) {
    if (error instanceof PromqlError) throw new EvaluationError(`${placeOf(text, error.range.start)}: parse error: ${error.message}`);
    throw error;
  }
}
