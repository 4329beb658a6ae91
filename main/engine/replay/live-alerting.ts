import { type Alerting, phaseOf } from '#main/engine/alerting/alerting.ts';
import { DEFAULT_CONFIG } from '#query/alerting/config.ts';
import type { LiveAlerting } from './replay-lab.ts';

/** What a replay takes from the live evaluation. */
export function liveAlerting(alerting: Alerting, externalUrl: string): LiveAlerting {
  const { intervalMs, queryOffsetMs, externalLabels } = alerting.defaults;
  return {
    groups: alerting.groups.map(({ run, intervalMs: own }) => ({ group: run.group, intervalMs: own, phaseMs: phaseOf(run.group, own) })),
    ...{ intervalMs, queryOffsetMs, externalLabels, externalUrl, phaseOf },
    config: DEFAULT_CONFIG,
    silences: [],
  };
}
