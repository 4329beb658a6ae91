import { z } from 'zod';
import { billSchema } from './cost.ts';
import { migrationNewsSchema } from './migration.ts';
import { SOURCE_KINDS } from './processes.ts';

/**
 * Own API, all under /console, `Authorization: Bearer TOKEN` (or the cookie the page got for it). Tables come as
 * Arrow IPC streams (application/vnd.apache.arrow.stream) whose schema metadata holds "query" (SQL text that
 * reproduces the table); the rest is JSON. Times in query strings are Unix milliseconds. Errors: errorBody.
 *
 * GET  /console/state                                   -> state (JSON)
 * GET  /console/events                                  -> server-sent events: "state" each second, "incident" on change,
 *                                                          "explain" while the local model is asked
 * GET  /console/incidents?limit                         -> incidents (JSON)
 * GET  /console/incidents/:id                           -> incident (JSON, judgement.ts Incident)
 * POST /console/incidents/:id/{acknowledge,resolve}     -> incident
 * POST /console/incidents/:id/notes {text}              -> incident
 * GET  /console/incidents/:id/explanation               -> explanation.ts ExplainState: narrative, question on its way, last answer
 * POST /console/incidents/:id/explain {again?,deadlineMs?} -> ExplainState; DELETE cancels
 * POST /console/explain/settings {auto}                 -> {auto}: each incident is asked about once by itself
 * GET  /console/incidents/:id/calls?limit               -> {calls: Explanation[]}
 * GET  /console/services?start&end                      -> serviceMap (JSON)
 * GET  /console/changes?start&end&service?             -> changes (JSON)
 * GET  /console/services/red?start&end&service&peer?&step -> Arrow: time, requests, errors, p50_ms, p95_ms, p99_ms
 * GET  /console/traces?start&end&service&name&status&minMs&maxMs&q&where&limit&order&after -> Arrow: traceColumns; after: cursor of any row of the page before
 * GET  /console/traces/count?start&end&service&name&status&minMs&maxMs&q&where -> traceCount (JSON)
 * GET  /console/traces/:traceId?span                    -> Arrow: spanColumns
 * GET  /console/traces/:traceId/outline                 -> Arrow: outlineColumns
 * GET  /console/logs?start&end&service&severity&q&where&traceId&limit&after -> Arrow: logColumns, newest first; after: UNIXNANO.ROWS of the last row, and rows of its time so far
 * GET  /console/logs/histogram?start&end&service&severity&q&where&step -> Arrow: time, severity, count
 *   where: exact filters (exact-filter.ts)
 * GET  /console/metrics?q                               -> metricList (JSON)
 * GET  /console/metrics/range?metric&start&end&step&fn&by&service&labels -> Arrow: time, series, value
 * GET  /console/metrics/catalogue                       -> promql.ts MetricCatalogue, as Prometheus' API answers ({status, data})
 * GET  /console/metrics/labels?metric                   -> the same with MetricLabels
 * POST /console/metrics/cards {names,start,end,step}    -> the same with MetricCards
 * POST /console/promql/check {query}                    -> promql.ts PromqlCheck
 * GET  /console/sources                                 -> sources (JSON)
 * /console/volume...                                    -> volume.ts, volume-rules.ts
 * /console/alerting/{rules,alerts}                      -> alert-rules.ts
 * /console/alerting/routing...                          -> alert-routing.ts
 * POST /console/query/sql {sql,maxRows?}                -> Arrow
 * POST /console/rca {start,end,service?,top?}           -> judgement.ts RcaResult
 * POST /console/import?name=FILE  body = file bytes     -> importResult; larger files: /console/uploads, /console/imports (import-files.ts)
 * POST /console/demo {scenario}                         -> starts the demo shop ("Show me"); DELETE stops it
 * POST /console/admin/flush                             -> {position} once all acknowledged data is queryable
 */
