import { hostOf, instanceOf, isCall, isEntry, peerKind, peerName, spanWeight } from './expressions.ts';
import { allOf, between, nanoLiteral, numberLiteral, textLiteral } from './literals.ts';

/** How long before and after a span its parent or child is looked for. */
export const RELATIVE_MS = 60_000;

export interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

/** Requests: spans, each as many as it stands for where a rule samples. */
const requests = (weight: string): string => `sum(${weight})::DOUBLE AS requests`;
const errors = (failed: string, weight: string): string => `sum(CASE WHEN ${failed} THEN ${weight} ELSE 0 END)::DOUBLE AS errors`;
/** Requests, errors and latency of each service from its entry spans. */
export function serviceNodesSql(window: Window): string {
  return `SELECT s.service, ${requests(spanWeight('s'))}, ${errors('s.status_code = 2', spanWeight('s'))},
  quantile_cont(s.duration_ns, 0.5) / 1e6 AS p50_ms, quantile_cont(s.duration_ns, 0.95) / 1e6 AS p95_ms
FROM spans s
WHERE ${between('s.start_time', window.startMs, window.endMs)} AND ${isEntry('s')}
GROUP BY s.service ORDER BY s.service`;
}

/** Resources seen in the window: instance, version, host and the time of the first and last telemetry. */
export function placementsSql(window: Window): string {
  const seen = (table: string, time: string): string =>
    `SELECT resource_id, min(${time}) AS first, max(${time}) AS last FROM ${table} WHERE ${between(time, window.startMs, window.endMs)} GROUP BY 1`;
  return `WITH seen AS (
  ${seen('spans', 'start_time')}
  UNION ALL ${seen('logs', 'time')}
  UNION ALL SELECT d.resource_id, min(x.first), max(x.last) FROM (
    SELECT series_id, min(time) AS first, max(time) AS last FROM samples WHERE ${between('time', window.startMs, window.endMs)} GROUP BY 1
  ) x JOIN series d ON d.series_id = x.series_id WHERE d.source = 'otlp' GROUP BY 1
)
SELECT r.service, ${instanceOf('r')} AS instance, ${hostOf('r')} AS host,
  r.service_version AS version, epoch_ms(min(seen.first))::DOUBLE AS first_ms, epoch_ms(max(seen.last))::DOUBLE AS last_ms
FROM seen JOIN resources r ON r.resource_id = seen.resource_id
GROUP BY ALL ORDER BY first_ms`;
}

/**
 * Calls between services, and from services to what sends no telemetry itself. A call is the client span with its
 * child in another service; where a caller has no client spans, the callee's span stands for both sides.
 */
export function callsSql(window: Window, also = ''): string {
  return `related AS (
  SELECT s.trace_id, s.span_id, s.parent_span_id, s.start_time, s.duration_ns, s.service, s.kind, s.status_code, ${spanWeight('s')} AS weight,
    CASE WHEN ${isCall('s')} THEN ${peerName('s')} END AS peer, CASE WHEN ${isCall('s')} THEN ${peerKind('s')} END AS peer_kind
  FROM spans s WHERE ${between('s.start_time', window.startMs - RELATIVE_MS, window.endMs + RELATIVE_MS)}
), calls AS (
  SELECT p.start_time, p.service AS caller, coalesce(c.service, p.peer) AS callee, CASE WHEN c.service IS NULL THEN p.peer_kind ELSE 'service' END AS callee_kind,
    p.duration_ns AS client_ns, c.duration_ns AS server_ns, p.status_code = 2 AS failed, p.weight
  FROM related p LEFT JOIN related c ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
  WHERE ${isCall('p')} AND ${between('p.start_time', window.startMs, window.endMs)}
  UNION ALL
  SELECT c.start_time, p.service, c.service, 'service', c.duration_ns, c.duration_ns, c.status_code = 2, c.weight
  FROM related c JOIN related p ON c.trace_id = p.trace_id AND c.parent_span_id = p.span_id AND c.service <> p.service
  WHERE NOT ${isCall('p')} AND ${between('c.start_time', window.startMs, window.endMs)}
)${also}`;
}

export function serviceEdgesSql(window: Window): string {
  return `WITH ${callsSql(window)}
SELECT caller, callee, arg_max(callee_kind, callee_kind = 'service') AS kind, ${requests('weight')}, ${errors('failed', 'weight')},
  quantile_cont(client_ns, 0.95) / 1e6 AS p95_ms
FROM calls WHERE callee IS NOT NULL AND callee <> caller
GROUP BY caller, callee ORDER BY caller, callee`;
}

/** Nodes and edges as one statement: what the map shows beside itself. */
export const serviceMapSql = (window: Window): string =>
  `SELECT 'service' AS part, * FROM (\n${serviceNodesSql(window)}\n)\nUNION ALL BY NAME\nSELECT 'call' AS part, * FROM (\n${serviceEdgesSql(window)}\n)`;

