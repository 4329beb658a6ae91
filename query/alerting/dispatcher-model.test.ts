import { describe, expect, it } from 'vitest';
import { type Labels, labelOf, labelsOf } from '#query/promql/labels.ts';
import { type Alert, fingerprintOf, mergeAlert, type PostedAlert, receivedAlert } from './alert.ts';
import { type AlertmanagerConfig, DEFAULT_CONFIG, type InhibitRule, type Integration, integrationName, type Route } from './config.ts';
import { Dispatcher, flushesUntil, type GroupFlush, groupKeyOf } from './dispatcher.ts';
import { type Matcher, matcherOf, matchesAll, printMatchers } from './matcher.ts';
import { type Silence, silenceState } from './silence.ts';

/** The dispatcher against a model that looks at everything every second: no queue, no index, nothing remembered. */
const SECOND = 1000;
const SECONDS = 400;
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
interface World {
  readonly config: AlertmanagerConfig;
  readonly silences: readonly Silence[];
  /** By second. */
  readonly posts: ReadonlyMap<number, readonly PostedAlert[]>;
  /** Whether a delivery arrives. */
  readonly arrives: (atMs: number, name: string) => boolean;
}
const VALUES = ['a', 'b', 'c'];
function worldOf(seed: number): World {
  const random = generator(seed);
  const int = (n: number): number => Math.floor(random() * n);
  const pick = <T>(list: readonly T[]): T => list[int(list.length)] as T;
  const chance = (p: number): boolean => random() < p;
  const matcher = (): Matcher =>
    chance(0.7)
      ? matcherOf(pick(['x', 'y', 'z']), pick(['=', '=', '!='] as const), pick(VALUES))
      : matcherOf(pick(['x', 'y', 'z']), pick(['=~', '!~'] as const), pick(['a|b', '.*', 'c.?', '']));
  let count = 0;
  const routeOf = (depth: number, parent: Route | null): Route => {
    // Each route has a key of its own: two with the same would share what was told.
    const matchers = parent ? [matcherOf('n', '!=', String(count++)), ...(chance(0.8) ? [matcher()] : [])] : [];
    const own: Route = {
      matchers,
      receiver: pick(['r0', 'r1', 'r2', 'r3']),
      groupBy: pick(['all', [], ['x'], ['x', 'y']] as const),
      groupWaitMs: pick([0, 3, 10]) * SECOND,
      groupIntervalMs: pick([5, 10, 20]) * SECOND,
      repeatIntervalMs: pick([5, 15, 60]) * SECOND,
      continue: chance(0.4),
      muteTimeIntervals: parent && chance(0.2) ? ['odd'] : [],
      activeTimeIntervals: parent && chance(0.2) ? ['odd'] : [],
      routes: [],
      key: `${parent ? `${parent.key}/` : ''}${printMatchers(matchers)}`,
      line: 0,
    };
    const children = depth > 2 ? 0 : chance(0.15) ? 9 : int(4);
    return { ...own, routes: Array.from({ length: children }, () => routeOf(depth + 1, own)) };
  };
  const inhibitRules = Array.from(
    { length: int(3) },
    (): InhibitRule => ({ name: '', source: [matcher()], target: [matcher()], equal: pick([[], ['x'], ['y', 'q']]), line: 0 }),
  );
  const integration = (index: number): Integration => ({ kind: 'desktop', index, sendResolved: chance(0.6), line: 0 });
  const silences = Array.from({ length: int(4) }, (_, i): Silence => {
    const startsAtMs = int(SECONDS) * SECOND;
    return {
      id: `s${i}`,
      matchers: [matcher()],
      startsAtMs,
      endsAtMs: startsAtMs + int(100) * SECOND,
      updatedAtMs: 0,
      createdBy: '',
      comment: '',
    };
  });
  const posts = new Map<number, PostedAlert[]>();
  const lies = generator(seed + 1);
  const late = new Set(Array.from({ length: 60 }, () => Math.floor(lies() * SECONDS) * SECOND));
  for (let i = 0; i < 250; i++) {
    const at = int(SECONDS);
    const labels = labelsOf([
      ['x', pick(VALUES)],
      ['y', pick(['', ...VALUES])],
      ['z', pick(['', 'a'])],
      ['job', pick(['', 'j'])],
    ]);
    const startsAtMs = chance(0.2) ? null : (at - int(40)) * SECOND;
    const endsAtMs = chance(0.3) ? null : (at - 10 + int(60)) * SECOND;
    const post = {
      labels,
      annotations: new Map(),
      startsAtMs,
      endsAtMs: startsAtMs !== null && endsAtMs !== null ? Math.max(startsAtMs, endsAtMs) : endsAtMs,
      generatorUrl: '',
    };
    posts.set(at, [...(posts.get(at) ?? []), post]);
  }
  const odd = {
    name: 'odd',
    intervals: Array.from({ length: 5 }, (_, i) => ({
      times: [{ begin: 2 * i + 1, end: 2 * i + 2 }],
      weekdays: [],
      daysOfMonth: [],
      months: [],
      years: [],
      location: 'UTC',
    })),
  };
  return {
    config: {
      ...DEFAULT_CONFIG,
      global: { resolveTimeoutMs: 30 * SECOND },
      route: routeOf(0, null),
      receivers: ['r0', 'r1', 'r2', 'r3'].map((name, i) => ({
        name,
        integrations: Array.from({ length: i === 3 ? 0 : 1 + int(2) }, (_, index) => integration(index)),
      })),
      inhibitRules,
      timeIntervals: new Map([['odd', odd]]),
    },
    silences,
    posts,
    arrives: (atMs, name) => !(late.has(atMs) && name.endsWith('[0]')),
  };
}
/** A turn, as text. */
const printTurn = (atMs: number, receiver: string, key: string, parts: readonly string[]): string =>
  `${atMs / SECOND} ${receiver} ${key} ${parts.join(' ')}`;
