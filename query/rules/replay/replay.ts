import { Budget } from '#query/promql/budget.ts';
import type { Labels } from '#query/promql/labels.ts';
import { selectionsOf } from '#query/promql/selections.ts';
import { EvaluationError, type Grid } from '#query/promql/value.ts';
import type { Rule } from '../rule.ts';
import type { AlertTrack } from './alert-track.ts';
import { ChunkSamples, type EvaluationOptions, measuredTest, type ReplaySource, TooMuchAtOnce } from './chunk-samples.ts';
import { OutputBook } from './output-book.ts';
import { type Cluster, groupKey, instantAt, planReplay, type ReplayGroup } from './planned-rules.ts';
import { AlertColumns, NeedsSteps, RecordingColumns, type Variant } from './rule-columns.ts';
import { StepGroup } from './step-group.ts';

/**
 * Rules over a window of the past, as the live evaluation would have had them. A rule is evaluated for many times at once where that is the
 * same, and by the live evaluation's own code, one time after the other, where it is not.
 */
export interface ReplayOptions {
  readonly groups: readonly ReplayGroup[];
  /** [startMs, endMs). */
  readonly startMs: number;
  readonly endMs: number;
  readonly evaluation: EvaluationOptions;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  readonly source: ReplaySource;
  /** Of one alerting rule: other thresholds, `for` and `keep_firing_for`. */
  readonly sweep?: { readonly rule: Rule; readonly variants: readonly Variant[] };
  readonly limits: ReplayLimits;
  /** Throws when the time is over, or the asker gone. */
  readonly check: () => void;
  readonly onProgress: (share: number) => void;
  /** Lets others work in between. */
  readonly pause: () => Promise<void>;
}
export interface ReplayLimits {
  readonly maxRules: number;
  /** Evaluations of all rules together. */
  readonly maxEvaluations: number;
  /** Values of one evaluation over a stretch. */
  readonly maxPlaces: number;
  /** Samples recorded by the rules that are looked at again. */
  readonly maxOutputs: number;
  /** Times an alert begins, fires or ends. */
  readonly maxEpisodes: number;
  /** Firings of one variant that are looked at. */
  readonly maxFirings: number;
}
/** A replay of too much; the message says of what. */
export class ReplayTooLarge extends Error {}

/** An alert from its first pending evaluation to the one at which it was gone. Times of evaluations, Unix milliseconds. */
export interface Episode {
  readonly labels: Labels;
  readonly activeAtMs: number;
  /** null: it never fired. */
  readonly firedAtMs: number | null;
  /** null: it goes on. */
  readonly endedAtMs: number | null;
  /** Of the expression when it fired. */
  readonly value: number;
  /** Labels of the sample that gave it, as templates see them; null: not known any more. */
  readonly sample: Labels | null;
}
export interface ReplayedRule {
  readonly planned: ReplayGroup;
  readonly rule: Rule;
  readonly evaluations: number;
  readonly failures: number;
  readonly lastError: string;
  /** Why it was evaluated one time after the other; null: it was not. */
  readonly stepwise: string | null;
  /** By their beginning, from `warmMs` on. */
  readonly episodes: readonly Episode[];
  /** As the sweep has them; of other rules none. */
  readonly variants: readonly VariantEpisodes[];
}
export interface VariantEpisodes {
  /** Those that fired. */
  readonly episodes: readonly Episode[];
  /** It fires too often to be told further than this; null: it is told as a whole. */
  readonly cutMs: number | null;
}
export interface Replayed {
  readonly rules: readonly ReplayedRule[];
  readonly samples: number;
  /** Of the first evaluation: before the window, so that what was pending then is known. */
  readonly warmMs: number;
}

/** Samples of a stretch that are in memory at once, about. */
const STRETCH_SAMPLES = 4_000_000;
const ASSUMED_INTERVAL_MS = 15_000;
const [LEAST_STRETCH_MS, MIN_STRETCH_MS, MAX_STRETCH_MS] = [60_000, 3_600_000, 86_400_000];

