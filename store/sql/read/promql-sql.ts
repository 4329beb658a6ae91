import { allOf, between, numberLiteral } from './literals.ts';

/** Series PromQL has not seen yet, oldest first. */
export const seriesSinceSql = (
  afterId: number,
  limit: number,
): string => `SELECT d.series_id::DOUBLE AS series_id, d.metric, d.type, d.unit, d.description, d.temporality,
  d.monotonic::INTEGER AS monotonic, d.source, to_json(d.attributes)::VARCHAR AS attributes, to_json(r.attributes)::VARCHAR AS resource
FROM series d LEFT JOIN resources r ON r.resource_id = d.resource_id
WHERE d.series_id > ${numberLiteral(afterId)} ORDER BY d.series_id LIMIT ${numberLiteral(limit)}`;

/** Points of histograms and summaries in [startMs, endMs]. */
export function promqlHistogramsSql(ids: readonly number[], startMs: number, endMs: number): string {
  const where = allOf([`x.series_id IN (${ids.map(numberLiteral).join(', ')})`, between('x.time', startMs, endMs + 1)]);
  return `SELECT x.series_id::DOUBLE AS series_id, (epoch_ns(x.time) // 1000000)::DOUBLE AS ms, x.count::DOUBLE AS count, x.sum,
  to_json(x.bounds)::VARCHAR AS bounds, to_json(x.bucket_counts)::VARCHAR AS counts, to_json(x.quantile_values)::VARCHAR AS quantiles,
  (x.flags & 1)::INTEGER AS stale
FROM histograms x WHERE ${where} ORDER BY x.series_id, x.time`;
}
