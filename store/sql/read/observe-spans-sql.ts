import { cellOf, instanceOf, isCall, isEntry, peerKind, peerName } from './expressions.ts';
import { between, nanoLiteral } from './literals.ts';
import { RELATIVE_MS, type Window } from './services-sql.ts';

/**
 * Spans on the grid of judgement. They say what `serviceNodesSql`, `selfTimeSql` and `callsSql` say, cell by cell, written for cost: read
 * every 10 s over everything that arrives, they were a third of what DuckDB did in the engine.
 */
const grid = (column: string, startMs: number, stepMs: number): string => cellOf(column, nanoLiteral(startMs), nanoLiteral(stepMs));
/** Instances by resource: looked up in the map of attributes once a resource, not once a span. */
const WHO = `who AS MATERIALIZED (SELECT r.resource_id, ${instanceOf('r')} AS instance FROM resources r)`;

/** RED per cell: rows with instance NULL are the whole service. */
export function observeRedSql(window: Window, stepMs: number): string {
  return `WITH ${WHO}, entry AS (
  SELECT s.service, w.instance, ${grid('s.start_time', window.startMs, stepMs)} AS cell, s.status_code = 2 AS failed, s.duration_ns
  FROM spans s LEFT JOIN who w ON w.resource_id = s.resource_id
  WHERE ${between('s.start_time', window.startMs, window.endMs)} AND ${isEntry('s')}
), grouped AS (
  SELECT service, instance, grouping(instance)::DOUBLE AS whole, cell, count(*)::DOUBLE AS requests, count_if(failed)::DOUBLE AS errors,
    quantile_cont(duration_ns, [0.5, 0.95]) AS quantiles
  FROM entry GROUP BY GROUPING SETS ((service, cell), (service, instance, cell))
)
SELECT service, instance, whole, cell, requests, errors, quantiles[1] / 1e6 AS p50_ms, quantiles[2] / 1e6 AS p95_ms FROM grouped`;
}

/**
 * Time spent in the service itself and errors born there, per cell: `selfTimeSql`. Visits are numbered, so that their calls are grouped by
 * a number. Overlaps of a visit's calls are told without sorting where it made at most two; for more, begins and ends sorted apart give the
 * gaps: between the k-th end and the next begin nothing runs.
 */
export function observeSelfSql(window: Window, stepMs: number): string {
  const [start, end] = [nanoLiteral(window.startMs), nanoLiteral(window.endMs)];
  return `WITH ${WHO}, part AS MATERIALIZED (
  SELECT s.trace_id, s.service, s.resource_id, epoch_ns(s.start_time) AS begin_ns, epoch_ns(s.start_time) + greatest(s.duration_ns, 0) AS end_ns,
    ${isEntry('s')} AS entry, s.status_code = 2 AS failed
  FROM spans s WHERE ${between('s.start_time', window.startMs, window.endMs + RELATIVE_MS)} AND (${isEntry('s')} OR ${isCall('s')})
), entered AS (
  SELECT trace_id, service, resource_id, min(begin_ns) AS at_ns, count(*) AS requests, sum(end_ns - begin_ns) AS entry_ns, count_if(failed) AS failed
  FROM part WHERE entry GROUP BY trace_id, service, resource_id
), visit AS MATERIALIZED (
  SELECT row_number() OVER () AS id, * FROM entered WHERE at_ns < ${end}
), call AS MATERIALIZED (
  SELECT v.id, p.begin_ns, p.end_ns, p.failed FROM part p JOIN visit v USING (trace_id, service, resource_id) WHERE NOT p.entry
), called AS MATERIALIZED (
  SELECT id, count(*) AS calls, sum(end_ns - begin_ns) AS call_ns, min(end_ns) AS first_end, max(begin_ns) AS last_begin, count_if(failed) AS failed
  FROM call GROUP BY id
), sorted AS (
  SELECT id, list_sort(list(begin_ns)) AS begins, list_sort(list(end_ns)) AS ends
  FROM call SEMI JOIN (SELECT id FROM called WHERE calls > 2) USING (id) GROUP BY id
), covered AS (
  SELECT id, ends[-1] - begins[1] - list_sum(list_transform(list_zip(begins[2:], ends[:-2]), lambda gap: greatest(0, gap[1] - gap[2]))) AS covered_ns
  FROM sorted
), spent AS (
  SELECT v.service, v.resource_id, ((v.at_ns - ${start}) // ${nanoLiteral(stepMs)})::INTEGER AS cell, sum(v.requests) AS requests,
    sum(CASE WHEN c.failed > 0 THEN 0 ELSE v.failed END) AS own_errors,
    sum(greatest(0, v.entry_ns - CASE WHEN c.id IS NULL THEN 0 WHEN c.calls = 1 THEN c.call_ns
      WHEN c.calls = 2 THEN c.call_ns - greatest(0, c.first_end - c.last_begin) ELSE o.covered_ns END)) AS self_ns
  FROM visit v LEFT JOIN called c ON c.id = v.id LEFT JOIN covered o ON o.id = v.id GROUP BY v.service, v.resource_id, cell
)
SELECT s.service, w.instance, grouping(w.instance)::DOUBLE AS whole, s.cell,
  sum(s.requests)::DOUBLE AS requests, sum(s.self_ns)::DOUBLE / 1e6 AS self_ms, sum(s.own_errors)::DOUBLE AS own_errors
FROM spent s LEFT JOIN who w ON w.resource_id = s.resource_id
GROUP BY GROUPING SETS ((s.service, s.cell), (s.service, w.instance, s.cell))`;
}

