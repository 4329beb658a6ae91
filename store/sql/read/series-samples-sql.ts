import { between, nanoLiteral, numberLiteral } from './literals.ts';

/**
 * Samples of some series in [startMs, endMs), as they are stored: a row for each that is in no block, a row for each block that
 * reaches into the window (samples, times, value_data; `time` is its first). One statement, so that nothing is seen twice.
 */
export function seriesSamplesSql(seriesIds: readonly number[], startMs: number, endMs: number): string {
  const of = `series_id IN (${seriesIds.map(numberLiteral).join(', ')})`;
  return `SELECT series_id, "time", "value", 0::UINTEGER AS samples, NULL::BLOB AS times, NULL::BLOB AS value_data FROM samples_in_rows
  WHERE ${of} AND ${between('"time"', startMs, endMs)}
UNION ALL
SELECT series_id, first_time, NULL, samples, times, value_data FROM samples_in_blocks
  WHERE ${of} AND first_time < make_timestamp_ns(${nanoLiteral(endMs)}) AND last_time >= make_timestamp_ns(${nanoLiteral(startMs)})`;
}
