import { instanceOf, isEntry, spanWeight } from './expressions.ts';
import { between, numberLiteral } from './literals.ts';
import { RELATIVE_MS, type Window } from './services-sql.ts';
import { badRequest, type CountedRequests, theseRequests } from './span-counts-sql.ts';

const during = (column: string, windows: readonly Window[]): string =>
  windows.length === 0 ? 'false' : `(${windows.map(({ startMs, endMs }) => `(${between(column, startMs, endMs)})`).join(' OR ')})`;
const near = (windows: readonly Window[]): Window[] =>
  windows.map(({ startMs, endMs }) => ({ startMs: startMs - RELATIVE_MS, endMs: endMs + RELATIVE_MS }));

/** Values of what a request says of itself, with the bad ones and all of them; values of every request but few are left out by their key's width. */
export const sloLabelsSql = (which: CountedRequests, windows: readonly Window[], limit: number): string => `WITH entry AS (
  SELECT ${badRequest('s', which.bad)} AS bad, ${spanWeight('s')} AS weight, list_concat(map_entries(s.attributes), [
    {'key': 'span_name', 'value': s.name}, {'key': 'http.route', 'value': s.http_route}, {'key': 'http.response.status_code', 'value': s.http_response_status_code::VARCHAR},
    {'key': 'rpc.method', 'value': s.rpc_method}, {'key': 'service.version', 'value': r.service_version}, {'key': 'instance', 'value': ${instanceOf('r')}}]) AS pairs
  FROM spans s LEFT JOIN resources r ON r.resource_id = s.resource_id
  WHERE ${during('s.start_time', windows)} AND ${theseRequests('s', which)}
), pair AS (SELECT bad, weight, unnest(pairs) AS pair FROM entry
), counted AS (
  SELECT pair.key AS key, pair.value AS value, sum(weight)::DOUBLE AS total, sum(CASE WHEN bad THEN weight ELSE 0 END)::DOUBLE AS bad
  FROM pair WHERE pair.value IS NOT NULL AND length(pair.value) <= 200 GROUP BY ALL
), wide AS (SELECT key FROM counted GROUP BY key HAVING count(*) > 1000)
SELECT c.* FROM counted c ANTI JOIN wide w ON w.key = c.key WHERE c.bad > 0
ORDER BY c.bad DESC, c.bad / c.total DESC, c.key, c.value LIMIT ${numberLiteral(limit)}`;

/**
 * Where bad requests failed: spans of their traces that failed while nothing they called did; where they were only slow: spans most of
 * whose time none of their children took. Counted by traces, whole ones.
 */
export function sloPlacesSql(which: CountedRequests, windows: readonly Window[], limit: number): string {
  const isBorn = which.bad?.errors
    ? 's.status_code = 2 AND c.failed IS NULL'
    : 's.duration_ns > coalesce(c.longest_ns, 0) * 2 AND s.duration_ns * 4 > b.duration_ns';
  return `WITH bad AS (
  SELECT s.trace_id, max(s.duration_ns) AS duration_ns, sum(${spanWeight('s')}) AS weight
  FROM spans s WHERE ${during('s.start_time', windows)} AND ${theseRequests('s', which)} AND (${badRequest('s', which.bad)}) GROUP BY s.trace_id
), within AS (
  SELECT s.trace_id, s.span_id, s.parent_span_id, s.service, s.name, s.status_code, s.duration_ns
  FROM spans s SEMI JOIN bad b USING (trace_id) WHERE ${during('s.start_time', near(windows))}
), child AS (
  SELECT trace_id, parent_span_id AS span_id, max(duration_ns) AS longest_ns, max(CASE WHEN status_code = 2 THEN 1 END) AS failed
  FROM within WHERE parent_span_id IS NOT NULL GROUP BY ALL
), born AS (
  SELECT DISTINCT s.service, s.name AS operation, s.trace_id, b.weight
  FROM within s JOIN bad b USING (trace_id) LEFT JOIN child c USING (trace_id, span_id) WHERE ${isBorn}
)
SELECT service, operation, sum(weight)::DOUBLE AS bad FROM born GROUP BY ALL ORDER BY bad DESC, service, operation LIMIT ${numberLiteral(limit)}`;
}

/** Services with requests and their operations: rows with operation NULL are the whole service. */
export const sloCandidatesSql = (
  window: Window,
  limit: number,
): string => `SELECT s.service, s.name AS operation, sum(${spanWeight('s')})::DOUBLE AS requests,
  sum(CASE WHEN s.status_code = 2 THEN ${spanWeight('s')} ELSE 0 END)::DOUBLE AS errors, quantile_cont(s.duration_ns, 0.95) / 1e6 AS p95_ms
FROM spans s WHERE ${between('s.start_time', window.startMs, window.endMs)} AND ${isEntry('s')} AND s.service <> ''
GROUP BY GROUPING SETS ((s.service), (s.service, s.name))
ORDER BY requests DESC, s.service, s.name NULLS FIRST LIMIT ${numberLiteral(limit)}`;
