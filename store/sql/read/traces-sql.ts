import { type ExactFilter, SPAN_FIELDS } from '#contracts/exact-filter.ts';
import { promotedColumns, SPANS } from '#contracts/tables.ts';
import { attributesJson, spanHex, traceHex } from './expressions.ts';
import { filterConditions } from './filters-sql.ts';
import { allOf, between, containsPattern, numberLiteral, spanIdLiteral, textLiteral, traceIdLiteral } from './literals.ts';

export interface TraceSearch {
  readonly startMs: number;
  readonly endMs: number;
  readonly service?: string | undefined;
  readonly name?: string | undefined;
  readonly status?: 'ok' | 'error' | 'unset' | undefined;
  readonly minMs?: number | undefined;
  readonly maxMs?: number | undefined;
  /** Text in the span's name, service, route, status message or an attribute value. */
  readonly q?: string | undefined;
  /** All of which one span must meet. */
  readonly filters?: readonly ExactFilter[] | undefined;
  readonly order: 'newest' | 'slowest' | 'errors';
  readonly limit: number;
  /** Only what comes after this row of the list. */
  readonly after?: TraceCursor | undefined;
}
/** A trace's place in the list: the rank of the best of its spans that meet the search, and its id. */
export interface TraceCursor {
  /** 1 where that span failed; 0 else, and in every order but "errors". */
  readonly failed: number;
  /** Start in Unix nanoseconds, or duration in nanoseconds for "slowest". */
  readonly rank: bigint;
  readonly traceId: string;
}
/** "1.1795260000123456789.5b8efff798038103d269b633813fc60c", as the column `cursor` of a list gives it; null: not one. */
export function readTraceCursor(text: string): TraceCursor | null {
  const [, failed, rank, traceId] = /^([01])\.(-?\d{1,19})\.([0-9a-f]{32})$/.exec(text) ?? [];
  return failed && rank && traceId ? { failed: Number(failed), rank: BigInt(rank), traceId } : null;
}
/** Text of a span that words are looked for in, beside its other attributes. */
const SEARCHED = ['name', 'service', 'status_message', ...promotedColumns(SPANS).flatMap(({ name, type }) => (type === 's' ? name : []))];
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

function conditions(search: Omit<TraceSearch, 'order' | 'limit'>): string {
  const like = search.q ? containsPattern(search.q) : '';
  return allOf([
    between('start_time', search.startMs, search.endMs),
    search.service && `service = ${textLiteral(search.service)}`,
    search.name && `name = ${textLiteral(search.name)}`,
    search.status && `status_code = ${STATUS[search.status]}`,
    search.minMs !== undefined && `duration_ns >= ${numberLiteral(Math.round(search.minMs * 1e6))}`,
    search.maxMs !== undefined && `duration_ns <= ${numberLiteral(Math.round(search.maxMs * 1e6))}`,
    like &&
      `(${SEARCHED.map((column) => `${column} ILIKE ${like} ESCAPE '\\'`).join(' OR ')}
    OR list_bool_or(list_transform(map_values(attributes), lambda value: value ILIKE ${like} ESCAPE '\\')))`,
    ...filterConditions(search.filters, { row: 'spans.', fields: SPAN_FIELDS, table: SPANS }),
  ]);
}

/**
 * One row per trace with a span that meets every condition (as Jaeger's search), in the order of its best such span: the
 * newest, the slowest, or the newest that failed. The best spans are taken first and then grown to their traces: sorting a
 * few thousand rows instead of grouping all of the window. A page may hold fewer traces than its limit when they have many
 * spans; only an empty one is the end. Traces of earlier pages have a span before the cursor, and that leaves them out.
 */