export async function replayRules(options: ReplayOptions): Promise<Replayed> {
  const rules = options.groups.reduce((sum, { group }) => sum + group.rules.length, 0);
  if (rules > options.limits.maxRules) throw new ReplayTooLarge(`${rules} rules; at most ${options.limits.maxRules} are replayed at once`);
  const forced = new Map<string, string>();
  for (;;) {
    try {
      return await new Replay(options, forced).run();
    } catch (error) {
      if (!(error instanceof GroupNeedsSteps) || forced.has(error.key)) throw error;
      forced.set(error.key, error.message);
    }
  }
}
class GroupNeedsSteps extends Error {
  readonly key: string;
  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

class ColumnGroup {
  readonly planned: ReplayGroup;
  readonly rules: readonly (AlertColumns | RecordingColumns)[];
  constructor(planned: ReplayGroup, rules: readonly (AlertColumns | RecordingColumns)[]) {
    this.planned = planned;
    this.rules = rules;
  }
}
interface Part {
  readonly cluster: Cluster;
  readonly columns: ColumnGroup | null;
  readonly steps: readonly StepGroup[];
}

class Replay {
  private readonly options: ReplayOptions;
  private readonly outputs: OutputBook;
  private readonly parts: readonly Part[];
  private readonly warmMs: number;
  /** How far back of its evaluation any rule looks. */
  private readonly backMs: number;
  private samples = 0;

