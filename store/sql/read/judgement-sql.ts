import { cellOf, hostOf, instanceOf, logShape, severityClass, traceHex } from './expressions.ts';
import { between, nanoLiteral, numberLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

/** Lines by service, severity class and shape per cell; the most frequent shapes of each class. */
export function observeLogsSql(window: Window, stepMs: number, shapesPerClass: number, originMs = window.startMs): string {
  return `WITH shaped AS (
  SELECT l.service, ${severityClass('l')} AS severity, ${logShape("coalesce(l.body, '')")} AS shape, ${cellOf('l.time', nanoLiteral(originMs), nanoLiteral(stepMs))} AS cell,
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

/** Windows to look at, by what is looked at; cells count from the start of the grid. */
export interface SeenWindows {
  readonly originMs: number;
  readonly spans: Window | null;
  readonly logs: Window;
  readonly samples: Window;
}
/**
 * part heard: cells in which a service was heard at all; part place: where telemetry came from, as `placementsSql` says. One look at the
 * rows for both. Samples by service and resource, not by series: a group for each cell of 100,000 series took 1 GB.
 */
export function seenSql({ originMs, spans, logs, samples }: SeenWindows, stepMs: number): string {
  const seen = (columns: string, from: string, time: string, { startMs, endMs }: Window): string =>
    `SELECT ${columns}, ${cellOf(time, nanoLiteral(originMs), nanoLiteral(stepMs))} AS cell, min(${time}) AS first, max(${time}) AS last
    FROM ${from} WHERE ${between(time, startMs, endMs)}`;
  return `WITH seen AS MATERIALIZED (
  ${spans ? `${seen('service, resource_id', 'spans', 'start_time', spans)} GROUP BY ALL\n  UNION ALL ` : ''}${seen('service, resource_id', 'logs', 'time', logs)} GROUP BY ALL
  UNION ALL ${seen('d.service, d.resource_id', 'samples x JOIN series d ON d.series_id = x.series_id', 'x.time', samples)} AND d.source = 'otlp' GROUP BY ALL
), place AS (
  SELECT resource_id, min(first) AS first, max(last) AS last FROM seen GROUP BY resource_id
)
SELECT 'heard' AS part, service, cell::DOUBLE AS cell FROM seen GROUP BY service, cell
UNION ALL BY NAME SELECT 'place' AS part, r.service, ${instanceOf('r')} AS instance, ${hostOf('r')} AS host, r.service_version AS version,
  epoch_ms(min(p.first))::DOUBLE AS first_ms, epoch_ms(max(p.last))::DOUBLE AS last_ms FROM place p JOIN resources r ON r.resource_id = p.resource_id GROUP BY ALL`;
}

/** Log records that say a change was made: deployments, configuration, flags. */
export function changeLogsSql(window: Window): string {
  return `SELECT epoch_ms(l.time)::DOUBLE AS at_ms, l.service, l.event_name, left(l.body, 200) AS body
FROM logs l
WHERE ${between('l.time', window.startMs, window.endMs)} AND regexp_matches(l.event_name, 'deploy|rollout|config|flag', 'i')
  AND regexp_matches(l.event_name, 'chang|updat|creat|finish|complet|start|toggl|set|deploy', 'i')
ORDER BY l.time LIMIT 500`;
}
