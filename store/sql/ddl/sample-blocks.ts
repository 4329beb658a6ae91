import type { ColumnSpec } from '#contracts/tables.ts';
import { REST_FUNCTION, TIMES_FUNCTION, VALUES_FUNCTION } from '../../native/block-functions.ts';

const fixed = (name: string, kind: 'u32' | 'i64' | 'f64', sql: string, about: string, nullable = false): ColumnSpec => ({
  name,
  kind,
  sql,
  about,
  nullable,
});
const blob = (name: string, about: string, nullable = false): ColumnSpec => ({ name, kind: 'string', sql: 'BLOB', about, nullable });

/**
 * Compacted samples: a row holds up to 512 of one series in time order (store/blocks). Not a view of its own: `samples` shows them.
 * What the statistics say lets DuckDB leave out blocks by series and time without reading them.
 */
export const SAMPLE_BLOCKS: { readonly name: string; readonly columns: readonly ColumnSpec[] } = {
  name: 'sample_blocks',
  columns: [
    fixed('series_id', 'u32', 'UINTEGER', 'Row of series.'),
    fixed('first_time', 'i64', 'TIMESTAMP_NS', 'Time of the first sample.'),
    fixed('last_time', 'i64', 'TIMESTAMP_NS', 'Time of the last sample.'),
    fixed('samples', 'u32', 'UINTEGER', 'How many there are.'),
    fixed('numbers', 'u32', 'UINTEGER', 'How many are no NaN: the next three are theirs.'),
    fixed('min_value', 'f64', 'DOUBLE', 'Smallest value.', true),
    fixed('max_value', 'f64', 'DOUBLE', 'Largest value.', true),
    fixed('sum_value', 'f64', 'DOUBLE', 'Sum of the values.', true),
    fixed('start_time', 'i64', 'TIMESTAMP_NS', 'Start time of all samples, where they have one and the same.', true),
    blob('times', 'Times, as store/blocks/times.ts writes them.'),
    // Left as they are: a checkpoint would take six times the CPU looking for what can be compressed in them once more.
    { ...blob('value_data', 'Values, as store/blocks/values.ts writes them.'), compression: 'uncompressed' },
    blob('rest', 'Start times that differ, integers no double holds, flags (store/blocks/rest.ts).', true),
  ],
};
const DAY_NANOSECONDS = 86_400_000_000_000n;
const timeLiteral = (nanoseconds: bigint): string => `make_timestamp_ns(${nanoseconds})`;

/**
 * Samples of a day's blocks as rows. The conditions are true of every row. They are here for DuckDB's optimizer: with the block's
 * column on the left, and constants on "time" after them, it concludes from a statement's condition on "time" what
 * first_time and last_time have to be, and asks the scan for those blocks only (tests/canary/block-pruning.test.ts).
 */
export function blockRowsSql(database: string, day: number): string {
  const from = BigInt(day) * DAY_NANOSECONDS;
  return `SELECT series_id, "time", "value", rest_row.value_int AS value_int, coalesce(rest_row.start_time, block_start) AS start_time, coalesce(rest_row.flags, 0)::UINTEGER AS flags
    FROM (SELECT series_id, first_time, last_time, start_time AS block_start, unnest(${TIMES_FUNCTION}(series_id, samples, first_time, times)) AS "time",
      unnest(${VALUES_FUNCTION}(series_id, samples, value_data)) AS "value", unnest(${REST_FUNCTION}(series_id, samples, first_time, times, rest)) AS rest_row FROM ${database}.main.${SAMPLE_BLOCKS.name})
    WHERE first_time <= "time" AND last_time >= "time" AND "time" >= ${timeLiteral(from)} AND "time" < ${timeLiteral(from + DAY_NANOSECONDS)}`;
}
