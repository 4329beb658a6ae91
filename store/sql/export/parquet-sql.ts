import type { TableName } from '#contracts/tables.ts';
import { between, textLiteral } from '../read/literals.ts';

/**
 * Statements of the Parquet export. Ids of dictionaries mean nothing outside, so resources, scopes and series are written
 * into the rows; trace and span ids are hex text, which every reader compares alike. `service` is the partition's name and
 * must not be a column of the file as well: the full name is `service_name`.
 */
interface ExportTable {
  readonly time: string;
  readonly service: string;
  readonly from: string;
  readonly select: string;
  /** Whole-number sums by name, over the columns of the file. */
  readonly sums: Readonly<Record<string, string>>;
}
const ORIGIN = 'r.attributes AS resource_attributes, r.attribute_types AS resource_attribute_types, r.schema_url AS resource_schema_url';
const SCOPE = 'c.name AS scope_name, c.version AS scope_version, c.attributes AS scope_attributes';
const JOIN_ORIGIN = 'LEFT JOIN resources r ON r.resource_id = t.resource_id LEFT JOIN scopes c ON c.scope_id = t.scope_id';
const SERIES =
  's.metric, s.type, s.unit, s.description, s.temporality, s.monotonic, s.number_type, s.source, s.service AS service_name, s.attributes, s.attribute_types, s.metadata';
const JOIN_SERIES = 'JOIN series s ON s.series_id = t.series_id LEFT JOIN resources r ON r.resource_id = s.resource_id';
const TIMES = 'sum(epoch_ns("time")::HUGEINT)';

const EXPORTS: Readonly<Record<TableName, ExportTable>> = {
  spans: {
    time: 't.start_time',
    service: 't.service',
    from: `spans t ${JOIN_ORIGIN}`,
    select: `trace_id_hex(t.trace_id) AS trace_id, span_id_hex(t.span_id) AS span_id, span_id_hex(t.parent_span_id) AS parent_span_id,
      t.* EXCLUDE (trace_id, span_id, parent_span_id, service, resource_id, scope_id), t.service AS service_name, ${ORIGIN}, ${SCOPE}`,
    sums: { duration_ns: 'sum(duration_ns::HUGEINT)', start_time_ns: 'sum(epoch_ns(start_time)::HUGEINT)' },
  },
  logs: {
    time: 't.time',
    service: 't.service',
    from: `logs t ${JOIN_ORIGIN}`,
    select: `t.time, trace_id_hex(t.trace_id) AS trace_id, span_id_hex(t.span_id) AS span_id,
      t.* EXCLUDE (time, trace_id, span_id, service, resource_id, scope_id), t.service AS service_name, ${ORIGIN}, ${SCOPE}`,
    sums: { body_bytes: 'sum(strlen(body)::HUGEINT)', time_ns: TIMES },
  },
  samples: {
    time: 't.time',
    service: 's.service',
    from: `samples t ${JOIN_SERIES}`,
    select: `t.* EXCLUDE (series_id), ${SERIES}, ${ORIGIN}`,
    sums: { time_ns: TIMES, finite_values: 'count(*) FILTER (isfinite("value"))' },
  },
  histograms: {
    time: 't.time',
    service: 's.service',
    from: `histograms t ${JOIN_SERIES}`,
    select: `t.* EXCLUDE (series_id), ${SERIES}, ${ORIGIN}`,
    sums: { observations: 'sum("count"::HUGEINT)', time_ns: TIMES },
  },
  profiles: {
    time: 't.time',
    service: 't.service',
    from: `profiles t ${JOIN_ORIGIN}`,
    select: `t.* EXCLUDE (service, resource_id, scope_id), t.service AS service_name, ${ORIGIN}, ${SCOPE}`,
    sums: { samples: 'sum(samples::HUGEINT)', time_ns: TIMES },
  },
  profile_samples: {
    time: 't.time',
    service: 't.service',
    from: `profile_samples t LEFT JOIN stacks k ON k.stack_id = t.stack_id ${JOIN_ORIGIN}`,
    select: `t.* EXCLUDE (trace_id, span_id, stack_id, service, resource_id, scope_id), trace_id_hex(t.trace_id) AS trace_id,
      span_id_hex(t.span_id) AS span_id, k.frames, t.service AS service_name, ${ORIGIN}, ${SCOPE}`,
    sums: { value: 'sum("value"::HUGEINT)', time_ns: TIMES },
  },
  exemplars: {
    time: 't.time',
    service: 's.service',
    from: `exemplars t ${JOIN_SERIES}`,
    select: `t.time, t.value, t.value_int, trace_id_hex(t.trace_id) AS trace_id, span_id_hex(t.span_id) AS span_id,
      t.attributes AS exemplar_attributes, ${SERIES}, ${ORIGIN}`,
    sums: { time_ns: TIMES },
  },
};

/** Services with rows in [startMs, endMs), a day or less: columns service, rows. */
export function partitionsSql(table: TableName, startMs: number, endMs: number): string {
  const { time, service, from } = EXPORTS[table];
  return `SELECT ${service} AS service, count(*)::DOUBLE AS rows FROM ${from} WHERE ${between(time, startMs, endMs)} GROUP BY 1 ORDER BY 1`;
}
export interface PartitionSql {
  readonly table: TableName;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly file: string;
}
export function writePartitionSql({ table, service, startMs, endMs, file }: PartitionSql): string {
  const { time, service: whose, from, select } = EXPORTS[table];
  return `COPY (SELECT ${select} FROM ${from} WHERE ${between(time, startMs, endMs)} AND ${whose} = ${textLiteral(service)})
TO ${textLiteral(file)} (FORMAT parquet, COMPRESSION zstd)`;
}
/** Reads a written file back: columns rows and one per sum, as text. */
export function partitionSumsSql(table: TableName, file: string): string {
  const sums = Object.entries(EXPORTS[table].sums).map(([name, sql]) => `coalesce(${sql}, 0)::VARCHAR AS ${name}`);
  return `SELECT count(*)::DOUBLE AS rows, ${sums.join(', ')} FROM read_parquet(${textLiteral(file)}, hive_partitioning = false)`;
}
