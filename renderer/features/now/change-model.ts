import type { Incident, TimelineEntry } from '#contracts/judgement.ts';

/** A change with the incident it was seen in. */
export interface SeenChange {
  readonly entry: TimelineEntry;
  readonly incidentId: string;
}
/** Changes known from incidents, newest first, each once. */
export function recentChanges(incidents: readonly Incident[], limit: number): SeenChange[] {
  const seen = new Map<string, SeenChange>();
  for (const incident of incidents) {
    for (const entry of incident.timeline) {
      const key = `${entry.atMs} ${entry.says}`;
      if (entry.kind === 'change' && !seen.has(key)) seen.set(key, { entry, incidentId: incident.id });
    }
  }
  return [...seen.values()].sort((a, b) => b.entry.atMs - a.entry.atMs).slice(0, limit);
}
