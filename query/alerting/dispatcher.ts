import { compareText, entriesOf, keepLabels, type Labels, labelOf } from '#query/promql/labels.ts';
import { type Alert, type AlertStatus, fingerprintOf, isResolved, mergeAlert, type PostedAlert, receivedAlert } from './alert.ts';
import type { AlertmanagerConfig, Integration, Receiver, Route } from './config.ts';
import { DueQueue } from './due-queue.ts';
import { Inhibitor } from './inhibitor.ts';
import { goQuoted } from './matcher.ts';
import { NotificationLog, type NotifyReason } from './notification-log.ts';
import { RouteTree } from './routes.ts';
import { type Silence, Silences } from './silence.ts';
import { isWithinAny } from './time-interval.ts';

/** Alerts and groups of one dispatcher. */
const MAX_ALERTS = 100_000;
const MAX_GROUPS = 100_000;
/** How long what is resolved is still known (alerts.gc-interval). */
const GC_MS = 30 * 60_000;
/** The least time a delivery has (notify.MinTimeout). */
const MIN_TIMEOUT_MS = 10_000;

export interface FlushAlert {
  readonly alert: Alert;
  readonly status: AlertStatus;
}
export interface SuppressedAlert extends FlushAlert {
  readonly by: 'silence' | 'inhibition' | 'mute-interval' | 'inactive-interval';
  /** Of the silences; the inhibiting alert's fingerprint; names of intervals. With several, the first. */
  readonly id: string;
}
/** What one integration of the receiver is told, or why it is not. */
export interface Delivery {
  readonly integration: Integration;
  readonly reason: NotifyReason;
  /** Without the resolved ones where the integration does not want them; [] with a reason to tell: it is only written down. */
  readonly alerts: readonly FlushAlert[];
}
/** A group's turn, also when nothing is told. */
export interface GroupFlush {
  readonly receiver: string;
  readonly route: Route;
  readonly routeKey: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** What is left after suppression, in Alertmanager's order. */
  readonly alerts: readonly FlushAlert[];
  readonly suppressed: readonly SuppressedAlert[];
  /** The first of its deliveries that tells something; `suppressed`: nothing is left; `no-integration`: the receiver has none. */
  readonly reason: NotifyReason | 'suppressed' | 'no-integration';
  readonly deliveries: readonly Delivery[];
  readonly atMs: number;
  /** The group's turn before; null: this is its first. */
  readonly previousMs: number | null;
  /** When a delivery is given up: the group's next turn tells again. */
  readonly deadlineMs: number;
}
/** A group as `GET /api/v2/alerts/groups` shows it. */
export interface AlertGroup {
  readonly receiver: string;
  readonly route: Route;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  readonly alerts: readonly Alert[];
  readonly nextMs: number;
  readonly previousMs: number | null;
}
/** What keeps an alert back now, whatever its route. */
export interface AlertState {
  readonly silencedBy: readonly string[];
  /** Fingerprints. */
  readonly inhibitedBy: readonly string[];
}
export interface DispatcherOptions {
  readonly config: AlertmanagerConfig;
  /** A new array whenever one changed. */
  readonly silences: () => readonly Silence[];
  /** Kept over a change of configuration and a restart. */
  readonly log?: NotificationLog;
}

class Group {
  readonly alerts = new Map<string, Alert>();
  nextMs: number;
  previousMs: number | null = null;
  readonly key: string;
  readonly route: Route;
  readonly labels: Labels;

  constructor(route: Route, labels: Labels, nextMs: number) {
    this.route = route;
    this.labels = labels;
    this.key = groupKey(route, labels);
    this.nextMs = nextMs;
  }
}
interface Pending {
  readonly group: Group;
  readonly resolved: readonly Alert[];
  readonly open: Set<Delivery>;
}

/**
 * Alertmanager's dispatcher and notification pipeline over a clock that is given: `put` alerts, `advance` to `nextMs`, deliver what comes
 * back and say so by `sent`. Groups, waits and repeats as in dispatch.go and notify.go of Alertmanager 0.30 (a group that has become empty is
 * gone, and begins anew with group_wait).
 */
