import type { Anomaly, Incident } from '#contracts/judgement.ts';
import { durationText, percentText, valueText } from '../../lib/format.ts';
import type { TimeSpan } from '../../lib/time-range.ts';

/** Severities, worst first. */
const RANK = { critical: 0, major: 1, minor: 2 } as const;
const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 5 * 60_000;

/** Open before resolved, then worst first, then newest first. */
export const sortIncidents = (incidents: readonly Incident[]): Incident[] =>
  [...incidents].sort(
    (a, b) =>
      Number(a.status === 'resolved') - Number(b.status === 'resolved') || RANK[a.severity] - RANK[b.severity] || b.openedMs - a.openedMs,
  );

/** The window that shows the calm before, the trouble, and what came after. */
export function incidentSpan(incident: Incident, nowMs: number): TimeSpan {
  const endMs = incident.resolvedMs ?? nowMs;
  return {
    startMs: incident.onsetMs - BEFORE_MS,
    endMs: Math.min(nowMs, Math.max(endMs, incident.onsetMs + AFTER_MS) + (incident.resolvedMs === null ? 0 : AFTER_MS)),
  };
}
/** The anomaly the headline speaks of. */
export const symptomOf = (incident: Incident): Anomaly | undefined =>
  incident.anomalies.find(
    (a) => a.subject.service === incident.symptom.service && a.kind === incident.symptom.kind && a.subject.peer === undefined,
  ) ?? incident.anomalies.find((a) => a.subject.service === incident.symptom.service && a.kind === incident.symptom.kind);

/** Both figures of an anomaly; counts, whose step is not known here, as the change in percent. */
export function anomalyFigures(anomaly: Anomaly): { readonly from: string; readonly to: string } {
  const { signal } = anomaly.subject;
  if (signal.endsWith('error_ratio')) return { from: percentText(anomaly.baseline), to: percentText(anomaly.value) };
  if (signal.endsWith('_ms')) return { from: durationText(anomaly.baseline), to: durationText(anomaly.value) };
  if (signal === 'red.requests')
    return { from: '100 %', to: percentText(anomaly.baseline > 0 ? anomaly.value / anomaly.baseline : Number.NaN) };
  return { from: valueText(anomaly.baseline, ''), to: valueText(anomaly.value, '') };
}
/** Minutes from trouble to notice, to hand, to end; null while it has not come. */
export function phases(incident: Incident): {
  readonly detectMs: number;
  readonly acknowledgeMs: number | null;
  readonly resolveMs: number | null;
} {
  return {
    detectMs: incident.openedMs - incident.onsetMs,
    acknowledgeMs: incident.acknowledgedMs === null ? null : incident.acknowledgedMs - incident.openedMs,
    resolveMs: incident.resolvedMs === null ? null : incident.resolvedMs - incident.onsetMs,
  };
}
/** Lanes of the timeline: what the system did, what people did, what we concluded. */
export type Lane = 'system' | 'people' | 'inferred';
export function laneOf(kind: Incident['timeline'][number]['kind']): Lane {
  if (kind === 'acknowledged' || kind === 'note') return 'people';
  return kind === 'cause' || kind === 'opened' || kind === 'reopened' || kind === 'resolved' ? 'inferred' : 'system';
}
