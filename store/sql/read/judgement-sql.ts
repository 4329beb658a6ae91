import { cellOf, hostOf, instanceOf, logShape, severityClass, traceHex } from './expressions.ts';
import { between, nanoLiteral, numberLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

const grid = (time: string, window: Window, stepMs: number): string => cellOf(time, nanoLiteral(window.startMs), nanoLiteral(stepMs));

/** Lines by service, severity class and shape per cell; the most frequent shapes of each class. */
export function observeLogsSql(window: Window, stepMs: number, shapesPerClass: number): string {
  return `WITH shaped AS (
  SELECT l.service, ${severityClass('l')} AS severity, ${logShape("coalesce(l.body, '')")} AS shape, ${grid('l.time', window, stepMs)} AS cell,
    count(*)::DOUBLE AS count, left(min(l.body), 400) AS example, min(l.trace_id) AS trace_id
  FROM logs l WHERE ${between('l.time', window.startMs, window.endMs)} GROUP BY ALL
), summed AS (
  SELECT service, severity, shape, sum(count) AS total FROM shaped GROUP BY service, severity, shape
), ranked AS (
  SELECT service, severity, shape FROM summed
  QUALIFY row_number() OVER (PARTITION BY service, severity ORDER BY total DESC, shape) <= ${numberLiteral(shapesPerClass)}
)
SELECT s.service, s.severity, s.shape, s.cell, s.count, s.example, ${traceHex('s.trace_id')} AS trace_id
FROM shaped s JOIN ranked r ON r.service = s.service AND r.severity = s.severity AND r.shape = s.shape`;
}

/**
 * Rows with a cell: cells in which a service was heard at all, by any signal. Rows without: the places telemetry came from, as
 * `placementsSql` says. One look at the rows for both. Samples by service and resource, not by series: a group for each cell of 100,000
 * series took 1 GB.
 */
export function seenSql(window: Window, stepMs: number): string {
  const seen = (columns: string, from: string, time: string): string =>
    `SELECT ${columns}, ${grid(time, window, stepMs)} AS cell, min(${time}) AS first, max(${time}) AS last
    FROM ${from} WHERE ${between(time, window.startMs, window.endMs)}`;
  return `WITH seen AS MATERIALIZED (
  ${seen('service, resource_id', 'spans', 'start_time')} GROUP BY ALL
  UNION ALL ${seen('service, resource_id', 'logs', 'time')} GROUP BY ALL
  UNION ALL ${seen('d.service, d.resource_id', 'samples x JOIN series d ON d.series_id = x.series_id', 'x.time')} AND d.source = 'otlp' GROUP BY ALL
), place AS (
  SELECT resource_id, min(first) AS first, max(last) AS last FROM seen GROUP BY resource_id
)
SELECT service, cell::DOUBLE AS cell, NULL AS instance, NULL AS host, NULL AS version, NULL AS first_ms, NULL AS last_ms FROM seen GROUP BY service, cell
UNION ALL
SELECT r.service, NULL, ${instanceOf('r')}, ${hostOf('r')}, r.service_version, epoch_ms(min(p.first))::DOUBLE, epoch_ms(max(p.last))::DOUBLE
FROM place p JOIN resources r ON r.resource_id = p.resource_id GROUP BY ALL`;
}

/** Log records that say a change was made: deployments, configuration, flags. */
export function changeLogsSql(window: Window): string {
  return `SELECT epoch_ms(l.time)::DOUBLE AS at_ms, l.service, l.event_name, left(l.body, 200) AS body
FROM logs l
WHERE ${between('l.time', window.startMs, window.endMs)} AND regexp_matches(l.event_name, 'deploy|rollout|config|flag', 'i')
  AND regexp_matches(l.event_name, 'chang|updat|creat|finish|complet|start|toggl|set|deploy', 'i')
ORDER BY l.time LIMIT 500`;
}
