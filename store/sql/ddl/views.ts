import type { ColumnSpec, TableSpec } from '#contracts/tables.ts';
import { EVENTS_FUNCTION } from '../../native/events-function.ts';
import { CATALOG, TELEMETRY } from './ddl.ts';
import { DERIVED_VIEWS } from './derived-views.ts';
import { DICTIONARY_TABLES } from './dictionary-tables.ts';
import { blockRowsSql, SAMPLE_BLOCKS } from './sample-blocks.ts';

const names = (columns: readonly ColumnSpec[], shown = eventsOf): string =>
  columns
    .filter((column) => column.name !== 'identity')
    .map((column) => (column.shownAs ? shown(column.name) : `"${column.name}"`))
    .join(', ');
const eventsOf = (wire: string): string => `${EVENTS_FUNCTION}("${wire}") AS events`;
/** A file from before layout 5 keeps the lists it has; rows that came later have what was sent. */
const eventsOfBoth = (wire: string): string =>
  `CASE WHEN "${wire}" IS NULL AND events IS NOT NULL THEN events ELSE ${EVENTS_FUNCTION}("${wire}") END AS events`;
export interface ViewedDay {
  readonly database: string;
  readonly day: number;
  /** Its spans have a column `events` of lists. */
  readonly hasEventLists: boolean;
  /** Some of its samples are in blocks, or are about to be. */
  readonly showsBlocks: boolean;
}
const create = (name: string, select: string): string => `CREATE OR REPLACE VIEW memory.main.${name} AS ${select}`;

/**
 * Telemetry views: hot rows and the rows of every attached day, compacted or not. No day predicate is needed: DuckDB knows each table's
 * smallest and largest time and drops days out of range while planning (docs/decisions/0003-storage-layout.md).
 */
export function telemetryViews(days: readonly ViewedDay[]): string[] {
  return [...TELEMETRY.map((table) => viewOf(table, days)), ...storedSamples(days)];
}
/** Samples as they are stored, for read/read-series-samples.ts: those in no block, and the blocks. */
function storedSamples(days: readonly ViewedDay[]): string[] {
  const rows = ['hot_samples()', ...days.map(({ database }) => `${database}.main.samples`)];
  const columns = 'series_id, first_time, last_time, samples, times, value_data';
  const none =
    'NULL::UINTEGER AS series_id, NULL::TIMESTAMP_NS AS first_time, NULL::TIMESTAMP_NS AS last_time, NULL::UINTEGER AS samples, NULL::BLOB AS times, NULL::BLOB AS value_data';
  const blocks = days
    .filter((day) => day.showsBlocks)
    .map(({ database }) => `SELECT ${columns} FROM ${database}.main.${SAMPLE_BLOCKS.name}`);
  return [
    create('samples_in_rows', rows.map((from) => `SELECT series_id, "time", "value" FROM ${from}`).join(' UNION ALL ')),
    create('samples_in_blocks', [`SELECT ${none} WHERE false`, ...blocks].join(' UNION ALL ')),
  ];
}
function viewOf(table: TableSpec, days: readonly ViewedDay[]): string {
  const parts = days.map(
    ({ database, hasEventLists }) =>
      `SELECT ${names(table.columns, hasEventLists ? eventsOfBoth : eventsOf)} FROM ${database}.main.${table.name}`,
  );
  // A day without blocks is spared planning for them.
  const blocks =
    table.name === 'samples' ? days.filter((day) => day.showsBlocks).map(({ database, day }) => blockRowsSql(database, day)) : [];
  return create(table.name, [`SELECT ${names(table.columns)} FROM hot_${table.name}()`, ...parts, ...blocks].join(' UNION ALL '));
}

/** Views that do not change with the days. */
export function fixedViews(): string[] {
  const dictionaries = DICTIONARY_TABLES.map((table) => {
    const columns = names(table.columns);
    return create(table.name, `SELECT ${columns} FROM hot_${table.name}() UNION ALL SELECT ${columns} FROM ${CATALOG}.main.${table.name}`);
  });
  return [...dictionaries, ...DERIVED_VIEWS.map((view) => create(view.name, view.sql))];
}

/** Ids as lower-case hex, and hex back to the stored form. */
export const MACROS: readonly string[] = [
  `CREATE OR REPLACE MACRO memory.main.trace_id_hex(id) AS replace(id::VARCHAR, '-', '')`,
  `CREATE OR REPLACE MACRO memory.main.span_id_hex(id) AS lower(lpad(to_hex(id), 16, '0'))`,
  `CREATE OR REPLACE MACRO memory.main.trace_id_of(hex) AS hex::UUID`,
  `CREATE OR REPLACE MACRO memory.main.span_id_of(hex) AS ('0x' || hex)::UBIGINT`,
];
