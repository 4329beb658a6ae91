import {
  type AlertGroup,
  type AlertList,
  type AlertOrigin,
  type AlertRule,
  type AlertRules,
  alertListSchema,
  alertRulesSchema,
  type RuleAlert,
} from '#contracts/alert-rules.ts';
import type { Alerting, ScheduledGroup } from '#main/engine/alerting/alerting.ts';
import type { Notifier } from '#main/engine/alerting/notify/notifier.ts';
import { fingerprintOf, isResolved, type Alert as PostedAlert } from '#query/alerting/alert.ts';
import { entriesOf, type Labels } from '#query/promql/labels.ts';
import { printPromql } from '#query/promql/print.ts';
import type { Alert } from '#query/rules/alert-state.ts';
import type { RuleRun } from '#query/rules/evaluate-group.ts';
import { formatFloat } from '#query/rules/go-float.ts';
import type { Rule } from '#query/rules/rule.ts';
import { watchedExpr } from '#query/rules/watched-expr.ts';
import { type Route, route } from './route.ts';

/** Of one answer; 20,000 rules would be 10 MB, and each look at the page asks for them again. */
const LISTED_RULES = 5_000;
const LISTED_ALERTS = 5_000;

/** What a rule says of itself never changes: printed once. */
const texts = new WeakMap<Rule, Pick<AlertRule, 'query' | 'watched'>>();
function textsOf(rule: Rule): Pick<AlertRule, 'query' | 'watched'> {
  const known = texts.get(rule);
  if (known) return known;
  const made = { query: printPromql(rule.expr), watched: rule.kind === 'alerting' ? watchedExpr(rule.expr) : null };
  texts.set(rule, made);
  return made;
}
const idOf = (key: string, index: number): string => `${key};${index}`;
function said({ rule }: RuleRun, id: string): Omit<AlertOrigin, 'file' | 'group' | 'intervalMs'> {
  const isAlerting = rule.kind === 'alerting';
  return {
    id,
    name: rule.name,
    line: rule.line,
    ...textsOf(rule),
    forMs: isAlerting ? rule.forMs : 0,
    keepFiringForMs: isAlerting ? rule.keepFiringForMs : 0,
    labels: Object.fromEntries(rule.labels),
  };
}
function ruleOf(run: RuleRun, id: string): AlertRule {
  const { rule, health, lastError, lastEvaluationMs, evaluationSeconds, series, book } = run;
  return {
    ...said(run, id),
    kind: rule.kind,
    annotations: rule.kind === 'alerting' ? Object.fromEntries(rule.annotations) : {},
    health,
    lastError,
    lastEvaluationMs,
    evaluationMs: evaluationSeconds * 1000,
    series: series.size,
    ...(book?.counts ?? { firing: 0, pending: 0 }),
  };
}
function groupOf({ key, run, intervalMs, nextMs, missed }: ScheduledGroup, room: number): AlertGroup {
  const { group, runs, lastEvaluationMs, evaluationSeconds, failures } = run;
  return {
    name: group.name,
    line: group.line,
    intervalMs,
    queryOffsetMs: group.queryOffsetMs ?? 0,
    limit: group.limit,
    lastEvaluationMs,
    nextEvaluationMs: nextMs,
    evaluationMs: evaluationSeconds * 1000,
    failures,
    missed,
    rules: runs.slice(0, room).map((each, index) => ruleOf(each, idOf(key, index))),
  };
}
function filesOf({ files, groups }: Alerting): Pick<AlertRules, 'files' | 'listed'> {
  let listed = 0;
  const told = files.map(({ file, problems }) => ({
    file,
    problems: problems.map(({ isShape, ...each }) => each),
    groups: groups
      .filter(({ run }) => run.group.file === file)
      .map((group) => {
        const said = groupOf(group, LISTED_RULES - listed);
        listed += said.rules.length;
        return said;
      }),
  }));
  return { files: told, listed };
}

const stateOf = ({ state }: Alert): RuleAlert['state'] => (state === 'inactive' ? 'resolved' : state);
const ORDER: Readonly<Record<RuleAlert['state'], number>> = { firing: 0, pending: 1, resolved: 2 };
const sinceMs = ({ resolvedAtMs, firedAtMs, activeAtMs }: Alert): number => resolvedAtMs ?? firedAtMs ?? activeAtMs;
/** An alert that resolved before it fired was pending only: nobody was to know. */
const isTold = ({ state, firedAtMs }: Alert): boolean => state !== 'inactive' || firedAtMs !== null;

