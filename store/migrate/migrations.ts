import { alertingTablesSql } from '../sql/ddl/alerting-tables.ts';
import { batchesTableSql } from '../sql/ddl/batches-table.ts';
import { modelCallTableSql } from '../sql/ddl/model-call-table.ts';
import { postmortemTableSql } from '../sql/ddl/postmortem-table.ts';

/** One step forward: statements with {db} for the attached name. Steps are never changed once released. */
export interface Migration {
  readonly kind: 'catalog' | 'day' | 'bills';
  readonly from: number;
  /** Empty: nothing of this kind of file changed; only its number moves. */
  readonly sql: readonly string[];
  /** What is in the file stays as it is: no copy is made before. */
  readonly onlyAdds?: boolean;
}

type Moved = readonly (readonly [column: string, key: string, letter: 's' | 'i'])[];
/** Gives attributes a column of their own and moves their values out of the map (contracts/tables.ts: letters). */
function promote(table: string, moved: Moved): string[] {
  const letter = (key: string): string => `substr(attribute_types, list_position(map_keys(attributes), '${key}'), 1)`;
  const goes = moved.map(([, key, type]) => `(map_keys(attributes)[i] = '${key}' AND substr(attribute_types, i, 1) = '${type}')`);
  const stay = `list_filter(range(1, len(attribute_types) + 1), lambda i: NOT (${goes.join(' OR ')}))`;
  const ofThose = (each: string): string => `list_transform(${stay}, lambda i: ${each})`;
  return [
    ...moved.map(([column, , type]) => `ALTER TABLE {db}.main.${table} ADD COLUMN ${column} ${type === 's' ? 'VARCHAR' : 'BIGINT'}`),
    `UPDATE {db}.main.${table} SET
      ${moved.map(([column, key, type]) => `${column} = CASE WHEN ${letter(key)} = '${type}' THEN attributes['${key}'] END`).join(', ')},
      attributes = map(${ofThose('map_keys(attributes)[i]')}, ${ofThose('map_values(attributes)[i]')}),
      attribute_types = array_to_string(${ofThose('substr(attribute_types, i, 1)')}, '')
    WHERE ${moved.map(([, key]) => `map_contains(attributes, '${key}')`).join(' OR ')}`,
  ];
}

const PROFILE_KIND = '"time" TIMESTAMP_NS, "profile_id" UUID, "service" VARCHAR, "sample_type" VARCHAR, "sample_unit" VARCHAR';
const ATTRIBUTES = '"attributes" MAP(VARCHAR, VARCHAR), "attribute_types" VARCHAR';
const ORIGIN = '"resource_id" UINTEGER, "scope_id" UINTEGER';
const FRAMES = `STRUCT("function" VARCHAR, "system_name" VARCHAR, "file" VARCHAR, "start_line" BIGINT, "line" BIGINT, "column_number" BIGINT, "inlined" BOOLEAN, "address" UBIGINT,
  "attributes" VARCHAR, "mapping" VARCHAR, "mapping_start" UBIGINT, "mapping_limit" UBIGINT, "mapping_offset" UBIGINT, "mapping_attributes" VARCHAR)[]`;

