import { Counter, Gauge, type Registry } from 'prom-client';
import type { EngineParts } from '#main/engine/engine.ts';
import { silenceState } from '#query/alerting/silence.ts';
import type { AddCounter } from './forwarding-metrics.ts';

type Named = readonly [name: string, help: string, read: (parts: EngineParts) => number];
const GAUGES: readonly Named[] = [
  ['faultline_notification_groups', 'Groups of alerts there are.', ({ notifier }) => notifier.dispatcher.groups().length],
  [
    'faultline_notifications_under_way',
    'Notifications on their way, or waiting to be tried again.',
    ({ notifier }) => notifier.deliverer.waiting,
  ],
  ['faultline_notification_log_lines', 'Lines of the delivery log that are kept.', ({ notifier }) => notifier.book.kept],
  [
    'faultline_alertmanager_config_problems',
    'What is wrong with alertmanager.yml now; the one before it holds.',
    ({ notifier }) => notifier.config.problems.length,
  ],
];
const COUNTERS: readonly Named[] = [
  ['faultline_alerts_received', 'Alerts taken from rules and other senders, repeats with them.', ({ notifier }) => notifier.received],
  ['faultline_alerts_refused', 'Alerts and groups beyond the limit (docs/limits.md).', ({ notifier }) => notifier.dropped],
  ['faultline_notifications_sent', 'Notifications an integration took.', ({ notifier }) => notifier.deliverer.sent],
  [
    'faultline_notifications_failed',
    'Notifications that were given up; the next turn of the group tells again.',
    ({ notifier }) => notifier.deliverer.failed,
  ],
  ['faultline_notification_retries', 'Notifications tried again.', ({ notifier }) => notifier.deliverer.retries],
  ['faultline_notification_log_lost', 'Lines of the delivery log the store did not take.', ({ notifier }) => notifier.book.lost],
];

/** Notifications in /metrics; those sent to other Alertmanagers by address. */
export function registerNotifications(parts: EngineParts, counter: AddCounter, registers: Registry[]): void {
  for (const [name, help, read] of COUNTERS)
    new Counter({
      ...{ name, help, registers },
      collect() {
        this.reset();
        this.inc(read(parts));
      },
    });
  for (const [name, help, read] of GAUGES)
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(read(parts));
      },
    });
  new Gauge({
    ...{ name: 'faultline_silences', help: 'Silences, by state.', labelNames: ['state'], registers },
    collect() {
      const states = parts.notifier.silences.all().map((each) => silenceState(each, parts.nowMs()));
      for (const state of ['active', 'pending', 'expired']) this.set({ state }, states.filter((each) => each === state).length);
    },
  });
  counter('faultline_alertmanager_alerts', 'Alerts sent to other Alertmanagers, by what became of them.', ['alertmanager', 'outcome'], () =>
    parts.alertmanagers.views().flatMap(({ url, sent, dropped }) => [
      [{ alertmanager: url, outcome: 'sent' }, sent],
      [{ alertmanager: url, outcome: 'dropped' }, dropped],
    ]),
  );
}
