import { z } from 'zod';

/**
 * Notifications: silences, what became of each group of alerts, receivers and routes, and why an alert did or did not notify.
 * Times: Unix milliseconds. Names and rules are Alertmanager's (docs/alerting of Prometheus).
 */
export const ALERTING_LIMITS = {
  /** Alerts held at once; beyond it new ones are refused and counted. */
  alerts: 100_000,
  /** Labels and annotations of one alert, as JSON, bytes. */
  alertBytes: 32 * 1024,
  /** Silences at once, expired ones with them. */
  silences: 5_000,
  /** One silence as JSON, bytes. */
  silenceBytes: 64 * 1024,
  /** Expired silences and lines of the log are kept so long. */
  keptDays: 30,
  /** Lines of the log. */
  deliveries: 20_000,
  /** Alerts of one line told with their labels; of further ones, the fingerprint. */
  alertsTold: 100,
  fingerprintsTold: 1_000,
  /** Attempts told of one line and integration; the newest. */
  attemptsTold: 20,
} as const;
/** Name of the receiver there is without a configuration: a notification on the desktop. */
export const DESKTOP_RECEIVER = 'desktop';

export const alertMatcherSchema = z.object({
  name: z.string().min(1).max(1_000),
  value: z.string().max(10_000),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});
export type AlertMatcher = z.infer<typeof alertMatcherSchema>;
const labels = z.record(z.string(), z.string());

export const silenceRecordSchema = z.object({
  id: z.string(),
  matchers: z.array(alertMatcherSchema),
  startsAtMs: z.number(),
  endsAtMs: z.number(),
  updatedAtMs: z.number(),
  createdBy: z.string(),
  comment: z.string(),
  annotations: labels,
});
/** A silence as it is kept. */
export type SilenceRecord = z.infer<typeof silenceRecordSchema>;
export const silenceViewSchema = silenceRecordSchema.extend({
  state: z.enum(['active', 'pending', 'expired']),
  /** Alerts it holds back now. */
  alerts: z.number(),
});
export type SilenceView = z.infer<typeof silenceViewSchema>;
/** As the page sends one: without an id a new one; with one that one is changed, or ended and replaced by a new one. */
export const silenceEditSchema = z.object({
  id: z.string().max(100).default(''),
  matchers: z.array(alertMatcherSchema).min(1).max(100),
  startsAtMs: z.number(),
  endsAtMs: z.number(),
  createdBy: z.string().trim().max(1_000),
  comment: z.string().trim().max(10_000),
});

export const INTEGRATION_KINDS = ['webhook', 'email', 'syslog', 'desktop', 'sound', 'foreign'] as const;
export type IntegrationKind = (typeof INTEGRATION_KINDS)[number];

const attemptSchema = z.object({
  atMs: z.number(),
  ms: z.number(),
  ok: z.boolean(),
  /** HTTP status or SMTP reply code; null: there was none. */
  status: z.number().nullable(),
  /** '' when it went well. */
  error: z.string(),
});
export type DeliveryAttempt = z.infer<typeof attemptSchema>;
const targetSchema = z.object({
  /** webhook[0]. */
  name: z.string(),
  kind: z.enum(INTEGRATION_KINDS),
  /** Where to, without what is secret. */
  to: z.string(),
  /** unchanged: this one has been told of the very same before, and another one of the receiver not. */
  outcome: z.enum(['sent', 'sending', 'failed', 'left_out', 'unchanged']),
  attempts: z.array(attemptSchema),
  attemptCount: z.number(),
  /** When it is tried again. */
  nextMs: z.number().nullable(),
});
export type DeliveryTarget = z.infer<typeof targetSchema>;