export class Dispatcher {
  readonly log: NotificationLog;
  /** Alerts and groups that were over the limit. */
  dropped = 0;
  private readonly config: AlertmanagerConfig;
  private readonly routes: RouteTree;
  private readonly receivers: ReadonlyMap<string, Receiver>;
  private readonly inhibitor: Inhibitor;
  private readonly silences: Silences;
  private readonly known = new Map<string, { alert: Alert; readonly routes: readonly Route[] }>();
  private readonly grouped = new Map<Route, Map<string, Group>>();
  private readonly queue = new DueQueue<Group>();
  private readonly pending = new WeakMap<GroupFlush, Pending>();
  private groupCount = 0;
  private nextGcMs: number | null = null;

  constructor({ config, silences, log }: DispatcherOptions) {
    this.config = config;
    this.log = log ?? new NotificationLog();
    this.routes = new RouteTree(config.route);
    this.receivers = new Map(config.receivers.map((each) => [each.name, each]));
    this.inhibitor = new Inhibitor(config.inhibitRules);
    this.silences = new Silences(silences);
  }
  /** When `advance` has something to do next; null: never. */
  get nextMs(): number | null {
    for (;;) {
      const first = this.queue.peek();
      if (!first) return null;
      if (this.isDue(first.value, first.atMs)) return first.atMs;
      this.queue.pop();
    }
  }
  private isDue(group: Group, atMs: number): boolean {
    return group.nextMs === atMs && group.alerts.size > 0;
  }
  /** @returns the alert as it is now; null: there are too many */
  put(posted: PostedAlert, nowMs: number): Alert | null {
    const received = receivedAlert(posted, nowMs, this.config.global.resolveTimeoutMs);
    const { key } = received.labels;
    const old = this.known.get(key);
    if (!old && this.known.size >= MAX_ALERTS) {
      this.dropped++;
      return null;
    }
    const alert = old ? mergeAlert(old.alert, received) : received;
    const routes = old?.routes ?? this.routes.match(alert.labels);
    this.known.set(key, { alert, routes });
    this.inhibitor.put(alert);
    for (const route of routes) this.insert(route, alert, nowMs);
    return alert;
  }
  private insert(route: Route, alert: Alert, nowMs: number): void {
    const labels = groupLabelsOf(route, alert.labels);
    const groups = this.grouped.get(route) ?? new Map<string, Group>();
    this.grouped.set(route, groups);
    let group = groups.get(labels.key);
    if (!group) {
      if (this.groupCount >= MAX_GROUPS) {
        this.dropped++;
        return;
      }
      const isOld = alert.startsAtMs + route.groupWaitMs < nowMs;
      group = new Group(route, labels, isOld ? nowMs : nowMs + route.groupWaitMs);
      groups.set(labels.key, group);
      this.groupCount++;
      this.queue.push(group.nextMs, group);
    }
    group.alerts.set(alert.labels.key, alert);
  }
  /** Turns of all groups that are due. Whoever comes late gets one turn a group, not all it missed, as from Alertmanager's timers. */
  advance(nowMs: number): GroupFlush[] {
    this.collectGarbage(nowMs);
    const due: Group[] = [];
    for (let next = this.nextMs; next !== null && next <= nowMs; next = this.nextMs) {
      due.push((this.queue.peek() as { value: Group }).value);
      this.queue.pop();
    }
    return due.map((group) => this.flush(group, nowMs));
  }
  private flush(group: Group, nowMs: number): GroupFlush {
    const { route, previousMs } = group;
    group.previousMs = nowMs;
    group.nextMs = nowMs + route.groupIntervalMs;
    this.queue.push(group.nextMs, group);
    const all = sortAlerts([...group.alerts.values()]).map((alert): FlushAlert => {
      return { alert, status: isResolved(alert, nowMs) ? 'resolved' : 'firing' };
    });
    const { alerts, suppressed } = this.suppress(all, route, nowMs);
    const deliveries = alerts.length === 0 ? [] : this.deliveries(group, alerts, nowMs);
    const flush: GroupFlush = {
      ...{ receiver: route.receiver, route, routeKey: route.key, groupKey: group.key, groupLabels: group.labels },
      ...{ alerts, suppressed, deliveries, atMs: nowMs, previousMs },
      reason: reasonOf(alerts, deliveries),
      deadlineMs: nowMs + Math.max(route.groupIntervalMs, MIN_TIMEOUT_MS),
    };
    const open = new Set(deliveries.filter(({ reason }) => reason !== 'nothing-new'));
    const pending = { group, resolved: all.flatMap(({ alert, status }) => (status === 'resolved' ? alert : [])), open };
    if (open.size === 0) this.finish(pending);
    else this.pending.set(flush, pending);
    return flush;
  }
  /** In the order of Alertmanager's stages: inhibition, active times, mute times, silences. */
  private suppress(all: readonly FlushAlert[], route: Route, nowMs: number): Pick<GroupFlush, 'alerts' | 'suppressed'> {
    const alerts: FlushAlert[] = [];
    const suppressed: SuppressedAlert[] = [];
    const { activeTimeIntervals, muteTimeIntervals } = route;
    const isIn = (name: string): boolean => {
      const interval = this.config.timeIntervals.get(name);
      return interval !== undefined && isWithinAny(interval, nowMs);
    };
    const inactive = activeTimeIntervals.length > 0 && !activeTimeIntervals.some(isIn) ? activeTimeIntervals[0] : undefined;
    const muted = muteTimeIntervals.find(isIn);
    for (const each of all) {
      const { labels } = each.alert;
      const inhibiting = this.inhibitor.inhibitorOf(labels, nowMs);
      if (inhibiting) suppressed.push({ ...each, by: 'inhibition', id: fingerprintOf(inhibiting) });
      else if (inactive !== undefined) suppressed.push({ ...each, by: 'inactive-interval', id: inactive });
      else if (muted !== undefined) suppressed.push({ ...each, by: 'mute-interval', id: muted });
      else {
        const [silence] = this.silences.of(labels, nowMs);
        if (silence === undefined) alerts.push(each);
        else suppressed.push({ ...each, by: 'silence', id: silence });
      }
    }
    return { alerts, suppressed };
  }
  private deliveries(group: Group, alerts: readonly FlushAlert[], nowMs: number): Delivery[] {
    const { route } = group;
    const firing = keysOf(alerts, 'firing');
    const resolved = keysOf(alerts, 'resolved');
    const about = { receiver: route.receiver, groupKey: group.key, nowMs, repeatMs: route.repeatIntervalMs };
    const integrations = this.receivers.get(route.receiver)?.integrations ?? [];
    return integrations.map((integration): Delivery => {
      const reason = this.log.reason(about, integration, firing, resolved);
      const wanted = integration.sendResolved ? alerts : alerts.filter(({ status }) => status === 'firing');
      return { integration, reason, alerts: reason === 'nothing-new' ? [] : wanted };
    });
  }
  /** What was delivered, or could be: without a delivery all of the flush. What is not said to be sent is told again at the group's next turn. */
  sent(flush: GroupFlush, delivery?: Delivery): void {
    const pending = this.pending.get(flush);
    if (!pending) return;
    const { group, open } = pending;
    for (const each of delivery ? [delivery] : [...open]) {
      if (!open.delete(each)) continue;
      const { receiver, groupKey, atMs, alerts } = flush;
      const [firing, resolved] = [keysOf(alerts, 'firing'), keysOf(alerts, 'resolved')];
      this.log.log({ groupKey, receiver, atMs, firing, resolved }, each.integration, group.route.repeatIntervalMs);
    }
    if (open.size === 0) this.finish(pending);
  }
  /** Everybody knows: what is resolved leaves its group, unless something new was said about it meanwhile. */
  private finish({ group, resolved }: Pending): void {
    for (const alert of resolved) if (group.alerts.get(alert.labels.key) === alert) group.alerts.delete(alert.labels.key);
    if (group.alerts.size > 0) return;
    const groups = this.grouped.get(group.route);
    if (groups?.get(group.labels.key) === group && groups.delete(group.labels.key)) this.groupCount--;
  }
  private collectGarbage(nowMs: number): void {
    this.nextGcMs ??= nowMs + GC_MS;
    if (nowMs < this.nextGcMs) return;
    this.nextGcMs = nowMs + GC_MS;
    this.log.expire(nowMs);
    this.inhibitor.expire(nowMs);
    for (const [key, { alert }] of this.known) {
      if (!isResolved(alert, nowMs)) continue;
      this.known.delete(key);
      this.silences.forget(alert.labels);
    }
  }
  /** All that are known, also those resolved in the last half hour. */
  alerts(): Alert[] {
    return [...this.known.values()].map(({ alert }) => alert);
  }
  groups(): AlertGroup[] {
    return [...this.grouped.values()].flatMap((groups) =>
      [...groups.values()].map(({ route, key, labels, alerts, nextMs, previousMs }) => ({
        ...{ receiver: route.receiver, route, groupKey: key, groupLabels: labels, nextMs, previousMs },
        alerts: sortAlerts([...alerts.values()]),
      })),
    );
  }
  routesOf(labels: Labels): readonly Route[] {
    return this.known.get(labels.key)?.routes ?? this.routes.match(labels);
  }
  stateOf(labels: Labels, nowMs: number): AlertState {
    const inhibiting = this.inhibitor.inhibitorOf(labels, nowMs);
    return { silencedBy: this.silences.of(labels, nowMs), inhibitedBy: inhibiting ? [fingerprintOf(inhibiting)] : [] };
  }
}
function reasonOf(alerts: readonly FlushAlert[], deliveries: readonly Delivery[]): GroupFlush['reason'] {
  if (alerts.length === 0) return 'suppressed';
  if (deliveries.length === 0) return 'no-integration';
  return deliveries.find(({ reason }) => reason !== 'nothing-new')?.reason ?? 'nothing-new';
}
const keysOf = (alerts: readonly FlushAlert[], wanted: AlertStatus): string[] =>
  alerts.flatMap(({ alert, status }) => (status === wanted ? alert.labels.key : []));

