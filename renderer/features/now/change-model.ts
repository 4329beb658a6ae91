import type { Incident } from '#contracts/judgement.ts';
import { isSameChange, type ToldChange, timelineOf } from '../incidents/incident-timeline.ts';

/** Incident whose timeline holds the change; null: it is tied to none. */
export function incidentOf(change: ToldChange, incidents: readonly Incident[]): string | null {
  return (
    incidents.find((incident) => timelineOf(incident).some((entry) => entry.kind === 'change' && isSameChange(entry, change)))?.id ?? null
  );
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
