import {
  REPLAY_LIMITS,
  type ReplayAnswer,
  type ReplayCaught,
  type ReplayedEpisode,
  type ReplayedPage,
  type ReplayedRule as ReplayedRuleAnswer,
  type ReplayVariant,
} from '#contracts/replay.ts';
import { entriesOf, type Labels } from '#query/promql/labels.ts';
import { printPromql } from '#query/promql/print.ts';
import { Expander } from '#query/rules/expand-templates.ts';
import { type Caught, frontOf, type Judged, judgePages, type Trouble } from '#query/rules/replay/compare.ts';
import { type Page, type Paged, pagesOf, rings } from '#query/rules/replay/pages.ts';
import type { Episode, Replayed, ReplayedRule } from '#query/rules/replay/replay.ts';
import type { Variant } from '#query/rules/replay/rule-columns.ts';
import { findThreshold, type Threshold } from '#query/rules/replay/threshold.ts';
import type { AlertingRule } from '#query/rules/rule.ts';
import type { LiveAlerting } from './carried-alerting.ts';

/** A replay as it is told: what fired, what would have been sent, beside incidents; for each variant the same in short. */
export interface Sweep {
  readonly rule: AlertingRule;
  readonly threshold: Threshold | null;
  readonly thresholds: readonly number[];
  readonly forMs: readonly number[];
  readonly keepMs: readonly number[];
  readonly variants: readonly Variant[];
}
export interface Described {
  readonly replayed: Replayed;
  readonly problems: readonly string[];
  readonly troubles: readonly Trouble[];
  readonly sweep: Sweep | null;
  readonly startMs: number;
  readonly endMs: number;
  readonly live: LiveAlerting;
  readonly check: () => void;
  readonly tookMs: () => number;
}
const objectOf = (labels: Labels): Record<string, string> => Object.fromEntries(entriesOf(labels));
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
type Fired = Episode & { readonly firedAtMs: number };
const hasFired = (episode: Episode): episode is Fired => episode.firedAtMs !== null;

export async function describeReplay(parts: Described): Promise<ReplayAnswer> {
  const { replayed, problems, troubles, sweep, startMs, endMs, tookMs } = parts;
  const { rules } = replayed;
  const all = rules.flatMap(({ episodes }, rule) => episodes.filter(hasFired).map((episode) => ({ rule, episode })));
  const shown = all
    .filter(({ episode }) => isIn(episode, parts) && episode.firedAtMs < endMs)
    .sort((a, b) => a.episode.firedAtMs - b.episode.firedAtMs);
  const paged = paging(
    all.map(({ episode }) => episode),
    parts,
  );
  const judged = judge(
    all.map(({ episode }) => episode),
    paged,
    parts,
  );
  const byReceiver = new Map<string, number>();
  for (const page of paged.pages) if (rings(page)) byReceiver.set(page.receiver, (byReceiver.get(page.receiver) ?? 0) + 1);
  const held = new Map<string, { readonly by: string; readonly id: string; alerts: number }>();
  for (const { by, id } of paged.heldBack) {
    const known = held.get(`${by} ${id}`) ?? { by, id, alerts: 0 };
    known.alerts++;
    held.set(`${by} ${id}`, known);
  }
  const labelsByKey = new Map(all.map(({ episode }) => [episode.labels.key, episode.labels]));
  return {
    ...{ startMs, endMs, warmMs: replayed.warmMs, problems: [...problems] },
    rules: rules.map((each) => ruleOf(each, parts)),
    episodes: await Promise.all(shown.slice(0, REPLAY_LIMITS.shownEpisodes).map((each) => episodeOf(each, rules, parts.live))),
    episodeCount: shown.length,
    pages: paged.pages.slice(0, REPLAY_LIMITS.shownPages).map((page) => pageOf(page, labelsByKey)),
    pageCount: paged.pages.length,
    receivers: [...byReceiver].map(([receiver, pages]) => ({ receiver, pages })),
    heldBack: [...held.values()],
    cutMs: paged.cutMs,
    judged: { ...judged, each: judged.each.map(caughtOf) },
    troubles: [...troubles],
    sweep: sweep && {
      rule: rules.findIndex(({ rule }) => rule === sweep.rule),
      comparison: sweep.threshold?.comparison ?? '',
      thresholds: [...sweep.thresholds],
      forSeconds: sweep.forMs.map((ms) => ms / 1000),
      keepSeconds: sweep.keepMs.map((ms) => ms / 1000),
      variants: variantsOf(sweep, parts),
    },
    cost: {
      samples: replayed.samples,
      evaluations: rules.reduce((sum, { evaluations }) => sum + evaluations, 0),
      ms: Math.round(tookMs()),
    },
  };
}
const isIn = ({ endedAtMs }: Episode, { startMs }: Described): boolean => endedAtMs === null || endedAtMs > startMs;

