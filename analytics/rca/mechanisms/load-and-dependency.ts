import type { EdgeObservation } from '#contracts/observation.ts';
import type { Place } from '../births.ts';
import type { CaseFile } from '../case-file.ts';
import { edgeErrorsRow, edgeTimeRow, metricRow, requestsRow } from '../evidence-rows.ts';
import { shiftBetween, weightedMean } from '../shift.ts';
import type { Mechanism } from './mechanism.ts';

/** Most calls became slower, not a rare few that stretch the mean (a held transaction, one huge query). */
export function isBroadlySlow(edge: EdgeObservation, file: CaseFile): boolean {
  const high = shiftBetween(edge.clientP95Ms, edge.requests, file.range);
  return !(high.baseline > 0) || high.value > 1.4 * high.baseline;
}

/** What a place without telemetry of its own can be: slow or failing, as all its callers see it. */
export function slowDependency(file: CaseFile, place: Place): Mechanism {
  const slow = place.edges.filter(({ shift }) => shift.certainty > 0.3);
  const isBroad = slow.length === 0 || slow.some(({ edge }) => isBroadlySlow(edge, file));
  const callers = new Set(slow.map(({ edge }) => edge.from)).size;
  const rows = [...place.edges]
    .sort((a, b) => b.shift.delta - a.shift.delta)
    .slice(0, 3)
    .map(({ edge, shift }) => (slow.length > 0 ? edgeTimeRow(file, edge, shift.onset) : edgeErrorsRow(file, edge, place.onset)));
  const failing = place.extraErrors > 0 ? place.edges[0] : undefined;
  if (failing !== undefined && slow.length > 0) rows.push(edgeErrorsRow(file, failing.edge, place.onset));
  const because =
    slow.length > 0 ? `Calls to ${place.name} became slow; its callers only wait.` : `Calls to ${place.name} fail; its callers pass it on.`;
  return { kind: 'slow_dependency', strength: isBroad ? (callers >= 2 ? 0.9 : 0.82) : 0.5, instance: null, because, rows };
}

/** Processor use of the place itself rose (beyond its own extra requests). */
export function ownSaturation(file: CaseFile, service: string): Mechanism | null {
  const metric = file.metricsOf(service).find((m) => {
    if (m.family !== 'cpu' && m.family !== 'throttled') return false;
    const shift = shiftBetween(m.series.values, null, file.range);
    return shift.z > 5 && shift.value > 1.4 * shift.baseline;
  });
  if (metric === undefined) return null;
  const onset = shiftBetween(metric.series.values, null, file.range).onset;
  return {
    kind: 'resource_saturation',
    strength: 0.5,
    instance: null,
    because: `${service} uses much more processor than before.`,
    rows: [metricRow(file, metric, onset)],
  };
}

/** An entry service suddenly gets far more requests than before; a slow climb is the day, not a cause. */
export function trafficSurge(file: CaseFile, service: string): Mechanism | null {
  const found = file.services.get(service);
  if (found === undefined) return null;
  const shift = shiftBetween(found.requests, null, file.range);
  const { baseTo, from, to } = file.range;
  const justBefore = weightedMean(found.requests, null, Math.max(0, baseTo - 4), baseTo);
  const justAfter = weightedMean(found.requests, null, from, Math.min(to, from + 6));
  if (!(shift.z > 4) || !(shift.value > 1.8 * shift.baseline) || !(justAfter > 1.5 * justBefore)) return null;
  const row = requestsRow(file, service, shift.onset);
  return {
    kind: 'traffic_surge',
    strength: 0.85,
    instance: null,
    because: `${service} gets far more requests than before.`,
    rows: row === null ? [] : [row],
  };
}

/** The place itself got slower or fails, and nothing says why. A leaf that idles while it is slow waits for something unseen. */
export function unexplained(file: CaseFile, place: Place): Mechanism {
  const isLeaf = file.graph.callees(place.name).length === 0 && file.graph.callers(place.name).length > 0;
  if (isLeaf && place.extraMs > 0 && place.extraErrors === 0) {
    return {
      kind: 'slow_dependency',
      strength: 0.4,
      instance: null,
      because: `${place.name} answers slowly and calls nobody; its callers only wait.`,
      rows: [],
    };
  }
  return {
    kind: 'unknown',
    strength: 0.25,
    instance: null,
    because: `The trouble is born in ${place.name}; nothing observed says why.`,
    rows: [],
  };
}