function alertOf(alert: Alert, sent: Labels, rule: AlertOrigin): RuleAlert {
  const { labels, annotations, value, activeAtMs, firedAtMs, keepFiringSinceMs, resolvedAtMs } = alert;
  return {
    fingerprint: fingerprintOf(sent),
    labels: Object.fromEntries(entriesOf(labels)),
    annotations: Object.fromEntries(annotations),
    state: stateOf(alert),
    value: formatFloat(value, 'g', -1),
    activeAtMs,
    firedAtMs,
    keepFiringSinceMs,
    resolvedAtMs,
    rule,
    generatorUrl: '',
  };
}
/** What another sender posted, as the routes have it. */
function postedOf(alert: PostedAlert, nowMs: number): RuleAlert {
  const { labels, annotations, startsAtMs, endsAtMs, generatorUrl } = alert;
  const isOver = isResolved(alert, nowMs);
  return {
    fingerprint: fingerprintOf(labels),
    labels: Object.fromEntries(entriesOf(labels)),
    annotations: Object.fromEntries(annotations),
    state: isOver ? 'resolved' : 'firing',
    value: '',
    activeAtMs: startsAtMs,
    firedAtMs: startsAtMs,
    keepFiringSinceMs: null,
    resolvedAtMs: isOver ? endsAtMs : null,
    rule: null,
    generatorUrl,
  };
}
function alertsOf(alerting: Alerting, notifier: Notifier, nowMs: number): Pick<AlertList, 'alerts' | 'counts'> {
  const found: { readonly alert: Alert; readonly group: ScheduledGroup; readonly index: number }[] = [];
  const counts = { firing: 0, pending: 0, resolved: 0 };
  for (const group of alerting.groups)
    for (const [index, { book }] of group.run.runs.entries())
      for (const alert of book?.recent ?? []) {
        if (!isTold(alert)) continue;
        counts[stateOf(alert)]++;
        found.push({ alert, group, index });
      }
  found.sort((a, b) => ORDER[stateOf(a.alert)] - ORDER[stateOf(b.alert)] || sinceMs(b.alert) - sinceMs(a.alert));
  const alerts = found.slice(0, LISTED_ALERTS).map(({ alert, group: { key, run, intervalMs }, index }) => {
    const own = said(run.runs[index] as RuleRun, idOf(key, index));
    return alertOf(alert, alerting.sentLabels(alert.labels) ?? alert.labels, {
      ...own,
      file: run.group.file,
      group: run.group.name,
      intervalMs,
    });
  });
  const posted = notifier.posted().map((alert) => postedOf(alert, nowMs));
  for (const { state } of posted) counts[state]++;
  const order = (a: RuleAlert, b: RuleAlert): number => ORDER[a.state] - ORDER[b.state];
  // Both come sorted; a sort keeps the order of equals.
  return { alerts: posted.length === 0 ? alerts : [...alerts, ...posted].sort(order).slice(0, LISTED_ALERTS), counts };
}

export const alertRuleRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/alerting/rules',
    summary:
      'Prometheus rules by file and group: state, health, last and next evaluation, series; what is wrong with files, with line and column.',
    answer: alertRulesSchema,
    handle: async ({ engine: { alerting, parts } }) => ({
      nowMs: parts.nowMs(),
      ...alerting.sourcesAsked,
      ...filesOf(alerting),
      total: alerting.groups.reduce((sum, { run }) => sum + run.runs.length, 0),
      leftOut: alerting.leftOut,
    }),
  }),
  route({
    method: 'get',
    path: '/console/alerting/alerts',
    summary:
      'Alerts that fire, are pending, or resolved a little while ago, each with the rule it is of; those other senders posted have none.',
    answer: alertListSchema,
    handle: async ({ engine: { alerting, parts } }) => ({
      nowMs: parts.nowMs(),
      ...alertsOf(alerting, parts.notifier, parts.nowMs()),
      rules: alerting.groups.reduce((sum, { run }) => sum + run.runs.length, 0),
    }),
  }),
];
