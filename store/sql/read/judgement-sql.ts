import { cellOf, logShape, severityClass, traceHex } from './expressions.ts';
import { between, nanoLiteral, numberLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

/** Lines by service, severity class and shape per cell; the most frequent shapes of each class. */
export function observeLogsSql(window: Window, stepMs: number, shapesPerClass: number): string {
  return `WITH line AS (
  SELECT l.service, ${severityClass('l')} AS severity, ${logShape("coalesce(l.body, '')")} AS shape, left(l.body, 400) AS body, l.trace_id,
    ${cellOf('l.time', nanoLiteral(window.startMs), nanoLiteral(stepMs))} AS cell
  FROM logs l WHERE ${between('l.time', window.startMs, window.endMs)}
), shaped AS (
  SELECT service, severity, shape, cell, count(*)::DOUBLE AS count, min(body) AS example, min(${traceHex('trace_id')}) AS trace_id
  FROM line GROUP BY service, severity, shape, cell
), summed AS (
  SELECT service, severity, shape, sum(count) AS total FROM shaped GROUP BY service, severity, shape
), ranked AS (
  SELECT service, severity, shape FROM summed
  QUALIFY row_number() OVER (PARTITION BY service, severity ORDER BY total DESC, shape) <= ${numberLiteral(shapesPerClass)}
)
SELECT s.* FROM shaped s JOIN ranked r ON r.service = s.service AND r.severity = s.severity AND r.shape = s.shape`;
}

/** Cells in which a service was heard at all, by any signal. Grouped by service, not by series: a group for each cell of 100,000 series took 1 GB. */
export function aliveSql(window: Window, stepMs: number): string {
  const grid = (time: string): string => cellOf(time, nanoLiteral(window.startMs), nanoLiteral(stepMs));
  return `SELECT DISTINCT service, cell FROM (
  SELECT service, ${grid('start_time')} AS cell FROM spans WHERE ${between('start_time', window.startMs, window.endMs)} GROUP BY ALL
  UNION ALL SELECT service, ${grid('time')} FROM logs WHERE ${between('time', window.startMs, window.endMs)} GROUP BY ALL
  UNION ALL SELECT d.service, ${grid('x.time')} FROM samples x JOIN series d ON d.series_id = x.series_id
    WHERE ${between('x.time', window.startMs, window.endMs)} AND d.source = 'otlp' GROUP BY ALL
)`;
}

/** Log records that say a change was made: deployments, configuration, flags. */
export function changeLogsSql(window: Window): string {
  return `SELECT epoch_ms(l.time)::DOUBLE AS at_ms, l.service, l.event_name, left(l.body, 200) AS body
FROM logs l
WHERE ${between('l.time', window.startMs, window.endMs)} AND regexp_matches(l.event_name, 'deploy|rollout|config|flag', 'i')
  AND regexp_matches(l.event_name, 'chang|updat|creat|finish|complet|start|toggl|set|deploy', 'i')
ORDER BY l.time LIMIT 500`;
}