const printLabels = (labels: Labels): string => labels.names.map((name, i) => `${name}${labels.values[i]}`).join('');

function ours({ config, silences, posts, arrives }: World): string[] {
  const dispatcher = new Dispatcher({ config, silences: () => silences });
  const said: string[] = [];
  const deliver = (untilMs: number): void => {
    for (const flush of flushesUntil(dispatcher, untilMs)) {
      said.push(turnOf(flush));
      for (const each of flush.deliveries)
        if (each.reason !== 'nothing-new' && arrives(flush.atMs, integrationName(each.integration))) dispatcher.sent(flush, each);
    }
  };
  for (let second = 0; second < SECONDS; second++) {
    deliver(second * SECOND - 1);
    for (const post of posts.get(second) ?? []) dispatcher.put(post, second * SECOND);
    deliver(second * SECOND);
  }
  return said.sort();
}
const turnOf = ({ atMs, receiver, groupKey, alerts, suppressed, deliveries }: GroupFlush): string =>
  printTurn(atMs, receiver, groupKey, [
    ...alerts.map(({ alert, status }) => `${printLabels(alert.labels)}:${status}:${alert.startsAtMs}`).sort(),
    ...suppressed.map(({ alert, by, id }) => `${printLabels(alert.labels)}:${by}:${by === 'inhibition' ? '' : id}`).sort(),
    ...deliveries.map(({ integration, reason, alerts: told }) => `${integrationName(integration)}=${reason}/${told.length}`),
  ]);

