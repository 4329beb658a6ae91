import { Gauge, type Registry } from 'prom-client';
import type { Alerting } from '#main/engine/alerting/alerting.ts';
import type { Engine } from '#main/engine/engine.ts';
import { type NamedMetric, registerNamed } from './named-metrics.ts';

const COUNTERS: readonly NamedMetric<Alerting>[] = [
  ['faultline_rule_evaluations', 'Evaluations of Prometheus rules.', (alerting) => alerting.evaluations],
  ['faultline_rule_evaluation_failures', 'Evaluations of rules that failed; /api/v1/rules says why.', (alerting) => alerting.failures],
  [
    'faultline_rule_group_iterations_missed',
    'Evaluations of rule groups left out: those before took too long.',
    (alerting) => alerting.missed,
  ],
  ['faultline_rule_samples_written', 'Samples of rules that were journalled.', (alerting) => alerting.writer.written],
  ['faultline_rule_samples_lost', 'Samples of rules the collector did not take.', (alerting) => alerting.writer.lost],
];
const GAUGES: readonly NamedMetric<Alerting>[] = [
  ['faultline_rules', 'Rules that are evaluated.', ({ groups }) => groups.reduce((sum, { run }) => sum + run.runs.length, 0)],
  ['faultline_rules_left_out', 'Rules beyond the limit (docs/limits.md).', ({ leftOut }) => leftOut],
  [
    'faultline_rule_file_problems',
    'What is wrong with rule files now.',
    ({ files }) => files.reduce((sum, { problems }) => sum + problems.length, 0),
  ],
];

/** What rules and alerts do, on /metrics. */
export function registerAlerting({ alerting }: Engine, registers: Registry[]): void {
  registerNamed({ counters: COUNTERS, gauges: GAUGES }, () => alerting, registers);
  new Gauge({
    name: 'faultline_alerts',
    help: 'Alerts of Prometheus rules, by state.',
    labelNames: ['state'],
    registers,
    collect() {
      const alerts = alerting.groups.flatMap(({ run }) => run.runs).flatMap(({ book }) => book?.alerts ?? []);
      for (const state of ['pending', 'firing']) this.set({ state }, alerts.filter((each) => each.state === state).length);
    },
  });
  new Gauge({
    name: 'faultline_rule_group_last_duration_seconds',
    help: 'How long the last evaluation of a rule group took.',
    labelNames: ['rule_group'],
    registers,
    collect() {
      this.reset();
      for (const { key, run } of alerting.groups) this.set({ rule_group: key }, run.evaluationSeconds);
    },
  });
}
