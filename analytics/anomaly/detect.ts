import type { Anomaly, SignalKind, SubjectKey, TimeWindow } from '#contracts/judgement.ts';
import type {
  Detector,
  EdgeObservation,
  EvidenceQueries,
  LogObservation,
  MetricObservation,
  Observation,
  ServiceObservation,
} from '#contracts/observation.ts';
import { LogSignal } from './log-signal.ts';
import { MetricSignal } from './metric-signal.ts';
import { MetricValues } from './metric-values.ts';
import { type Finding, type NumericRule, NumericSignal } from './numeric-signal.ts';
import { type Pacing, pacingFor } from './pacing.ts';
import { RatioSignal } from './ratio-signal.ts';

/** Settings of the detector; every one has a default that fits all inputs. */
export interface DetectorOptions {
  /** Subjects held at most; new ones beyond are not judged and counted in `refusedSubjects`. Default 200,000. */
  readonly maxSubjects?: number;
}
/** The detector with its own counters. */
export interface CountingDetector extends Detector {
  readonly subjects: number;
  readonly refusedSubjects: number;
}

interface RedState {
  readonly errors: RatioSignal;
  readonly latency: NumericSignal;
  readonly self: NumericSignal;
  readonly traffic: NumericSignal;
}
interface EdgeState {
  readonly errors: RatioSignal;
  readonly latency: NumericSignal;
}
type Held = { state: unknown; lastMs: number };
/** A metric series: found by its place in the list of the push before, else by its number. No text is made per bucket. */
interface HeldMetric {
  series: MetricObservation;
  readonly metric: string;
  readonly isRate: boolean;
  readonly state: MetricSignal;
  lastMs: number;
  /** Another series under the same number. */
  readonly other: HeldMetric | null;
}
/** A subject unseen this long is forgotten. */
const FORGET_MS = 3_600_000;
/** Buckets with fewer requests say nothing about a percentile. */
const FEWEST_REQUESTS = 3;

/** Streaming detector over observations, O(1) a value. Deterministic: no clock, no randomness. */
export function createDetector(options: DetectorOptions = {}): CountingDetector {
  return new StreamingDetector(options.maxSubjects ?? 200_000);
}

class StreamingDetector implements CountingDetector {
  private readonly held = new Map<string, Held>();
  private readonly metrics = new Map<number, HeldMetric>();
  private metricsHeld = 0;
  /** Where each series of the last push is held, by its place in the list. */
  private places: (HeldMetric | null)[] = [];
  private readonly values = new MetricValues();
  private readonly loggedSinceMs = new Map<string, number>();
  private readonly maxSubjects: number;
  private pacing: Pacing = pacingFor(10_000);
  private found: Anomaly[] = [];
  private startMs = 0;
  private pushes = 0;
  private queries!: EvidenceQueries;
  refusedSubjects = 0;

  constructor(maxSubjects: number) {
    this.maxSubjects = maxSubjects;
  }

  get subjects(): number {
    return this.held.size + this.metricsHeld;
  }

  push(observation: Observation, bucket: number, queries: EvidenceQueries): readonly Anomaly[] {
    if (observation.stepMs !== this.pacing.stepMs) {
      // Another grid: what was learned per bucket does not carry over.
      this.held.clear();
      this.metrics.clear();
      this.metricsHeld = 0;
      this.places = [];
      this.pacing = pacingFor(observation.stepMs);
    }
    this.found = [];
    this.queries = queries;
    this.startMs = observation.startMs + bucket * observation.stepMs;
    for (const service of observation.services) this.judgeService(service, bucket);
    for (const edge of observation.edges) this.judgeEdge(edge, bucket);
    const { metrics } = observation;
    this.places.length = metrics.length;
    const values = this.values.at(observation, bucket);
    for (let i = 0; i < metrics.length; i++) this.judgeMetric(metrics[i]!, i, values[i]!);
    for (const log of observation.logs) this.judgeLog(log, bucket);
    // Sweeping costs one pass over all subjects: once in 60 buckets.
    if (++this.pushes % 60 === 0) this.forget();
    return this.found.sort(bySubject);
  }

