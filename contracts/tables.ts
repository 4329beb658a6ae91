/**
 * The telemetry tables, one definition for decoder (writes the columns), store (creates, appends, exposes them)
 * and the generated data dictionary. Order is storage order.
 *
 * Physical kinds:
 *  u8 u32 u64 i64 f64  fixed width; times are i64 nanoseconds since the Unix epoch (SQL TIMESTAMP_NS)
 *  uuid                16 bytes big-endian as on the wire (SQL UUID)
 *  string              DuckDB string cells over a heap, see columns.ts
 *  map                 MAP(VARCHAR, VARCHAR): attribute values as text
 *  list                LIST of one fixed kind, string, or a struct of kinds
 *
 * Attribute values are text in `attributes`; `attribute_types` keeps one letter per map entry in the same order so
 * that nothing of the type is lost: s string, b bool, i int, d double, a array (JSON text), k kvlist (JSON text),
 * y bytes (base64), n empty value. A promoted attribute goes to its own column only when it arrives with the
 * type listed here; with any other type it stays in the map.
 */
export type FixedKind = 'u8' | 'u32' | 'u64' | 'i64' | 'f64';
export type ColumnKind = FixedKind | 'uuid' | 'string' | 'map';
export interface ColumnSpec {
  readonly name: string;
  readonly kind: ColumnKind | 'list';
  /** SQL type, exactly as in the DDL. */
  readonly sql: string;
  readonly nullable?: boolean;
  /** For kind 'list': the element, a single kind or the fields of a struct. */
  readonly element?: ColumnKind | readonly ColumnSpec[];
  /** Attribute key promoted into this column, and the type it must arrive with. */
  readonly promotes?: { readonly key: string; readonly type: 's' | 'i' };
  /** What readers find in its place: the stored form is not for them. `compression`: DuckDB's name of the method. */
  readonly shownAs?: { readonly name: string; readonly sql: string; readonly about: string };
  readonly compression?: 'zstd' | 'uncompressed';
  /** One sentence for the data dictionary. */
  readonly about: string;
}
export interface TableSpec {
  readonly name: TableName;
  /** Column that decides the day file and the retention. */
  readonly timeColumn: string;
  readonly columns: readonly ColumnSpec[];
}
export type TableName = 'spans' | 'logs' | 'samples' | 'histograms' | 'exemplars' | 'profiles' | 'profile_samples';

const time = (name: string, about: string, nullable = false): ColumnSpec => ({ name, kind: 'i64', sql: 'TIMESTAMP_NS', nullable, about });
const u32 = (name: string, about: string): ColumnSpec => ({ name, kind: 'u32', sql: 'UINTEGER', about });
const str = (name: string, about: string, nullable = true): ColumnSpec => ({ name, kind: 'string', sql: 'VARCHAR', nullable, about });
const promoted = (name: string, key: string, type: 's' | 'i'): ColumnSpec =>
  type === 's'
    ? { name, kind: 'string', sql: 'VARCHAR', nullable: true, promotes: { key, type }, about: `Attribute ${key}.` }
    : { name, kind: 'i64', sql: 'BIGINT', nullable: true, promotes: { key, type }, about: `Attribute ${key}.` };
const attributes: readonly ColumnSpec[] = [
  { name: 'attributes', kind: 'map', sql: 'MAP(VARCHAR, VARCHAR)', about: 'Attributes without a column of their own, as text.' },
  str('attribute_types', 'One letter per entry of attributes, in order: s b i d a k y n.', false),
  u32('dropped_attributes_count', 'Attributes the sender says it dropped.'),
];
/** A span event as readers see it; stored is what was sent (SPANS.events_wire). */
export const EVENT_FIELDS: readonly ColumnSpec[] = [
  time('time', 'When the event happened.'),
  str('name', 'Event name.', false),
  ...attributes,
];
const linkFields: readonly ColumnSpec[] = [
  { name: 'trace_id', kind: 'uuid', sql: 'UUID', about: 'Linked trace.' },
  { name: 'span_id', kind: 'u64', sql: 'UBIGINT', about: 'Linked span.' },
  str('trace_state', 'W3C tracestate of the linked span.', false),
  u32('flags', 'W3C trace flags and is-remote bits.'),
  ...attributes,
];
export const structSql = (fields: readonly ColumnSpec[]): string => `STRUCT(${fields.map((f) => `"${f.name}" ${f.sql}`).join(', ')})[]`;

