import type { Observation } from '#contracts/observation.ts';

/** Cuts every grid array of a row to its first `buckets` entries; everything else is kept. */
function cutRow<T extends object>(row: T, buckets: number): T {
  const cut = Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, value instanceof Float64Array ? value.slice(0, buckets) : value]),
  );
  return cut as T;
}
/**
 * What was known at the end of the first `buckets` cells, and nothing later: a judge given only this cannot look ahead.
 * Facets belong to a question and are left out.
 */
export function prefixOf(observation: Observation, buckets: number): Observation {
  const endMs = observation.startMs + buckets * observation.stepMs;
  return {
    startMs: observation.startMs,
    stepMs: observation.stepMs,
    buckets,
    services: observation.services.map((row) => cutRow(row, buckets)),
    edges: observation.edges.map((row) => cutRow(row, buckets)),
    metrics: observation.metrics.map((row) => cutRow(row, buckets)),
    logs: observation.logs.map((row) => cutRow(row, buckets)),
    changes: observation.changes.filter((change) => change.atMs < endMs),
    placements: observation.placements
      .filter((placement) => placement.firstSeenMs < endMs)
      .map((placement) => ({ ...placement, lastSeenMs: Math.min(placement.lastSeenMs, endMs) })),
    facets: [],
  };
}
