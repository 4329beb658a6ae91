import type { TimeWindow } from '#contracts/judgement.ts';
import type { FacetObservation, Observation } from '#contracts/observation.ts';
import { facetsSql } from '../sql/read/services-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';

const MAX_FACETS = 5_000;
const MAX_SERVICES = 20;

/** Requests and errors by attribute value, for the services whose errors rose most between baseline and window. */
export async function readFacets(
  store: Queries,
  services: readonly string[],
  window: TimeWindow,
  baseline: TimeWindow,
): Promise<FacetObservation[]> {
  if (services.length === 0) return [];
  const result = await store.query(facetsSql(services, window, baseline, MAX_FACETS));
  const [service, key, value] = [texts(result, 'service'), texts(result, 'key'), texts(result, 'value')];
  const counts = ['window_requests', 'window_errors', 'baseline_requests', 'baseline_errors'].map((name) => numbers(result, name));
  return Array.from({ length: result.rowCount }, (_, i) => {
    const [windowRequests, windowErrors, baselineRequests, baselineErrors] = counts.map((column) => column[i] as number) as [
      number,
      number,
      number,
      number,
    ];
    return {
      service: service[i] ?? '',
      key: key[i] ?? '',
      value: value[i] ?? '',
      windowRequests,
      windowErrors,
      baselineRequests,
      baselineErrors,
    };
  });
}

/** Services whose error ratio is higher in the window than in the baseline, most errors first. */
export function servicesWithMoreErrors(observation: Observation, window: TimeWindow, baseline: TimeWindow): string[] {
  const sum = (values: Float64Array, side: TimeWindow): number => {
    let total = 0;
    for (let i = 0; i < observation.buckets; i++) {
      const at = observation.startMs + i * observation.stepMs;
      const value = values[i] as number;
      if (at + observation.stepMs > side.startMs && at < side.endMs && !Number.isNaN(value)) total += value;
    }
    return total;
  };
  const rows = observation.services.filter((s) => s.instance === null);
  const risen = rows.flatMap((s) => {
    const errors = sum(s.errors, window);
    const ratio = errors / Math.max(1, sum(s.requests, window));
    const before = sum(s.errors, baseline) / Math.max(1, sum(s.requests, baseline));
    return errors >= 3 && ratio > before * 1.5 ? [{ service: s.service, errors }] : [];
  });
  return risen
    .sort((a, b) => b.errors - a.errors)
    .slice(0, MAX_SERVICES)
    .map((s) => s.service);
}
