import { FaultlineError } from '#contracts/errors.ts';
import type { Incident } from '#contracts/judgement.ts';
import { REPLAY_LIMITS, type ReplayAnswer, type ReplayBody } from '#contracts/replay.ts';
import type { Store } from '#contracts/store.ts';
import { readAlertmanagerConfig } from '#main/alerting/load-config.ts';
import { PROMQL_DEFAULTS } from '#main/engine/promql/run-promql.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import type { AlertmanagerConfig } from '#query/alerting/config.ts';
import type { Silence } from '#query/alerting/silence.ts';
import { readRules } from '#query/rules/read-rules.ts';
import { TooMuchAtOnce } from '#query/rules/replay/chunk-samples.ts';
import type { Trouble } from '#query/rules/replay/compare.ts';
import type { ReplayGroup } from '#query/rules/replay/planned-rules.ts';
import { type Replayed, type ReplayOptions, ReplayTooLarge, replayRules, type VariantEpisodes } from '#query/rules/replay/replay.ts';
import type { Variant } from '#query/rules/replay/rule-columns.ts';
import { findThreshold } from '#query/rules/replay/threshold.ts';
import type { AlertingRule, RuleGroup } from '#query/rules/rule.ts';
import { describeReplay, type Sweep } from './describe-replay.ts';
import { EngineSource } from './engine-source.ts';

/** What live evaluation and notification are set to: a replay takes the same. */
export interface LiveAlerting {
  /** The rules that are evaluated now. */
  readonly groups: readonly ReplayGroup[];
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  readonly config: AlertmanagerConfig;
  readonly silences: readonly Silence[];
  /** When a group of this file and name is evaluated, after multiples of its interval. */
  phaseOf(group: RuleGroup, intervalMs: number): number;
}
export interface ReplayLabParts {
  readonly store: Store;
  readonly series: SeriesBook;
  readonly incidents: () => readonly Incident[];
  readonly live: () => LiveAlerting;
  /** Where a rule that is adopted goes: it is evaluated at the times it would be there. */
  readonly adoptedFile: string;
}
export interface ReplayTalk {
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}
const MAX_PLACES = 40_000_000;
/** Troubles that began before the window and go on in it are of it. */
const troubleOf = ({ id, title, onsetMs, openedMs, resolvedMs }: Incident): Trouble => ({
  ...{ id, title, startMs: onsetMs, noticedMs: openedMs, endMs: resolvedMs },
});

/** Rules over stored windows, a few at a time, each with its limits. */
export class ReplayLab {
  private readonly parts: ReplayLabParts;
  running = 0;
  done = 0;
  failed = 0;
  cancelled = 0;
  seconds = 0;

  constructor(parts: ReplayLabParts) {
    this.parts = parts;
  }
  /** What the noise report asks: the same store, incidents and routes. */
  get noiseParts(): Omit<ReplayLabParts, 'adoptedFile'> & { readonly replay: ReplayLab } {
    return { ...this.parts, replay: this };
  }
  /** @throws FaultlineError bad_request, replay_too_large, replay_busy, query_timeout, cancelled */
  async replay(body: ReplayBody, talk: ReplayTalk): Promise<ReplayAnswer> {
    if (this.running >= REPLAY_LIMITS.atOnce)
      throw new FaultlineError('replay_busy', `${this.running} replays are under way, which is as many as are done at once.`);
    this.running++;
    const startedMs = performance.now();
    try {
      const answer = await this.run(body, talk, startedMs);
      this.done++;
      return answer;
    } catch (error) {
      if (talk.signal.aborted) this.cancelled++;
      else this.failed++;
      if (error instanceof ReplayTooLarge || error instanceof TooMuchAtOnce)
        throw new FaultlineError('replay_too_large', `${error.message}.`);
      throw error;
    } finally {
      this.running--;
      this.seconds += (performance.now() - startedMs) / 1000;
    }
  }
  private async run(body: ReplayBody, { signal, onProgress }: ReplayTalk, startedMs: number): Promise<ReplayAnswer> {
    const { store, series, incidents } = this.parts;
    const live = sendingBy(body, this.parts.live());
    const { groups, problems } = this.groupsOf(body, live);
    const sweep = sweepOf(body, groups);
    const { start: startMs, end: endMs } = body;
    const timeoutMs = REPLAY_LIMITS.timeoutMs;
    const check = (): void => {
      if (signal.aborted) throw new FaultlineError('cancelled', 'The replay was cancelled.');
      if (performance.now() - startedMs > timeoutMs)
        throw new FaultlineError(
          'replay_too_large',
          `It takes longer than ${timeoutMs / 1000} s: a shorter window or fewer rules take less.`,
        );
    };
    await series.refresh();
    const source = new EngineSource(store, series, { signal, timeoutMs });
    const options: ReplayOptions = {
      ...{ groups, startMs, endMs, source, check, evaluation: PROMQL_DEFAULTS },
      externalLabels: live.externalLabels,
      externalUrl: live.externalUrl,
      ...(sweep ? { sweep: { rule: sweep.rule, variants: sweep.variants } } : {}),
      limits: {
        maxRules: REPLAY_LIMITS.rules,
        maxEvaluations: REPLAY_LIMITS.evaluations,
        maxPlaces: MAX_PLACES,
        maxOutputs: REPLAY_LIMITS.outputs,
        maxEpisodes: REPLAY_LIMITS.episodes,
        maxFirings: REPLAY_LIMITS.variantFirings,
      },
      onProgress,
      pause: () => new Promise((done) => setImmediate(done)),
    };
    const first = await replayRules(options);
    const replayed = sweep ? await withStepwise(first, sweep, options) : first;
    const troubles = [
      ...(body.incidents === false ? [] : incidents().map(troubleOf)),
      ...(body.truths ?? []).map(({ title, start, end }): Trouble => ({ id: '', title, startMs: start, noticedMs: null, endMs: end })),
    ]
      .filter((trouble) => trouble.startMs < endMs && (trouble.endMs ?? endMs) > startMs)
      .sort((a, b) => a.startMs - b.startMs);
    return describeReplay({
      ...{ replayed, problems, troubles, sweep, check, startMs, endMs, live },
      tookMs: () => performance.now() - startedMs,
    });
  }
  private groupsOf(body: ReplayBody, live: LiveAlerting): { groups: ReplayGroup[]; problems: string[] } {
    const given = body.rules === undefined ? null : readRules(parseYaml(body.rules), this.parts.adoptedFile);
    const problems = (given?.problems ?? []).map(({ message }) => message);
    const defaultMs = body.intervalSeconds === undefined ? live.intervalMs : body.intervalSeconds * 1000;
    const all = given
      ? given.groups.map((group): ReplayGroup => {
          const intervalMs = group.intervalMs ?? defaultMs;
          const queryOffsetMs = group.queryOffsetMs ?? live.queryOffsetMs;
          return { group: { ...group, queryOffsetMs }, intervalMs, phaseMs: live.phaseOf(group, intervalMs) };
        })
      : live.groups;
    const groups = all.filter(
      ({ group }) =>
        group.rules.length > 0 &&
        (body.group === undefined || group.name === body.group) &&
        (body.alert === undefined || group.rules.some((rule) => rule.kind === 'alerting' && rule.name === body.alert)),
    );
    if (groups.length > 0) return { groups, problems };
    if (problems.length > 0) throw new FaultlineError('bad_request', `There is no good rule: ${problems[0]}`);
    const what = body.alert ?? body.group;
    throw new FaultlineError(
      'bad_request',
      what === undefined ? 'There are no rules to replay.' : `There is no rule or group ${JSON.stringify(what)}.`,
    );
  }
}

