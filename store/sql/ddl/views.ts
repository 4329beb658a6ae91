import type { ColumnSpec } from '#contracts/tables.ts';
import { TELEMETRY } from './ddl.ts';
import { DICTIONARY_TABLES } from './dictionary-tables.ts';

const names = (columns: readonly ColumnSpec[]): string =>
  columns
    .filter((column) => column.name !== 'identity')
    .map((column) => `"${column.name}"`)
    .join(', ');
const create = (name: string, select: string): string => `CREATE OR REPLACE VIEW memory.main.${name} AS ${select}`;

/**
 * Telemetry views: hot rows and the rows of every attached day. No day predicate is needed: DuckDB knows each table's
 * smallest and largest time and drops days out of range while planning (docs/decisions/0003-storage-layout.md).
 */
export function telemetryViews(dayDatabases: readonly string[]): string[] {
  return TELEMETRY.map((table) => {
    const columns = names(table.columns);
    const parts = [`hot_${table.name}()`, ...dayDatabases.map((database) => `${database}.main.${table.name}`)];
    return create(table.name, parts.map((part) => `SELECT ${columns} FROM ${part}`).join(' UNION ALL '));
  });
}

const msTime = (expression: string): string => `make_timestamp_ns((${expression})::DOUBLE::BIGINT * 1000000)`;
const field = (json: string, path: string): string => `json_extract_string(${json}, '$.${path}')`;

/** Views that do not change with the days. */
export function fixedViews(catalog: string): string[] {
  const dictionaries = DICTIONARY_TABLES.map((table) => {
    const columns = names(table.columns);
    return create(table.name, `SELECT ${columns} FROM hot_${table.name}() UNION ALL SELECT ${columns} FROM ${catalog}.main.${table.name}`);
  });
  return [
    ...dictionaries,
    create(
      'span_events',
      `SELECT trace_id, span_id, start_time AS span_start_time, service, span_name, event.time AS time, event.name AS name, event.attributes AS attributes,
        event.attribute_types AS attribute_types, event.dropped_attributes_count AS dropped_attributes_count, resource_id
       FROM (SELECT trace_id, span_id, start_time, service, name AS span_name, resource_id, unnest(events) AS event FROM memory.main.spans)`,
    ),
    create(
      'span_links',
      `SELECT trace_id, span_id, start_time AS span_start_time, service, span_name, link.trace_id AS linked_trace_id, link.span_id AS linked_span_id,
        link.trace_state AS trace_state, link.flags AS flags, link.attributes AS attributes, link.attribute_types AS attribute_types,
        link.dropped_attributes_count AS dropped_attributes_count, resource_id
       FROM (SELECT trace_id, span_id, start_time, service, name AS span_name, resource_id, unnest(links) AS link FROM memory.main.spans)`,
    ),
    create(
      'incidents',
      `SELECT incident_id, ${field('json', 'title')} AS title, ${field('json', 'status')} AS status, ${field('json', 'severity')} AS severity,
        ${msTime('opened_ms')} AS opened, ${msTime(field('json', 'onsetMs'))} AS onset, ${msTime(field('json', 'resolvedMs'))} AS resolved,
        ${msTime(field('json', 'acknowledgedMs'))} AS acknowledged, ${field('json', 'symptom.service')} AS symptom_service,
        ${field('json', 'symptom.kind')} AS symptom_kind, ${field('json', 'rca.verdict')} AS verdict,
        ${field('json', 'rca.candidates[0].service')} AS cause_service, ${field('json', 'rca.candidates[0].kind')} AS cause_kind, json
       FROM ${catalog}.main.incidents`,
    ),
    create(
      'timeline',
      `SELECT incident_id, ${msTime(field('entry', 'atMs'))} AS time, ${field('entry', 'kind')} AS kind, ${field('entry', 'service')} AS service, ${field('entry', 'says')} AS says
       FROM (SELECT incident_id, unnest(json_extract(json, '$.timeline[*]')) AS entry FROM ${catalog}.main.incidents)`,
    ),
    create('changes', `SELECT incident_id, time, service, says FROM memory.main.timeline WHERE kind = 'change'`),
  ];
}

/** Ids as lower-case hex, and hex back to the stored form. */
export const MACROS: readonly string[] = [
  `CREATE OR REPLACE MACRO memory.main.trace_id_hex(id) AS replace(id::VARCHAR, '-', '')`,
  `CREATE OR REPLACE MACRO memory.main.span_id_hex(id) AS lower(lpad(to_hex(id), 16, '0'))`,
  `CREATE OR REPLACE MACRO memory.main.trace_id_of(hex) AS hex::UUID`,
  `CREATE OR REPLACE MACRO memory.main.span_id_of(hex) AS ('0x' || hex)::UBIGINT`,
];
