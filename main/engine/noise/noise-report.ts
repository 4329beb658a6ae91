import { correlateAlerts, serviceOf } from '#analytics/noise/correlate-alerts.ts';
import { findNoise, type Noise } from '#analytics/noise/find-noise.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { NOISE_LIMITS, type NoiseAnswer, type NoiseFinding, type NoiseProposal } from '#contracts/noise.ts';
import { REPLAY_LIMITS, type ReplayBody, type ReplayVariant } from '#contracts/replay.ts';
import type { LiveAlerting } from '#main/engine/replay/carried-alerting.ts';
import { type ReplayMeans, replayAsked } from '#main/engine/replay/replay-asked.ts';
import { type OnRecord, troubleOf } from '#main/engine/replay/trouble-of.ts';
import type { AlertmanagerConfig, InhibitRule } from '#query/alerting/config.ts';
import { matcherOf, matchesAll } from '#query/alerting/matcher.ts';
import { RouteTree, regrouped } from '#query/alerting/routes.ts';
import { type Judged, judgePages, LEAD_MS, type Trouble } from '#query/rules/replay/compare.ts';
import { pagesOf, rings } from '#query/rules/replay/pages.ts';
import type { Episode } from '#query/rules/replay/replay.ts';
import { findThreshold } from '#query/rules/replay/threshold.ts';
import { readServiceMap } from '#store/read/read-service-map.ts';
import { readFirings, type StoredFiring } from './read-firings.ts';

interface Window {
  readonly startMs: number;
  readonly endMs: number;
}
const MINUTE_MS = 60_000;
const TIMEOUT_MS = 30_000;
/** Rules that are varied by replays: the noisiest ones. */
const MAX_REPLAYED = 5;
const SECONDS = [60, 120, 300, 600, 900, 1_800];
/** Of a threshold, towards the quiet side. */
const SHARES = [0.05, 0.1, 0.2, 0.5, 1];
/** A change must take this share of the pages away to be worth it. */
const WORTH = 0.3;

/** What of the alerts of a window was noise, what to change, and what the change would have done to the same window. */
export async function reportNoise(means: ReplayMeans, window: Window): Promise<NoiseAnswer> {
  const { store, series, live, signal, onCheck } = means;
  const options = { timeoutMs: TIMEOUT_MS, signal };
  const all = await readFirings(store, series, window, options);
  const firings = all.slice(0, NOISE_LIMITS.firings);
  const incidents = means.incidents.filter(
    ({ onsetMs, resolvedMs }) => onsetMs < window.endMs && (resolvedMs ?? window.endMs) > window.startMs,
  );
  const { nodes, edges } = await readServiceMap(store, window, options);
  const services = new Set([...nodes, ...means.incidents].flatMap((each) => ('services' in each ? each.services : each.service)));
  const history = new History({ firings, incidents, services, window, live });
  const found = findNoise(firings, (firing) => history.isActed(firing as StoredFiring), window);
  const findings: NoiseFinding[] = [];
  let replays = 0;
  for (const noise of found.slice(0, NOISE_LIMITS.findings)) {
    // A cancel is heard.
    await new Promise((done) => setImmediate(done));
    onCheck();
    const replayed = noise.kind === 'flapping' && replays++ < MAX_REPLAYED ? await replayedChanges(means, noise, window) : [];
    const [best = history.change(noise), ...others] = replayed.sort((a, b) => savedBy(b) - savedBy(a));
    findings.push({ ...shownOf(noise), ...best, others });
  }
  const groups = correlateAlerts(
    firings,
    edges.map(({ from, to }) => [from, to] as const),
    window,
  );
  return {
    ...window,
    alerts: new Set(firings.map(({ key }) => key)).size,
    firings: firings.length,
    pages: history.before.pages,
    incidents: incidents.length,
    findings: findings.sort((a, b) => savedBy(b) - savedBy(a)),
    groups: groups.slice(-NOISE_LIMITS.groups).map(({ firings: own, because, services }) => ({
      fromMs: own[0]?.fromMs ?? 0,
      toMs: own.reduce((last, { toMs }) => Math.max(last, toMs ?? window.endMs), 0),
      ...{ because: [...because], services: [...services], count: own.length },
      firings: own.slice(0, NOISE_LIMITS.shownFirings).map(({ labels, fromMs, toMs }) => ({ labels, fromMs, toMs })),
    })),
    isCut: all.length > firings.length,
  };
}
const savedBy = ({ proof: { before, after } }: Change): number => before.pages - after.pages;
const shownOf = ({ equal: _, ...noise }: Noise) => ({ ...noise, alerts: [...noise.alerts] });
type Change = Pick<NoiseFinding, 'proposal' | 'proof'>;

