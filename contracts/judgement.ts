/**
 * The vocabulary of judgement: signal kinds, anomalies, incidents, candidates, evidence. JSON shapes of
 * `faultline rca --json` are design.md §6; other programs rely on them.
 */

/** Closed list: what a detector may say is wrong. */
export const SIGNAL_KINDS = [
  'latency',
  'errors',
  'traffic_drop',
  'traffic_surge',
  'saturation',
  'memory_growth',
  'restart',
  'cpu',
  'queueing',
  'log_errors',
  'log_new_pattern',
  'metric_shift',
] as const;
export type SignalKind = (typeof SIGNAL_KINDS)[number];

/** Closed list: what a cause may be called. 'unknown' when the evidence names a place but no mechanism. */
export const CAUSE_KINDS = [
  'bad_deploy',
  'slow_dependency',
  'pool_exhaustion',
  'memory_leak',
  'error_burst',
  'noisy_neighbour',
  'traffic_surge',
  'resource_saturation',
  'unknown',
] as const;
export type CauseKind = (typeof CAUSE_KINDS)[number];

/** Half-open [startMs, endMs), Unix milliseconds. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}
/** What a series is about. `service` is the owner; an edge has `peer` (callee). */
export interface SubjectKey {
  readonly service: string;
  readonly peer?: string;
  readonly instance?: string;
  /** Metric or derived signal, e.g. "red.error_ratio", "red.p95_ms", "process.memory.usage". */
  readonly signal: string;
  /** Label set as sorted k=v, '' for RED. */
  readonly labels: string;
}
export interface Anomaly {
  readonly subject: SubjectKey;
  readonly kind: SignalKind;
  readonly onsetMs: number;
  /** Last bucket judged anomalous, end. */
  readonly untilMs: number;
  readonly value: number;
  readonly baseline: number;
  /** Robust deviations from the baseline, signed. */
  readonly deviation: number;
  /** 0-1, comparable across series. */
  readonly score: number;
  /** Text of the query that reproduces value and baseline. */
  readonly query: string;
}
/** Half-open, RFC 3339. */
export interface SpokenWindow {
  readonly start: string;
  readonly end: string;
}
export interface Evidence {
  readonly id: string;
  readonly signal: 'metric' | 'trace' | 'log' | 'change';
  /** One sentence, English; `messageKey` + `params` let the screen say it in another language. */
  readonly says: string;
  readonly messageKey: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** SQL that returns `value` (first row, column "value") and, where it applies, "baseline". */
  readonly query: string;
  readonly value: number | string;
  readonly baseline: number | string | null;
  readonly unit: string;
  /** RFC 3339. */
  readonly onset: string | null;
  /** What `value` and `baseline` are of; absent for a change, and in rows of an older version. */
  readonly over?: { readonly window: SpokenWindow; readonly baseline: SpokenWindow };
  /** A trace id (hex) to open as an example. */
  readonly traceId?: string;
}
export interface Candidate {
  readonly rank: number;
  readonly service: string;
  readonly instance: string | null;
  readonly kind: CauseKind;
  readonly score: number;
  readonly because: string;
  readonly role: 'cause' | 'critical_failure' | 'impact';
  readonly evidence: readonly Evidence[];
}
export type Verdict = 'confirmed' | 'likely' | 'inconclusive';
export interface RcaResult {
  readonly verdict: Verdict;
  readonly window: SpokenWindow;
  readonly candidates: readonly Candidate[];
  /** Services that only suffer, worst first. */
  readonly impacted: readonly string[];
  readonly narrative: string;
  /** Series beyond the limit of what is looked at (docs/limits.md), newest left out first; absent: everything was. */
  readonly notJudged?: number;
}
export type Severity = 'critical' | 'major' | 'minor';
export interface TimelineEntry {
  readonly atMs: number;
  readonly kind: 'opened' | 'anomaly' | 'change' | 'cause' | 'acknowledged' | 'note' | 'resolved' | 'reopened' | 'log';
  readonly service: string | null;
  readonly says: string;
  readonly messageKey: string;
  readonly params: Readonly<Record<string, string | number>>;
}
export interface Incident {
  readonly id: string;
  readonly title: string;
  readonly status: 'open' | 'resolved';
  readonly severity: Severity;
  readonly openedMs: number;
  /** Estimated start of the trouble: earliest onset. */
  readonly onsetMs: number;
  readonly resolvedMs: number | null;
  readonly acknowledgedMs: number | null;
  readonly services: readonly string[];
  readonly symptom: { readonly service: string; readonly kind: SignalKind };
  readonly anomalies: readonly Anomaly[];
  readonly rca: RcaResult | null;
  readonly timeline: readonly TimelineEntry[];
}
/** A change of the system: deploy (service.version), restart, scale, config or flag event. */
export interface Change {
  readonly atMs: number;
  readonly kind: 'deploy' | 'restart' | 'scale' | 'config' | 'flag';
  readonly service: string;
  readonly instance: string | null;
  readonly from: string;
  readonly to: string;
}
