import { hostOf, instanceOf, isCall, isEntry, peerKind, peerName, spanWeight } from './expressions.ts';
import { between, nanoLiteral } from './literals.ts';
import { RELATIVE_MS, type Window } from './services-sql.ts';

/**
 * Spans on the grid of judgement. They say what `serviceNodesSql`, `selfTimeSql` and `callsSql` say, cell by cell, written for cost: read
 * every 10 s over everything that arrives, they were a third of what DuckDB did in the engine. A test holds both together.
 *
 * A look at the newest cells of a window whose older ones were looked at before: it says of [startMs, endMs) what a look at the whole
 * window, from `originMs`, would say of it; cells count from there.
 */
export interface Look extends Window {
  readonly originMs: number;
  /** Rows that became visible since the older cells were looked at are of this time or later. */
  readonly freshMs: number;
}
export const wholeLook = (window: Window): Look => ({ ...window, originMs: window.startMs, freshMs: window.startMs });

/** Instances by resource: looked up in the map of attributes once a resource, not once a span. */
const WHO = `who AS MATERIALIZED (SELECT r.resource_id, ${instanceOf('r')} AS instance FROM resources r)`;
const COLUMNS = `s.trace_id, s.span_id, s.parent_span_id, s.service, s.resource_id, epoch_ns(s.start_time) AS begin_ns, s.duration_ns,
    ${isEntry('s')} AS entry, ${isCall('s')} AS call, s.status_code = 2 AS failed, ${spanWeight('s')} AS weight`;
/** What joins and sums need of the spans from the cells on. */
const near = ({ startMs, endMs }: Window): string =>
  `SELECT ${COLUMNS} FROM spans s WHERE ${between('s.start_time', startMs, endMs + RELATIVE_MS)}`;
const before = ({ startMs, originMs }: Look): string => between('s.start_time', originMs - RELATIVE_MS, startMs);
const cell = ({ originMs }: Look, stepMs: number, beginNs = 'begin_ns'): string =>
  `((${beginNs} - ${nanoLiteral(originMs)}) // ${nanoLiteral(stepMs)})::DOUBLE AS cell`;

/** RED per cell: rows with instance NULL are the whole service. */
const red = (look: Look, stepMs: number): string => `red AS (
  SELECT service, instance, grouping(instance)::DOUBLE AS whole, cell, sum(weight)::DOUBLE AS requests, sum(CASE WHEN failed THEN weight ELSE 0 END)::DOUBLE AS errors,
    quantile_cont(duration_ns, [0.5, 0.95]) AS quantiles
  FROM (SELECT n.service, w.instance, ${cell(look, stepMs)}, n.failed, n.duration_ns, n.weight FROM near n LEFT JOIN who w ON w.resource_id = n.resource_id
    WHERE n.entry AND n.begin_ns < ${nanoLiteral(look.endMs)})
  GROUP BY GROUPING SETS ((service, cell), (service, instance, cell))
)`;
const RED = `SELECT service, instance, whole, cell, requests, errors, quantiles[1] / 1e6 AS p50_ms, quantiles[2] / 1e6 AS p95_ms FROM red`;

/**
 * Time spent in the service itself and errors born there, per cell: `selfTimeSql`. Visits are numbered, so that their calls are grouped by
 * a number. Overlaps of a visit's calls are told without sorting where it made at most two; for more, begins and ends sorted apart give the
 * gaps: between the k-th end and the next begin nothing runs.
 */