export function searchTracesSql(search: TraceSearch): string {
  const { after } = search;
  const failed = search.order === 'errors' ? '(status_code = 2)::UTINYINT' : '0::UTINYINT';
  const rank = search.order === 'slowest' ? 'duration_ns' : 'epoch_ns(start_time)';
  const place = after && `(${after.failed}::UTINYINT, ${after.rank}::BIGINT, ${traceIdLiteral(after.traceId)})`;
  const rest = place
    ? `\n    AND (${failed}, ${rank}, trace_id) < ${place}
    AND trace_id NOT IN (SELECT trace_id FROM spans WHERE ${conditions(search)}
    AND (${failed}, ${rank}, trace_id) >= ${place})`
    : '';
  // Within a page by what the row shows: a trace's start and duration are not those of its best span.
  const shown = { newest: 'start_time DESC', slowest: 'duration_ms DESC', errors: 'errors > 0 DESC, start_time DESC' }[search.order];
  // Parts of a trace may lie outside of the window; an hour either side is looked at.
  const around = between('start_time', search.startMs - 3_600_000, search.endMs + 3_600_000);
  return `WITH best AS (
  SELECT trace_id, ${failed} AS failed, ${rank} AS rank FROM spans
  WHERE ${conditions(search)}${rest}
  ORDER BY failed DESC, rank DESC, trace_id DESC LIMIT ${numberLiteral(search.limit * 40)}
), page AS (
  SELECT trace_id, max(failed) AS failed, arg_max(rank, (failed, rank)) AS rank FROM best GROUP BY trace_id
  ORDER BY failed DESC, rank DESC, trace_id DESC LIMIT ${numberLiteral(search.limit)}
), grown AS (
  SELECT trace_id, min(start_time) AS start_time,
    (max(epoch_ns(start_time) + duration_ns) - min(epoch_ns(start_time))) / 1e6 AS duration_ms,
    arg_min(service, (parent_span_id IS NOT NULL, start_time)) AS root_service,
    arg_min(name, (parent_span_id IS NOT NULL, start_time)) AS root_name,
    count(*)::UINTEGER AS spans,
    count_if(status_code = 2)::UINTEGER AS errors,
    array_to_string(list_sort(list_distinct(list(service))), ',') AS services
  FROM spans
  WHERE trace_id IN (SELECT trace_id FROM page) AND ${around}
  GROUP BY spans.trace_id
), last AS (SELECT failed || '.' || rank || '.' || ${traceHex('trace_id')} AS cursor FROM page ORDER BY failed, rank, trace_id LIMIT 1)
SELECT ${traceHex('grown.trace_id')} AS trace_id, start_time, duration_ms, root_service, root_name, spans, errors, services,
  (SELECT cursor FROM last) AS cursor
FROM grown
ORDER BY ${shown}, trace_id`;
}

/** How many traces have a span that meets every condition. */
export const countTracesSql = (search: Omit<TraceSearch, 'order' | 'limit'>): string =>
  `SELECT count(DISTINCT trace_id)::DOUBLE AS traces FROM spans\nWHERE ${conditions(search)}`;

/** All spans of one trace with all they hold, in start order; or those with one id: ids are unique only if the sender behaves. */
export function traceSpansSql(traceId: string, spanId?: string): string {
  const only = spanId === undefined ? '' : ` AND s.span_id = ${spanIdLiteral(spanId)}`;
  return `SELECT ${spanHex('s.span_id')} AS span_id, ${spanHex('s.parent_span_id')} AS parent_span_id,
  s.start_time, s.duration_ns, s.name, s.service, s.kind, s.status_code, s.status_message,
  ${attributesJson('s', SPANS)} AS attributes_json,
  ${attributesJson('r')} AS resource_json,
  to_json(list_transform(s.events, lambda event: {'time': event.time, 'name': event.name, 'attributes': event.attributes}))::VARCHAR AS events_json,
  to_json(list_transform(s.links, lambda link: {'trace_id': ${traceHex('link.trace_id')}, 'span_id': ${spanHex('link.span_id')}, 'attributes': link.attributes}))::VARCHAR AS links_json,
  c.name AS scope
FROM spans s LEFT JOIN resources r ON r.resource_id = s.resource_id LEFT JOIN scopes c ON c.scope_id = s.scope_id
WHERE s.trace_id = ${traceIdLiteral(traceId)}${only}
ORDER BY s.start_time, s.duration_ns DESC`;
}

/**
 * What a waterfall draws of each span, in start order. A name stands once, at the row that `name_row` of all its spans
 * tells: 100,000 copies of a few names were half of the answer's time (225 ms with them, 66 without).
 */
export function traceOutlineSql(traceId: string): string {
  return `WITH own AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY s.start_time, s.duration_ns DESC, s.span_id)::INTEGER - 1 AS row, s.span_id, s.parent_span_id, s.start_time, s.duration_ns,
    s.name, s.service, s.kind, s.status_code,
    list_transform(list_filter(s.events, lambda event: event.name = 'exception'), lambda event: event.time) AS thrown
  FROM spans s WHERE s.trace_id = ${traceIdLiteral(traceId)}
), names AS (SELECT name, min(row) AS name_row FROM own GROUP BY name),
services AS (SELECT service, min(row) AS service_row FROM own GROUP BY service)
SELECT o.span_id, o.parent_span_id, o.start_time, o.duration_ns, o.kind, o.status_code, len(o.thrown)::UINTEGER AS exceptions, list_min(o.thrown) AS exception_time,
  n.name_row, CASE WHEN o.row = n.name_row THEN o.name END AS name, v.service_row, CASE WHEN o.row = v.service_row THEN o.service END AS service
FROM own o JOIN names n ON n.name = o.name JOIN services v ON v.service = o.service
ORDER BY o.row`;
}