/** Routes and silences as asked for. */
function sendingBy({ alertmanager, silences }: ReplayBody, live: LiveAlerting): LiveAlerting {
  const kept = silences === false ? { ...live, silences: [] } : live;
  if (alertmanager === undefined) return kept;
  const { config, problems } = readAlertmanagerConfig(alertmanager);
  const [first] = problems;
  if (config) return { ...kept, config };
  throw new FaultlineError(
    'bad_request',
    `alertmanager: ${first ? `${first.line}:${first.column}: ${first.message}` : 'it cannot be read'}`,
  );
}
function sweepOf({ sweep, alert }: ReplayBody, groups: readonly ReplayGroup[]): Sweep | null {
  if (!sweep) return null;
  const name = sweep.alert ?? alert;
  const rules = groups.flatMap(({ group }) => group.rules).filter((rule): rule is AlertingRule => rule.kind === 'alerting');
  const found = rules.filter((rule) => name === undefined || rule.name === name);
  const [rule] = found;
  if (!rule || found.length > 1)
    throw new FaultlineError(
      'bad_request',
      name === undefined
        ? `A sweep varies one alert, and there are ${rules.length}: say which by "sweep.alert".`
        : `There ${found.length === 0 ? 'is no' : 'are several'} alert${found.length === 0 ? '' : 's'} ${JSON.stringify(name)}.`,
    );
  const thresholds = sweep.thresholds ?? [];
  const threshold = findThreshold(rule.expr);
  if (thresholds.length > 0 && !threshold)
    throw new FaultlineError('bad_request', `A sweep of thresholds needs a comparison with a number, as in "expr > 0.5": ${rule.text}`);
  const forMs = (sweep.forSeconds ?? []).map((seconds) => seconds * 1000);
  const variants = (thresholds.length > 0 ? thresholds : [null]).flatMap((value): Variant[] =>
    (forMs.length > 0 ? forMs : [null]).map((each) => ({ threshold: value, forMs: each })),
  );
  if (variants.length > REPLAY_LIMITS.variants)
    throw new FaultlineError('replay_too_large', `${variants.length} variants; at most ${REPLAY_LIMITS.variants} are tried at once.`);
  return { rule, threshold, thresholds, forMs, variants };
}
/** A rule that is evaluated one time after the other: each variant is a replay of its own. */
async function withStepwise(replayed: Replayed, sweep: Sweep, options: ReplayOptions): Promise<Replayed> {
  const own = replayed.rules.find(({ rule }) => rule === sweep.rule);
  if (!own || own.stepwise === null) return replayed;
  const { sweep: _, ...base } = options;
  const found: VariantEpisodes[] = [];
  for (const [i, { threshold, forMs }] of sweep.variants.entries()) {
    const rule: AlertingRule = {
      ...sweep.rule,
      forMs: forMs ?? sweep.rule.forMs,
      expr: threshold === null ? sweep.rule.expr : (sweep.threshold?.replaced(threshold) ?? sweep.rule.expr),
    };
    const groups = options.groups.map((each) => ({
      ...each,
      group: { ...each.group, rules: each.group.rules.map((other) => (other === sweep.rule ? rule : other)) },
    }));
    const one = await replayRules({ ...base, groups, onProgress: (share) => options.onProgress((i + share) / sweep.variants.length) });
    const episodes = one.rules.find((each) => each.rule === rule)?.episodes ?? [];
    found.push({ episodes: episodes.filter(({ firedAtMs }) => firedAtMs !== null), cutMs: null });
  }
  return { ...replayed, rules: replayed.rules.map((each) => (each === own ? { ...own, variants: found } : each)) };
}
