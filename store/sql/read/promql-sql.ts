import { spanHex, traceHex } from './expressions.ts';
import { allOf, between, numberLiteral } from './literals.ts';

/** Series PromQL has not seen yet, oldest first. */
export const seriesSinceSql = (
  afterId: number,
  limit: number,
): string => `SELECT d.series_id::DOUBLE AS series_id, d.metric, d.type, d.unit, d.description, d.temporality,
  d.monotonic::INTEGER AS monotonic, d.source, d.number_type, d.resource_id::DOUBLE AS resource_id, to_json(d.attributes)::VARCHAR AS attributes, to_json(r.attributes)::VARCHAR AS resource
FROM series d LEFT JOIN resources r ON r.resource_id = d.resource_id
WHERE d.series_id > ${numberLiteral(afterId)} ORDER BY d.series_id LIMIT ${numberLiteral(limit)}`;

/** Points of classic histograms and summaries in [startMs, endMs]. */
export function promqlClassicSql(ids: readonly number[], startMs: number, endMs: number): string {
  const where = allOf([`x.series_id IN (${ids.map(numberLiteral).join(', ')})`, between('x.time', startMs, endMs + 1)]);
  return `SELECT x.series_id::DOUBLE AS series_id, (epoch_ns(x.time) // 1000000)::DOUBLE AS ms, x.count::DOUBLE AS count, x.sum,
  to_json(x.bounds)::VARCHAR AS bounds, to_json(x.bucket_counts)::VARCHAR AS counts, to_json(x.quantile_values)::VARCHAR AS quantiles,
  (x.flags & 1)::INTEGER AS stale
FROM histograms x WHERE ${where} ORDER BY x.series_id, x.time`;
}

/** Fractional counts where there are any (contracts/tables.ts float_counts), else the whole ones. */
const exactly = (part: string, whole: string): string => `CASE WHEN len(x.float_counts) > 0 THEN ${part} ELSE ${whole} END`;
const slice = (from: string, list: string): string => `list_slice(x.float_counts, ${from}, ${from} - 1 + len(x.${list}))`;
const listed = (from: string, list: string): string => `${exactly(`to_json(${slice(from, list)})`, `to_json(x.${list})`)}::VARCHAR`;
const FIRST = '3';
const BEHIND = '3 + len(x.bucket_counts) + len(x.positive_counts)';

/** Points of native histograms in [startMs, endMs]: exponential ones and, without a scale, those with bounds. */
export function promqlNativeSql(ids: readonly number[], startMs: number, endMs: number): string {
  const where = allOf([`x.series_id IN (${ids.map(numberLiteral).join(', ')})`, between('x.time', startMs, endMs + 1)]);
  return `SELECT x.series_id::DOUBLE AS series_id, (epoch_ns(x.time) // 1000000)::DOUBLE AS ms, ${exactly('x.float_counts[1]', 'x.count::DOUBLE')} AS count,
  coalesce(x.sum, 0) AS sum, x.scale::DOUBLE AS scale, ${exactly('x.float_counts[2]', 'x.zero_count::DOUBLE')} AS zero_count, x.zero_threshold, x.positive_offset::DOUBLE AS positive_offset,
  x.negative_offset::DOUBLE AS negative_offset, ${listed(FIRST, 'positive_counts')} AS positive, ${listed(BEHIND, 'negative_counts')} AS negative,
  to_json(x.bounds)::VARCHAR AS bounds, ${listed(FIRST, 'bucket_counts')} AS counts, (x.flags & 1)::INTEGER AS stale,
  ((x.flags >> 16) & 3)::INTEGER AS hint
FROM histograms x WHERE ${where} ORDER BY x.series_id, x.time`;
}

/** Exemplars of series in [startMs, endMs], the newest of each series last. */
export function promqlExemplarsSql(ids: readonly number[], startMs: number, endMs: number): string {
  const where = allOf([`x.series_id IN (${ids.map(numberLiteral).join(', ')})`, between('x.time', startMs, endMs + 1)]);
  return `SELECT x.series_id::DOUBLE AS series_id, (epoch_ns(x.time) // 1000000)::DOUBLE AS ms, x.value, ${traceHex('x.trace_id')} AS trace_id,
  ${spanHex('x.span_id')} AS span_id, to_json(x.attributes)::VARCHAR AS attributes
FROM exemplars x WHERE ${where} ORDER BY x.series_id, x.time`;
}
