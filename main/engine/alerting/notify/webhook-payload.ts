import { fingerprintOf } from '#query/alerting/alert.ts';
import { commonAnnotations, commonLabels, type Message, statusOf } from '#query/alerting/message.ts';
import { entriesOf } from '#query/promql/labels.ts';

/** Go's zero time: an alert that fires has no end. */
export const NO_TIME = '0001-01-01T00:00:00Z';
/** As Go prints times: no zeros at the end of the fraction. */
export const goTime = (ms: number): string => new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z');
const sorted = (entries: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
/** Go's regexp.QuoteMeta: so Alertmanager names receivers. */
const quoteMeta = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
/** Go's encoder writes these by number, so that JSON may stand in HTML. */
const GO_ESCAPED = /[<>&\u2028\u2029]/g;
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(GO_ESCAPED, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The body Alertmanager posts to a webhook, version 4, to the byte. @param maxAlerts 0: all */
export function webhookPayload({ receiver, groupKey, groupLabels, alerts: all, externalUrl }: Message, maxAlerts: number): string {
  const alerts = maxAlerts > 0 ? all.slice(0, maxAlerts) : all;
  const payload = {
    receiver: quoteMeta(receiver),
    status: statusOf(alerts),
    alerts: alerts.map(({ alert, status }) => ({
      status,
      labels: sorted(entriesOf(alert.labels)),
      annotations: sorted(alert.annotations),
      startsAt: goTime(alert.startsAtMs),
      endsAt: status === 'firing' ? NO_TIME : goTime(alert.endsAtMs),
      generatorURL: alert.generatorUrl,
      fingerprint: fingerprintOf(alert.labels),
    })),
    groupLabels: sorted(entriesOf(groupLabels)),
    commonLabels: sorted(commonLabels(alerts)),
    commonAnnotations: sorted(commonAnnotations(alerts)),
    externalURL: externalUrl,
    version: '4',
    groupKey,
    truncatedAlerts: all.length - alerts.length,
  };
  return `${goJson(payload)}\n`;
}