  private judgeService(service: ServiceObservation, bucket: number): void {
    const state = this.hold(`s|${service.service}|${service.instance ?? ''}`, () => this.newRed());
    if (state === null) return;
    const { pacing, startMs } = this;
    const subject = subjectOf(service.service, service.instance);
    const requests = service.requests[bucket] ?? Number.NaN;
    const errors = state.errors.push(service.errors[bucket] ?? Number.NaN, requests, startMs);
    const query = (signal: Parameters<EvidenceQueries['service']>[0]) => (window: TimeWindow, baseline: TimeWindow) =>
      this.queries.service(signal, service.service, service.instance, window, baseline);
    this.report(errors, 'errors', { ...subject, signal: 'red.error_ratio' }, query('error_ratio'));
    const busy = requests >= FEWEST_REQUESTS;
    const duration = durationRule(pacing);
    const latency = state.latency.push(busy ? Math.log(service.p95Ms[bucket] ?? Number.NaN) : Number.NaN, startMs, duration);
    this.report(inMs(latency), 'latency', { ...subject, signal: 'red.p95_ms' }, query('p95_ms'));
    const self = state.self.push(busy ? Math.log(Math.max(service.selfMeanMs[bucket] ?? Number.NaN, 0.01)) : Number.NaN, startMs, duration);
    this.report(inMs(self), 'latency', { ...subject, signal: 'red.self_ms' }, query('self_ms'));
    const traffic = squared(state.traffic.push(Math.sqrt(requests), startMs, trafficRule(pacing)));
    if (traffic !== null && isTrafficChange(traffic)) {
      const kind = traffic.value < traffic.baseline ? 'traffic_drop' : 'traffic_surge';
      this.report(traffic, kind, { ...subject, signal: 'red.requests' }, query('requests'));
    }
  }

  private judgeEdge(edge: EdgeObservation, bucket: number): void {
    const state = this.hold(`e|${edge.from}|${edge.to}|${edge.kind}`, () => this.newEdge());
    if (state === null) return;
    const requests = edge.requests[bucket] ?? Number.NaN;
    const subject = { service: edge.from, peer: edge.to, labels: '' };
    const query = (signal: Parameters<EvidenceQueries['edge']>[0]) => (window: TimeWindow, baseline: TimeWindow) =>
      this.queries.edge(signal, edge.from, edge.to, window, baseline);
    this.report(
      state.errors.push(edge.errors[bucket] ?? Number.NaN, requests, this.startMs),
      'errors',
      { ...subject, signal: 'edge.error_ratio' },
      query('error_ratio'),
    );
    const client = requests >= FEWEST_REQUESTS ? Math.log(edge.clientMeanMs[bucket] ?? Number.NaN) : Number.NaN;
    this.report(
      inMs(state.latency.push(client, this.startMs, durationRule(this.pacing))),
      'latency',
      { ...subject, signal: 'edge.client_ms' },
      query('client_ms'),
    );
  }

  private judgeMetric(series: MetricObservation, place: number, value: number): void {
    let held = this.places[place] ?? null;
    if (held?.series !== series) {
      held = this.holdMetric(series);
      this.places[place] = held;
    }
    if (held === null) return;
    held.lastMs = this.startMs;
    for (const finding of held.state.push(value, this.startMs, held.isRate)) {
      const subject = { ...subjectOf(series.service, series.instance), signal: series.metric, labels: series.labels };
      this.report(finding, finding.kind, subject, (window, baseline) =>
        this.queries.metric(series.seriesId, series.isRate, window, baseline),
      );
    }
  }

  private holdMetric(series: MetricObservation): HeldMetric | null {
    const { metric, isRate, seriesId } = series;
    const first = this.metrics.get(seriesId) ?? null;
    for (let held = first; held !== null; held = held.other) {
      if (held.metric !== metric || held.isRate !== isRate) continue;
      held.series = series;
      return held;
    }
    if (this.subjects >= this.maxSubjects) {
      this.refusedSubjects++;
      return null;
    }
    const held = { series, metric, isRate, state: new MetricSignal(series, this.pacing), lastMs: this.startMs, other: first };
    this.metrics.set(seriesId, held);
    this.metricsHeld++;
    return held;
  }