const self = (look: Look, stepMs: number): string => `entered AS (
  SELECT trace_id, service, resource_id, min(begin_ns) AS begin_ns, count(*) AS requests, sum(greatest(duration_ns, 0)) AS entry_ns, count_if(failed) AS failed
  FROM near WHERE entry GROUP BY trace_id, service, resource_id
), visit AS MATERIALIZED (
  SELECT row_number() OVER () AS id, * FROM entered WHERE begin_ns < ${nanoLiteral(look.endMs)}
), outward AS MATERIALIZED (
  SELECT v.id, n.begin_ns, n.begin_ns + greatest(n.duration_ns, 0) AS end_ns, n.failed
  FROM near n JOIN visit v USING (trace_id, service, resource_id) WHERE n.call AND NOT n.entry
), called AS MATERIALIZED (
  SELECT id, count(*) AS calls, sum(end_ns - begin_ns) AS call_ns, min(end_ns) AS first_end, max(begin_ns) AS last_begin, count_if(failed) AS failed
  FROM outward GROUP BY id
), sorted AS (
  SELECT id, list_sort(list(begin_ns)) AS begins, list_sort(list(end_ns)) AS ends
  FROM outward SEMI JOIN (SELECT id FROM called WHERE calls > 2) USING (id) GROUP BY id
), covered AS (
  SELECT id, ends[-1] - begins[1] - list_sum(list_transform(list_zip(begins[2:], ends[:-2]), lambda gap: greatest(0, gap[1] - gap[2]))) AS covered_ns
  FROM sorted
), spent AS (
  SELECT v.service, v.resource_id, ${cell(look, stepMs, 'v.begin_ns')}, sum(v.requests) AS requests,
    sum(CASE WHEN c.failed > 0 THEN 0 ELSE v.failed END) AS own_errors,
    sum(greatest(0, v.entry_ns - CASE WHEN c.id IS NULL THEN 0 WHEN c.calls = 1 THEN c.call_ns
      WHEN c.calls = 2 THEN c.call_ns - greatest(0, c.first_end - c.last_begin) ELSE o.covered_ns END)) AS self_ns
  FROM visit v LEFT JOIN called c ON c.id = v.id LEFT JOIN covered o ON o.id = v.id GROUP BY v.service, v.resource_id, cell
)`;
const SELF = `SELECT s.service, w.instance, grouping(w.instance)::DOUBLE AS whole, s.cell,
  sum(s.requests)::DOUBLE AS requests, sum(s.self_ns)::DOUBLE / 1e6 AS self_ms, sum(s.own_errors)::DOUBLE AS own_errors
FROM spent s LEFT JOIN who w ON w.resource_id = s.resource_id
GROUP BY GROUPING SETS ((s.service, s.cell), (s.service, w.instance, s.cell))`;

/**
 * Calls per cell: `callsSql`. The calls of the cells are the small side: other spans run past their ids once, and only the children found
 * meet them. The peer, for which attributes are read, is asked of calls only.
 */
const edges = ({ startMs, endMs }: Look): string => `call AS MATERIALIZED (
  SELECT s.trace_id, s.span_id, epoch_ns(s.start_time) AS begin_ns, s.duration_ns, s.service, s.status_code = 2 AS failed, ${spanWeight('s')} AS weight,
    ${peerName('s')} AS peer, ${peerKind('s')} AS peer_kind
  FROM spans s WHERE ${between('s.start_time', startMs, endMs)} AND ${isCall('s')}
), related AS (
  SELECT * FROM near UNION ALL SELECT * FROM far
), child AS MATERIALIZED (
  SELECT trace_id, parent_span_id, service, duration_ns
  FROM related SEMI JOIN (SELECT trace_id, span_id AS parent_span_id FROM call) p USING (trace_id, parent_span_id) WHERE parent_span_id IS NOT NULL
), calls AS (
  SELECT p.begin_ns, p.service AS caller, coalesce(c.service, p.peer) AS callee, CASE WHEN c.service IS NULL THEN p.peer_kind ELSE 'service' END AS callee_kind,
    p.duration_ns AS client_ns, c.duration_ns AS server_ns, p.failed, p.weight
  FROM call p LEFT JOIN child c ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
  UNION ALL
  SELECT c.begin_ns, p.service, c.service, 'service', c.duration_ns, c.duration_ns, c.failed, c.weight
  FROM (SELECT * FROM near WHERE begin_ns < ${nanoLiteral(endMs)} AND parent_span_id IS NOT NULL) c JOIN (SELECT * FROM related WHERE NOT call) p
    ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
)`;
const EDGES = (
  look: Look,
  stepMs: number,
): string => `SELECT caller, callee, callee_kind, ${cell(look, stepMs)}, sum(weight)::DOUBLE AS requests, sum(CASE WHEN failed THEN weight ELSE 0 END)::DOUBLE AS errors,
  avg(client_ns) / 1e6 AS client_mean_ms, quantile_cont(client_ns, 0.95) / 1e6 AS client_p95_ms, avg(server_ns) / 1e6 AS server_mean_ms
FROM calls WHERE callee IS NOT NULL AND callee <> caller
GROUP BY caller, callee, callee_kind, cell`;