function paging(episodes: readonly Episode[], { live, startMs, endMs, check }: Described, maxTurns: number = REPLAY_LIMITS.turns): Paged {
  check();
  return pagesOf(episodes, { config: live.config, silences: live.silences, startMs, endMs, maxTurns });
}
function judge(episodes: readonly Fired[], { pages }: Paged, { troubles, startMs, endMs }: Described): Judged {
  const ringing = pages.filter(rings).map(({ atMs }) => atMs);
  return judgePages(ringing, union(episodes, startMs, endMs), troubles, { startMs, endMs });
}
/** Stretches in which anything fires, within the window. */
function union(episodes: readonly Fired[], startMs: number, endMs: number): [number, number][] {
  const sorted = episodes
    .map(({ firedAtMs, endedAtMs }): [number, number] => [Math.max(startMs, firedAtMs), Math.min(endMs, endedAtMs ?? endMs)])
    .filter(([from, to]) => from < to)
    .sort(([a], [b]) => a - b);
  const found: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found;
}
function lengths(episodes: readonly Fired[], { startMs, endMs }: Described): number[] {
  return episodes.map(({ firedAtMs, endedAtMs }) => Math.max(0, Math.min(endMs, endedAtMs ?? endMs) - Math.max(startMs, firedAtMs)));
}
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function ruleOf(replayed: ReplayedRule, parts: Described): ReplayedRuleAnswer {
  const { planned, rule, evaluations, failures, lastError, stepwise, episodes } = replayed;
  const inWindow = episodes.filter((each) => isIn(each, parts));
  const fired = inWindow.filter(hasFired);
  const took = lengths(fired, parts);
  // With a sweep the page draws what is compared.
  const threshold = rule.kind === 'alerting' ? (parts.sweep?.rule === rule ? parts.sweep.threshold : findThreshold(rule.expr)) : null;
  return {
    ...{ group: planned.group.name, name: rule.name, kind: rule.kind, expr: printPromql(rule.expr) },
    forSeconds: rule.kind === 'alerting' ? rule.forMs / 1000 : 0,
    intervalSeconds: planned.intervalMs / 1000,
    threshold: threshold ? finite(threshold.value) : null,
    comparison: threshold?.comparison ?? '',
    compared: threshold?.compared ? printPromql(threshold.compared) : '',
    ...{ evaluations, failures, lastError, stepwise: stepwise ?? '' },
    alerts: new Set(fired.map(({ labels }) => labels.key)).size,
    firings: fired.length,
    neverFired: inWindow.length - fired.length,
    firingMs: sum(took),
    longestMs: took.reduce((longest, ms) => Math.max(longest, ms), 0),
  };
}
async function episodeOf(
  { rule, episode }: { readonly rule: number; readonly episode: Fired },
  rules: readonly ReplayedRule[],
  { externalLabels, externalUrl }: LiveAlerting,
): Promise<ReplayedEpisode> {
  const { labels, activeAtMs, firedAtMs, endedAtMs, value, sample } = episode;
  const own = rules[rule]?.rule as AlertingRule;
  const query = (): Promise<never> => Promise.reject(new Error('queries of templates are not asked in a replay'));
  const expander = new Expander({ externalLabels, externalUrl, atMs: firedAtMs, query });
  const annotations = await expander.expand(own.annotations, own.templates, { labels: sample ?? labels, value });
  return {
    ...{ rule, labels: objectOf(labels), annotations: Object.fromEntries(annotations), value: finite(value) },
    ...{ activeMs: activeAtMs, firedMs: firedAtMs, endedMs: endedAtMs },
  };
}
const SHOWN_ALERTS = 20;
function pageOf({ atMs, receiver, groupLabels, reason, firing, resolved }: Page, labels: ReadonlyMap<string, Labels>): ReplayedPage {
  const alerts = firing.slice(0, SHOWN_ALERTS).flatMap((key) => labels.get(key) ?? []);
  return { atMs, receiver, groupLabels: objectOf(groupLabels), reason, firing: firing.length, resolved, alerts: alerts.map(objectOf) };
}
const caughtOf = ({ trouble, verdict, pageMs, delayMs, earlierMs }: Caught): ReplayCaught => ({
  ...{ trouble, verdict, pageMs, delayMs, earlierMs },
});

function variantsOf(sweep: Sweep, parts: Described): ReplayVariant[] {
  const { replayed, startMs, endMs } = parts;
  const own = replayed.rules.find(({ rule }) => rule === sweep.rule);
  const all = sweep.variants.map(({ threshold, forMs, keepMs }, i): Omit<ReplayVariant, 'isFront'> => {
    const { episodes = [], cutMs = null } = own?.variants[i] ?? {};
    // What fires too often is told in part anyway.
    const fired = (cutMs === null ? episodes : episodes.slice(0, REPLAY_LIMITS.variantFirings)).filter(hasFired);
    const paged = paging(fired, parts, REPLAY_LIMITS.variantTurns);
    const { each, ...judged } = judge(fired, paged, parts);
    const inWindow = fired.filter((episode) => isIn(episode, parts));
    const ringing = paged.pages.filter(rings).map(({ atMs }) => atMs);
    return {
      ...judged,
      ...{ threshold, forSeconds: (forMs ?? sweep.rule.forMs) / 1000, keepSeconds: (keepMs ?? sweep.rule.keepFiringForMs) / 1000 },
      isCut: cutMs !== null || paged.cutMs !== null,
      alerts: new Set(inWindow.map(({ labels }) => labels.key)).size,
      firings: inWindow.length,
      firingMs: sum(lengths(inWindow, parts)),
      firing: union(fired, startMs, endMs).slice(0, REPLAY_LIMITS.shownStretches).flat(),
      rings: ringing.slice(0, REPLAY_LIMITS.shownStretches),
      verdicts: each.map(({ verdict, earlierMs, delayMs }) => ({ verdict, earlierMs, delayMs })),
    };
  });
  // Never to page is as quiet as it gets, and no choice.
  const front = frontOf(all.map(({ caught, delayMs, falsePerWeek }) => ({ delayMs: caught > 0 ? delayMs : null, falsePerWeek })));
  return all.map((variant, i) => ({ ...variant, isFront: front[i] === true && !variant.isCut }));
}
