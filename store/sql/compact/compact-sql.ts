import { SAMPLE_BLOCKS } from '../ddl/sample-blocks.ts';

/** Statements of the compaction (store/compact), over the tables of one day file and not over the views. Times: nanoseconds. */
export interface RowRange {
  readonly from: bigint;
  /** Exclusive. */
  readonly to: bigint;
}
/** Rows of some series: of all from `first` to `last`, but for those left out. */
export interface SeriesRange extends RowRange {
  readonly first: number;
  readonly last: number;
  readonly without: readonly number[];
}
const inTime = ({ from, to }: RowRange): string => `"time" >= make_timestamp_ns(${from}) AND "time" < make_timestamp_ns(${to})`;
const chosen = (range: SeriesRange): string =>
  `${inTime(range)} AND series_id BETWEEN ${range.first} AND ${range.last}${
    range.without.length === 0 ? '' : ` AND series_id NOT IN (SELECT unnest([${range.without.join(', ')}]::UINTEGER[]))`
  }`;

/** How many rows there are by stretch of `stretch` nanoseconds since 1970: columns stretch, samples. */
export const stretchesSql = (database: string, stretch: bigint): string =>
  `SELECT (epoch_ns("time") // ${stretch})::DOUBLE AS stretch, count(*)::DOUBLE AS samples FROM ${database}.main.samples GROUP BY 1 ORDER BY 1`;

/** Rows by series: columns series_id, samples, strange (with a start time, an integer no double holds or flags). */
export const seriesSql = (database: string, range: RowRange): string =>
  `SELECT series_id, count(*)::DOUBLE AS samples, count(*) FILTER (value_int IS NOT NULL OR start_time IS NOT NULL OR flags <> 0)::DOUBLE AS strange
  FROM ${database}.main.samples WHERE ${inTime(range)} GROUP BY 1 ORDER BY 1`;

/** The rows, in any order. `present`: bit 0 value_int, bit 1 start_time. */
export const rowsSql = (database: string, range: SeriesRange, strange: boolean): string =>
  `SELECT series_id, "time", "value"${
    strange
      ? `, value_int, start_time, flags, ((value_int IS NOT NULL)::UTINYINT + 2 * (start_time IS NOT NULL)::UTINYINT)::UTINYINT AS present`
      : ''
  } FROM ${database}.main.samples WHERE ${chosen(range)}`;

export const removeRowsSql = (database: string, range: SeriesRange): string =>
  `DELETE FROM ${database}.main.samples WHERE ${chosen(range)}`;

export const insertBlocksSql = (database: string): string =>
  `INSERT INTO ${database}.main.${SAMPLE_BLOCKS.name} BY NAME SELECT * FROM hot_${SAMPLE_BLOCKS.name}()`;

/** Bytes of the file in use and free for use again: columns used, free. */
export const fileSpaceSql = (database: string): string =>
  `SELECT (block_size * used_blocks)::DOUBLE AS used, (block_size * free_blocks)::DOUBLE AS free FROM pragma_database_size() WHERE database_name = '${database}'`;