/** Why a flush of a group sent nothing. */
export const SILENT_REASONS = [
  'silenced',
  'inhibited',
  'muted',
  'inactive',
  'suppressed',
  'nothing_new',
  'resolved_before_told',
  'no_integration',
  'no_resolved',
] as const;
export type SilentReason = (typeof SILENT_REASONS)[number];
const toldAlertSchema = z.object({
  fingerprint: z.string(),
  status: z.enum(['firing', 'resolved']),
  labels,
  startsAtMs: z.number(),
  endsAtMs: z.number().nullable(),
});
const suppressedSchema = z.object({
  fingerprint: z.string(),
  labels,
  by: z.enum(['silence', 'inhibition', 'mute-interval', 'inactive-interval']),
  /** Of the silence, fingerprint of the inhibiting alert, name of the interval. */
  id: z.string(),
});
export const deliverySchema = z.object({
  id: z.string(),
  atMs: z.number(),
  receiver: z.string(),
  routeKey: z.string(),
  groupKey: z.string(),
  groupLabels: labels,
  reason: z.enum(['first', 'new', 'resolved', 'repeat', 'nothing-new', 'suppressed', 'no-integration']),
  outcome: z.enum(['sent', 'sending', 'failed', 'silent']),
  /** null unless the outcome is silent. */
  why: z.enum(SILENT_REASONS).nullable(),
  alerts: z.array(toldAlertSchema),
  suppressed: z.array(suppressedSchema),
  firing: z.number(),
  resolved: z.number(),
  suppressedCount: z.number(),
  /** Fingerprints of alerts beyond those told with labels. */
  others: z.array(z.string()),
  targets: z.array(targetSchema),
  /** Flushes of the group that said the same are one line: how many, and when last. */
  times: z.number(),
  lastMs: z.number(),
});
/** What became of one flush of a group: a line of the delivery log. */
export type Delivery = z.infer<typeof deliverySchema>;
export const deliveriesAnswerSchema = z.object({
  /** Newest first. */
  deliveries: z.array(deliverySchema),
  /** Ask with it as `before` for those that follow; null: there are no more. */
  next: z.string().nullable(),
  kept: z.number(),
});

/** What an integration has been told of a group: kept, so that a restart tells nothing twice. */
export interface SentMark {
  /** Receiver, integration and group. */
  readonly key: string;
  readonly atMs: number;
  readonly expiresMs: number;
  readonly json: string;
}

export const routeViewSchema = z.object({
  key: z.string(),
  /** Key of the one it stands in; null: the root. */
  parent: z.string().nullable(),
  depth: z.number(),
  receiver: z.string(),
  matchers: z.array(z.string()),
  continue: z.boolean(),
  /** Names of labels; ['...']: by all. */
  groupBy: z.array(z.string()),
  groupWaitMs: z.number(),
  groupIntervalMs: z.number(),
  repeatIntervalMs: z.number(),
  muteTimeIntervals: z.array(z.string()),
  activeTimeIntervals: z.array(z.string()),
  groups: z.number(),
  alerts: z.number(),
});
export type RouteView = z.infer<typeof routeViewSchema>;
export const integrationViewSchema = z.object({
  kind: z.enum(INTEGRATION_KINDS),
  to: z.string(),
  /** webhook[0]; of a foreign one, which is read and not delivered to, what it is: slack[0]. */
  name: z.string(),
  sendResolved: z.boolean(),
  health: z.enum(['unknown', 'ok', 'retrying', 'failing', 'not_delivered']),
  sent: z.number(),
  failed: z.number(),
  retries: z.number(),
  lastOkMs: z.number().nullable(),
  lastErrorMs: z.number().nullable(),
  lastError: z.string(),
});
export type IntegrationView = z.infer<typeof integrationViewSchema>;
export const receiverViewSchema = z.object({ name: z.string(), integrations: z.array(integrationViewSchema) });
export type ReceiverView = z.infer<typeof receiverViewSchema>;
export const alertmanagerViewSchema = z.object({
  url: z.string(),
  health: z.enum(['unknown', 'ok', 'failing']),
  sent: z.number(),
  dropped: z.number(),
  errors: z.number(),
  queued: z.number(),
  lastError: z.string(),
  lastOkMs: z.number().nullable(),
});
export type AlertmanagerView = z.infer<typeof alertmanagerViewSchema>;
export const alertingOverviewSchema = z.object({
  /** File in force; null: the default, one route to the desktop. */
  configFile: z.string().nullable(),
  loadedMs: z.number().nullable(),
  /** What is wrong with the file as it is now; the one before it holds. */
  problems: z.array(z.object({ line: z.number(), column: z.number(), message: z.string() })),
  routes: z.array(routeViewSchema),
  receivers: z.array(receiverViewSchema),
  /** Real Alertmanagers that alerts are sent on to. */
  alertmanagers: z.array(alertmanagerViewSchema),
  alerts: z.object({ active: z.number(), suppressed: z.number(), refused: z.number() }),
  silences: z.object({ active: z.number(), pending: z.number(), expired: z.number() }),
  sent: z.number(),
  failed: z.number(),
});
export type AlertingOverview = z.infer<typeof alertingOverviewSchema>;