  private judgeLog(log: LogObservation, bucket: number): void {
    const since = this.loggedSinceMs.get(log.service) ?? this.startMs;
    this.loggedSinceMs.set(log.service, since);
    if (log.severity === 'info' || log.severity === 'debug') return;
    const key = `l|${log.service}|${log.severity}|${log.pattern}`;
    const count = log.counts[bucket] ?? Number.NaN;
    // A pattern enters when it is first seen, so that an observation that lists it early gives nothing away.
    if (!this.held.has(key) && !(count > 0)) return;
    const isNew = this.startMs - since >= this.pacing.warmUp * this.pacing.stepMs;
    const state = this.hold(key, () => new LogSignal(this.pacing, isNew, this.startMs));
    const finding = state?.push(count, this.startMs) ?? null;
    if (finding === null) return;
    const subject = { ...subjectOf(log.service, null), signal: 'log', labels: `pattern=${log.pattern}` };
    this.report(finding, finding.kind, subject, (window, baseline) => this.queries.log(log.service, log.pattern, window, baseline));
  }

  private report(
    finding: Finding | null,
    kind: SignalKind,
    subject: SubjectKey,
    query: (window: TimeWindow, baseline: TimeWindow) => string,
  ): void {
    if (finding === null) return;
    const window = { startMs: finding.onsetMs, endMs: finding.untilMs };
    const baseline = { startMs: finding.onsetMs - 30 * this.pacing.stepMs, endMs: finding.onsetMs };
    const { onsetMs, untilMs, value, baseline: base, deviation } = finding;
    const score = 1 - Math.exp(-Math.abs(deviation) / 10);
    this.found.push({ subject, kind, onsetMs, untilMs, value, baseline: base, deviation, score, query: query(window, baseline) });
  }

  private hold<S>(key: string, create: () => S): S | null {
    let held = this.held.get(key);
    if (held === undefined) {
      if (this.subjects >= this.maxSubjects) {
        this.refusedSubjects++;
        return null;
      }
      held = { state: create(), lastMs: this.startMs };
      this.held.set(key, held);
    }
    held.lastMs = this.startMs;
    return held.state as S;
  }

  private forget(): void {
    const isOld = (held: { readonly lastMs: number }): boolean => this.startMs - held.lastMs > FORGET_MS;
    for (const [key, held] of this.held) if (isOld(held)) this.held.delete(key);
    for (const [seriesId, first] of this.metrics) {
      let kept: HeldMetric | null = null;
      let forgotten = 0;
      for (let held: HeldMetric | null = first; held !== null; held = held.other) {
        if (isOld(held)) forgotten++;
        else kept = { ...held, other: kept };
      }
      if (forgotten === 0) continue;
      this.metricsHeld -= forgotten;
      this.places = [];
      if (kept === null) this.metrics.delete(seriesId);
      else this.metrics.set(seriesId, kept);
    }
  }

  private newRed(): RedState {
    const numeric = (): NumericSignal => new NumericSignal(this.pacing);
    return { errors: new RatioSignal(this.pacing), latency: numeric(), self: numeric(), traffic: numeric() };
  }

  private newEdge(): EdgeState {
    return { errors: new RatioSignal(this.pacing), latency: new NumericSignal(this.pacing) };
  }
}

const subjectOf = (service: string, instance: string | null): { service: string; instance?: string; labels: string } =>
  instance === null ? { service, labels: '' } : { service, instance, labels: '' };

/** Durations are judged as logarithms: a change by a third is the least that matters. */
const durationRule = (pacing: Pacing): NumericRule => ({
  direction: 1,
  deviations: 4,
  floor: 0.06,
  change: Math.log(1.35),
  memory: pacing.memory,
});

/** Square roots of counts have a spread of 1/2 whatever the rate (Poisson); levels follow the day. */
const trafficRule = (pacing: Pacing): NumericRule => ({
  direction: 0,
  deviations: 5,
  floor: 0.5,
  change: 0.5,
  memory: pacing.trafficMemory,
});

const isTrafficChange = (traffic: Finding): boolean => traffic.value < 0.5 * traffic.baseline || traffic.value > 1.8 * traffic.baseline;

const inMs = (finding: Finding | null): Finding | null =>
  finding === null ? null : { ...finding, value: Math.exp(finding.value), baseline: Math.exp(finding.baseline) };

const squared = (finding: Finding | null): Finding | null =>
  finding === null ? null : { ...finding, value: finding.value ** 2, baseline: finding.baseline ** 2 };

function bySubject(a: Anomaly, b: Anomaly): number {
  return b.score - a.score || (subjectText(a) < subjectText(b) ? -1 : 1);
}
const subjectText = (a: Anomaly): string =>
  `${a.subject.service}|${a.subject.peer ?? ''}|${a.subject.instance ?? ''}|${a.subject.signal}|${a.subject.labels}|${a.kind}`;