interface ModelGroup {
  readonly route: Route;
  readonly key: string;
  nextMs: number;
  readonly members: Map<string, Alert>;
}
/** As the documentation of Alertmanager tells it. */
function model({ config, silences, posts, arrives }: World): string[] {
  const alerts = new Map<string, Alert>();
  let groups: ModelGroup[] = [];
  const told = new Map<string, { atMs: number; firing: string[]; resolved: string[] }>();
  const said: string[] = [];
  const routesFor = (route: Route, labels: Labels): Route[] => {
    if (!matchesAll(route.matchers, labels)) return [];
    const found: Route[] = [];
    for (const child of route.routes) {
      const below = routesFor(child, labels);
      found.push(...below);
      if (below.length > 0 && !child.continue) break;
    }
    return found.length > 0 ? found : [route];
  };
  const isInhibited = (labels: Labels, nowMs: number): boolean =>
    config.inhibitRules.some(
      ({ source, target, equal }) =>
        matchesAll(target, labels) &&
        [...alerts.values()].some(
          (other) =>
            other.endsAtMs > nowMs &&
            matchesAll(source, other.labels) &&
            equal.every((name) => labelOf(other.labels, name) === labelOf(labels, name)) &&
            !(matchesAll(source, labels) && matchesAll(target, other.labels)),
        ),
    );
  const isOdd = (nowMs: number): boolean => Math.floor(nowMs / 60_000) % 2 === 1 && nowMs < 600_000;
  const suppression = (alert: Alert, route: Route, nowMs: number): string | null => {
    if (isInhibited(alert.labels, nowMs)) return 'inhibition:';
    if (route.activeTimeIntervals.length > 0 && !isOdd(nowMs)) return 'inactive-interval:odd';
    if (route.muteTimeIntervals.length > 0 && isOdd(nowMs)) return 'mute-interval:odd';
    const by = silences.find((each) => silenceState(each, nowMs) === 'active' && matchesAll(each.matchers, alert.labels));
    return by ? `silence:${by.id}` : null;
  };
  const turn = (group: ModelGroup, nowMs: number): void => {
    group.nextMs = nowMs + group.route.groupIntervalMs;
    const all = [...group.members.values()];
    const status = (alert: Alert): string => (alert.endsAtMs <= nowMs ? 'resolved' : 'firing');
    const left = all.filter((alert) => suppression(alert, group.route, nowMs) === null);
    const keys = (wanted: string): string[] => left.filter((alert) => status(alert) === wanted).map(({ labels }) => labels.key);
    const [firing, resolved] = [keys('firing'), keys('resolved')];
    const { integrations } = config.receivers.find(({ name }) => name === group.route.receiver) as AlertmanagerConfig['receivers'][number];
    let isDone = true;
    const deliveries = (left.length === 0 ? [] : integrations).map((each) => {
      const id = JSON.stringify([group.route.receiver, integrationName(each), group.key]);
      const before = told.get(id);
      let reason = 'nothing-new';
      // An entry is kept for two repetitions.
      if (!before || before.atMs + 2 * group.route.repeatIntervalMs <= nowMs) reason = firing.length > 0 ? 'first' : reason;
      else if (firing.some((key) => !before.firing.includes(key))) reason = before.firing.length > 0 ? 'new' : 'first';
      else if (firing.length === 0) reason = before.firing.length > 0 ? 'resolved' : reason;
      else if (each.sendResolved && resolved.some((key) => !before.resolved.includes(key))) reason = 'resolved';
      else if (nowMs - before.atMs >= group.route.repeatIntervalMs) reason = 'repeat';
      if (reason !== 'nothing-new') {
        if (arrives(nowMs, integrationName(each))) told.set(id, { atMs: nowMs, firing, resolved });
        else isDone = false;
      }
      const shown = reason === 'nothing-new' ? 0 : firing.length + (each.sendResolved ? resolved.length : 0);
      return `${integrationName(each)}=${reason}/${shown}`;
    });
    said.push(
      printTurn(nowMs, group.route.receiver, group.key, [
        ...left.map((alert) => `${printLabels(alert.labels)}:${status(alert)}:${alert.startsAtMs}`).sort(),
        ...all
          .filter((alert) => !left.includes(alert))
          .map((alert) => `${printLabels(alert.labels)}:${suppression(alert, group.route, nowMs)}`)
          .sort(),
        ...deliveries,
      ]),
    );
    if (isDone) for (const alert of all) if (status(alert) === 'resolved') group.members.delete(alert.labels.key);
  };
  for (let second = 0; second < SECONDS; second++) {
    const nowMs = second * SECOND;
    for (const post of posts.get(second) ?? []) {
      const received = receivedAlert(post, nowMs, config.global.resolveTimeoutMs);
      const old = alerts.get(received.labels.key);
      const alert = old ? mergeAlert(old, received) : received;
      alerts.set(alert.labels.key, alert);
      for (const route of routesFor(config.route, alert.labels)) {
        const key = groupKeyOf(route, alert.labels);
        let group = groups.find((each) => each.route === route && each.key === key);
        if (!group) {
          const isOld = alert.startsAtMs + route.groupWaitMs < nowMs;
          group = { route, key, members: new Map(), nextMs: isOld ? nowMs : nowMs + route.groupWaitMs };
          groups.push(group);
        }
        group.members.set(alert.labels.key, alert);
      }
    }
    for (const group of groups) if (group.nextMs === nowMs) turn(group, nowMs);
    groups = groups.filter(({ members }) => members.size > 0);
  }
  return said.sort();
}
const SEEDS = Number(process.env['FAULTLINE_DISPATCHER_SEEDS'] ?? 8);
describe('random alerts are told about as in a model without queue and index', () => {
  const reasons = new Set<string>();
  it.each(Array.from({ length: SEEDS }, (_, i) => i + 1))('seed %i', (seed) => {
    const world = worldOf(seed);
    const said = ours(world);
    expect(said).toEqual(model(world));
    for (const [word] of said
      .join(' ')
      .matchAll(/first|new|resolved|repeat|nothing-new|silence|inhibition|mute-interval|inactive-interval/g))
      reasons.add(word);
  });
  it('everything that can happen did', () => expect(reasons.size).toBe(9));
});
describe('fingerprints', () => {
  it('tell labels apart', () => {
    const all = VALUES.flatMap((x) =>
      VALUES.map((y) =>
        fingerprintOf(
          labelsOf([
            ['x', x],
            ['y', y],
          ]),
        ),
      ),
    );
    expect(new Set(all).size).toBe(9);
  });
});
