import { z } from 'zod';
import { metricListSchema, traceCountSchema } from '#contracts/console-api.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { readFilters } from '#contracts/exact-filter.ts';
import { prometheusMetricName } from '#query/otlp-names.ts';
import { DEFAULT_NAMING, labelOptionsOf } from '#query/otlp-series.ts';
import { type LogCursor, logHistogramSql, searchLogsSql } from '#store/sql/read/logs-sql.ts';
import { chosenSeriesSql, metricListSql, metricRangeSql } from '#store/sql/read/metrics-sql.ts';
import {
  countTracesSql,
  readTraceCursor,
  searchTracesSql,
  type TraceCursor,
  traceOutlineSql,
  traceSpansSql,
} from '#store/sql/read/traces-sql.ts';
import { promqlRoutes } from './promql-routes.ts';
import { type Call, MAX_ROWS, QUERY_TIMEOUT_MS, type Route, route, runTable, type Table } from './route.ts';
import { IN_ORDER, inOrder, optionalNumber, optionalText, stepFor, timeRange } from './time-range.ts';

/** Spans of one trace a screen takes. */
const MAX_SPANS = 500_000;
const MAX_METRICS = 20_000;
const MAX_SERIES = 1_000;
/** rate() looks back over four steps or a minute: what a scrape every 15 s needs. */
const MIN_RATE_RANGE_MS = 60_000;

const badCursor = (context: { addIssue(issue: { code: 'custom'; message: string }): void }): never => {
  context.addIssue({ code: 'custom', message: 'is not the place of a row' });
  return z.NEVER;
};
const traceCursor = optionalText.transform((text, context): TraceCursor | undefined =>
  text === undefined ? undefined : (readTraceCursor(text) ?? badCursor(context)),
);
/** "UNIXNANO.SHOWN" */
const logCursor = optionalText.transform((text, context): LogCursor | undefined => {
  if (text === undefined) return undefined;
  const [, nano, shown] = /^(\d{1,19})\.(\d{1,9})$/.exec(text) ?? [];
  return nano && shown ? { unixNano: BigInt(nano), shown: Number(shown) } : badCursor(context);
});

/** contracts/exact-filter.ts */
const exactFilters = z
  .string()
  .max(20_000)
  .optional()
  .transform((text, context) => {
    const filters = readFilters(text ?? '');
    if (filters === null)
      context.addIssue({ code: 'custom', message: 'is [-]attribute|resource|field:KEY=VALUE,... with at most 20 entries' });
    return filters ?? z.NEVER;
  });
const traceFields = timeRange.extend({
  service: optionalText,
  name: optionalText,
  status: z.enum(['ok', 'error', 'unset', '']).optional(),
  minMs: optionalNumber,
  maxMs: optionalNumber,
  q: optionalText,
  where: exactFilters,
});
const traceSearch = ({ start, end, status, where, ...rest }: z.infer<typeof traceFields>) => ({
  ...rest,
  filters: where,
  status: status || undefined,
  startMs: start,
  endMs: end,
});
const traceQuery = traceFields
  .extend({
    limit: z.coerce.number().int().min(1).max(5_000).default(200),
    order: z.enum(['newest', 'slowest', 'errors']).default('newest'),
    after: traceCursor,
  })
  .refine(inOrder, IN_ORDER);

const SEVERITIES = ['fatal', 'error', 'warn', 'info', 'debug'] as const;
const severities = optionalText
  .transform((text) =>
    text
      ?.split(',')
      .map((s) => s.trim())
      .filter((s) => s !== ''),
  )
  .pipe(z.array(z.enum(SEVERITIES)).optional());
const logFields = timeRange.extend({
  service: optionalText,
  severity: severities,
  q: optionalText,
  traceId: optionalText,
  where: exactFilters,
});
const logQuery = logFields
  .extend({ limit: z.coerce.number().int().min(1).max(10_000).default(500), after: logCursor })
  .refine(inOrder, IN_ORDER);
const histogramQuery = logFields.extend({ step: optionalNumber }).refine(inOrder, IN_ORDER);
const logSearch = (q: z.infer<typeof logFields>) => ({
  startMs: q.start,
  endMs: q.end,
  service: q.service,
  severities: q.severity,
  q: q.q,
  traceId: q.traceId,
  filters: q.where,
});

const labelPair = z.tuple([z.string(), z.string()]);
/** labels: a JSON object, or k=v pairs with commas between. */
const labels = optionalText.transform((text, context): Record<string, string> => {
  if (text === undefined) return {};
  try {
    if (text.startsWith('{')) return z.record(z.string(), z.string()).parse(JSON.parse(text));
    return Object.fromEntries(text.split(',').map((pair) => labelPair.parse(/^([^=]+)=(.*)$/s.exec(pair)?.slice(1))));
  } catch {
    context.addIssue({ code: 'custom', message: 'labels are a JSON object of texts, or k=v,k=v' });
    return z.NEVER;
  }
});
const rangeQuery = timeRange
  .extend({
    metric: z.string().min(1).max(1_000),
    step: optionalNumber,
    fn: z.enum(['raw', 'avg', 'rate']).default('avg'),
    by: optionalText,
    service: optionalText,
    labels,
  })
  .refine(inOrder, IN_ORDER);

