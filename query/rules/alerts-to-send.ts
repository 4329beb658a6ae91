import { entriesOf, type Labels, labelOf, labelsOf } from '#query/promql/labels.ts';
import type { Alert } from './alert-state.ts';

/** What Prometheus tells an Alertmanager of an alert (rules.AlertingRule.sendAlerts, rules.SendAlerts and notifier.Manager.Send). */
export interface SentAlert {
  readonly labels: Labels;
  readonly annotations: ReadonlyMap<string, string>;
  readonly startsAtMs: number;
  /** When it resolved; while it fires: until when this word holds. */
  readonly endsAtMs: number;
  readonly generatorUrl: string;
}
export interface SendOptions {
  /** --rules.alert.resend-delay */
  readonly resendDelayMs: number;
  /** Of the rule's group. */
  readonly intervalMs: number;
  readonly externalLabels: ReadonlyMap<string, string>;
  /** alert_relabel_configs; null: the alert is not sent. */
  readonly relabel: (labels: Labels) => Labels | null;
  readonly generatorUrl: string;
}
/** --rules.alert.resend-delay of Prometheus. */
export const RESEND_DELAY_MS = 60_000;
/** An alert is told of until so many words in a row are lost. */
const LOST_WORDS = 4;

/** Firing and resolved ones that have something new to say, or have said nothing for the delay. They count as sent. */
export function alertsToSend(alerts: readonly Alert[], atMs: number, options: SendOptions): SentAlert[] {
  const { resendDelayMs, intervalMs, generatorUrl } = options;
  return alerts.flatMap((alert) => {
    const { state, firedAtMs, resolvedAtMs, lastSentMs, annotations } = alert;
    // Pending, or resolved before it fired.
    if (state === 'pending' || firedAtMs === null) return [];
    const isNews = resolvedAtMs !== null && (lastSentMs === null || resolvedAtMs > lastSentMs);
    if (!isNews && lastSentMs !== null && lastSentMs + resendDelayMs >= atMs) return [];
    alert.lastSentMs = atMs;
    const labels = sentLabels(alert.labels, options);
    if (labels === null || labels.names.length === 0) return [];
    const endsAtMs = resolvedAtMs ?? atMs + LOST_WORDS * Math.max(intervalMs, resendDelayMs);
    return [{ labels, annotations, startsAtMs: firedAtMs, endsAtMs, generatorUrl }];
  });
}
/** Labels of an alert as others see it: with the external ones it has not itself, relabelled. */
export function sentLabels(labels: Labels, { externalLabels, relabel }: Pick<SendOptions, 'externalLabels' | 'relabel'>): Labels | null {
  const missing = [...externalLabels].filter(([name]) => labelOf(labels, name) === '');
  return relabel(missing.length === 0 ? labels : labelsOf([...entriesOf(labels), ...missing]));
}