const counts = z.object({ items: z.number(), requests: z.number(), bytes: z.number() });
export const sourceSchema = z.object({
  source: z.string(),
  kind: z.enum(SOURCE_KINDS),
  address: z.string(),
  state: z.enum(['listening', 'receiving', 'failing', 'stopped']),
  error: z.string(),
  lastUnixMs: z.number().nullable(),
  accepted: z.object({ traces: counts, logs: counts, metrics: counts, profiles: counts.optional() }),
  refused: z.record(z.string(), z.number()),
  /** After the acknowledgement, by the engine. */
  dropped: z.record(z.string(), z.number()),
  noted: z.record(z.string(), z.number()),
  /** Of a tail: its files, those with trouble first, at most 100; filesTotal counts all. */
  files: z
    .array(
      z.object({
        path: z.string(),
        state: z.enum(['reading', 'following', 'waiting', 'skipped', 'failing', 'gone']),
        offset: z.number(),
        size: z.number(),
        lines: z.number(),
        /** tailing.ts TAIL_WHYS, '' = none. */
        why: z.string(),
        says: z.string(),
      }),
    )
    .readonly()
    .optional(),
  filesTotal: z.number().optional(),
});
export type Source = z.infer<typeof sourceSchema>;
const processState = z.enum(['starting', 'running', 'restarting', 'stopped', 'failed']);
export const stateSchema = z.object({
  version: z.string(),
  nowMs: z.number(),
  startedMs: z.number(),
  collector: processState,
  engine: processState,
  addresses: z.object({ api: z.string(), ingest: z.string(), otlpGrpc: z.string() }),
  /** Anything ever stored or hot: false shows the first-run doors. */
  hasData: z.boolean(),
  /** Event time of the newest and oldest data. */
  minTimeMs: z.number().nullable(),
  maxTimeMs: z.number().nullable(),
  /** Items per second over the last 5 s, and totals. */
  rates: z.object({ traces: z.number(), logs: z.number(), metrics: z.number() }),
  totals: z.object({ traces: z.number(), logs: z.number(), metrics: z.number(), refused: z.number(), dropped: z.number() }),
  /** Acknowledged bytes the engine has not decoded yet. */
  journalLagBytes: z.number(),
  ackP50Ms: z.number(),
  ackP99Ms: z.number(),
  diskUsedBytes: z.number(),
  diskFreeBytes: z.number(),
  memoryBytes: z.number(),
  egressBytes: z.number(),
  openIncidents: z.number(),
  /** Of Prometheus' rules and of other senders. */
  alerts: z.object({ firing: z.number(), pending: z.number() }),
  /** Limits of judgement, counted since the engine started; docs/limits.md. */
  judgement: z.object({
    lastMs: z.number().nullable(),
    /** Judgements that failed: their cells were not judged. */
    skipped: z.number(),
    lastSkippedMs: z.number().nullable(),
    lastSkippedCode: z.string(),
    /** Series judgement has no room for now. */
    notJudged: z.number(),
    refusedSubjects: z.number(),
    untoldChanges: z.number(),
    untoldLines: z.number(),
  }),
  demo: z.object({ scenario: z.string(), startedMs: z.number() }).nullable(),
  demoScenarios: z.array(z.string()),
  /** Sentences the operator must see (disk reserve, quarantined file ...), with a reason or error code. */
  warnings: z.array(z.object({ code: z.string(), says: z.string(), todo: z.string() })),
});
export type State = z.infer<typeof stateSchema>;

/** What went through each stage: of the collector since it started, of the engine since it started. */
export const stagesSchema = z.object({
  received: z.object({ requests: z.number(), bytes: z.number(), refused: z.number() }),
  checked: z.object({ items: z.number() }),
  journaled: z.object({ bytes: z.number(), keptBytes: z.number(), ackP50Ms: z.number(), ackP99Ms: z.number() }),
  decoded: z.object({
    records: z.number(),
    items: z.number(),
    /** Acknowledged bytes that wait to be decoded; `paused`: until the store has written hot rows. */
    lagBytes: z.number(),
    paused: z.boolean(),
    dropped: z.number(),
    /** Left out by rules of the Volume page. */
    ruled: z.number(),
  }),
  stored: z.object({ rows: z.number(), hotRows: z.number(), hotBytes: z.number(), fileBytes: z.number() }),
});
export type Stages = z.infer<typeof stagesSchema>;
export const sourcesSchema = z.object({
  sources: z.array(sourceSchema),
  /** Whom the collector gives a fair share to, the largest first. */
  senders: z.array(
    z.object({
      address: z.string(),
      /** Service, else the protocol. */
      name: z.string(),
      requests: z.number(),
      bytes: z.number(),
      refused: z.number(),
      heldBytes: z.number(),
      lastUnixMs: z.number(),
    }),
  ),
  stages: stagesSchema,
  journal: z.object({ bytes: z.number(), lagBytes: z.number(), ackP50Ms: z.number(), ackP99Ms: z.number() }),
  store: z.object({
    bytes: z.number(),
    days: z.array(
      z.object({ day: z.string(), bytes: z.number(), state: z.enum(['ok', 'quarantined']), rows: z.record(z.string(), z.number()) }),
    ),
    pruned: z.array(z.object({ day: z.string(), reason: z.enum(['age', 'size', 'corrupt']), bytes: z.number(), atMs: z.number() })),
    retentionSeconds: z.number(),
    maxSizeBytes: z.number(),
    series: z.number(),
  }),
});
export type Sources = z.infer<typeof sourcesSchema>;