async function oneTrace(call: Pick<Call, 'engine' | 'signal' | 'params'>, sql: string, span?: string): Promise<Table> {
  const table = await runTable(call, sql, MAX_SPANS);
  const what = `${span === undefined ? '' : `span ${span} in `}trace ${call.params['traceId']}`;
  if (table.result.rowCount === 0) throw new FaultlineError('not_found', `There is no ${what}.`);
  return table;
}

export const exploreRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/traces',
    summary:
      'Traces with a span that meets every condition, by the newest, the slowest or the newest failed of such spans; after: cursor of the last row.',
    query: traceQuery,
    answer: 'arrow',
    async handle(call) {
      const { limit, order, after, ...fields } = call.query;
      return runTable(call, searchTracesSql({ ...traceSearch(fields), limit, order, after }));
    },
  }),
  route({
    method: 'get',
    path: '/console/traces/count',
    summary: 'How many traces the same search finds in all.',
    query: traceFields.refine(inOrder, IN_ORDER),
    answer: traceCountSchema,
    async handle(call) {
      const sql = countTracesSql(traceSearch(call.query));
      const { result } = await runTable(call, sql);
      return { traces: Number(result.column('traces')[0] ?? 0) };
    },
  }),
  route({
    method: 'get',
    path: '/console/traces/:traceId',
    summary: 'All spans of one trace with all they hold; span: only those with this id.',
    query: z.object({ span: optionalText }),
    answer: 'arrow',
    handle: (call) => oneTrace(call, traceSpansSql(call.params['traceId'] ?? '', call.query.span), call.query.span),
  }),
  route({
    method: 'get',
    path: '/console/traces/:traceId/outline',
    summary: 'What a waterfall draws of each span of one trace; name and service stand only on row name_row, service_row.',
    answer: 'arrow',
    handle: (call) => oneTrace(call, traceOutlineSql(call.params['traceId'] ?? '')),
  }),
  route({
    method: 'get',
    path: '/console/logs',
    summary: 'Log records, newest first; after: Unix nanoseconds of the last row, and how many rows of that time have been shown.',
    query: logQuery,
    answer: 'arrow',
    handle: (call) => runTable(call, searchLogsSql({ ...logSearch(call.query), limit: call.query.limit, after: call.query.after })),
  }),
  route({
    method: 'get',
    path: '/console/logs/histogram',
    summary: 'Log records per step and severity class.',
    query: histogramQuery,
    answer: 'arrow',
    handle: (call) => runTable(call, logHistogramSql({ ...logSearch(call.query), stepMs: stepFor(call.query) })),
  }),
  route({
    method: 'get',
    path: '/console/metrics',
    summary: 'Metrics by name.',
    query: z.object({ q: optionalText }),
    answer: metricListSchema,
    async handle(call) {
      const sql = metricListSql(call.query.q, MAX_METRICS);
      const result = await call.engine.store.query(sql, [], { timeoutMs: QUERY_TIMEOUT_MS, maxRows: MAX_METRICS, signal: call.signal });
      const list = (json: unknown): string[] => JSON.parse(String(json ?? '[]')) as string[];
      const text = (value: unknown): string => String(value ?? '');
      const names = labelOptionsOf(call.engine.parts.settings.otlpNaming ?? DEFAULT_NAMING);
      const metrics = result.rows().map((row) => {
        const [metric, type, unit, source] = [text(row['metric']), text(row['type']), text(row['unit']), text(row['source'])];
        const monotonic = row['monotonic'] === true;
        const translated = { name: metric, unit, isCounter: type === 'sum' && monotonic, isGauge: type === 'gauge' };
        return {
          metric,
          promqlName: source === 'prometheus' ? metric : (prometheusMetricName(translated, names) ?? ''),
          type,
          monotonic,
          unit,
          description: text(row['description']),
          source,
          series: Number(row['series']),
          services: list(row['services']),
          labels: list(row['labels']),
        };
      });
      return { metrics };
    },
  }),
  route({
    method: 'get',
    path: '/console/metrics/range',
    summary: 'One metric over time: samples, mean per step, or per-second rate.',
    query: rangeQuery,
    answer: 'arrow',
    handle(call) {
      const { metric, start, end, fn, by, service, labels: only } = call.query;
      const stepMs = stepFor(call.query);
      const rangeMs = Math.max(MIN_RATE_RANGE_MS, 4 * stepMs);
      const range = { metric, startMs: start, endMs: end, stepMs, fn, by, service, labels: only, rangeMs, maxSeries: MAX_SERIES };
      return runTable(call, metricRangeSql(range), MAX_ROWS * 5, chosenSeriesSql(range));
    },
  }),
  ...promqlRoutes,
];
