import type { Expr } from '#query/promql/ast.ts';
import { type Labels, NO_LABELS } from '#query/promql/labels.ts';
import { EvaluationError, emptyRow, endOf, FLOAT, type Grid, HISTOGRAM, type Row, timeAt } from '#query/promql/value.ts';
import { alertLabels, alertSeries } from '../alert-state.ts';
import { recordedLabels } from '../evaluate-group.ts';
import { Expander } from '../expand-templates.ts';
import type { AlertingRule, RecordingRule } from '../rule.ts';
import { AlertTrack, type Stretch, stepsOf, type Tally, type TrackSteps } from './alert-track.ts';
import type { ChunkSamples } from './chunk-samples.ts';
import type { OutputBook } from './output-book.ts';
import { Crossings, joinRuns, presence, type Runs } from './presence.ts';
import { findThreshold, type Threshold } from './threshold.ts';

/** It cannot be done for many times at once: the group is evaluated one time after the other. */
export class NeedsSteps extends Error {}
/** Evaluations of a group in a stretch of the window: the grid, and the number of its first step. */
export interface Steps {
  /** When samples are looked at and written: a query offset before the evaluations. */
  readonly grid: Grid;
  readonly first: number;
  /** Time of the group's step 0. */
  readonly baseMs: number;
}
/** Another threshold, `for` or `keep_firing_for` of a rule; null: as written. */
export interface Variant {
  readonly threshold: number | null;
  readonly forMs: number | null;
  readonly keepMs: number | null;
}
export interface VariantTracks extends Variant {
  readonly steps: TrackSteps;
  readonly tracks: Map<string, AlertTrack>;
  readonly tally: Tally;
  /** It fires so often that it is told up to here only, Unix milliseconds; null: it is told as a whole. */
  cutMs: number | null;
}

function rowsOf(samples: ChunkSamples, expr: Expr, grid: Grid): readonly Row[] {
  const { answer } = samples.evaluate(expr, grid);
  if (answer.type === 'vector') return answer.rows;
  if (answer.type !== 'scalar') throw new EvaluationError('rule result is not a vector or scalar');
  return [{ ...emptyRow(NO_LABELS, 0), values: answer.values, has: new Uint8Array(grid.count).fill(FLOAT) }];
}

/** Series a rule writes, with stale markers where they end. */
class SeriesWriter {
  private readonly outputs: OutputBook;
  /** Those that were there at the last step. */
  private open = new Map<string, Labels>();

  constructor(outputs: OutputBook) {
    this.outputs = outputs;
  }
  write(
    series: Iterable<{ readonly labels: Labels; readonly runs: Runs; readonly valueAt: (i: number) => number }>,
    { grid }: Steps,
  ): void {
    const now = new Map<string, Labels>();
    const seen = new Set<string>();
    for (const { labels, runs, valueAt } of series) {
      if (seen.has(labels.key)) throw new NeedsSteps('two of its series are one');
      seen.add(labels.key);
      if (this.open.has(labels.key) && runs[0] !== 0) this.add(labels, timeAt(grid, 0), 'stale');
      for (let r = 0; r < runs.length; r += 2) {
        const [from, to] = [runs[r] as number, runs[r + 1] as number];
        for (let i = from; i < to; i++) this.add(labels, timeAt(grid, i), valueAt(i));
        if (to < grid.count) this.add(labels, timeAt(grid, to), 'stale');
        else now.set(labels.key, labels);
      }
    }
    for (const [key, labels] of this.open) if (!seen.has(key)) this.add(labels, timeAt(grid, 0), 'stale');
    this.open = now;
  }
  private add(labels: Labels, atMs: number, value: number | 'stale'): void {
    if (!this.outputs.add(labels, atMs, value)) throw new NeedsSteps('it writes a series that another rule writes');
  }
}

export class RecordingColumns {
  readonly rule: RecordingRule;
  private readonly writer: SeriesWriter;

