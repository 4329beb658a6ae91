import type { Anomaly, Change, Incident, RcaResult, SignalKind, TimeWindow } from './judgement.ts';

/**
 * What judgement may look at: everything on one regular grid. Built by SQL over the store (store/read/observe), live
 * one bucket at a time (a ring of the last hour) or for any past window (`faultline rca`). Judgement never sees rows.
 *
 * Every array has `buckets` entries; entry i covers [startMs + i*stepMs, +stepMs). NaN = nothing was observed
 * (never 0 by default); counts are 0 only where the service was seen alive in that bucket or its neighbours.
 */
export interface Observation {
  readonly startMs: number;
  readonly stepMs: number;
  readonly buckets: number;
  readonly services: readonly ServiceObservation[];
  readonly edges: readonly EdgeObservation[];
  readonly metrics: readonly MetricObservation[];
  readonly logs: readonly LogObservation[];
  readonly changes: readonly Change[];
  readonly placements: readonly Placement[];
  readonly facets: readonly FacetObservation[];
}
/** RED of one service from its entry spans (server, consumer, or roots of any kind); whole service or one instance. */
export interface ServiceObservation {
  readonly service: string;
  /** null: all instances together. */
  readonly instance: string | null;
  readonly requests: Float64Array;
  /** Entry spans with status error. */
  readonly errors: Float64Array;
  /** Error entry spans none of whose child client spans failed: the error was born here. */
  readonly ownErrors: Float64Array;
  readonly p50Ms: Float64Array;
  readonly p95Ms: Float64Array;
  /** Mean time per request not covered by client spans to others: time spent here. */
  readonly selfMeanMs: Float64Array;
}
/** Calls from one service to another, or to something that sends no telemetry (database, external API, queue). */
export interface EdgeObservation {
  readonly from: string;
  readonly to: string;
  readonly kind: 'service' | 'database' | 'external' | 'queue';
  readonly requests: Float64Array;
  readonly errors: Float64Array;
  readonly clientMeanMs: Float64Array;
  readonly clientP95Ms: Float64Array;
  /** Mean of the callee's matching server spans; NaN without them. Client minus server = network and queueing. */
  readonly serverMeanMs: Float64Array;
}
/** One metric series (or one of its aggregates). Counters come as per-second rates, resets handled. */
export interface MetricObservation {
  readonly metric: string;
  readonly unit: string;
  readonly type: string;
  readonly service: string;
  readonly instance: string | null;
  readonly host: string | null;
  /** Labels as k=v, sorted, without service, instance, host. */
  readonly labels: string;
  readonly seriesId: number;
  /** true when `values` is a per-second rate of a cumulative counter. */
  readonly isRate: boolean;
  readonly values: Float64Array;
}
/** Log lines by service, severity class and shape (variables masked). */
export interface LogObservation {
  readonly service: string;
  readonly severity: 'fatal' | 'error' | 'warn' | 'info' | 'debug';
  readonly pattern: string;
  readonly example: string;
  readonly exampleTraceId: string | null;
  readonly counts: Float64Array;
}
/** Where an instance ran and in which version. */
export interface Placement {
  readonly service: string;
  readonly instance: string;
  readonly host: string | null;
  readonly version: string | null;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}
/** Requests and errors of one service by one attribute value, in the window and in the baseline before it. */
export interface FacetObservation {
  readonly service: string;
  readonly key: string;
  readonly value: string;
  readonly windowRequests: number;
  readonly windowErrors: number;
  readonly baselineRequests: number;
  readonly baselineErrors: number;
}

/** Writes the SQL an evidence row carries. Implemented by store/read/evidence-queries; pure text, no I/O. */
export interface EvidenceQueries {
  service(
    signal: 'requests' | 'errors' | 'own_errors' | 'error_ratio' | 'p95_ms' | 'self_ms',
    service: string,
    instance: string | null,
    window: TimeWindow,
    baseline: TimeWindow,
  ): string;
  edge(
    signal: 'requests' | 'error_ratio' | 'client_ms' | 'server_ms',
    from: string,
    to: string,
    window: TimeWindow,
    baseline: TimeWindow,
  ): string;
  metric(seriesId: number, isRate: boolean, window: TimeWindow, baseline: TimeWindow): string;
  log(service: string, pattern: string, window: TimeWindow, baseline: TimeWindow): string;
  change(change: Change): string;
  facet(service: string, key: string, value: string, window: TimeWindow, baseline: TimeWindow): string;
}

/**
 * Doors of analytics/ (pure functions; files in brackets).
 * createDetector   [analytics/anomaly/detect.ts]       streaming, O(1) per value
 * correlate        [analytics/incidents/correlate.ts]  anomalies -> incidents, stable ids, hysteresis
 * rankCauses       [analytics/rca/rank-causes.ts]      observation + anomalies -> RcaResult
 * narrate          [analytics/rca/narrate.ts]          RcaResult -> text, template only
 */
export interface Detector {
  /**
   * Feeds the newest bucket of an observation (call once per bucket, in time order) and returns the anomalies now
   * active. Must cope with new and vanished subjects and with gaps.
   */
  push(observation: Observation, bucket: number, queries: EvidenceQueries): readonly Anomaly[];
}
export interface Correlator {
  /** Returns incidents opened, changed or resolved by this step. `nowMs` is the end of the newest bucket. */
  step(nowMs: number, anomalies: readonly Anomaly[], observation: Observation): readonly Incident[];
}
export interface RankInput {
  readonly observation: Observation;
  readonly anomalies: readonly Anomaly[];
  /** From the earliest onset to now (or to the resolution). */
  readonly window: TimeWindow;
  readonly baseline: TimeWindow;
  readonly symptom: { readonly service: string; readonly kind: SignalKind } | null;
  readonly top: number;
}
export type RankCauses = (input: RankInput, queries: EvidenceQueries) => RcaResult;
