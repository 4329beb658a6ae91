import { logShape, severityClass } from './expressions.ts';
import { allOf, between, numberLiteral, textLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

/** Who fills the disk. Each statement answers the largest groups and, in each row, how many groups and rows there are in all. */

/** The window of the same length before. */
export const windowBefore = ({ startMs, endMs }: Window): Window => ({ startMs: 2 * startMs - endMs, endMs: startMs });

const count = (table: string, time: string, window: Window): string =>
  `(SELECT count(*) FROM ${table} WHERE ${between(time, window.startMs, window.endMs)})::DOUBLE`;
/** One row: rows per table, in the window and in the one before. */
export function volumeRowsSql(window: Window): string {
  const before = windowBefore(window);
  const tables = ['samples', 'histograms', 'exemplars', 'logs', 'spans', 'profiles', 'profile_samples'];
  const of = (table: string): string => (table === 'spans' ? 'start_time' : 'time');
  return `SELECT ${tables.map((table) => `${count(table, of(table), window)} AS ${table}, ${count(table, of(table), before)} AS ${table}_before`).join(', ')}`;
}

/** Points of each series in the window (`n` samples, `h` histogram points) and whether it had one in the window before. */
function seen(window: Window): string {
  const { startMs } = windowBefore(window);
  const inside = between('time', window.startMs, window.endMs);
  const of = (table: string, samples: string, histograms: string): string =>
    `SELECT series_id, ${samples} AS n, ${histograms} AS h, count_if(NOT (${inside})) AS b FROM ${table} WHERE ${between('time', startMs, window.endMs)} GROUP BY series_id`;
  return `seen AS (
  SELECT series_id, sum(n) AS n, sum(h) AS h, sum(b) AS b FROM (
    ${of('samples', `count_if(${inside})`, '0')}
    UNION ALL ${of('histograms', '0', `count_if(${inside})`)}
  ) GROUP BY series_id
)`;
}
export const volumeSeriesSql = (window: Window): string => `WITH ${seen(window)}
SELECT count_if(n + h > 0)::DOUBLE AS active, count_if(n + h > 0 AND b = 0)::DOUBLE AS born, count_if(n + h = 0)::DOUBLE AS gone FROM seen`;

export interface VolumeFilter {
  readonly metric?: string | undefined;
  readonly label?: string | undefined;
  readonly service?: string | undefined;
}
const ofFilter = ({ metric, service }: VolumeFilter): string =>
  allOf([metric !== undefined && `d.metric = ${textLiteral(metric)}`, service !== undefined && `d.service = ${textLiteral(service)}`]);
const limited = (order: string, limit: number): string => `ORDER BY ${order} LIMIT ${numberLiteral(limit)}`;
/** Sums over all groups, beside each of them. */
const totals = (columns: readonly string[]): string =>
  ['count(*) OVER ()::DOUBLE AS groups', ...columns.map((column) => `(sum(${column}) OVER ())::DOUBLE AS total_${column}`)].join(', ');
const SUMS = `sum(s.n)::DOUBLE AS n, sum(s.h)::DOUBLE AS h, count_if(s.n + s.h > 0)::DOUBLE AS series,
  count_if(s.n + s.h > 0 AND s.b = 0)::DOUBLE AS born, count_if(s.n + s.h = 0)::DOUBLE AS gone`;
const PER_SERIES = ['n', 'h', 'series'] as const;

/** Points and series by metric, or by service. */
export const volumeMetricsSql = (window: Window, by: 'metric' | 'service', filter: VolumeFilter, limit: number): string =>
  `WITH ${seen(window)}, grouped AS (
  SELECT d.${by} AS name, ${by === 'metric' ? 'any_value(d.type)' : "''"} AS sub, ${SUMS}
  FROM seen s JOIN series d USING (series_id) WHERE ${ofFilter(filter)} GROUP BY d.${by}
)
SELECT *, ${totals(PER_SERIES)} FROM grouped ${limited('n + h DESC, series DESC, name', limit)}`;

/** Series with more than this many: how many are left without a label is not counted, which takes each series once a label. */
export const MAX_LEFT_SERIES = 200_000;
/** Labels of the active series: distinct values, series and points that carry them, series there would be without. */
export const volumeLabelsSql = (window: Window, filter: VolumeFilter, limit: number, countLeft: boolean): string =>
  `WITH ${seen(window)}, chosen AS MATERIALIZED (
  SELECT d.series_id, d.metric, d.resource_id, d.scope_id, d.attributes, s.n, s.h FROM seen s JOIN series d USING (series_id)
  WHERE s.n + s.h > 0 AND ${ofFilter(filter)}
), pairs AS (
  SELECT ${countLeft ? `hash(c.metric, c.resource_id, c.scope_id, list_filter(map_entries(c.attributes), lambda e: e.key <> p.key))` : 'NULL'} AS rest, p.key, p.value, c.n, c.h
  FROM (SELECT *, unnest(map_entries(attributes)) AS p FROM chosen) c
), grouped AS (
  SELECT key AS name, '' AS sub, sum(n)::DOUBLE AS n, sum(h)::DOUBLE AS h, count(*)::DOUBLE AS series, count(DISTINCT value)::DOUBLE AS "values",
    ${countLeft ? '((SELECT count(*) FROM chosen) - count(*) + count(DISTINCT rest))::DOUBLE' : 'NULL::DOUBLE'} AS left_over
  FROM pairs GROUP BY key
)
SELECT *, count(*) OVER ()::DOUBLE AS groups, (SELECT sum(n) FROM chosen)::DOUBLE AS total_n, (SELECT sum(h) FROM chosen)::DOUBLE AS total_h,
  (SELECT count(*) FROM chosen)::DOUBLE AS total_series FROM grouped ${limited('"values" DESC, name', limit)}`;
export const activeSeriesSql = (window: Window, filter: VolumeFilter): string =>
  `WITH ${seen(window)} SELECT count(*)::DOUBLE AS series FROM seen s JOIN series d USING (series_id) WHERE s.n + s.h > 0 AND ${ofFilter(filter)}`;

/** Points and series by value of a label; '' are the series without it. */
export const volumeValuesSql = (window: Window, filter: VolumeFilter & { readonly label: string }, limit: number): string =>
  `WITH ${seen(window)}, grouped AS (
  SELECT coalesce(d.attributes[${textLiteral(filter.label)}], '') AS name, '' AS sub, ${SUMS}
  FROM seen s JOIN series d USING (series_id) WHERE ${ofFilter(filter)} GROUP BY name
)
SELECT *, ${totals(PER_SERIES)} FROM grouped ${limited('n + h DESC, series DESC, name', limit)}`;

/** Spans by service, or by name within one. */
export const volumeSpansSql = (window: Window, by: 'service' | 'name', filter: VolumeFilter, limit: number): string =>
  `WITH grouped AS (
  SELECT ${by} AS name, '' AS sub, count(*)::DOUBLE AS n, count_if(status_code = 2)::DOUBLE AS errors
  FROM spans WHERE ${allOf([between('start_time', window.startMs, window.endMs), filter.service !== undefined && `service = ${textLiteral(filter.service)}`])}
  GROUP BY ${by}
)
SELECT *, ${totals(['n'])} FROM grouped ${limited('n DESC, name', limit)}`;

const logsOf = ({ startMs, endMs }: Window, { service }: VolumeFilter): string =>
  `FROM logs l WHERE ${allOf([between('l.time', startMs, endMs), service !== undefined && `l.service = ${textLiteral(service)}`])}`;
export const volumeLogServicesSql = (window: Window, limit: number): string =>
  `WITH grouped AS (
  SELECT l.service AS name, '' AS sub, count(*)::DOUBLE AS n, count_if(l.severity_number >= 17)::DOUBLE AS errors ${logsOf(window, {})} GROUP BY l.service
)
SELECT *, ${totals(['n'])} FROM grouped ${limited('n DESC, name', limit)}`;
export const countLogsSql = (window: Window, filter: VolumeFilter): string => `SELECT count(*)::DOUBLE AS n ${logsOf(window, filter)}`;

/** Stretches of equal length spread over a window, `part` of it in all. */
export function slicesOf({ startMs, endMs }: Window, part: number, slices: number): Window[] {
  if (part >= 1) return [{ startMs, endMs }];
  const each = (endMs - startMs) / slices;
  return Array.from({ length: slices }, (_, i) => {
    const from = Math.floor(startMs + i * each);
    return { startMs: from, endMs: Math.min(endMs, from + Math.max(1, Math.floor(each * part))) };
  });
}
/** Log records by shape and severity class, over some slices of a window; `bytes`: of their text. */
export const volumePatternsSql = (slices: readonly Window[], filter: VolumeFilter, limit: number): string =>
  `WITH lines AS (
  ${slices.map((slice) => `SELECT ${logShape("coalesce(l.body, '')")} AS name, ${severityClass('l')} AS sub, strlen(coalesce(l.body, '')) + 40 AS size ${logsOf(slice, filter)}`).join('\n  UNION ALL ')}
), grouped AS (
  SELECT name, sub, count(*)::DOUBLE AS n, sum(size)::DOUBLE AS size FROM lines GROUP BY name, sub
)
SELECT *, ${totals(['n', 'size'])} FROM grouped ${limited('size DESC, name, sub', limit)}`;
