import type { Labels } from '#query/promql/labels.ts';
import { printPromql } from '#query/promql/print.ts';
import type { AlertingRule } from '#query/rules/rule.ts';
import type { Alerting } from './alerting.ts';
import type { RuleAlert } from './notify/trace-alert.ts';

/** The alert of a rule whose labels, as they are sent, are the ones looked for, with what its rule says; null: no rule has it. */
export function ruleAlertOf(alerting: Alerting, isWanted: (labels: Labels) => boolean): RuleAlert | null {
  for (const { run } of alerting.groups)
    for (const { rule, book, health, lastError, lastEvaluationMs } of run.runs)
      for (const alert of book?.recent ?? []) {
        const labels = alerting.sentLabels(alert.labels);
        if (!labels || !isWanted(labels)) continue;
        const { forMs, keepFiringForMs, name, line, expr } = rule as AlertingRule;
        const { state, value, activeAtMs, firedAtMs, keepFiringSinceMs, resolvedAtMs } = alert;
        return {
          ...{ labels, annotations: alert.annotations },
          rule: {
            ...{ file: run.group.file, group: run.group.name, name, line, expr: printPromql(expr), forMs, keepFiringForMs },
            ...{ health, lastError, lastEvaluationMs, state, activeAtMs, firedAtMs, keepFiringSinceMs, resolvedAtMs },
            value: Number.isFinite(value) ? value : null,
            firesAtMs: state === 'pending' ? activeAtMs + forMs : null,
          },
        };
      }
  return null;
}