export const SPANS: TableSpec = {
  name: 'spans',
  timeColumn: 'start_time',
  columns: [
    { name: 'trace_id', kind: 'uuid', sql: 'UUID', about: 'Trace, 16 bytes.' },
    {
      name: 'span_id',
      kind: 'u64',
      sql: 'UBIGINT',
      about: 'Span, 8 bytes big-endian; unique only within its trace, and only if the sender behaves.',
    },
    { name: 'parent_span_id', kind: 'u64', sql: 'UBIGINT', nullable: true, about: 'Parent span; NULL for a root.' },
    time('start_time', 'Start.'),
    { name: 'duration_ns', kind: 'i64', sql: 'BIGINT', about: "End minus start, nanoseconds; negative when the sender's clock went back." },
    str('name', 'Span name.', false),
    str('service', 'Resource attribute service.name; unknown_service when absent.', false),
    { name: 'kind', kind: 'u8', sql: 'UTINYINT', about: '0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.' },
    { name: 'status_code', kind: 'u8', sql: 'UTINYINT', about: '0 unset, 1 ok, 2 error.' },
    str('status_message', 'Status message.'),
    promoted('http_request_method', 'http.request.method', 's'),
    promoted('http_route', 'http.route', 's'),
    promoted('http_response_status_code', 'http.response.status_code', 'i'),
    promoted('url_path', 'url.path', 's'),
    promoted('url_scheme', 'url.scheme', 's'),
    promoted('url_full', 'url.full', 's'),
    promoted('server_address', 'server.address', 's'),
    promoted('server_port', 'server.port', 'i'),
    promoted('client_address', 'client.address', 's'),
    promoted('user_agent_original', 'user_agent.original', 's'),
    promoted('network_protocol_version', 'network.protocol.version', 's'),
    promoted('network_peer_address', 'network.peer.address', 's'),
    promoted('network_peer_port', 'network.peer.port', 'i'),
    promoted('peer_service', 'peer.service', 's'),
    promoted('rpc_service', 'rpc.service', 's'),
    promoted('rpc_method', 'rpc.method', 's'),
    promoted('db_system_name', 'db.system.name', 's'),
    promoted('db_namespace', 'db.namespace', 's'),
    promoted('db_operation_name', 'db.operation.name', 's'),
    promoted('db_query_text', 'db.query.text', 's'),
    promoted('messaging_system', 'messaging.system', 's'),
    promoted('messaging_destination_name', 'messaging.destination.name', 's'),
    promoted('thread_id', 'thread.id', 'i'),
    promoted('thread_name', 'thread.name', 's'),
    promoted('error_type', 'error.type', 's'),
    ...attributes,
    {
      name: 'events_wire',
      kind: 'string',
      sql: 'BLOB',
      nullable: true,
      compression: 'zstd',
      shownAs: { name: 'events', sql: structSql(EVENT_FIELDS), about: 'Span events.' },
      about: 'Span events as sent: the fields `events` of the OTLP Span, one after the other; NULL: none.',
    },
    { name: 'links', kind: 'list', sql: structSql(linkFields), element: linkFields, about: 'Span links.' },
    str('trace_state', 'W3C tracestate.'),
    u32('flags', 'W3C trace flags and is-remote bits.'),
    u32('dropped_events_count', 'Events the sender says it dropped.'),
    u32('dropped_links_count', 'Links the sender says it dropped.'),
    u32('resource_id', 'Row of resources.'),
    u32('scope_id', 'Row of scopes.'),
  ],
};
export const LOGS: TableSpec = {
  name: 'logs',
  timeColumn: 'time',
  columns: [
    time('time', 'When it happened; the observed time where the sender gave none.'),
    time('observed_time', 'When the collector of the sender saw it.', true),
    { name: 'trace_id', kind: 'uuid', sql: 'UUID', nullable: true, about: 'Trace the record belongs to.' },
    { name: 'span_id', kind: 'u64', sql: 'UBIGINT', nullable: true, about: 'Span the record belongs to.' },
    {
      name: 'severity_number',
      kind: 'u8',
      sql: 'UTINYINT',
      about: '1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal; 0 unspecified.',
    },
    str('severity_text', 'Severity as the source wrote it.'),
    str('service', 'Resource attribute service.name; unknown_service when absent.', false),
    { ...str('body', 'Body as text (JSON text for arrays and maps).'), compression: 'zstd' },
    { name: 'body_type', kind: 'u8', sql: 'UTINYINT', about: 'ASCII code of the body type letter, as in attribute_types.' },
    str('event_name', 'Event name.'),
    promoted('exception_type', 'exception.type', 's'),
    promoted('exception_message', 'exception.message', 's'),
    promoted('exception_stacktrace', 'exception.stacktrace', 's'),
    promoted('code_function_name', 'code.function.name', 's'),
    promoted('thread_id', 'thread.id', 'i'),
    promoted('thread_name', 'thread.name', 's'),
    promoted('session_id', 'session.id', 's'),
    ...attributes,
    u32('flags', 'W3C trace flags.'),
    u32('resource_id', 'Row of resources.'),
    u32('scope_id', 'Row of scopes.'),
  ],
};
export const SAMPLES: TableSpec = {
  name: 'samples',
  timeColumn: 'time',
  columns: [
    u32('series_id', 'Row of series.'),
    time('time', 'Timestamp of the sample.'),
    { name: 'value', kind: 'f64', sql: 'DOUBLE', about: 'Value; the Prometheus stale marker for "no recorded value".' },
    { name: 'value_int', kind: 'i64', sql: 'BIGINT', nullable: true, about: 'Set only where an integer does not fit a double exactly.' },
    time('start_time', 'Start of the accumulation, where given.', true),
    u32('flags', 'OTLP data point flags.'),
  ],
};
const list = (name: string, element: FixedKind, sql: string, about: string): ColumnSpec => ({
  name,
  kind: 'list',
  sql: `${sql}[]`,
  element,
  about,
});
const f64 = (name: string, about: string): ColumnSpec => ({ name, kind: 'f64', sql: 'DOUBLE', nullable: true, about });
export const HISTOGRAMS: TableSpec = {
  name: 'histograms',
  timeColumn: 'time',
  columns: [
    u32('series_id', 'Row of series; series.type says histogram, exponential_histogram or summary.'),
    time('time', 'Timestamp of the point.'),
    time('start_time', 'Start of the accumulation, where given.', true),
    { name: 'count', kind: 'u64', sql: 'UBIGINT', about: 'Number of observations.' },
    f64('sum', 'Sum of observations.'),
    f64('min', 'Smallest observation.'),
    f64('max', 'Largest observation.'),
    list('bounds', 'f64', 'DOUBLE', 'Classic: upper bounds. Summary: quantiles.'),
    list('bucket_counts', 'u64', 'UBIGINT', 'Classic: count per bucket (one more than bounds). Empty for a summary.'),
    list('quantile_values', 'f64', 'DOUBLE', 'Summary: value at each quantile of bounds.'),
    { name: 'scale', kind: 'i64', sql: 'BIGINT', nullable: true, about: 'Exponential: scale.' },
    { name: 'zero_count', kind: 'u64', sql: 'UBIGINT', nullable: true, about: 'Exponential: observations in the zero bucket.' },
    f64('zero_threshold', 'Exponential: half width of the zero bucket.'),
    { name: 'positive_offset', kind: 'i64', sql: 'BIGINT', nullable: true, about: 'Exponential: index of the first positive bucket.' },
    list('positive_counts', 'u64', 'UBIGINT', 'Exponential: positive buckets.'),
    { name: 'negative_offset', kind: 'i64', sql: 'BIGINT', nullable: true, about: 'Exponential: index of the first negative bucket.' },
    list('negative_counts', 'u64', 'UBIGINT', 'Exponential: negative buckets.'),
    u32('flags', 'OTLP data point flags; bits 16 and 17: reset hint of a Prometheus native histogram (1 yes, 2 no, 3 gauge).'),
    list(
      'float_counts',
      'f64',
      'DOUBLE',
      'Prometheus histogram with fractional counts: count, zero_count, then bucket_counts, positive_counts and negative_counts, exactly; the columns of those names hold them rounded. Else empty.',
    ),
  ],
};
export const EXEMPLARS: TableSpec = {
  name: 'exemplars',
  timeColumn: 'time',
  columns: [
    u32('series_id', 'Row of series.'),
    time('time', 'Timestamp of the exemplar.'),
    { name: 'value', kind: 'f64', sql: 'DOUBLE', about: 'Value.' },
    { name: 'value_int', kind: 'i64', sql: 'BIGINT', nullable: true, about: 'Set only where an integer does not fit a double exactly.' },
    { name: 'trace_id', kind: 'uuid', sql: 'UUID', nullable: true, about: 'Trace.' },
    { name: 'span_id', kind: 'u64', sql: 'UBIGINT', nullable: true, about: 'Span.' },
    ...attributes.slice(0, 2),
  ],
};
const idColumns: readonly ColumnSpec[] = [
  { name: 'trace_id', kind: 'uuid', sql: 'UUID', nullable: true, about: 'Trace that was running.' },
  { name: 'span_id', kind: 'u64', sql: 'UBIGINT', nullable: true, about: 'Span that was running.' },
];
const profileKind: readonly ColumnSpec[] = [
  time('time', 'When the profile begins.'),
  { name: 'profile_id', kind: 'uuid', sql: 'UUID', nullable: true, about: 'Profile, 16 bytes, where the sender gave it one.' },
  str('service', 'Resource attribute service.name; unknown_service when absent.', false),
  str('sample_type', 'What is counted: cpu, off_cpu, allocated_space ...', false),
  str('sample_unit', 'In what: nanoseconds, count, bytes ...', false),
];
const attributeUnits = str('attribute_units', 'Units of attributes that have one, as a JSON object by key.');
/** OTLP profiles: one row each; what they measured is in profile_samples (docs/decisions/0009-profiles.md). */
export const PROFILES: TableSpec = {
  name: 'profiles',
  timeColumn: 'time',
  columns: [
    ...profileKind,
    { name: 'duration_ns', kind: 'u64', sql: 'UBIGINT', about: 'How long it was measured.' },
    u32('samples', 'Rows of profile_samples it has.'),
    str('period_type', 'What passes between two samples: cpu ...', false),
    str('period_unit', 'Its unit.', false),
    { name: 'period', kind: 'i64', sql: 'BIGINT', about: 'How much of it passes.' },
    ...attributes,
    attributeUnits,
    str('original_payload_format', 'Format of original_payload: pprof, jfr ...'),
    {
      name: 'original_payload',
      kind: 'string',
      sql: 'BLOB',
      nullable: true,
      about: 'The profile in its own format, where the sender keeps it.',
    },
    u32('resource_id', 'Row of resources.'),
    u32('scope_id', 'Row of scopes.'),
  ],
};
export const PROFILE_SAMPLES: TableSpec = {
  name: 'profile_samples',
  timeColumn: 'time',
  columns: [
    ...profileKind,
    u32('stack_id', 'Row of stacks; 0: none.'),
    { name: 'value', kind: 'i64', sql: 'BIGINT', about: 'Sum of values; where there are none, how many timestamps there are.' },
    list('values', 'i64', 'BIGINT', 'As sent.'),
    list('timestamps', 'i64', 'TIMESTAMP_NS', 'When each of them was taken, where that was sent.'),
    ...idColumns,
    ...attributes.slice(0, 2),
    attributeUnits,
    u32('resource_id', 'Row of resources.'),
    u32('scope_id', 'Row of scopes.'),
  ],
};
/** A frame of a stack (table stacks). */
export const FRAME_FIELDS: readonly ColumnSpec[] = [
  str('function', "Function, '' where only the address is known.", false),
  str('system_name', 'Its name in the binary, where it is another.', false),
  str('file', 'Source file.', false),
  { name: 'start_line', kind: 'i64', sql: 'BIGINT', about: 'Line the function begins at; 0: not known.' },
  { name: 'line', kind: 'i64', sql: 'BIGINT', about: 'Line; 0: not known.' },
  { name: 'column_number', kind: 'i64', sql: 'BIGINT', about: 'Column; 0: not known.' },
  { name: 'inlined', kind: 'u8', sql: 'BOOLEAN', about: 'Inlined into the next frame.' },
  { name: 'address', kind: 'u64', sql: 'UBIGINT', about: 'Address of the instruction; 0: not known.' },
  str('attributes', 'Attributes of the location as a JSON object.', false),
  str('mapping', 'File of the binary.', false),
  { name: 'mapping_start', kind: 'u64', sql: 'UBIGINT', about: 'Where the binary begins in memory.' },
  { name: 'mapping_limit', kind: 'u64', sql: 'UBIGINT', about: 'Where it ends.' },
  { name: 'mapping_offset', kind: 'u64', sql: 'UBIGINT', about: 'Offset in its file.' },
  str('mapping_attributes', 'Attributes of the mapping (build ids) as a JSON object.', false),
];
/** Keys with a column of their own in a table, with that column's number and the type they must arrive with. */
export const promotedColumns = (
  table: TableSpec,
): readonly { readonly key: string; readonly name: string; readonly column: number; readonly type: 's' | 'i' }[] =>
  table.columns.flatMap(({ name, promotes }, column) => (promotes ? [{ name, column, ...promotes }] : []));
export const TABLES: Readonly<Record<TableName, TableSpec>> = {
  spans: SPANS,
  logs: LOGS,
  samples: SAMPLES,
  histograms: HISTOGRAMS,
  exemplars: EXEMPLARS,
  profiles: PROFILES,
  profile_samples: PROFILE_SAMPLES,
};