/** Job, instance (who has none comes last), then all labels: fewer first (types.AlertSlice, model.LabelSet.Before). */
function sortAlerts(alerts: Alert[]): Alert[] {
  return alerts.sort(({ labels: a }, { labels: b }) => {
    for (const name of ['job', 'instance']) {
      const [x, y] = [labelOf(a, name), labelOf(b, name)];
      if (x !== y) return x !== '' && (y === '' || compareText(x, y) < 0) ? -1 : 1;
    }
    if (a.names.length !== b.names.length) return a.names.length - b.names.length;
    for (const [i, name] of a.names.entries()) {
      const order = compareText(b.names[i] as string, name) || compareText(a.values[i] as string, b.values[i] as string);
      if (order !== 0) return order;
    }
    return 0;
  });
}
/** As prometheus/common prints a label set: {alertname="x", cluster="a"}. */
const printLabels = (labels: Labels): string =>
  `{${entriesOf(labels)
    .map(([name, value]) => `${name}=${goQuoted(value)}`)
    .join(', ')}}`;

const groupKey = (route: Route, groupLabels: Labels): string => `${route.key}:${printLabels(groupLabels)}`;
/** Labels an alert is grouped by on this route. */
export function groupLabelsOf({ groupBy }: Route, labels: Labels): Labels {
  return groupBy === 'all' ? labels : keepLabels(labels, (name) => groupBy.includes(name));
}
/** {}/{owner="team-A"}:{alertname="x"} */
export const groupKeyOf = (route: Route, labels: Labels): string => groupKey(route, groupLabelsOf(route, labels));

/** All turns up to a time, each at its own time: for simulated clocks. Say `sent` before asking for the next. */
export function* flushesUntil(dispatcher: Dispatcher, untilMs: number): Iterable<GroupFlush> {
  for (let next = dispatcher.nextMs; next !== null && next <= untilMs; next = dispatcher.nextMs) yield* dispatcher.advance(next);
}
