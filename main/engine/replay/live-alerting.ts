import type { Alerting } from '#main/engine/alerting/alerting.ts';
import type { Notifier } from '#main/engine/alerting/notify/notifier.ts';
import { phaseOf } from '#query/rules/group-phase.ts';
import type { LiveAlerting } from './carried-alerting.ts';

/** What a replay takes from the live evaluation. */
export function liveAlerting(alerting: Alerting, notifier: Notifier, externalUrl: string): LiveAlerting {
  const { intervalMs, queryOffsetMs, externalLabels } = alerting.defaults;
  return {
    groups: alerting.groups.map(({ run, intervalMs: own }) => ({ group: run.group, intervalMs: own, phaseMs: phaseOf(run.group, own) })),
    ...{ intervalMs, queryOffsetMs, externalLabels, externalUrl },
    config: notifier.config.current,
    silences: notifier.silences.ever(),
  };
}
