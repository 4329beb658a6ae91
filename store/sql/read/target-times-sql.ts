import { between, nanoLiteral, numberLiteral } from './literals.ts';

/**
 * When resources sent metrics. Of what is compacted, the names of a few series whose times stand for all of a resource's: to decode every
 * block of an hour would cost as much as reading every metric.
 */
const SLICE_NS = 7_200_000_000_000;
const ownSql = (resourceIds: readonly number[]): string =>
  `SELECT series_id, resource_id FROM series WHERE source = 'otlp' AND resource_id IN (${resourceIds.map(numberLiteral).join(', ')})`;
const reachesInto = (startMs: number, endMs: number): string =>
  `b.first_time < make_timestamp_ns(${nanoLiteral(endMs)}) AND b.last_time >= make_timestamp_ns(${nanoLiteral(startMs)})`;

/** Times in [startMs, endMs) of points that are in no block. */
export const targetRowTimesSql = (
  resourceIds: readonly number[],
  startMs: number,
  endMs: number,
): string => `SELECT DISTINCT o.resource_id::DOUBLE AS resource_id, (epoch_ns(x."time") // 1000000)::DOUBLE AS ms
FROM (SELECT series_id, "time" FROM samples_in_rows WHERE ${between('"time"', startMs, endMs)}
  UNION ALL SELECT series_id, "time" FROM histograms WHERE ${between('"time"', startMs, endMs)}) x
JOIN (${ownSql(resourceIds)}) o ON o.series_id = x.series_id`;

/** For each resource and two hours of blocks that reach into the window: the series with most samples, the first and the last one. */
export const targetBlockSeriesSql = (
  resourceIds: readonly number[],
  startMs: number,
  endMs: number,
): string => `SELECT DISTINCT resource_id::DOUBLE AS resource_id, unnest([arg_max(series_id, (n, -series_id)), arg_min(series_id, (first, series_id)), arg_max(series_id, (last, -series_id))])::DOUBLE AS series_id
FROM (SELECT o.resource_id, b.series_id::BIGINT AS series_id, epoch_ns(b.first_time) // ${SLICE_NS} AS slice, sum(b.samples) AS n, min(b.first_time) AS first, max(b.last_time) AS last
  FROM samples_in_blocks b JOIN (${ownSql(resourceIds)}) o ON o.series_id = b.series_id WHERE ${reachesInto(startMs, endMs)} GROUP BY ALL)
GROUP BY resource_id, slice`;

/** A stretch of which nothing is known yet. */
export interface TargetGap {
  readonly resourceId: number;
  readonly startMs: number;
  readonly endMs: number;
}
/** Series of the resources with a block that reaches into one of their gaps. */
export const targetGapSeriesSql = (
  gaps: readonly TargetGap[],
): string => `SELECT DISTINCT o.resource_id::DOUBLE AS resource_id, b.series_id::DOUBLE AS series_id
FROM samples_in_blocks b JOIN (${ownSql([...new Set(gaps.map(({ resourceId }) => resourceId))])}) o ON o.series_id = b.series_id
JOIN (VALUES ${gaps.map(({ resourceId, startMs, endMs }) => `(${numberLiteral(resourceId)}, make_timestamp_ns(${nanoLiteral(startMs + 1)}), make_timestamp_ns(${nanoLiteral(endMs)}))`).join(', ')}) g(resource_id, first, last)
  ON g.resource_id = o.resource_id AND b.first_time < g.last AND b.last_time >= g.first`;

/** Which resources sent points in [startMs, endMs), blocks by their ends. */
export const targetsThereSql = (
  resourceIds: readonly number[],
  startMs: number,
  endMs: number,
): string => `SELECT DISTINCT o.resource_id::DOUBLE AS resource_id
FROM (SELECT series_id FROM samples_in_rows WHERE ${between('"time"', startMs, endMs)}
  UNION ALL SELECT series_id FROM histograms WHERE ${between('"time"', startMs, endMs)}
  UNION ALL SELECT b.series_id FROM samples_in_blocks b WHERE ${reachesInto(startMs, endMs)}) x
JOIN (${ownSql(resourceIds)}) o ON o.series_id = x.series_id`;
