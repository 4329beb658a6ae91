import { setImmediate as nextTurn } from 'node:timers/promises';
import { createDetector } from '#analytics/anomaly/detect.ts';
import { rankCauses } from '#analytics/rca/rank-causes.ts';
import type { Anomaly, RcaResult, SignalKind, TimeWindow } from '#contracts/judgement.ts';
import type { Observation } from '#contracts/observation.ts';
import type { Store } from '#contracts/store.ts';
import { readFacets, servicesWithMoreErrors } from '#store/read/read-facets.ts';
import { readObservation } from '#store/read/read-observation.ts';
import { evidenceQueries } from '#store/sql/read/evidence-sql.ts';
import { mergeAnomalies } from './evaluation-loop.ts';
import { MAX_JUDGED_ROWS } from './observation-ring.ts';

export interface RcaQuestion {
  readonly startMs: number;
  readonly endMs: number;
  readonly service?: string | undefined;
  readonly top?: number | undefined;
}
const STEP_MS = 10_000;
const MAX_CELLS = 720;
/** The normal state is looked for so long before the window, at least and at most. */
const MIN_BASELINE_MS = 30 * 60_000;
const MAX_BASELINE_MS = 3 * 3_600_000;
const DEFAULT_TOP = 5;
/** By time, not by steps: with 100,000 series 30 steps held the thread, and with it every other answer, for 6 s. */
const TURN_MS = 20;
const SYMPTOMS: readonly SignalKind[] = ['errors', 'latency', 'traffic_drop'];

/** Steps are 10 s and, for long windows, as many times that as keeps the grid within bounds. */
export function gridFor(startMs: number, endMs: number): { readonly startMs: number; readonly stepMs: number; readonly buckets: number } {
  const stepMs = Math.max(1, Math.ceil((endMs - startMs) / STEP_MS / MAX_CELLS)) * STEP_MS;
  const from = Math.floor(startMs / stepMs) * stepMs;
  return { startMs: from, stepMs, buckets: Math.max(1, Math.ceil((endMs - from) / stepMs)) };
}

/** Why something went wrong between two times in the past: same reading, detectors and ranking as the live loop. */
export async function answerRca(store: Pick<Store, 'query'>, question: RcaQuestion, maxRows = MAX_JUDGED_ROWS): Promise<RcaResult> {
  const lookback = Math.min(MAX_BASELINE_MS, Math.max(MIN_BASELINE_MS, question.endMs - question.startMs));
  const observation = await readObservation(store, gridFor(question.startMs - lookback, question.endMs), { maxRows });
  const anomalies = (await replay(observation)).filter((a) => a.untilMs > question.startMs);
  const onsets = anomalies.filter((a) => SYMPTOMS.includes(a.kind)).map((a) => a.onsetMs);
  // The trouble may begin before or well within the window asked about; the baseline ends where it begins.
  const onsetMs = Math.max(observation.startMs, onsets.length > 0 ? Math.min(...onsets) : question.startMs);
  const window: TimeWindow = { startMs: onsetMs, endMs: question.endMs };
  const baseline: TimeWindow = { startMs: observation.startMs, endMs: onsetMs };
  const facets = await readFacets(store, servicesWithMoreErrors(observation, window, baseline), window, baseline);
  const symptom = symptomOf(anomalies, question.service);
  const result = rankCauses(
    { observation: { ...observation, facets }, anomalies, window, baseline, symptom, top: question.top ?? DEFAULT_TOP },
    evidenceQueries,
  );
  return observation.leftOut === 0 ? result : { ...result, notJudged: observation.leftOut };
}

async function replay(observation: Observation): Promise<Anomaly[]> {
  const detector = createDetector();
  let seen: Anomaly[] = [];
  let turnStartedMs = performance.now();
  for (let bucket = 0; bucket < observation.buckets; bucket++) {
    const active = detector.push(observation, bucket, evidenceQueries);
    if (active.length > 0) seen = mergeAnomalies(seen, active);
    if (performance.now() - turnStartedMs < TURN_MS) continue;
    await nextTurn();
    turnStartedMs = performance.now();
  }
  return seen;
}
function symptomOf(anomalies: readonly Anomaly[], service: string | undefined): { service: string; kind: SignalKind } | null {
  const candidates = anomalies.filter(
    (a) => SYMPTOMS.includes(a.kind) && a.subject.peer === undefined && (service === undefined || a.subject.service === service),
  );
  const worst = candidates.sort((a, b) => b.score - a.score || a.onsetMs - b.onsetMs)[0];
  if (worst) return { service: worst.subject.service, kind: worst.kind };
  return service === undefined ? null : { service, kind: 'errors' };
}
