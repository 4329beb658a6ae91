import type { AlertingOverview, AlertView, IntegrationView, ReceiverView, RouteView, SilenceView } from '#contracts/alerting.ts';
import { type Alert, fingerprintOf, isResolved } from '#query/alerting/alert.ts';
import { type AlertmanagerConfig, integrationName, type Receiver, type Route } from '#query/alerting/config.ts';
import { matchesAll, printMatcher } from '#query/alerting/matcher.ts';
import { silenceState } from '#query/alerting/silence.ts';
import { isWithinAny } from '#query/alerting/time-interval.ts';
import { textsOf } from './flush-line.ts';
import type { Notifier } from './notifier.ts';
import { toText } from './to-text.ts';

/** Names of intervals that keep a route from telling now: those it is muted in, or those it would have to be in. */
export function mutedBy(
  { timeIntervals }: AlertmanagerConfig,
  route: Route,
  nowMs: number,
): { names: readonly string[]; isInactive: boolean } {
  const isIn = (name: string): boolean => {
    const interval = timeIntervals.get(name);
    return interval !== undefined && isWithinAny(interval, nowMs);
  };
  const muted = route.muteTimeIntervals.filter(isIn);
  if (route.activeTimeIntervals.length > 0 && !route.activeTimeIntervals.some(isIn))
    return { names: [...route.activeTimeIntervals, ...muted], isInactive: true };
  return { names: muted, isInactive: false };
}
export function alertView({ dispatcher, config }: Notifier, alert: Alert, nowMs: number): AlertView {
  const { labels, annotations, startsAtMs, endsAtMs, updatedAtMs, generatorUrl } = alert;
  const { silencedBy, inhibitedBy } = dispatcher.stateOf(labels, nowMs);
  const routes = dispatcher.routesOf(labels);
  const muted = new Set(routes.flatMap((route) => mutedBy(config.current, route, nowMs).names));
  return {
    fingerprint: fingerprintOf(labels),
    labels: textsOf(labels),
    annotations: Object.fromEntries(annotations),
    state: silencedBy.length > 0 || inhibitedBy.length > 0 ? 'suppressed' : 'active',
    ...{ startsAtMs, endsAtMs, updatedAtMs, generatorUrl, isResolved: isResolved(alert, nowMs) },
    receivers: [...new Set(routes.map(({ receiver }) => receiver))],
    silencedBy: [...silencedBy],
    inhibitedBy: [...inhibitedBy],
    mutedBy: [...muted],
  };
}
export function silenceViews({ silences, dispatcher }: Notifier, nowMs: number): SilenceView[] {
  const firing = dispatcher.alerts().filter((alert) => !isResolved(alert, nowMs));
  const compiled = new Map(silences.list().map((each) => [each.id, each]));
  return silences.all().map((record) => {
    const state = silenceState(record, nowMs);
    const matchers = state === 'expired' ? undefined : compiled.get(record.id)?.matchers;
    return { ...record, state, alerts: matchers ? firing.filter(({ labels }) => matchesAll(matchers, labels)).length : 0 };
  });
}
function routeViews(notifier: Notifier): RouteView[] {
  const counts = new Map<Route, { groups: number; alerts: number }>();
  for (const { route, alerts } of notifier.dispatcher.groups()) {
    const count = counts.get(route) ?? { groups: 0, alerts: 0 };
    counts.set(route, { groups: count.groups + 1, alerts: count.alerts + alerts.length });
  }
  const views: RouteView[] = [];
  const visit = (route: Route, parent: string | null, depth: number): void => {
    const { key, receiver, groupWaitMs, groupIntervalMs, repeatIntervalMs, groupBy, muteTimeIntervals, activeTimeIntervals } = route;
    views.push({
      ...{ key, parent, depth, receiver, groupWaitMs, groupIntervalMs, repeatIntervalMs, continue: route.continue },
      matchers: route.matchers.map(printMatcher),
      groupBy: groupBy === 'all' ? ['...'] : [...groupBy],
      muteTimeIntervals: [...muteTimeIntervals],
      activeTimeIntervals: [...activeTimeIntervals],
      ...(counts.get(route) ?? { groups: 0, alerts: 0 }),
    });
    for (const child of route.routes) visit(child, key, depth + 1);
  };
  visit(notifier.config.current.route, null, 0);
  return views;
}
const receiverView = ({ deliverer }: Notifier, { name, integrations }: Receiver): ReceiverView => ({
  name,
  integrations: integrations.map(
    (each): IntegrationView => ({
      ...{ kind: each.kind, to: toText(each), name: integrationName(each), sendResolved: each.sendResolved },
      ...deliverer.healthOf(name, each),
    }),
  ),
});
export function describeAlerting(notifier: Notifier, alertmanagers: AlertingOverview['alertmanagers'], nowMs: number): AlertingOverview {
  const { config, silences, dispatcher, deliverer } = notifier;
  const firing = dispatcher.alerts().filter((alert) => !isResolved(alert, nowMs));
  const suppressed = firing.filter(({ labels }) => {
    const { silencedBy, inhibitedBy } = dispatcher.stateOf(labels, nowMs);
    return silencedBy.length > 0 || inhibitedBy.length > 0;
  });
  const states = silences.all().map((each) => silenceState(each, nowMs));
  const count = (wanted: string): number => states.filter((state) => state === wanted).length;
  return {
    ...{ configFile: config.file, loadedMs: config.loadedMs, problems: [...config.problems] },
    routes: routeViews(notifier),
    receivers: config.current.receivers.map((each) => receiverView(notifier, each)),
    alertmanagers,
    alerts: { active: firing.length - suppressed.length, suppressed: suppressed.length, refused: notifier.dropped },
    silences: { active: count('active'), pending: count('pending'), expired: count('expired') },
    ...{ sent: deliverer.sent, failed: deliverer.failed },
  };
}