/** What was sent of a history, and what would have been with a change. */
class History {
  readonly before: ReturnType<typeof countOf>;
  private readonly firings: readonly StoredFiring[];
  private readonly incidents: readonly OnRecord[];
  private readonly troubles: readonly Trouble[];
  private readonly services: ReadonlySet<string>;
  private readonly window: Window;
  private readonly live: LiveAlerting;

  constructor({
    firings,
    incidents,
    services,
    window,
    live,
  }: {
    readonly firings: readonly StoredFiring[];
    readonly incidents: readonly OnRecord[];
    /** Those there are. */
    readonly services: ReadonlySet<string>;
    readonly window: Window;
    readonly live: LiveAlerting;
  }) {
    this.services = services;
    this.firings = firings;
    this.incidents = incidents;
    this.troubles = incidents.map(troubleOf);
    this.window = window;
    this.live = live;
    this.before = this.sent(firings, live.config);
  }
  /** Somebody had to do with it: a silence for it, an incident of its service, or any that was acknowledged while it fired. */
  isActed({ own, labels, fromMs, toMs }: StoredFiring): boolean {
    const untilMs = toMs ?? this.window.endMs;
    const named = serviceOf({ labels });
    // A job that is no service's name says nothing of whose alert it is.
    const service = this.services.has(named) ? named : '';
    const isMet = this.incidents.some(({ onsetMs, resolvedMs, acknowledgedMs, services }) => {
      if (acknowledgedMs !== null && acknowledgedMs >= fromMs && acknowledgedMs <= untilMs) return true;
      if (service !== '' && services.length > 0 && !services.includes(service)) return false;
      return fromMs < (resolvedMs ?? this.window.endMs) && untilMs > onsetMs - LEAD_MS;
    });
    return (
      isMet || this.live.silences.some((each) => each.startsAtMs < untilMs && each.endsAtMs > fromMs && matchesAll(each.matchers, own))
    );
  }
  private sent(firings: readonly StoredFiring[], config: AlertmanagerConfig): ReturnType<typeof countOf> {
    const episodes = firings.map(
      ({ own, fromMs, toMs }): Episode => ({
        ...{ labels: own, activeAtMs: fromMs, firedAtMs: fromMs, endedAtMs: toMs, value: Number.NaN, sample: null },
      }),
    );
    const { pages } = pagesOf(episodes, { ...this.window, config, silences: this.live.silences, maxTurns: REPLAY_LIMITS.variantTurns });
    const ringing = pages.filter(rings).map(({ atMs }) => atMs);
    return countOf(judgePages(ringing, [], this.troubles, this.window), this.troubles.length);
  }
  change({ kind, alerts, middleMs, equal }: Noise): Change {
    const { config } = this.live;
    const [name = '', other = ''] = alerts;
    const proof = (after: ReturnType<typeof countOf>): Change['proof'] => ({ before: this.before, after });
    if (kind === 'flapping') {
      const seconds = Math.max(5, Math.ceil((middleMs * 2) / MINUTE_MS / 5) * 5) * 60;
      return {
        proposal: { kind: 'keep_firing_for', seconds },
        proof: proof(this.sent(keptFiring(this.firings, name, seconds * 1000), config)),
      };
    }
    if (kind === 'never_acted') {
      const rest = this.firings.filter((firing) => firing.name !== name);
      return { proposal: { kind: 'delete' }, proof: proof(this.sent(rest, config)) };
    }
    if (kind === 'duplicate') {
      const rule: InhibitRule = { name: '', source: [named(name)], target: [named(other)], equal: [...equal], line: 0 };
      const after = this.sent(this.firings, { ...config, inhibitRules: [...config.inhibitRules, rule] });
      return { proposal: { kind: 'inhibit', source: name, target: other, equal: [...equal] }, proof: proof(after) };
    }
    const by = [...equal];
    const both = matcherOf('alertname', '=~', [name, other].map(escaped).join('|'));
    const tree = new RouteTree(config.route);
    const taken = new Set(this.firings.filter((each) => each.name === name || each.name === other).flatMap(({ own }) => tree.match(own)));
    const after = this.sent(this.firings, { ...config, route: regrouped(config.route, taken, [both], by) });
    return { proposal: { kind: 'group', by }, proof: proof(after) };
  }
}
const countOf = ({ pages, caught }: Judged, incidents: number): { pages: number; caught: number; incidents: number } => ({
  pages,
  caught,
  incidents,
});
const named = (name: string) => matcherOf('alertname', '=', name);
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** With `keep_firing_for` an alert that comes back in time has never ended. */
function keptFiring(firings: readonly StoredFiring[], name: string, keepMs: number): StoredFiring[] {
  const last = new Map<string, { -readonly [K in keyof StoredFiring]: StoredFiring[K] }>();
  const found: StoredFiring[] = [];
  for (const firing of firings) {
    const before = last.get(firing.key);
    if (firing.name !== name) found.push(firing);
    else if (before && before.toMs !== null && firing.fromMs < before.toMs)
      before.toMs = firing.toMs === null ? null : firing.toMs + keepMs;
    else {
      const kept = { ...firing, toMs: firing.toMs === null ? null : firing.toMs + keepMs };
      last.set(firing.key, kept);
      found.push(kept);
    }
  }
  return found;
}
/** Of each kind of change the least one that is worth it and loses no incident, by replays of the rule in force. */
async function replayedChanges(means: ReplayMeans, noise: Noise, window: Window): Promise<Change[]> {
  const [name = ''] = noise.alerts;
  const rule = means.live.groups.flatMap(({ group }) => group.rules).find((each) => each.kind === 'alerting' && each.name === name);
  if (rule?.kind !== 'alerting') return [];
  const [from, kept, threshold] = [rule.forMs / 1000, rule.keepFiringForMs / 1000, findThreshold(rule.expr)];
  const longer = (seconds: number): number[] => [seconds, ...SECONDS.filter((each) => each > seconds)];
  const found = [
    await quieter(means, name, window, { forSeconds: longer(from) }, ({ forSeconds }) => ({
      kind: 'longer_for',
      seconds: forSeconds,
      from,
    })),
    await quieter(means, name, window, { keepSeconds: longer(kept) }, ({ keepSeconds }) => ({
      kind: 'keep_firing_for',
      seconds: keepSeconds,
    })),
  ];
  if (threshold && threshold.value !== 0 && /[<>]/.test(threshold.comparison)) {
    const { value, comparison } = threshold;
    const sign = comparison.startsWith('>') ? 1 : -1;
    const thresholds = [value, ...SHARES.map((share) => Number((value + sign * share * Math.abs(value)).toPrecision(6)))];
    const proposed = ({ threshold: to }: ReplayVariant): NoiseProposal => ({
      kind: 'threshold',
      value: to ?? value,
      from: value,
      comparison,
    });
    found.push(await quieter(means, name, window, { thresholds }, proposed));
  }
  return found.filter((change) => change !== null);
}
/** @param sweep its first variant is the rule as written */
async function quieter(
  means: ReplayMeans,
  alert: string,
  { startMs: start, endMs: end }: Window,
  sweep: ReplayBody['sweep'],
  proposalOf: (variant: ReplayVariant) => NoiseProposal,
): Promise<Change | null> {
  const answer = await replayAsked({ start, end, alert, sweep: { ...sweep, alert } }, means).catch((error: unknown) => {
    // A rule that cannot be replayed is proposed without; who has gone wants nothing any more.
    means.onCheck();
    if (error instanceof FaultlineError) return null;
    throw error;
  });
  const [before, ...variants] = answer?.sweep?.variants ?? [];
  if (!answer || !before) return null;
  // What never fires any more is not tuned but deleted; a longer `for` is what tells of a trouble that lasts.
  const isFair = ({ firings }: ReplayVariant): boolean => firings > 0 || sweep?.thresholds === undefined;
  const after = variants.find(
    (each) => isFair(each) && !each.isCut && each.caught >= before.caught && each.pages <= before.pages * (1 - WORTH),
  );
  if (!after) return null;
  const counted = ({ pages, caught }: ReplayVariant) => ({ pages, caught, incidents: answer.troubles.length });
  return { proposal: proposalOf(after), proof: { before: counted(before), after: counted(after) } };
}