export const MIGRATIONS: readonly Migration[] = [
  { kind: 'catalog', from: 1, sql: [postmortemTableSql('{db}')] },
  {
    kind: 'day',
    from: 1,
    sql: [
      ...promote('spans', [
        ['url_scheme', 'url.scheme', 's'],
        ['url_full', 'url.full', 's'],
        ['server_port', 'server.port', 'i'],
        ['client_address', 'client.address', 's'],
        ['user_agent_original', 'user_agent.original', 's'],
        ['network_protocol_version', 'network.protocol.version', 's'],
        ['network_peer_address', 'network.peer.address', 's'],
        ['network_peer_port', 'network.peer.port', 'i'],
        ['peer_service', 'peer.service', 's'],
        ['rpc_service', 'rpc.service', 's'],
        ['db_namespace', 'db.namespace', 's'],
        ['db_query_text', 'db.query.text', 's'],
        ['messaging_system', 'messaging.system', 's'],
        ['messaging_destination_name', 'messaging.destination.name', 's'],
        ['thread_id', 'thread.id', 'i'],
        ['thread_name', 'thread.name', 's'],
      ]),
      ...promote('logs', [
        ['exception_type', 'exception.type', 's'],
        ['exception_message', 'exception.message', 's'],
        ['exception_stacktrace', 'exception.stacktrace', 's'],
        ['code_function_name', 'code.function.name', 's'],
        ['thread_id', 'thread.id', 'i'],
        ['thread_name', 'thread.name', 's'],
        ['session_id', 'session.id', 's'],
      ]),
    ],
  },
  { kind: 'catalog', from: 2, sql: [modelCallTableSql('{db}')] },
  { kind: 'day', from: 2, sql: [] },
  { kind: 'bills', from: 2, sql: [] },
  { kind: 'catalog', from: 3, sql: [batchesTableSql('{db}')] },
  { kind: 'day', from: 3, sql: [] },
  { kind: 'bills', from: 3, sql: [] },
  { kind: 'catalog', from: 4, sql: [] },
  // The lists of earlier spans stay where they are.
  { kind: 'day', from: 4, sql: ['ALTER TABLE {db}.main.spans ADD COLUMN events_wire BLOB'] },
  { kind: 'bills', from: 4, sql: [] },
  { kind: 'catalog', from: 5, sql: [] },
  {
    kind: 'day',
    from: 5,
    sql: [
      `CREATE TABLE IF NOT EXISTS {db}.main.sample_blocks ("series_id" UINTEGER, "first_time" TIMESTAMP_NS, "last_time" TIMESTAMP_NS, "samples" UINTEGER, "numbers" UINTEGER,
        "min_value" DOUBLE, "max_value" DOUBLE, "sum_value" DOUBLE, "start_time" TIMESTAMP_NS, "times" BLOB, "value_data" BLOB, "rest" BLOB)`,
    ],
    onlyAdds: true,
  },
  { kind: 'bills', from: 5, sql: [] },
  { kind: 'catalog', from: 6, sql: [], onlyAdds: true },
  {
    kind: 'day',
    from: 6,
    sql: ['ALTER TABLE IF EXISTS {db}.main.histograms ADD COLUMN IF NOT EXISTS float_counts DOUBLE[]'],
    onlyAdds: true,
  },
  { kind: 'bills', from: 6, sql: [], onlyAdds: true },
  {
    kind: 'catalog',
    from: 7,
    sql: [`CREATE TABLE IF NOT EXISTS {db}.main.stacks ("stack_id" UINTEGER, "leaf" VARCHAR, "frames" ${FRAMES}, "identity" BLOB)`],
    onlyAdds: true,
  },
  {
    kind: 'day',
    from: 7,
    sql: [
      `CREATE TABLE IF NOT EXISTS {db}.main.profiles (${PROFILE_KIND}, "duration_ns" UBIGINT, "samples" UINTEGER, "period_type" VARCHAR, "period_unit" VARCHAR, "period" BIGINT,
        ${ATTRIBUTES}, "dropped_attributes_count" UINTEGER, "attribute_units" VARCHAR, "original_payload_format" VARCHAR, "original_payload" BLOB, ${ORIGIN})`,
      `CREATE TABLE IF NOT EXISTS {db}.main.profile_samples (${PROFILE_KIND}, "stack_id" UINTEGER, "value" BIGINT, "values" BIGINT[], "timestamps" TIMESTAMP_NS[],
        "trace_id" UUID, "span_id" UBIGINT, ${ATTRIBUTES}, "attribute_units" VARCHAR, ${ORIGIN})`,
      `INSERT INTO {db}.main.consumed SELECT name, -1, 0 FROM (VALUES ('profiles'), ('profile_samples')) AS added(name)
        WHERE name NOT IN (SELECT table_name FROM {db}.main.consumed)`,
    ],
    onlyAdds: true,
  },
  { kind: 'bills', from: 7, sql: [], onlyAdds: true },
  { kind: 'catalog', from: 8, sql: alertingTablesSql('{db}'), onlyAdds: true },
  { kind: 'day', from: 8, sql: [], onlyAdds: true },
  { kind: 'bills', from: 8, sql: [], onlyAdds: true },
];
