import type { Anomaly, Incident, RcaResult, TimeWindow } from '#contracts/judgement.ts';
import type { EvidenceQueries, Observation } from '#contracts/observation.ts';
import { createDetector } from './anomaly/detect.ts';
import { createCorrelator } from './incidents/correlate.ts';
import { rankCauses } from './rca/rank-causes.ts';

/** What a replay of an observation found. */
export interface Judgement {
  readonly incidents: readonly Incident[];
  /** Every anomaly seen, as it was last reported. */
  readonly anomalies: readonly Anomaly[];
}
/** Longest baseline compared with: what is older may be another day's normal. */
const BASELINE_MS = 1_800_000;

/** Replays an observation bucket by bucket through a fresh detector and correlator, as the engine does live. */
export function replay(observation: Observation, queries: EvidenceQueries): Judgement {
  const detector = createDetector();
  const correlator = createCorrelator();
  const incidents = new Map<string, Incident>();
  const anomalies = new Map<string, Anomaly>();
  for (let bucket = 0; bucket < observation.buckets; bucket++) {
    const active = detector.push(observation, bucket, queries);
    for (const a of active)
      anomalies.set(
        [a.kind, a.subject.service, a.subject.peer, a.subject.instance, a.subject.signal, a.subject.labels, a.onsetMs].join('|'),
        a,
      );
    const nowMs = observation.startMs + (bucket + 1) * observation.stepMs;
    for (const incident of correlator.step(nowMs, active, observation)) incidents.set(incident.id, incident);
  }
  return { incidents: [...incidents.values()], anomalies: [...anomalies.values()] };
}

/** Windows to rank an incident with: from its onset to its end (or now), and the calm before. */
export function windowsOf(
  incident: Pick<Incident, 'onsetMs' | 'resolvedMs'>,
  observation: Observation,
  nowMs: number,
): { window: TimeWindow; baseline: TimeWindow } {
  const step = observation.stepMs;
  const startMs = Math.max(observation.startMs, incident.onsetMs);
  const window = { startMs, endMs: Math.max(startMs + step, incident.resolvedMs ?? nowMs) };
  return { window, baseline: { startMs: Math.max(observation.startMs, startMs - BASELINE_MS), endMs: startMs } };
}

/** What a person asks for with `faultline rca`: a window, perhaps a service, how many causes. */
export interface JudgeRequest {
  readonly window: TimeWindow;
  readonly service: string | null;
  readonly top: number;
}

/**
 * Root cause of what happened in a window of a past observation (which should hold the calm before it too): the worst
 * incident a replay finds there, else the window as asked against what came before.
 * @param judgement of a replay of the observation, where there has been one
 */
export function judgeWindow(
  observation: Observation,
  request: JudgeRequest,
  queries: EvidenceQueries,
  { incidents, anomalies }: Judgement = replay(observation, queries),
): RcaResult {
  const { window, service, top } = request;
  const rank = { critical: 2, major: 1, minor: 0 };
  const found = incidents
    .filter(
      (i) =>
        i.onsetMs < window.endMs && (i.resolvedMs ?? window.endMs) > window.startMs && (service === null || i.services.includes(service)),
    )
    .sort((a, b) => rank[b.severity] - rank[a.severity] || a.onsetMs - b.onsetMs)[0];
  const windows = found === undefined ? asAsked(window, observation) : windowsOf(found, observation, window.endMs);
  const kind = found?.symptom.kind ?? 'latency';
  const symptom = service !== null ? { service, kind } : (found?.symptom ?? null);
  return rankCauses({ observation, anomalies, ...windows, symptom, top }, queries);
}

function asAsked(window: TimeWindow, observation: Observation): { window: TimeWindow; baseline: TimeWindow } {
  const isCovered = window.startMs - observation.startMs >= 4 * observation.stepMs;
  // Nothing before the window: its own first quarter has to serve as the calm.
  const startMs = isCovered ? window.startMs : observation.startMs + Math.max(window.endMs - observation.startMs, 0) / 4;
  return { window: { startMs, endMs: window.endMs }, baseline: { startMs: observation.startMs, endMs: startMs } };
}