export const serviceMapSchema = z.object({
  start: z.number(),
  end: z.number(),
  query: z.string(),
  nodes: z.array(
    z.object({
      service: z.string(),
      /** 'service' sends telemetry itself; 'database' | 'external' are known only from client spans. */
      kind: z.enum(['service', 'database', 'external', 'queue']),
      requests: z.number(),
      ratePerSecond: z.number(),
      errorRatio: z.number(),
      p50Ms: z.number().nullable(),
      p95Ms: z.number().nullable(),
      version: z.string().nullable(),
      instances: z.number(),
      openIncident: z.string().nullable(),
    }),
  ),
  edges: z.array(
    z.object({
      from: z.string(),
      to: z.string(),
      requests: z.number(),
      ratePerSecond: z.number(),
      errorRatio: z.number(),
      p95Ms: z.number().nullable(),
    }),
  ),
});
export type ServiceMap = z.infer<typeof serviceMapSchema>;

export const traceCountSchema = z.object({ traces: z.number() });
export type TraceCount = z.infer<typeof traceCountSchema>;

export const changesSchema = z.object({
  /** Newest first; those beyond the limit are only counted. */
  changes: z.array(
    z.object({
      atMs: z.number(),
      kind: z.enum(['deploy', 'restart', 'scale', 'config', 'flag']),
      service: z.string(),
      instance: z.string().nullable(),
      from: z.string(),
      to: z.string(),
      /** As an incident's timeline says it (judgement.ts TimelineEntry). */
      says: z.string(),
      messageKey: z.string(),
      params: z.record(z.string(), z.union([z.string(), z.number()])),
    }),
  ),
  total: z.number(),
  query: z.string(),
});
export type Changes = z.infer<typeof changesSchema>;

export const metricListSchema = z.object({
  metrics: z.array(
    z.object({
      metric: z.string(),
      /** Its name in PromQL; '' when it can have none. */
      promqlName: z.string(),
      type: z.string(),
      /** A sum that never falls but by reset: read as a rate. Any other is a level. */
      monotonic: z.boolean(),
      unit: z.string(),
      description: z.string(),
      source: z.string(),
      series: z.number(),
      services: z.array(z.string()),
      labels: z.array(z.string()),
    }),
  ),
});
export type MetricList = z.infer<typeof metricListSchema>;

export const importResultSchema = z.object({
  file: z.string(),
  format: z.string(),
  accepted: z.object({ traces: z.number(), logs: z.number(), metrics: z.number() }),
  /** Bad records, the first of them; `line`: of text, or number of the record; `offset`: bytes from the beginning. */
  refused: z.array(z.object({ line: z.number().nullable(), offset: z.number().nullish(), reason: z.string(), message: z.string() })),
  /** All of them. */
  refusedCount: z.number().optional(),
  /** The same content was imported then: nothing was added. */
  alreadyImportedMs: z.number().nullish(),
  cancelled: z.boolean().optional(),
  minTimeMs: z.number().nullable(),
  maxTimeMs: z.number().nullable(),
  /** Set when the file was a FOCUS bill. */
  bill: billSchema.optional(),
});
export type ImportResult = z.infer<typeof importResultSchema>;

export const errorBodySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    todo: z.string(),
    /** With `starting`: what the engine is at. */
    migration: migrationNewsSchema.optional(),
  }),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

/** Arrow columns, name -> Arrow type. Ids are lower-case hex text; times are TimestampNanosecond. */
export const traceColumns = [
  'trace_id',
  'start_time',
  'duration_ms',
  'root_service',
  'root_name',
  'spans',
  'errors',
  'services',
  'cursor',
] as const;
export const spanColumns = [
  'span_id',
  'parent_span_id',
  'start_time',
  'duration_ns',
  'name',
  'service',
  'kind',
  'status_code',
  'status_message',
  'attributes_json',
  'resource_json',
  'events_json',
  'links_json',
  'scope',
] as const;
/** Span ids as Uint64 here; exception_time: of the first exception event; row numbers Int32; name and service are null but on the row that name_row, service_row names. */
export const outlineColumns = [
  'span_id',
  'parent_span_id',
  'start_time',
  'duration_ns',
  'kind',
  'status_code',
  'exceptions',
  'exception_time',
  'name_row',
  'name',
  'service_row',
  'service',
] as const;
export const logColumns = [
  'time',
  'severity_number',
  'severity_text',
  'service',
  'body',
  'trace_id',
  'span_id',
  'attributes_json',
  'resource_json',
] as const;
