import { FaultlineError } from '#contracts/errors.ts';
import { REPLAY_LIMITS, type ReplayAnswer, type ReplayBody } from '#contracts/replay.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { readAlertmanagerConfig } from '#main/alerting/load-config.ts';
import { PROMQL_DEFAULTS } from '#main/engine/promql/run-promql.ts';
import type { SeriesBook } from '#main/engine/promql/series-book.ts';
import { parseYaml } from '#main/rules/parse-yaml.ts';
import { readRules } from '#query/rules/read-rules.ts';
import { TooMuchAtOnce } from '#query/rules/replay/chunk-samples.ts';
import type { Trouble } from '#query/rules/replay/compare.ts';
import type { ReplayGroup } from '#query/rules/replay/planned-rules.ts';
import { type Replayed, type ReplayOptions, ReplayTooLarge, replayRules, type VariantEpisodes } from '#query/rules/replay/replay.ts';
import type { Variant } from '#query/rules/replay/rule-columns.ts';
import { findThreshold } from '#query/rules/replay/threshold.ts';
import type { AlertingRule, RuleGroup } from '#query/rules/rule.ts';
import type { Queries } from '#store/read/columns-of.ts';
import type { LiveAlerting } from './carried-alerting.ts';
import { describeReplay, type Sweep } from './describe-replay.ts';
import { EngineSource } from './engine-source.ts';
import { type OnRecord, troubleOf } from './trouble-of.ts';

/** What a replay is made with, in the thread it is made in. */
export interface ReplayMeans {
  readonly store: Queries;
  readonly series: SeriesBook;
  readonly incidents: readonly OnRecord[];
  readonly live: LiveAlerting;
  /** When a group that is given is evaluated, after multiples of its interval. */
  readonly phaseOf: (group: RuleGroup, intervalMs: number) => number;
  /** Where a rule that is adopted goes: it is evaluated at the times it would be there. */
  readonly adoptedFile: string;
  readonly signal: NonNullable<QueryOptions['signal']>;
  /** Called ever so often; throws when nobody waits any more. */
  readonly onCheck: () => void;
  readonly onProgress: (share: number) => void;
  /** Of performance.now(): the answer must be there by then. */
  readonly endsMs: number;
}
const MAX_PLACES = 40_000_000;

/** Rules over a stored window. @throws FaultlineError bad_request, replay_too_large, cancelled */
export async function replayAsked(body: ReplayBody, means: ReplayMeans): Promise<ReplayAnswer> {
  try {
    return await replayed(body, means);
  } catch (error) {
    if (error instanceof ReplayTooLarge || error instanceof TooMuchAtOnce)
      throw new FaultlineError('replay_too_large', `${error.message}.`);
    throw error;
  }
}
async function replayed(body: ReplayBody, means: ReplayMeans): Promise<ReplayAnswer> {
  const { store, series, signal, onCheck, onProgress, endsMs } = means;
  const startedMs = performance.now();
  const live = sendingBy(body, means.live);
  const { groups, problems } = groupsOf(body, live, means);
  const sweep = sweepOf(body, groups);
  const { start: startMs, end: endMs } = body;
  const check = (): void => {
    onCheck();
    if (performance.now() <= endsMs) return;
    const seconds = REPLAY_LIMITS.timeoutMs / 1000;
    throw new FaultlineError('replay_too_large', `It takes longer than ${seconds} s: a shorter window or fewer rules take less.`);
  };
  const source = new EngineSource(store, series, { signal, timeoutMs: REPLAY_LIMITS.timeoutMs });
  const options: ReplayOptions = {
    ...{ groups, startMs, endMs, source, check, onProgress, evaluation: PROMQL_DEFAULTS },
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
    // A cancel is heard.
    pause: () => new Promise((done) => setImmediate(done)),
  };
  const first = await replayRules(options);
  const told = sweep ? await withStepwise(first, sweep, options) : first;
  const given = (body.truths ?? []).map(
    ({ title, start, end }): Trouble => ({ id: '', title, startMs: start, noticedMs: null, endMs: end }),
  );
  const troubles = [...(body.incidents === false ? [] : means.incidents.map(troubleOf)), ...given]
    .filter((trouble) => trouble.startMs < endMs && (trouble.endMs ?? endMs) > startMs)
    .sort((a, b) => a.startMs - b.startMs);
  return describeReplay({
    ...{ replayed: told, problems, troubles, sweep, check, startMs, endMs, live },
    tookMs: () => performance.now() - startedMs,
  });
}
function groupsOf(
  body: ReplayBody,
  live: LiveAlerting,
  { adoptedFile, phaseOf }: Pick<ReplayMeans, 'adoptedFile' | 'phaseOf'>,
): { groups: ReplayGroup[]; problems: string[] } {
  const given = body.rules === undefined ? null : readRules(parseYaml(body.rules), adoptedFile);
  const problems = (given?.problems ?? []).map(({ message }) => message);
  const defaultMs = body.intervalSeconds === undefined ? live.intervalMs : body.intervalSeconds * 1000;
  const all = given
    ? given.groups.map((group): ReplayGroup => {
        const intervalMs = group.intervalMs ?? defaultMs;
        const queryOffsetMs = group.queryOffsetMs ?? live.queryOffsetMs;
        return { group: { ...group, queryOffsetMs }, intervalMs, phaseMs: phaseOf(group, intervalMs) };
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
  const [forMs, keepMs] = [sweep.forSeconds, sweep.keepSeconds].map((all) => (all ?? []).map((seconds) => seconds * 1000)) as [
    number[],
    number[],
  ];
  const variants = (thresholds.length > 0 ? thresholds : [null]).flatMap((value): Variant[] =>
    (forMs.length > 0 ? forMs : [null]).flatMap((each) =>
      (keepMs.length > 0 ? keepMs : [null]).map((keep) => ({ threshold: value, forMs: each, keepMs: keep })),
    ),
  );
  if (variants.length > REPLAY_LIMITS.variants)
    throw new FaultlineError('replay_too_large', `${variants.length} variants; at most ${REPLAY_LIMITS.variants} are tried at once.`);
  return { rule, threshold, thresholds, forMs, keepMs, variants };
}
/** A rule that is evaluated one time after the other: each variant is a replay of its own. */
async function withStepwise(replayed: Replayed, sweep: Sweep, options: ReplayOptions): Promise<Replayed> {
  const own = replayed.rules.find(({ rule }) => rule === sweep.rule);
  if (!own || own.stepwise === null) return replayed;
  const { sweep: _, ...base } = options;
  const found: VariantEpisodes[] = [];
  for (const [i, { threshold, forMs, keepMs }] of sweep.variants.entries()) {
    const rule: AlertingRule = {
      ...sweep.rule,
      forMs: forMs ?? sweep.rule.forMs,
      keepFiringForMs: keepMs ?? sweep.rule.keepFiringForMs,
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
