import { type ColumnSpec, TABLES, type TableSpec } from '#contracts/tables.ts';
import { alertingTablesSql } from './alerting-tables.ts';
import { batchesTableSql } from './batches-table.ts';
import { DICTIONARY_TABLES } from './dictionary-tables.ts';
import { modelCallTableSql } from './model-call-table.ts';
import { postmortemTableSql } from './postmortem-table.ts';
import { SAMPLE_BLOCKS } from './sample-blocks.ts';

/** Version of the layout of every file; see store/migrate. */
export const SCHEMA_VERSION = 9;

/** Name the catalog is attached under. */
export const CATALOG = 'catalog';

const columnSql = ({ name, sql, compression }: ColumnSpec): string =>
  `"${name}" ${sql}${compression ? ` USING COMPRESSION ${compression}` : ''}`;
const tableSql = (database: string, table: { readonly name: string; readonly columns: readonly ColumnSpec[] }): string =>
  `CREATE TABLE ${database}.main.${table.name} (${table.columns.map(columnSql).join(', ')})`;
const versionSql = (database: string): string[] => [
  `CREATE TABLE ${database}.main.schema_version (version INTEGER NOT NULL)`,
  `INSERT INTO ${database}.main.schema_version VALUES (${SCHEMA_VERSION})`,
];
export const TELEMETRY: readonly TableSpec[] = Object.values(TABLES);

/**
 * A day file: the telemetry tables, the blocks of compacted samples and, per table, the journal position up to which their rows are here: all rows
 * (of this day) of records before `position`, and of the record at `position` those with a smaller ordinal.
 */
export const dayDdl = (database: string): string[] => [
  ...TELEMETRY.map((table) => tableSql(database, table)),
  tableSql(database, SAMPLE_BLOCKS),
  `CREATE TABLE ${database}.main.consumed (table_name VARCHAR NOT NULL, position DOUBLE NOT NULL, ordinal DOUBLE NOT NULL)`,
  `INSERT INTO ${database}.main.consumed VALUES ${TELEMETRY.map((table) => `('${table.name}', -1, 0)`).join(', ')}`,
  ...versionSql(database),
];

/** The catalog: what outlives the days. */
export const catalogDdl = (database: string): string[] => [
  ...DICTIONARY_TABLES.map((table) => tableSql(database, table)),
  `CREATE TABLE ${database}.main.incidents (incident_id VARCHAR NOT NULL, opened_ms DOUBLE NOT NULL, saved_ms DOUBLE NOT NULL, json VARCHAR NOT NULL)`,
  `CREATE TABLE ${database}.main.state (key VARCHAR NOT NULL, json VARCHAR NOT NULL)`,
  `CREATE TABLE ${database}.main.pruned (day VARCHAR NOT NULL, reason VARCHAR NOT NULL, bytes DOUBLE NOT NULL, at_ms DOUBLE NOT NULL, until_position DOUBLE NOT NULL)`,
  postmortemTableSql(database),
  modelCallTableSql(database),
  batchesTableSql(database),
  ...alertingTablesSql(database),
  ...versionSql(database),
];
