import type { Anomaly } from '#contracts/judgement.ts';
import type { Observation } from '#contracts/observation.ts';
import type { CallGraph } from '../topology/call-graph.ts';
import { type Draft, keyOf } from './draft.ts';
import { anomalyEntry, changeEntry, changeKey, changesAround } from './timeline-entries.ts';

/** Changes told in one incident; a sender that makes up instances would fill it else. The rest is counted. */
const MOST_CHANGES = 60;
/** Anomalies and log lines told in one incident; the rest is counted and stays in `Incident.anomalies`. */
const MOST_LINES = 200;

/** Tells an anomaly once; true when it is new, told or not. */
export function note(draft: Draft, anomaly: Anomaly, stepMs: number): boolean {
  const key = keyOf(anomaly);
  if (draft.seen.has(key)) return false;
  draft.seen.add(key);
  const told = anomalyEntry(anomaly, stepMs);
  if (told === null) return true;
  if (draft.lines >= MOST_LINES) {
    draft.untold++;
    return true;
  }
  draft.lines++;
  draft.entries.push(told);
  return true;
}

/** What changed around the incident in services that hang together with it; each change is told once. */
export function tellChanges(draft: Draft, graph: CallGraph, nowMs: number, { changes }: Observation): { isNews: boolean; left: number } {
  const told = { isNews: false, left: 0 };
  if (changes.length === 0) return told;
  const services = new Set([...graph.component(draft.symptom.service), ...draft.services]);
  for (const change of changesAround(changes, services, draft.onsetMs, nowMs)) {
    const key = `change|${changeKey(change)}`;
    if (draft.seen.has(key)) continue;
    draft.seen.add(key);
    if (draft.changes >= MOST_CHANGES) {
      told.left++;
      continue;
    }
    draft.changes++;
    draft.entries.push(changeEntry(change));
    told.isNews = true;
  }
  return told;
}