  constructor(rule: RecordingRule, outputs: OutputBook) {
    this.rule = rule;
    this.writer = new SeriesWriter(outputs);
  }
  async evaluate(samples: ChunkSamples, steps: Steps): Promise<void> {
    const rows = rowsOf(samples, this.rule.expr, steps.grid);
    if (rows.some(({ has }) => has.includes(HISTOGRAM))) throw new NeedsSteps('it gives native histograms');
    const series = rows.map((row) => ({
      labels: recordedLabels(this.rule, row.labels),
      runs: presence(row),
      valueAt: (i: number) => row.values[i] as number,
    }));
    this.writer.write(series, steps);
  }
}

/** What of a threshold there is for all variants that have it: each alert's steps. */
interface Given {
  readonly labels: Labels;
  runs: Runs;
  /** Where the value of a step is: mostly one row. */
  readonly rows: { readonly row: Row; readonly runs: Runs }[];
}
export class AlertColumns {
  readonly rule: AlertingRule;
  /** The first one is the rule as written. */
  readonly variants: readonly VariantTracks[];
  private readonly threshold: Threshold | null;
  private readonly exprs = new Map<number | null, Expr>();
  private readonly expander: Expander;
  private readonly known = new Map<string, Labels>();
  private readonly writer: SeriesWriter | null;
  private readonly intervalMs: number;
  private readonly maxFirings: number;

