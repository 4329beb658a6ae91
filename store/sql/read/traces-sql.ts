import { SPANS } from '#contracts/tables.ts';
import { attributesJson, spanHex, traceHex } from './expressions.ts';
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
  readonly order: 'newest' | 'slowest' | 'errors';
  readonly limit: number;
}
const PROMOTED = SPANS.columns.flatMap((c) => (c.promotes ? [[c.promotes.key, c.name] as const] : []));
const STATUS = { unset: 0, ok: 1, error: 2 } as const;

function conditions(search: TraceSearch): string {
  const like = search.q ? containsPattern(search.q) : '';
  return allOf([
    between('start_time', search.startMs, search.endMs),
    search.service && `service = ${textLiteral(search.service)}`,
    search.name && `name = ${textLiteral(search.name)}`,
    search.status && `status_code = ${STATUS[search.status]}`,
    search.minMs !== undefined && `duration_ns >= ${numberLiteral(Math.round(search.minMs * 1e6))}`,
    search.maxMs !== undefined && `duration_ns <= ${numberLiteral(Math.round(search.maxMs * 1e6))}`,
    like &&
      `(name ILIKE ${like} ESCAPE '\\' OR service ILIKE ${like} ESCAPE '\\' OR http_route ILIKE ${like} ESCAPE '\\' OR url_path ILIKE ${like} ESCAPE '\\'
    OR status_message ILIKE ${like} ESCAPE '\\' OR list_bool_or(list_transform(map_values(attributes), lambda value: value ILIKE ${like} ESCAPE '\\')))`,
  ]);
}

/**
 * One row per trace with a span that meets every condition (as Jaeger's search). The best spans are taken first and
 * then grown to their traces: sorting a few thousand rows instead of grouping all of the window.
 */
export function searchTracesSql(search: TraceSearch): string {
  const rank = { newest: 'start_time DESC', slowest: 'duration_ns DESC', errors: '(status_code = 2) DESC, start_time DESC' }[search.order];
  const shown = { newest: 'start_time DESC', slowest: 'duration_ms DESC', errors: 'errors DESC, start_time DESC' }[search.order];
  // Parts of a trace may lie outside of the window; an hour either side is looked at.
  const around = between('start_time', search.startMs - 3_600_000, search.endMs + 3_600_000);
  return `WITH best AS (
  SELECT trace_id, start_time FROM spans
  WHERE ${conditions(search)}
  ORDER BY ${rank} LIMIT ${numberLiteral(search.limit * 40)}
)
SELECT ${traceHex('trace_id')} AS trace_id,
  min(start_time) AS start_time,
  (max(epoch_ns(start_time) + duration_ns) - min(epoch_ns(start_time))) / 1e6 AS duration_ms,
  arg_min(service, (parent_span_id IS NOT NULL, start_time)) AS root_service,
  arg_min(name, (parent_span_id IS NOT NULL, start_time)) AS root_name,
  count(*)::UINTEGER AS spans,
  count_if(status_code = 2)::UINTEGER AS errors,
  array_to_string(list_sort(list_distinct(list(service))), ',') AS services
FROM spans
WHERE trace_id IN (SELECT trace_id FROM best) AND ${around}
GROUP BY spans.trace_id
ORDER BY ${shown}
LIMIT ${numberLiteral(search.limit)}`;
}

/** All spans of one trace with all they hold, in start order; or those with one id: ids are unique only if the sender behaves. */
export function traceSpansSql(traceId: string, spanId?: string): string {
  const only = spanId === undefined ? '' : ` AND s.span_id = ${spanIdLiteral(spanId)}`;
  return `SELECT ${spanHex('s.span_id')} AS span_id, ${spanHex('s.parent_span_id')} AS parent_span_id,
  s.start_time, s.duration_ns, s.name, s.service, s.kind, s.status_code, s.status_message,
  ${attributesJson('s.attributes', 's.attribute_types', PROMOTED)} AS attributes_json,
  ${attributesJson('r.attributes', 'r.attribute_types')} AS resource_json,
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