  constructor(options: ReplayOptions, forced: ReadonlyMap<string, string>) {
    const { groups, startMs, evaluation, limits, sweep } = options;
    this.options = options;
    this.outputs = new OutputBook(limits.maxOutputs, () => {
      throw new ReplayTooLarge(`recording rules give more than ${limits.maxOutputs.toLocaleString('en')} samples that others read`);
    });
    const all = groups.flatMap(({ group }) => group.rules);
    const lookedBack = all.flatMap((rule) =>
      selectionsOf(rule.expr, { ...evaluation, grid: instantAt(startMs) }).map((each) => startMs - each.startMs),
    );
    this.backMs = Math.max(evaluation.lookbackMs, ...lookedBack.filter((ms) => ms < 366 * MAX_STRETCH_MS));
    const longest = { forMs: 0, keepMs: 0 };
    for (const { forMs, keepMs } of sweep?.variants ?? []) {
      longest.forMs = Math.max(longest.forMs, forMs ?? 0);
      longest.keepMs = Math.max(longest.keepMs, keepMs ?? 0);
    }
    const lives = all.map((rule) =>
      rule.kind === 'alerting' ? Math.max(rule.forMs, longest.forMs) + Math.max(rule.keepFiringForMs, longest.keepMs) : 0,
    );
    const interval = Math.max(0, ...groups.map(({ intervalMs }) => intervalMs));
    const hasRecording = all.some(({ kind }) => kind === 'recording');
    this.warmMs = startMs - Math.max(0, ...lives) - 2 * interval - (hasRecording ? this.backMs : 0);
    const { clusters, readsAlerts } = planReplay(groups, this.warmMs, evaluation, forced);
    this.parts = clusters.map((cluster) => this.partOf(cluster, readsAlerts));
    const evaluations = groups.reduce(
      (sum, { group, intervalMs }) => sum + (group.rules.length * (options.endMs - this.warmMs)) / intervalMs,
      0,
    );
    if (evaluations > limits.maxEvaluations)
      throw new ReplayTooLarge(
        `${Math.round(evaluations).toLocaleString('en')} evaluations; at most ${limits.maxEvaluations.toLocaleString('en')} are made. Take a shorter window, a longer interval or fewer rules.`,
      );
  }
  private partOf(cluster: Cluster, readsAlerts: boolean): Part {
    const { externalLabels, externalUrl, sweep } = this.options;
    const first = cluster.groups[0] as ReplayGroup;
    if (cluster.stepwise !== null) {
      const options = { externalLabels, externalUrl, seconds: () => 0, maxSeries: this.options.limits.maxPlaces };
      return { cluster, columns: null, steps: cluster.groups.map((group) => new StepGroup(group, options)) };
    }
    const rules = first.group.rules.map((rule) =>
      rule.kind === 'recording'
        ? new RecordingColumns(rule, this.outputs)
        : new AlertColumns({
            ...{ rule, intervalMs: first.intervalMs, externalLabels, externalUrl },
            variants: rule === sweep?.rule ? sweep.variants : [],
            maxFirings: this.options.limits.maxFirings,
            outputs: readsAlerts ? this.outputs : null,
          }),
    );
    return { cluster, columns: new ColumnGroup(first, rules), steps: [] };
  }
  async run(): Promise<Replayed> {
    const { endMs, onProgress, pause, check } = this.options;
    let stretchMs = this.stretchMs();
    for (let from = this.warmMs; from < endMs; ) {
      check();
      const to = Math.min(endMs, from + stretchMs);
      try {
        await this.stretch(from, to);
      } catch (error) {
        if (!(error instanceof TooMuchAtOnce) || stretchMs <= LEAST_STRETCH_MS) throw error;
        stretchMs = Math.max(LEAST_STRETCH_MS, stretchMs / 4);
        continue;
      }
      from = to;
      this.outputs.dropBefore(to - this.backMs - MIN_STRETCH_MS);
      onProgress((to - this.warmMs) / (endMs - this.warmMs));
      await pause();
    }
    return { rules: this.parts.flatMap((part) => this.outcomes(part)), samples: this.samples, warmMs: this.warmMs };
  }
  private stretchMs(): number {
    const { groups, source, evaluation, startMs } = this.options;
    const matchers = new Map<string, Parameters<ReplaySource['count']>[0]>();
    for (const { group } of groups)
      for (const { expr } of group.rules)
        for (const each of selectionsOf(expr, { ...evaluation, grid: instantAt(startMs) }))
          matchers.set(JSON.stringify(each.matchers), each.matchers);
    const series = [...matchers.values()].reduce((sum, each) => sum + source.count(each), 0);
    const wanted = (STRETCH_SAMPLES / Math.max(1, series)) * ASSUMED_INTERVAL_MS;
    return Math.min(MAX_STRETCH_MS, Math.max(MIN_STRETCH_MS, wanted, Math.min(this.backMs, MAX_STRETCH_MS)));
  }
  private gridOf({ intervalMs, phaseMs, group }: ReplayGroup, from: number, to: number): { grid: Grid; first: number; baseMs: number } {
    const baseMs = firstAt(this.warmMs, intervalMs, phaseMs);
    const first = Math.round((firstAt(from, intervalMs, phaseMs) - baseMs) / intervalMs);
    const end = Math.round((firstAt(to, intervalMs, phaseMs) - baseMs) / intervalMs);
    const startMs = baseMs + first * intervalMs - (group.queryOffsetMs ?? 0);
    return { grid: { startMs, stepMs: intervalMs, count: end - first }, first, baseMs };
  }
  private async stretch(from: number, to: number): Promise<void> {
    const { source, evaluation, groups, limits, check } = this.options;
    const samples = new ChunkSamples({
      source,
      outputs: this.outputs,
      options: evaluation,
      isMeasured: measuredTest(groups.flatMap(({ group }) => group.rules)),
      budget: () => new Budget(limits.maxPlaces, check),
    });
    const wanted = groups.flatMap((planned) => {
      const { grid } = this.gridOf(planned, from, to);
      return grid.count === 0 ? [] : planned.group.rules.map(({ expr }) => [expr, grid] as const);
    });
    await samples.prefetch(wanted);
    this.samples += samples.samples;
    for (const part of this.parts) {
      if (part.columns) await this.columns(part.columns, samples, from, to);
      else await this.steps(part.steps, samples, from, to);
    }
  }
  private async columns({ planned, rules }: ColumnGroup, samples: ChunkSamples, from: number, to: number): Promise<void> {
    const steps = this.gridOf(planned, from, to);
    if (steps.grid.count === 0) return;
    for (const rule of rules) {
      try {
        await rule.evaluate(samples, steps);
        if (rule instanceof AlertColumns && (rule.variants[0]?.tally.stretches ?? 0) > this.options.limits.maxEpisodes)
          throw new ReplayTooLarge(tooOften(rule.rule, this.options.limits));
      } catch (error) {
        if (!(error instanceof NeedsSteps || error instanceof EvaluationError)) throw error;
        throw new GroupNeedsSteps(groupKey(planned.group), `${rule.rule.name}: ${error.message}`);
      }
      await this.options.pause();
    }
  }
  private async steps(groups: readonly StepGroup[], samples: ChunkSamples, from: number, to: number): Promise<void> {
    const turns = groups.flatMap((group, order) => {
      const { grid, first, baseMs } = this.gridOf(group.planned, from, to);
      return Array.from({ length: grid.count }, (_, i) => ({ group, order, atMs: baseMs + (first + i) * group.planned.intervalMs }));
    });
    turns.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    for (const [i, { group, atMs }] of turns.entries()) {
      this.options.check();
      await group.evaluate(atMs, samples);
      if (i % 100 === 99) await this.options.pause();
    }
    samples.nowMs = Number.POSITIVE_INFINITY;
  }
  private outcomes({ cluster, columns, steps }: Part): ReplayedRule[] {
    const { startMs, endMs, limits, sweep } = this.options;
    let left = limits.maxEpisodes;
    const counted = (episodes: readonly Episode[]): Episode[] => {
      left -= episodes.length;
      if (left < 0) throw new ReplayTooLarge(tooOften(null, limits));
      return [...episodes].sort((a, b) => a.activeAtMs - b.activeAtMs);
    };
    const evaluationsOf = (planned: ReplayGroup): number => this.gridOf(planned, startMs, endMs).grid.count;
    if (columns) {
      const { planned } = columns;
      const { baseMs } = this.gridOf(planned, startMs, endMs);
      return columns.rules.map((each): ReplayedRule => {
        const said = { planned, rule: each.rule, evaluations: evaluationsOf(planned), failures: 0, lastError: '', stepwise: null };
        if (each instanceof RecordingColumns) return { ...said, episodes: [], variants: [] };
        const [own, ...others] = each.variants.map(({ tracks, cutMs }) => {
          const episodes = [...tracks.values()].flatMap((track) => episodesOf(track, baseMs, planned.intervalMs));
          return { episodes: episodes.sort((a, b) => a.activeAtMs - b.activeAtMs), cutMs };
        });
        return { ...said, episodes: counted(own?.episodes ?? []), variants: sweep?.rule === each.rule ? others : [] };
      });
    }
    return steps.flatMap((step) => {
      step.finish();
      return step.planned.group.rules.map((rule, i): ReplayedRule => {
        const { episodes = [], failures = 0, lastError = '' } = step.outcomes[i] ?? {};
        const { planned } = step;
        return {
          ...{ planned, rule, evaluations: evaluationsOf(planned), failures, lastError, stepwise: cluster.stepwise },
          ...{ episodes: counted(episodes), variants: [] },
        };
      });
    });
  }
}
const tooOften = (rule: Rule | null, { maxEpisodes }: ReplayLimits): string =>
  `${rule ? rule.name : 'Some alert'} begins and ends more than ${maxEpisodes.toLocaleString('en')} times in the window`;
/** The first multiple of the interval, with the phase, that is not before. */
const firstAt = (ms: number, intervalMs: number, phaseMs: number): number => Math.ceil((ms - phaseMs) / intervalMs) * intervalMs + phaseMs;

function episodesOf({ labels, sample, stretches }: AlertTrack, baseMs: number, intervalMs: number): Episode[] {
  const at = (step: number): number => baseMs + step * intervalMs;
  const found: Episode[] = [];
  for (const [i, { isFiring, to, activeStep, from, value }] of stretches.entries()) {
    const next = stretches[i + 1];
    // It went on firing.
    if (!isFiring && next?.isFiring && next.activeStep === activeStep) continue;
    found.push({
      ...{ labels, sample, value, activeAtMs: at(activeStep) },
      ...{ firedAtMs: isFiring ? at(from) : null, endedAtMs: to < 0 ? null : at(to) },
    });
  }
  return found;
}