/** Requests, errors and latency of one service per step; of one edge when `peer` is given. */
export function serviceRedSql(window: Window, service: string, peer: string | undefined, stepMs: number): string {
  const step = nanoLiteral(stepMs);
  const time = `make_timestamp_ns((epoch_ns(start_time) // ${step}) * ${step}) AS time`;
  const quantile = (column: string, q: number): string => `quantile_cont(${column}, ${q}) / 1e6 AS p${q * 100}_ms`;
  const columns = (duration: string, error: string, weight: string): string =>
    `SELECT ${time}, ${requests(weight)}, ${errors(error, weight)}, ${[0.5, 0.95, 0.99].map((q) => quantile(duration, q)).join(', ')}`;
  if (peer !== undefined) {
    return `WITH ${callsSql(window)}
${columns('client_ns', 'failed', 'weight')}
FROM calls WHERE caller = ${textLiteral(service)} AND callee = ${textLiteral(peer)}
GROUP BY 1 ORDER BY 1`;
  }
  return `${columns('s.duration_ns', 's.status_code = 2', spanWeight('s'))}
FROM spans s
WHERE ${allOf([between('s.start_time', window.startMs, window.endMs), `s.service = ${textLiteral(service)}`, isEntry('s')])}
GROUP BY 1 ORDER BY 1`;
}

/**
 * Time spent in the service itself and errors born there, per cell. Within one trace and instance, calls to others are
 * merged into the time they cover (they may overlap) and taken off the time of the requests.
 */
export function selfTimeSql(window: Window, also = ''): string {
  return `part AS (
  SELECT s.trace_id, s.service, s.resource_id, s.start_time, epoch_ns(s.start_time) AS begin_ns, epoch_ns(s.start_time) + greatest(s.duration_ns, 0) AS end_ns,
    ${isEntry('s')} AS entry, ${isCall('s')} AS call, s.status_code = 2 AS failed
  FROM spans s WHERE ${between('s.start_time', window.startMs, window.endMs + RELATIVE_MS)} AND (${isEntry('s')} OR ${isCall('s')})
), covered AS (
  SELECT *, CASE WHEN call AND NOT entry THEN greatest(0, end_ns - greatest(begin_ns, coalesce(max(end_ns) FILTER (call AND NOT entry) OVER (
    PARTITION BY trace_id, service, resource_id ORDER BY begin_ns, end_ns ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), begin_ns))) ELSE 0 END AS covered_ns
  FROM part
), visit AS (
  SELECT trace_id, service, resource_id, min(start_time) FILTER (entry) AS start_time, count_if(entry) AS requests,
    greatest(0, sum(end_ns - begin_ns) FILTER (entry) - sum(covered_ns)) AS self_ns,
    CASE WHEN count_if(call AND NOT entry AND failed) = 0 THEN count_if(entry AND failed) ELSE 0 END AS own_errors
  FROM covered GROUP BY ALL HAVING count_if(entry) > 0
)${also}`;
}

/** Requests and errors by attribute value of a service's entry spans, in a window and in the baseline before it. */
export function facetsSql(services: readonly string[], window: Window, baseline: Window, limit: number): string {
  const inWindow = between('s.start_time', window.startMs, window.endMs);
  const inBaseline = between('s.start_time', baseline.startMs, baseline.endMs);
  return `WITH entry AS (
  SELECT s.service, s.status_code = 2 AS failed, ${inWindow} AS now, unnest(list_concat(map_entries(s.attributes), [
    {'key': 'http.route', 'value': s.http_route}, {'key': 'http.request.method', 'value': s.http_request_method}, {'key': 'name', 'value': s.name},
    {'key': 'rpc.method', 'value': s.rpc_method}, {'key': 'client.address', 'value': s.client_address}, {'key': 'service.version', 'value': r.service_version}, {'key': 'instance', 'value': ${instanceOf('r')}}])) AS pair
  FROM spans s LEFT JOIN resources r ON r.resource_id = s.resource_id
  WHERE s.service IN (${services.map(textLiteral).join(', ')}) AND ${isEntry('s')} AND (${inWindow} OR ${inBaseline})
), counted AS (
  SELECT service, pair.key AS key, pair.value AS value, count_if(now)::DOUBLE AS window_requests, count_if(now AND failed)::DOUBLE AS window_errors,
    count_if(NOT now)::DOUBLE AS baseline_requests, count_if(NOT now AND failed)::DOUBLE AS baseline_errors
  FROM entry WHERE pair.value IS NOT NULL AND length(pair.value) <= 200 GROUP BY service, pair.key, pair.value
), wide AS (SELECT service, key FROM counted GROUP BY service, key HAVING count(*) > 1000)
SELECT c.* FROM counted c ANTI JOIN wide w ON w.service = c.service AND w.key = c.key
QUALIFY row_number() OVER (PARTITION BY service, key ORDER BY window_errors DESC, window_requests DESC, value) <= 20
ORDER BY service, window_errors DESC, key, value LIMIT ${numberLiteral(limit)}`;
}