/** What became of an alert on one route. */
export const VERDICTS = [
  'not_firing',
  'waiting',
  'sending',
  'sent',
  'failed',
  'silenced',
  'inhibited',
  'muted',
  'inactive',
  'no_integration',
  'resolved_told',
  'resolved_untold',
] as const;
export type Verdict = (typeof VERDICTS)[number];
export const traceSchema = z.object({
  fingerprint: z.string(),
  labels,
  annotations: labels,
  /** The rule it comes of; null: it was posted by another sender, or its rule is gone. */
  rule: z
    .object({
      file: z.string(),
      group: z.string(),
      name: z.string(),
      line: z.number(),
      expr: z.string(),
      health: z.enum(['unknown', 'ok', 'err']),
      lastError: z.string(),
      lastEvaluationMs: z.number().nullable(),
      forMs: z.number(),
      keepFiringForMs: z.number(),
      state: z.enum(['inactive', 'pending', 'firing']),
      value: z.number().nullable(),
      activeAtMs: z.number(),
      /** When a pending one fires if its expression goes on giving it. */
      firesAtMs: z.number().nullable(),
      firedAtMs: z.number().nullable(),
      keepFiringSinceMs: z.number().nullable(),
      resolvedAtMs: z.number().nullable(),
    })
    .nullable(),
  /** As the routes have it; null: it has not been handed to them (pending), or they have let it go. */
  received: z
    .object({
      firstMs: z.number(),
      updatedMs: z.number(),
      startsAtMs: z.number(),
      endsAtMs: z.number(),
      isResolved: z.boolean(),
      from: z.enum(['rules', 'api']),
    })
    .nullable(),
  /** Each route that took it. */
  routes: z.array(
    z.object({
      routeKey: z.string(),
      receiver: z.string(),
      /** Matchers from the root down to it. */
      path: z.array(z.string()),
      groupKey: z.string(),
      groupLabels: labels,
      /** Alerts of the group, and when it is looked at next. */
      groupAlerts: z.number(),
      nextFlushMs: z.number().nullable(),
      silencedBy: z.array(z.object({ id: z.string(), comment: z.string(), createdBy: z.string(), endsAtMs: z.number() })),
      inhibitedBy: z.array(z.object({ fingerprint: z.string(), labels })),
      mutedBy: z.array(z.string()),
      verdict: z.enum(VERDICTS),
      /** When that came to be. */
      verdictMs: z.number().nullable(),
      /** Of its group, with or without it, newest first. */
      deliveries: z.array(deliverySchema),
    }),
  ),
  /** Lines of the log that name it, newest first: also of routes that are no more. */
  deliveries: z.array(deliverySchema),
});
/** Why an alert did or did not notify: rule, pending, firing, routes, groups, what holds it back, deliveries. */
export type AlertTrace = z.infer<typeof traceSchema>;

export const alertViewSchema = z.object({
  fingerprint: z.string(),
  labels,
  annotations: labels,
  state: z.enum(['active', 'suppressed']),
  startsAtMs: z.number(),
  endsAtMs: z.number(),
  updatedAtMs: z.number(),
  isResolved: z.boolean(),
  receivers: z.array(z.string()),
  silencedBy: z.array(z.string()),
  inhibitedBy: z.array(z.string()),
  mutedBy: z.array(z.string()),
  generatorUrl: z.string(),
});
export type AlertView = z.infer<typeof alertViewSchema>;

/** Event "alert" of /console/events: a notification for whoever sits here. */
export const alertNoticeSchema = z.object({
  id: z.string(),
  /** sound: the wallboard's, where the page's setting allows it. */
  kind: z.enum(['desktop', 'sound']),
  atMs: z.number(),
  status: z.enum(['firing', 'resolved']),
  receiver: z.string(),
  title: z.string(),
  body: z.string(),
  firing: z.number(),
  resolved: z.number(),
  /** Of the first alert, for the way to its trace. */
  fingerprint: z.string(),
  severity: z.string(),
});
export type AlertNotice = z.infer<typeof alertNoticeSchema>;
