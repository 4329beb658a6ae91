import { z } from 'zod';

/**
 * Rules of Prometheus and the alerts they make, as the Alerts page shows them. Times are Unix milliseconds, durations milliseconds.
 *
 * GET /console/alerting/rules  -> alertRules (JSON)
 * GET /console/alerting/alerts -> alertList (JSON): firing first, then pending, then what resolved within the last quarter
 * of an hour; of rules, and of whoever posts alerts to API v2
 */
export const ALERT_STATES = ['firing', 'pending', 'resolved'] as const;
export type AlertStateName = (typeof ALERT_STATES)[number];
const labels = z.record(z.string(), z.string());

/** What an expression compares, when it does: drawn over time it shows how far an alert was from firing. PromQL texts. */
const watchedSchema = z.object({ query: z.string(), operator: z.string(), threshold: z.string() });
export type Watched = z.infer<typeof watchedSchema>;
export const alertRuleSchema = z.object({
  /** Of this answer and alerts' `rule`: file, group and number. */
  id: z.string(),
  kind: z.enum(['alerting', 'recording']),
  name: z.string(),
  line: z.number(),
  query: z.string(),
  watched: watchedSchema.nullable(),
  forMs: z.number(),
  keepFiringForMs: z.number(),
  labels,
  annotations: labels,
  health: z.enum(['unknown', 'ok', 'err']),
  lastError: z.string(),
  lastEvaluationMs: z.number().nullable(),
  evaluationMs: z.number(),
  /** Written by its last evaluation. */
  series: z.number(),
  firing: z.number(),
  pending: z.number(),
});
export type AlertRule = z.infer<typeof alertRuleSchema>;
export const alertGroupSchema = z.object({
  name: z.string(),
  line: z.number(),
  intervalMs: z.number(),
  queryOffsetMs: z.number(),
  /** 0: none. */
  limit: z.number(),
  lastEvaluationMs: z.number().nullable(),
  nextEvaluationMs: z.number(),
  evaluationMs: z.number(),
  /** Evaluations of rules that failed, and turns left out because the ones before took too long. */
  failures: z.number(),
  missed: z.number(),
  rules: z.array(alertRuleSchema),
});
export type AlertGroup = z.infer<typeof alertGroupSchema>;
export const ruleProblemSchema = z.object({
  /** 0: of the file as a whole. */
  line: z.number(),
  column: z.number(),
  group: z.string(),
  /** From 1; 0: it is not about one rule. */
  rule: z.number(),
  name: z.string(),
  message: z.string(),
});
export type RuleFileProblem = z.infer<typeof ruleProblemSchema>;
export const alertRulesSchema = z.object({
  nowMs: z.number(),
  /** Where rules come from; both null: nobody gave any. */
  pattern: z.string().nullable(),
  prometheusConfig: z.string().nullable(),
  files: z.array(z.object({ file: z.string(), groups: z.array(alertGroupSchema), problems: z.array(ruleProblemSchema) })),
  /** Rules that are evaluated, also those beyond what is listed. */
  total: z.number(),
  listed: z.number(),
  /** Rules that are not evaluated: there are too many. */
  leftOut: z.number(),
});
export type AlertRules = z.infer<typeof alertRulesSchema>;

const alertOriginSchema = alertRuleSchema
  .pick({ id: true, name: true, line: true, query: true, watched: true, forMs: true, keepFiringForMs: true, labels: true })
  .extend({ file: z.string(), group: z.string(), intervalMs: z.number() });
export type AlertOrigin = z.infer<typeof alertOriginSchema>;
export const ruleAlertSchema = z.object({
  /** Of its labels as they are sent, as API v2 names it. */
  fingerprint: z.string(),
  labels,
  annotations: labels,
  state: z.enum(ALERT_STATES),
  /** As Go prints a number: "0.25", "NaN", "+Inf"; '': another sender says none. */
  value: z.string(),
  activeAtMs: z.number(),
  firedAtMs: z.number().nullable(),
  /** Firing, though its expression gives nothing any more, since then. */
  keepFiringSinceMs: z.number().nullable(),
  resolvedAtMs: z.number().nullable(),
  /** null: another sender posted it. */
  rule: alertOriginSchema.nullable(),
  /** Where the sender says it is from; '' when it does not. */
  generatorUrl: z.string(),
});
export type RuleAlert = z.infer<typeof ruleAlertSchema>;
export const alertListSchema = z.object({
  nowMs: z.number(),
  alerts: z.array(ruleAlertSchema),
  /** Of all, also those beyond what is listed. */
  counts: z.object({ firing: z.number(), pending: z.number(), resolved: z.number() }),
  /** Rules there are: none makes another empty page than none firing. */
  rules: z.number(),
});
export type AlertList = z.infer<typeof alertListSchema>;
