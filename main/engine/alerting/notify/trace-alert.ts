import type { AlertTrace, Delivery, Verdict } from '#contracts/alerting.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { type Alert, fingerprintOf, isResolved } from '#query/alerting/alert.ts';
import type { Route } from '#query/alerting/config.ts';
import { type AlertGroup, groupKeyOf, groupLabelsOf } from '#query/alerting/dispatcher.ts';
import { printMatchers } from '#query/alerting/matcher.ts';
import type { Labels } from '#query/promql/labels.ts';
import { mutedBy } from './describe-alerting.ts';
import { isDelivered, textsOf } from './flush-line.ts';
import type { Notifier } from './notifier.ts';

/** An alert of a rule, as it would be sent. */
export interface RuleAlert {
  readonly labels: Labels;
  readonly annotations: ReadonlyMap<string, string>;
  readonly rule: NonNullable<AlertTrace['rule']>;
}
const MAX_DELIVERIES = 50;
const names = ({ alerts, suppressed, others }: Delivery, fingerprint: string): boolean =>
  alerts.some((each) => each.fingerprint === fingerprint) ||
  suppressed.some((each) => each.fingerprint === fingerprint) ||
  others.includes(fingerprint);
const statusIn = ({ alerts }: Delivery, fingerprint: string): string | undefined =>
  alerts.find((each) => each.fingerprint === fingerprint)?.status;

/** Why an alert did or did not notify. @param ofRule null: no rule has it now @throws FaultlineError not_found */
export async function traceAlert(notifier: Notifier, fingerprint: string, ofRule: RuleAlert | null, nowMs: number): Promise<AlertTrace> {
  const { dispatcher, book } = notifier;
  const alert = dispatcher.alerts().find(({ labels }) => fingerprintOf(labels) === fingerprint) ?? null;
  const deliveries = [...(await book.list({ fingerprint, limit: MAX_DELIVERIES }))];
  const labels = alert?.labels ?? ofRule?.labels;
  const told = deliveries[0]?.alerts.find((each) => each.fingerprint === fingerprint);
  if (!labels) {
    if (!told) throw new FaultlineError('not_found', `There is no alert ${fingerprint}, and the log names none.`);
    return { ...{ fingerprint, labels: told.labels, annotations: {} }, rule: null, received: null, routes: [], deliveries };
  }
  const origin = alert ? notifier.originOf(alert) : undefined;
  const groups = dispatcher.groups();
  const routes: AlertTrace['routes'] = [];
  for (const route of dispatcher.routesOf(labels)) {
    const group = groups.find((each) => each.route === route && each.alerts.some((one) => one.labels.key === labels.key));
    routes.push(await traceRoute(notifier, { alert, labels, fingerprint, route, group, nowMs }));
  }
  return {
    ...{ fingerprint, labels: textsOf(labels), annotations: Object.fromEntries(alert?.annotations ?? ofRule?.annotations ?? []) },
    rule: ofRule?.rule ?? null,
    received: alert && {
      ...{ firstMs: origin?.firstMs ?? alert.updatedAtMs, updatedMs: alert.updatedAtMs, startsAtMs: alert.startsAtMs },
      ...{ endsAtMs: alert.endsAtMs, isResolved: isResolved(alert, nowMs), from: origin?.from ?? 'api' },
    },
    ...{ routes, deliveries },
  };
}
interface RouteQuestion {
  readonly alert: Alert | null;
  readonly labels: Labels;
  readonly fingerprint: string;
  readonly route: Route;
  readonly group: AlertGroup | undefined;
  readonly nowMs: number;
}
async function traceRoute(notifier: Notifier, question: RouteQuestion): Promise<AlertTrace['routes'][number]> {
  const { alert, labels, fingerprint, route, group, nowMs } = question;
  const { dispatcher, silences, config, book } = notifier;
  const { silencedBy, inhibitedBy } = dispatcher.stateOf(labels, nowMs);
  const muted = mutedBy(config.current, route, nowMs);
  const groupLabels = groupLabelsOf(route, labels);
  const groupKey = groupKeyOf(route, labels);
  const deliveries = [...(await book.list({ groupKey, receiver: route.receiver, limit: MAX_DELIVERIES }))];
  const integrations = config.current.receivers.find(({ name }) => name === route.receiver)?.integrations ?? [];
  const known = new Map(dispatcher.alerts().map((each) => [fingerprintOf(each.labels), each.labels]));
  const held: Verdict | null =
    inhibitedBy.length > 0
      ? 'inhibited'
      : muted.names.length > 0
        ? muted.isInactive
          ? 'inactive'
          : 'muted'
        : silencedBy.length > 0
          ? 'silenced'
          : integrations.some(isDelivered)
            ? null
            : 'no_integration';
  return {
    ...{
      routeKey: route.key,
      receiver: route.receiver,
      path: pathTo(config.current.route, route),
      groupKey,
      groupLabels: textsOf(groupLabels),
    },
    groupAlerts: group?.alerts.length ?? 0,
    nextFlushMs: group?.nextMs ?? null,
    silencedBy: silencedBy.flatMap((id) => {
      const found = silences.get(id);
      return found ? [{ id, comment: found.comment, createdBy: found.createdBy, endsAtMs: found.endsAtMs }] : [];
    }),
    inhibitedBy: inhibitedBy.map((id) => {
      const found = known.get(id);
      return { fingerprint: id, labels: found ? textsOf(found) : {} };
    }),
    mutedBy: [...muted.names],
    ...verdictOf(
      alert,
      deliveries.filter((each) => names(each, fingerprint)),
      fingerprint,
      held,
      nowMs,
    ),
    deliveries,
  };
}
type Found = Pick<AlertTrace['routes'][number], 'verdict' | 'verdictMs'>;
/** @param lines of its group that name it, newest first */
function verdictOf(alert: Alert | null, lines: readonly Delivery[], fingerprint: string, held: Verdict | null, nowMs: number): Found {
  const told = (status: string): Delivery | undefined =>
    lines.find((each) => each.outcome === 'sent' && statusIn(each, fingerprint) === status);
  const last = lines[0];
  if (!alert) return { verdict: 'not_firing', verdictMs: null };
  if (isResolved(alert, nowMs)) {
    const [firing, resolved] = [told('firing'), told('resolved')];
    if (resolved && resolved.atMs >= alert.startsAtMs) return { verdict: 'resolved_told', verdictMs: resolved.atMs };
    if (last?.outcome === 'sending' || last?.outcome === 'failed') return { verdict: last.outcome, verdictMs: last.lastMs };
    return { verdict: firing && firing.atMs >= alert.startsAtMs && !held ? 'waiting' : 'resolved_untold', verdictMs: alert.endsAtMs };
  }
  // A turn under way says more than what came after it was planned.
  if (last?.outcome === 'sending') return { verdict: 'sending', verdictMs: last.atMs };
  if (held) return { verdict: held, verdictMs: last?.atMs ?? null };
  if (last?.outcome === 'failed') return { verdict: 'failed', verdictMs: last.atMs };
  const sent = told('firing');
  return sent ? { verdict: 'sent', verdictMs: sent.atMs } : { verdict: 'waiting', verdictMs: null };
}
/** Matchers of the routes from the root down. */
function pathTo(root: Route, wanted: Route): string[] {
  const path = (route: Route): string[] | null => {
    const own = printMatchers(route.matchers);
    if (route === wanted) return [own];
    for (const child of route.routes) {
      const below = path(child);
      if (below) return [own, ...below];
    }
    return null;
  };
  return path(root) ?? [];
}
