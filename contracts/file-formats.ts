/** Formats of files that can be imported, and limits of reading them. Without zod: the way in must start fast. */
export const FORMATS = {
  'otlp-json': 'OTLP as JSON, one document',
  'otlp-jsonl': 'OTLP as JSON lines',
  'otlp-protobuf': 'OTLP as protobuf',
  'jaeger-json': 'Jaeger UI JSON',
  'zipkin-json': 'Zipkin v2 JSON',
  'prometheus-text': 'Prometheus text exposition',
  'openmetrics-text': 'OpenMetrics text exposition',
  'tsdb-block': 'Prometheus TSDB block',
  har: 'HAR, HTTP archive of a browser',
  'loki-json': 'Loki query answer',
  'loki-jsonl': 'logcli -o jsonl',
  'cloudwatch-json': 'CloudWatch filter-log-events',
  'cloudwatch-export': 'CloudWatch export to S3',
  'kubectl-logs': 'kubectl logs with times',
  'journal-short': 'journal text, short',
  'journal-short-iso': 'journal text, short-iso',
  'journal-json': 'journal JSON (journalctl -o json)',
  'journal-export': 'journal export (journalctl -o export)',
  logfmt: 'logfmt lines',
  'log-text': 'text log, a record a line',
  csv: 'table, CSV',
  ndjson: 'table, JSON lines or array',
  parquet: 'table, Parquet',
  zip: 'zip archive of files',
  'focus-csv': 'FOCUS bill, CSV',
} as const;
export type FileFormat = keyof typeof FORMATS;
export const isFileFormat = (name: string): name is FileFormat => Object.hasOwn(FORMATS, name);
/** Formats whose columns a person may map. */
export const TABLE_FORMATS: readonly FileFormat[] = ['csv', 'ndjson', 'parquet'];

/** Tells the collector the format a body comes from; it becomes the source "import:FORMAT". */
export const IMPORT_HEADER = 'faultline-import';

export const FILE_LIMITS = {
  /** A piece of a file as a page sends it. */
  partBytes: 8 * 1024 * 1024,
  /** Files a page may have on the console at once. */
  jobs: 200,
  /** Bad records listed one by one; all are counted. */
  listed: 1_000,
  /** A line, a JSON element, a trace. */
  recordBytes: 64 * 1024 * 1024,
  /** Bytes a compressed file may become. */
  plainBytes: 64 * 1024 ** 3,
  /** First bytes a format is told by. */
  headBytes: 256 * 1024,
} as const;
/** What a column is read as. Every other column becomes an attribute (logs, spans) or a label (metrics). */
export const ROLES = [
  'time',
  'body',
  'severity',
  'service',
  'trace_id',
  'span_id',
  'parent_id',
  'name',
  'duration',
  'end',
  'value',
] as const;
export type Role = (typeof ROLES)[number];
