import { between, nanoLiteral } from './literals.ts';
import { isOneOf } from './series-samples-sql.ts';

/** Which of some series have a sample in [startMs, endMs), blocks by their ends: one that only reaches over the window counts too. */
export function samplesThereSql(seriesIds: readonly number[], startMs: number, endMs: number): string {
  const of = isOneOf(seriesIds);
  return `SELECT DISTINCT series_id FROM (SELECT series_id FROM samples_in_rows WHERE ${of} AND ${between('"time"', startMs, endMs)}
UNION ALL SELECT series_id FROM samples_in_blocks WHERE ${of} AND first_time < make_timestamp_ns(${nanoLiteral(endMs)}) AND last_time >= make_timestamp_ns(${nanoLiteral(startMs)}))`;
}
/** The same of histograms and summaries. */
export const histogramsThereSql = (seriesIds: readonly number[], startMs: number, endMs: number): string =>
  `SELECT DISTINCT series_id FROM histograms WHERE ${isOneOf(seriesIds)} AND ${between('"time"', startMs, endMs)}`;