export const observeRedSql = (window: Window, stepMs: number): string =>
  `WITH ${WHO}, near AS NOT MATERIALIZED (${near(window)}), ${red(wholeLook(window), stepMs)}\n${RED}`;
export const observeSelfSql = (window: Window, stepMs: number): string =>
  `WITH ${WHO}, near AS NOT MATERIALIZED (${near(window)}), ${self(wholeLook(window), stepMs)}\n${SELF}`;
export function observeEdgesSql(window: Window, stepMs: number): string {
  const look = wholeLook(window);
  return `WITH near AS NOT MATERIALIZED (${near(window)}), far AS NOT MATERIALIZED (SELECT ${COLUMNS} FROM spans s WHERE ${before(look)}), ${edges(look)}
${EDGES(look, stepMs)}`;
}

/**
 * A visit or call of the older cells with a row among the fresh ones, or a visit that goes on in these cells: the older cells no longer are
 * what they were, nor these what they would be alone.
 */
function changed({ originMs, freshMs }: Look): string {
  const [origin, fresh] = [nanoLiteral(originMs), nanoLiteral(freshMs)];
  const joined = (near: string, far: string): string => `n.trace_id = f.trace_id AND n.${near} = f.${far} AND n.service <> f.service`;
  return `SELECT * FROM (SELECT 'changed' AS part FROM (
  SELECT 1 FROM near n SEMI JOIN (SELECT trace_id, service, resource_id FROM far WHERE entry AND begin_ns >= ${origin}) f USING (trace_id, service, resource_id)
    WHERE n.entry OR (n.call AND n.begin_ns >= ${fresh})
  UNION ALL SELECT 1 FROM near n JOIN far f ON ${joined('parent_span_id', 'span_id')} WHERE f.call AND f.begin_ns >= ${origin} AND n.begin_ns >= ${fresh}
  UNION ALL SELECT 1 FROM near n JOIN far f ON ${joined('span_id', 'parent_span_id')} WHERE NOT n.call AND f.begin_ns >= ${origin} AND n.begin_ns >= ${fresh}
) LIMIT 1)`;
}
/**
 * All of it for few cells in one statement, over one copy of the columns that it needs. Rows by `part`: red, self, edge; heard (service and cell) and
 * place as `seenSql` has them; `changed` when the older cells have to be looked at again and the rest is void.
 * Not for long windows: the copy takes about 110 bytes a span. Of the minute before, only spans of the same traces are kept (one lookup
 * each instead of two): a few of a hundred.
 */
export function observeSpansSql(look: Look, stepMs: number): string {
  return `WITH ${WHO}, near AS MATERIALIZED (${near(look)}), far AS MATERIALIZED (
  SELECT ${COLUMNS} FROM spans s SEMI JOIN (SELECT trace_id FROM near) n USING (trace_id) WHERE ${before(look)}
), ${red(look, stepMs)}, ${self(look, stepMs)}, ${edges(look)}, seen AS MATERIALIZED (
  SELECT service, resource_id, ${cell(look, stepMs)}, min(begin_ns) AS first, max(begin_ns) AS last
  FROM near WHERE begin_ns < ${nanoLiteral(look.endMs)} GROUP BY ALL
), place AS (
  SELECT resource_id, min(first) AS first, max(last) AS last FROM seen GROUP BY resource_id
)
SELECT 'red' AS part, * FROM (${RED})
UNION ALL BY NAME SELECT 'self' AS part, * FROM (${SELF})
UNION ALL BY NAME SELECT 'edge' AS part, * FROM (${EDGES(look, stepMs)})
UNION ALL BY NAME SELECT 'heard' AS part, service, cell FROM seen GROUP BY service, cell
UNION ALL BY NAME SELECT 'place' AS part, r.service, ${instanceOf('r')} AS instance, ${hostOf('r')} AS host, r.service_version AS version,
  (min(p.first) // 1000000)::DOUBLE AS first_ms, (max(p.last) // 1000000)::DOUBLE AS last_ms FROM place p JOIN resources r ON r.resource_id = p.resource_id GROUP BY ALL${
    look.startMs > look.originMs ? `\nUNION ALL BY NAME ${changed(look)}` : ''
  }`;
}
