import type { Incident } from '#contracts/judgement.ts';
import type { Call } from './route.ts';
import { stepFor } from './time-range.ts';

/** Cells of one answer of cost or emissions, and the shortest: resource metrics come every 10 to 60 s. */
const MAX_CELLS = 400;
const SHORTEST_STEP_MS = 60_000;
/** An incident older than this is counted to here: its later hours are not its own. */
const LONGEST_INCIDENT_MS = 7 * 86_400_000;
/** The newest half minute of an open incident still grows, as in a draft: a scrape to come says what was used before it. */
const ARRIVAL_MS = 30_000;

export interface UsageGrid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}
/** The window asked for, in cells that are neither too many nor too short. */
export function usageGrid(range: { readonly start: number; readonly end: number; readonly step?: number | undefined }): UsageGrid {
  const stepMs = Math.max(stepFor(range), SHORTEST_STEP_MS, Math.ceil((range.end - range.start) / MAX_CELLS));
  return { startMs: range.start, endMs: range.end, stepMs };
}
/** An incident's window, onset to end (open: to half a minute ago), and the same length right before it, each as one cell. @throws not_found */
export function incidentGrids(
  { engine }: Pick<Call, 'engine'>,
  incidentId: string,
): { readonly incident: Incident; readonly during: UsageGrid; readonly before: UsageGrid } {
  const incident = engine.book.get(incidentId);
  const startMs = incident.onsetMs;
  const endMs = Math.min(Math.max(incident.resolvedMs ?? engine.parts.nowMs() - ARRIVAL_MS, startMs + 1), startMs + LONGEST_INCIDENT_MS);
  const stepMs = endMs - startMs;
  const from = (fromMs: number): UsageGrid => ({ startMs: fromMs, endMs: fromMs + stepMs, stepMs });
  return { incident, during: from(startMs), before: from(Math.max(0, startMs - stepMs)) };
}