/**
 * Calls per cell: `callsSql`. The calls of the window are the small side: the spans of the minutes around it run past their ids once, and
 * only the children found meet them. The peer, for which attributes are read, is asked of calls only.
 */
export function observeEdgesSql(window: Window, stepMs: number): string {
  const around = between('s.start_time', window.startMs - RELATIVE_MS, window.endMs + RELATIVE_MS);
  const inside = between('s.start_time', window.startMs, window.endMs);
  return `WITH call AS MATERIALIZED (
  SELECT s.trace_id, s.span_id, s.start_time, s.duration_ns, s.service, s.status_code, ${peerName('s')} AS peer, ${peerKind('s')} AS peer_kind
  FROM spans s WHERE ${inside} AND ${isCall('s')}
), child AS MATERIALIZED (
  SELECT s.trace_id, s.parent_span_id, s.service, s.duration_ns
  FROM spans s SEMI JOIN (SELECT trace_id, span_id AS parent_span_id FROM call) p USING (trace_id, parent_span_id)
  WHERE ${around} AND s.parent_span_id IS NOT NULL
), calls AS (
  SELECT p.start_time, p.service AS caller, coalesce(c.service, p.peer) AS callee, CASE WHEN c.service IS NULL THEN p.peer_kind ELSE 'service' END AS callee_kind,
    p.duration_ns AS client_ns, c.duration_ns AS server_ns, p.status_code = 2 AS failed
  FROM call p LEFT JOIN child c ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
  UNION ALL
  SELECT c.start_time, p.service, c.service, 'service', c.duration_ns, c.duration_ns, c.status_code = 2
  FROM (SELECT s.trace_id, s.parent_span_id, s.start_time, s.duration_ns, s.service, s.status_code FROM spans s WHERE ${inside} AND s.parent_span_id IS NOT NULL) c
    JOIN (SELECT s.trace_id, s.span_id, s.service FROM spans s WHERE ${around} AND NOT ${isCall('s')}) p
    ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
)
SELECT caller, callee, callee_kind, ${grid('start_time', window.startMs, stepMs)} AS cell, count(*)::DOUBLE AS requests, count_if(failed)::DOUBLE AS errors,
  avg(client_ns) / 1e6 AS client_mean_ms, quantile_cont(client_ns, 0.95) / 1e6 AS client_p95_ms, avg(server_ns) / 1e6 AS server_mean_ms
FROM calls WHERE callee IS NOT NULL AND callee <> caller
GROUP BY caller, callee, callee_kind, cell`;
}
