import type { Incident, TimelineEntry } from '#contracts/judgement.ts';

/** Deviations shown before the rest is folded away. */
const SHOWN_ANOMALIES = 6;
/** Older deviations led to nothing: noise that correlation took along. */
const BEFORE_ONSET_MS = 120_000;

/** A change of the timeline and the same change as evidence: their times may differ by what the grid rounds. */
const SAME_CHANGE_MS = 2_000;

/** Everything known, oldest first; changes that serve as evidence stand among it at their time, each change once. */
export function timelineOf(incident: Pick<Incident, 'timeline' | 'rca'>): TimelineEntry[] {
  const seen = new Set(incident.timeline.map((entry) => entry.says));
  const isTold = (service: string, atMs: number): boolean =>
    incident.timeline.some((entry) => entry.kind === 'change' && entry.service === service && Math.abs(entry.atMs - atMs) < SAME_CHANGE_MS);
  const changes: TimelineEntry[] = [];
  for (const candidate of incident.rca?.candidates ?? []) {
    for (const evidence of candidate.evidence) {
      const atMs = evidence.onset === null ? Number.NaN : Date.parse(evidence.onset);
      if (evidence.signal !== 'change' || !Number.isFinite(atMs) || seen.has(evidence.says)) continue;
      seen.add(evidence.says);
      if (isTold(String(evidence.params['service'] ?? candidate.service), atMs)) continue;
      const { says, messageKey, params } = evidence;
      changes.push({ atMs, kind: 'change', service: candidate.service, says, messageKey, params });
    }
  }
  return [...incident.timeline, ...changes].sort((a, b) => a.atMs - b.atMs);
}
/** What tells the story: all but the many deviations, of which the first few from the onset on stay. */
export function tellingEntries(entries: readonly TimelineEntry[], onsetMs: number): TimelineEntry[] {
  let anomalies = 0;
  return entries.filter((entry) => entry.kind !== 'anomaly' || (entry.atMs >= onsetMs - BEFORE_ONSET_MS && ++anomalies <= SHOWN_ANOMALIES));
}
