import type { Incident, TimelineEntry } from '#contracts/judgement.ts';
import { timelineOf } from '../incidents/incident-timeline.ts';

/** Evidence tells times to the second. */
const SAME_MS = 1_000;
/** Incident whose timeline holds the change; null: it is tied to none. */
export function incidentOf(change: { readonly atMs: number; readonly service: string }, incidents: readonly Incident[]): string | null {
  const tells = (entry: TimelineEntry): boolean =>
    entry.kind === 'change' && entry.service === change.service && Math.abs(entry.atMs - change.atMs) < SAME_MS;
  return incidents.find((incident) => timelineOf(incident).some(tells))?.id ?? null;
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
