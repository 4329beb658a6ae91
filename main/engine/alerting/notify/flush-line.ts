import { randomUUID } from 'node:crypto';
import { ALERTING_LIMITS, type Delivery, type DeliveryTarget, type SilentReason } from '#contracts/alerting.ts';
import { fingerprintOf } from '#query/alerting/alert.ts';
import { type Integration, integrationName } from '#query/alerting/config.ts';
import type { FlushAlert, GroupFlush, Delivery as PlannedDelivery, SuppressedAlert } from '#query/alerting/dispatcher.ts';
import { entriesOf, type Labels } from '#query/promql/labels.ts';

export const textsOf = (labels: Labels): Record<string, string> => Object.fromEntries(entriesOf(labels));
/** Faultline reads it and cannot deliver to it: it is told so, and treated as told. */
export const isDelivered = ({ kind }: Integration): boolean => kind !== 'foreign';
/** Something goes out. */
export const isTold = ({ integration, reason, alerts }: PlannedDelivery): boolean =>
  reason !== 'nothing-new' && alerts.length > 0 && isDelivered(integration);

const BY: Readonly<Record<SuppressedAlert['by'], SilentReason>> = {
  silence: 'silenced',
  inhibition: 'inhibited',
  'mute-interval': 'muted',
  'inactive-interval': 'inactive',
};
function whySilent({ reason, suppressed, alerts, deliveries }: GroupFlush): SilentReason {
  const [first, ...others] = new Set(suppressed.map(({ by }) => BY[by]));
  if (reason === 'suppressed') return first !== undefined && others.length === 0 ? first : 'suppressed';
  if (reason === 'no-integration' || deliveries.every(({ integration }) => !isDelivered(integration))) return 'no_integration';
  if (reason !== 'nothing-new') return 'no_resolved';
  // Who was told of a resolved alert has it no more.
  return alerts.every(({ status }) => status === 'resolved') ? 'resolved_before_told' : 'nothing_new';
}
const toldOf = ({ alert, status }: FlushAlert): Delivery['alerts'][number] => ({
  ...{ fingerprint: fingerprintOf(alert.labels), status, labels: textsOf(alert.labels), startsAtMs: alert.startsAtMs },
  endsAtMs: status === 'firing' ? null : alert.endsAtMs,
});
function targetOf(delivery: PlannedDelivery, to: string): DeliveryTarget {
  const { integration, reason } = delivery;
  const outcome = isTold(delivery) ? 'sending' : reason === 'nothing-new' ? 'unchanged' : 'left_out';
  return { name: integrationName(integration), kind: integration.kind, to, outcome, attempts: [], attemptCount: 0, nextMs: null };
}
/** A group's turn as a line of the log, before anything went out. @param toOf where an integration delivers to, without what is secret */
export function flushLine(flush: GroupFlush, toOf: (integration: Integration) => string): Delivery {
  const { alertsTold, fingerprintsTold } = ALERTING_LIMITS;
  const { alerts, suppressed, deliveries, atMs } = flush;
  const isSilent = !deliveries.some(isTold);
  const others = [...alerts.slice(alertsTold), ...suppressed.slice(alertsTold)].slice(0, fingerprintsTold);
  return {
    id: randomUUID(),
    ...{ atMs, receiver: flush.receiver, routeKey: flush.routeKey, groupKey: flush.groupKey, groupLabels: textsOf(flush.groupLabels) },
    reason: flush.reason,
    outcome: isSilent ? 'silent' : 'sending',
    why: isSilent ? whySilent(flush) : null,
    alerts: alerts.slice(0, alertsTold).map(toldOf),
    suppressed: suppressed
      .slice(0, alertsTold)
      .map(({ alert, by, id }) => ({ fingerprint: fingerprintOf(alert.labels), labels: textsOf(alert.labels), by, id })),
    firing: alerts.filter(({ status }) => status === 'firing').length,
    resolved: alerts.filter(({ status }) => status === 'resolved').length,
    suppressedCount: suppressed.length,
    others: others.map(({ alert }) => fingerprintOf(alert.labels)),
    targets: isSilent && flush.reason === 'nothing-new' ? [] : deliveries.map((each) => targetOf(each, toOf(each.integration))),
    ...{ times: 1, lastMs: atMs },
  };
}
/** What has become of all targets. */
export function outcomeOf(targets: readonly DeliveryTarget[]): Delivery['outcome'] {
  const outcomes = new Set(targets.map(({ outcome }) => outcome));
  return outcomes.has('sending') ? 'sending' : outcomes.has('failed') ? 'failed' : outcomes.has('sent') ? 'sent' : 'silent';
}
/** Equal for turns that say the same: they become one line. */
export const sameness = ({ why, alerts, suppressed, others, firing, resolved, suppressedCount }: Delivery): string =>
  JSON.stringify([
    ...[why, firing, resolved, suppressedCount, others],
    ...[alerts.map(({ fingerprint, status }) => [fingerprint, status]), suppressed.map(({ fingerprint, by, id }) => [fingerprint, by, id])],
  ]);