  /** @param outputs where its alerts are written; null: nobody reads them */
  constructor(options: {
    readonly rule: AlertingRule;
    readonly intervalMs: number;
    readonly externalLabels: ReadonlyMap<string, string>;
    readonly externalUrl: string;
    readonly variants: readonly Variant[];
    /** Of a variant: more are looked at no further. */
    readonly maxFirings: number;
    readonly outputs: OutputBook | null;
  }) {
    const { rule, intervalMs, externalLabels, externalUrl, outputs } = options;
    this.rule = rule;
    this.intervalMs = intervalMs;
    this.maxFirings = options.maxFirings;
    this.threshold = findThreshold(rule.expr);
    this.variants = [{ threshold: null, forMs: null, keepMs: null }, ...options.variants].map((variant) => ({
      ...variant,
      steps: stepsOf(variant.forMs ?? rule.forMs, variant.keepMs ?? rule.keepFiringForMs, intervalMs),
      tracks: new Map<string, AlertTrack>(),
      tally: { stretches: 0 },
      cutMs: null,
    }));
    this.writer = outputs && new SeriesWriter(outputs);
    this.expander = new Expander({
      externalLabels,
      externalUrl,
      atMs: 0,
      query: () => Promise.reject(new EvaluationError('a query in a label')),
    });
  }
  private exprOf(threshold: number | null): Expr {
    if (threshold === null) return this.rule.expr;
    const known = this.exprs.get(threshold) ?? this.threshold?.replaced(threshold) ?? this.rule.expr;
    this.exprs.set(threshold, known);
    return known;
  }
  async evaluate(samples: ChunkSamples, steps: Steps): Promise<void> {
    const { grid, first } = steps;
    const crossings = this.crossings(samples, grid);
    const given = new Map<number | null, ReadonlyMap<string, Given>>();
    for (const [n, variant] of this.variants.entries()) {
      const { threshold, tracks, steps: own } = variant;
      if (variant.cutMs !== null) continue;
      let alerts = given.get(threshold);
      if (!alerts) {
        alerts = await this.given(samples, grid, threshold, crossings);
        given.set(threshold, alerts);
      }
      for (const [key, { labels, runs, rows }] of alerts) {
        let track = tracks.get(key);
        if (!track) {
          track = new AlertTrack(labels, (rows[0] as Given['rows'][number]).row.labels, variant.tally, n === 0);
          tracks.set(key, track);
        }
        track.advance(runs, first, first + grid.count, own, (i) => valueIn(rows, i));
      }
      for (const [key, track] of tracks) if (track.isActive && !alerts.has(key)) track.advance([], first, first + grid.count, own, () => 0);
    }
    if (this.writer) this.writer.write(this.written(steps), steps);
    for (const variant of this.variants.slice(1)) if (variant.tally.stretches > this.maxFirings) variant.cutMs ??= endOf(grid);
  }
  /** The compared side, once for all thresholds; null: each is evaluated by itself. */
  private crossings(samples: ChunkSamples, grid: Grid): readonly { readonly row: Row; readonly crossings: Crossings }[] | null {
    const compared = this.threshold?.compared;
    if (!compared) return null;
    try {
      return rowsOf(samples, compared, grid).map((row) => ({ row, crossings: new Crossings(row) }));
    } catch (error) {
      // Two of its series may be one, of which the comparison leaves one.
      if (error instanceof EvaluationError) return null;
      throw error;
    }
  }
  private async given(
    samples: ChunkSamples,
    grid: Grid,
    threshold: number | null,
    crossings: readonly { readonly row: Row; readonly crossings: Crossings }[] | null,
  ): Promise<ReadonlyMap<string, Given>> {
    const found = new Map<string, Given>();
    const own = this.threshold;
    const rows =
      crossings && own
        ? crossings.map((each) => ({ row: each.row, runs: each.crossings.runs(own.comparison, threshold ?? own.value) }))
        : rowsOf(samples, this.exprOf(threshold), grid).map((row) => ({ row, runs: presence(row) }));
    for (const { row, runs } of rows) {
      if (runs.length === 0) continue;
      const labels = await this.labelsOf(row.labels);
      const before = found.get(labels.key);
      if (!before) {
        found.set(labels.key, { labels, runs, rows: [{ row, runs }] });
        continue;
      }
      const both = joinRuns(before.runs, runs);
      if (!both) throw new NeedsSteps('two of its alerts have the same labels');
      before.runs = both;
      before.rows.push({ row, runs });
    }
    return found;
  }
  private async labelsOf(labels: Labels): Promise<Labels> {
    const known = this.known.get(labels.key);
    if (known) return known;
    const { rule } = this;
    const own = await this.expander.expand(rule.labels, rule.templates, { labels, value: Number.NaN });
    const made = alertLabels(rule, labels, own);
    this.known.set(labels.key, made);
    return made;
  }
  /** ALERTS and ALERTS_FOR_STATE of the rule as written. */
  private *written({ grid, first, baseMs }: Steps) {
    const end = first + grid.count;
    for (const { labels, stretches } of (this.variants[0] as VariantTracks).tracks.values()) {
      const own: { readonly from: number; readonly to: number; readonly stretch: Stretch }[] = [];
      for (let s = stretches.length - 1; s >= 0; s--) {
        const stretch = stretches[s] as Stretch;
        if (stretch.to >= 0 && stretch.to <= first) break;
        const to = stretch.to < 0 ? end : Math.min(end, stretch.to);
        own.unshift({ from: Math.max(first, stretch.from) - first, to: to - first, stretch });
      }
      if (own.length === 0) continue;
      const runsOf = (keeps: (stretch: Stretch) => boolean): Runs =>
        own.reduce<Runs>((runs, { from, to, stretch }) => {
          if (!keeps(stretch)) return runs;
          if (runs.at(-1) === from) runs[runs.length - 1] = to;
          else runs.push(from, to);
          return runs;
        }, []);
      const activeAt = (i: number): number => {
        const found = own.find(({ from, to }) => i >= from && i < to);
        return Math.floor((baseMs + (found?.stretch.activeStep ?? 0) * this.intervalMs) / 1000);
      };
      for (const state of ['pending', 'firing'] as const) {
        const runs = runsOf(({ isFiring }) => isFiring === (state === 'firing'));
        if (runs.length > 0) yield { labels: alertSeries(this.rule, labels, state).shown, runs, valueAt: () => 1 };
      }
      yield { labels: alertSeries(this.rule, labels, 'firing').base, runs: runsOf(() => true), valueAt: activeAt };
    }
  }
}
function valueIn(rows: Given['rows'], i: number): number {
  const isThere = ({ runs }: Given['rows'][number]): boolean =>
    runs.some((from, r) => r % 2 === 0 && i >= from && i < (runs[r + 1] as number));
  const row = (rows.length === 1 ? rows[0] : rows.find(isThere))?.row;
  return row?.has[i] === FLOAT ? (row.values[i] as number) : 0;
}
