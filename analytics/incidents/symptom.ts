import type { Anomaly, Severity } from '#contracts/judgement.ts';

/** True for what users can feel: errors, slowness or missing traffic of a whole service. Only these open incidents. */
export function isSymptom(anomaly: Anomaly): boolean {
  const { subject, kind } = anomaly;
  if (subject.peer !== undefined || subject.instance !== undefined) return false;
  if (subject.signal === 'red.error_ratio') return kind === 'errors';
  if (subject.signal === 'red.p95_ms') return kind === 'latency';
  // A service twice as slow in itself, by more than a hair, is felt even where slower calls beneath hide it in the p95.
  if (subject.signal === 'red.self_ms') return anomaly.value > 2 * anomaly.baseline && anomaly.value - anomaly.baseline > 20;
  return subject.signal === 'red.requests' && kind === 'traffic_drop';
}

/** How bad a symptom is, 0 upwards; 1 is where "minor" ends and "major" begins, 3 where "critical" begins. */
export function badness(anomaly: Anomaly): number {
  if (anomaly.kind === 'errors') return 30 * (anomaly.value - anomaly.baseline);
  const ratio = anomaly.value / Math.max(anomaly.baseline, 1e-9);
  if (anomaly.subject.signal === 'red.self_ms') return 0.3;
  if (anomaly.kind === 'latency') return ratio / 2;
  return anomaly.kind === 'traffic_drop' ? (ratio < 0.1 ? 3 : ratio < 0.4 ? 1 : 0.5) : 0;
}

/** Severity of an incident from its worst symptom at an entry service; trouble users do not reach is one step milder. */
export function severityOf(symptoms: readonly Anomaly[], entries: ReadonlySet<string>): Severity {
  let worst = 0;
  for (const symptom of symptoms) worst = Math.max(worst, badness(symptom) * (entries.has(symptom.subject.service) ? 1 : 0.5));
  return worst >= 3 ? 'critical' : worst >= 1 ? 'major' : 'minor';
}

/** Badness as it counts for naming an incident: what users meet first comes first. */
export const prominence = (anomaly: Anomaly, entries: ReadonlySet<string>): number =>
  badness(anomaly) * (entries.has(anomaly.subject.service) ? 4 : 1);

/** The symptom that names the incident: worst at an entry service, else worst anywhere; ties by name. */
export function leadingSymptom(symptoms: readonly Anomaly[], entries: ReadonlySet<string>): Anomaly {
  const key = (a: Anomaly): string => `${a.subject.service}|${a.kind}`;
  return [...symptoms].sort((a, b) => prominence(b, entries) - prominence(a, entries) || (key(a) < key(b) ? -1 : 1))[0]!;
}
