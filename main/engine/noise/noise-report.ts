import { correlateAlerts } from '#analytics/noise/correlate-alerts.ts';
import { findNoise, type Noise } from '#analytics/noise/find-noise.ts';
import { NOISE_LIMITS, type NoiseAnswer, type NoiseFinding, type NoiseProposal } from '#contracts/noise.ts';
import { REPLAY_LIMITS } from '#contracts/replay.ts';
import type { LiveAlerting } from '#main/engine/replay/carried-alerting.ts';
import { type ReplayMeans, replayAsked } from '#main/engine/replay/replay-asked.ts';
import type { AlertmanagerConfig, InhibitRule, Route } from '#query/alerting/config.ts';
import { matcherOf, matchesAll } from '#query/alerting/matcher.ts';
import { type Judged, judgePages, LEAD_MS, type Trouble } from '#query/rules/replay/compare.ts';
import { pagesOf, rings } from '#query/rules/replay/pages.ts';
import type { Episode } from '#query/rules/replay/replay.ts';
import { readServiceMap } from '#store/read/read-service-map.ts';
import { readFirings, type StoredFiring } from './read-firings.ts';

interface Window {
  readonly startMs: number;
  readonly endMs: number;
}
const MINUTE_MS = 60_000;
const TIMEOUT_MS = 30_000;
/** Rules whose `for` is varied by a replay: the noisiest ones. */
const MAX_REPLAYED = 5;
const FOR_SECONDS = [60, 120, 300, 600, 900, 1_800];
/** A change must take this share of the pages away to be worth it. */
const WORTH = 0.3;

/** What of the alerts of a window was noise, what to change, and what the change would have done to the same window. */
export async function reportNoise(means: ReplayMeans, window: Window): Promise<NoiseAnswer> {
  const { store, series, live, signal, onCheck } = means;
  const options = { timeoutMs: TIMEOUT_MS, signal };
  const all = await readFirings(store, series, window, options);
  const firings = all.slice(0, NOISE_LIMITS.firings);
  const troubles = means.troubles.filter(({ startMs, endMs }) => startMs < window.endMs && (endMs ?? window.endMs) > window.startMs);
  const history = new History(firings, troubles, window, live);
  const found = findNoise(firings, (firing) => history.isActed(firing as StoredFiring), window);
  const findings: NoiseFinding[] = [];
  let replays = 0;
  for (const noise of found.slice(0, NOISE_LIMITS.findings)) {
    // A cancel is heard.
    await new Promise((done) => setImmediate(done));
    onCheck();
    const longer = noise.kind === 'flapping' && replays++ < MAX_REPLAYED ? await longerFor(means, noise, window) : null;
    findings.push({ ...shownOf(noise), ...(longer ?? history.change(noise)) });
  }
  const { edges } = await readServiceMap(store, window, options);
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
    incidents: troubles.length,
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
const savedBy = ({ proof }: NoiseFinding): number => (proof ? proof.before.pages - proof.after.pages : 0);
const shownOf = ({ equal: _, ...noise }: Noise) => ({ ...noise, alerts: [...noise.alerts] });
type Change = Pick<NoiseFinding, 'proposal' | 'proof'>;

/** What was sent of a history, and what would have been with a change. */
class History {
  readonly before: ReturnType<typeof countOf>;
  private readonly firings: readonly StoredFiring[];
  private readonly troubles: readonly Trouble[];
  private readonly window: Window;
  private readonly live: LiveAlerting;

  constructor(firings: readonly StoredFiring[], troubles: readonly Trouble[], window: Window, live: LiveAlerting) {
    this.firings = firings;
    this.troubles = troubles;
    this.window = window;
    this.live = live;
    this.before = this.sent(firings, live.config);
  }
  /** Somebody had to do with it: an incident of its time, a silence for it. */
  isActed({ own, fromMs, toMs }: StoredFiring): boolean {
    const untilMs = toMs ?? this.window.endMs;
    const inTrouble = this.troubles.some(({ startMs, endMs }) => fromMs < (endMs ?? this.window.endMs) && untilMs > startMs - LEAD_MS);
    return (
      inTrouble || this.live.silences.some((each) => each.startsAtMs < untilMs && each.endsAtMs > fromMs && matchesAll(each.matchers, own))
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
    const route: Route = { ...config.route, matchers: [both], groupBy: by, routes: [], continue: false, key: `${config.route.key}/noise` };
    const after = this.sent(this.firings, { ...config, route: { ...config.route, routes: [route, ...config.route.routes] } });
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
/** The shortest `for` that is worth it and loses no incident, by a replay of the rule in force. */
async function longerFor(means: ReplayMeans, noise: Noise, window: Window): Promise<Change | null> {
  const [name = ''] = noise.alerts;
  const rule = means.live.groups.flatMap(({ group }) => group.rules).find((each) => each.kind === 'alerting' && each.name === name);
  if (rule?.kind !== 'alerting') return null;
  const from = rule.forMs / 1000;
  const seconds = [from, ...FOR_SECONDS.filter((each) => each > from)];
  const body = { start: window.startMs, end: window.endMs, alert: name, sweep: { alert: name, forSeconds: seconds } };
  const answer = await replayAsked(body, means).catch(() => null);
  const variants = answer?.sweep?.variants ?? [];
  const before = variants.find((each) => each.forSeconds === from);
  const after = variants.find(
    (each) => before && each.forSeconds > from && each.caught >= before.caught && each.pages <= before.pages * (1 - WORTH),
  );
  if (!before || !after || !answer) return null;
  const counted = ({ pages, caught }: { readonly pages: number; readonly caught: number }) => ({
    pages,
    caught,
    incidents: answer.troubles.length,
  });
  const proposal: NoiseProposal = { kind: 'longer_for', seconds: after.forSeconds, from };
  return { proposal, proof: { before: counted(before), after: counted(after) } };
}
