import { between, nanoLiteral, numberLiteral } from './literals.ts';

/** As many ids are listed; of more the bits of their range are, which DuckDB plans ten times as fast as a list of a thousand. */
const FEW = 50;
const WIDEST = 4_000_000;
/** @param ids whole numbers, any order */
export function isOneOf(ids: readonly number[]): string {
  const first = ids.reduce((a, b) => Math.min(a, b));
  const last = ids.reduce((a, b) => Math.max(a, b));
  if (ids.length <= FEW || last - first >= WIDEST) return `series_id IN (${ids.map(numberLiteral).join(', ')})`;
  if (new Set(ids).size === last - first + 1) return `series_id BETWEEN ${numberLiteral(first)} AND ${numberLiteral(last)}`;
  return `series_id IN (SELECT unnest([${ids.map(numberLiteral).join(',')}]::UINTEGER[]))`;
}

/**
 * Samples of some series in [startMs, endMs), as they are stored: a row for each that is in no block, a row for each block that
 * reaches into the window (samples, times, value_data; `time` is its first). One statement, so that nothing is seen twice.
 */
export function seriesSamplesSql(seriesIds: readonly number[], startMs: number, endMs: number): string {
  const of = isOneOf(seriesIds);
  return `SELECT series_id, "time", "value", 0::UINTEGER AS samples, NULL::BLOB AS times, NULL::BLOB AS value_data FROM samples_in_rows
  WHERE ${of} AND ${between('"time"', startMs, endMs)}
UNION ALL
SELECT series_id, first_time, NULL, samples, times, value_data FROM samples_in_blocks
  WHERE ${of} AND first_time < make_timestamp_ns(${nanoLiteral(endMs)}) AND last_time >= make_timestamp_ns(${nanoLiteral(startMs)})`;
}
