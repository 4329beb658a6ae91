import type { Incident, TimelineEntry } from '#contracts/judgement.ts';
import { timelineOf } from '../incidents/incident-timeline.ts';

/** A change with the incident it was seen in. */
export interface SeenChange {
  readonly entry: TimelineEntry;
  readonly incidentId: string;
}
/** Changes known from incidents, newest first, each once. */
export function recentChanges(incidents: readonly Incident[], limit: number): SeenChange[] {
  const seen = new Map<string, SeenChange>();
  for (const incident of incidents) {
    for (const entry of timelineOf(incident)) {
      const key = `${entry.atMs} ${entry.says}`;
      if (entry.kind === 'change' && !seen.has(key)) seen.set(key, { entry, incidentId: incident.id });
    }
  }
  return [...seen.values()].sort((a, b) => b.entry.atMs - a.entry.atMs).slice(0, limit);
}
/** Services the open incidents are about: where it shows, where it comes from, who suffers. */
export function troubledServices(incidents: readonly Incident[]): Set<string> {
  const open = incidents.filter((incident) => incident.status === 'open');
  return new Set(
    open.flatMap((incident) => [
      incident.symptom.service,
      ...(incident.rca?.candidates.slice(0, 1).map((c) => c.service) ?? []),
      ...(incident.rca?.impacted ?? []),
    ]),
  );
}
