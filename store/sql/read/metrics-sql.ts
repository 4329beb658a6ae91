import { cellOf, hostOf, instanceOf } from './expressions.ts';
import { allOf, between, nanoLiteral, numberLiteral, textLiteral, timeLiteral } from './literals.ts';
import type { Window } from './services-sql.ts';

/** How far before a cell the previous sample of a counter is looked for. */
export const COUNTER_REACH_MS = 150_000;

/** A series as one line: labels as k=v, in key order. */
const labelsOf = (d: string): string =>
  `array_to_string(list_transform(list_sort(map_keys(${d}.attributes)), lambda key: key || '=' || ${d}.attributes[key]), ',')`;

/** @param q part of a name; its "_" stands for any character, as names in PromQL have it for dots */
export function metricListSql(q: string | undefined, limit: number): string {
  const filter = q ? `WHERE metric ILIKE ${textLiteral(`%${q.replace(/[\\%]/g, '\\$&')}%`)} ESCAPE '\\'` : '';
  return `SELECT metric, arg_max(type, series_id) AS type, arg_max(unit, series_id) AS unit, arg_max(description, series_id) AS description,
  arg_max(source, series_id) AS source, coalesce(arg_max(monotonic, series_id), false) AS monotonic, count(*)::DOUBLE AS series,
  to_json(list_sort(list_distinct(list(service))))::VARCHAR AS services,
  to_json(list_sort(list_distinct(flatten(list(map_keys(attributes))))))::VARCHAR AS labels
FROM series
${filter}
GROUP BY metric ORDER BY metric LIMIT ${numberLiteral(limit)}`;
}

export interface MetricRange {
  readonly metric: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** raw: samples as stored; avg: mean per step; rate: per-second rate of a counter, Prometheus' rate(). */
  readonly fn: 'raw' | 'avg' | 'rate';
  /** Label the series are folded by (sum for rate, mean otherwise); absent: every series by itself. */
  readonly by?: string | undefined;
  readonly service?: string | undefined;
  /** Labels that must be equal. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Range rate() looks back over. */
  readonly rangeMs: number;
  readonly maxSeries: number;
}

function chosenSeries(range: MetricRange): string {
  const label = (key: string): string =>
    key === 'service'
      ? 'd.service'
      : key === 'instance'
        ? `coalesce(d.attributes['instance'], ${instanceOf('r')})`
        : `coalesce(d.attributes[${textLiteral(key)}], r.attributes[${textLiteral(key)}])`;
  const name = range.by
    ? `coalesce(${label(range.by)}, '')`
    : `d.service || CASE WHEN ${instanceOf('r')} IS NULL THEN '' ELSE '/' || ${instanceOf('r')} END || '{' || ${labelsOf('d')} || '}'`;
  const conditions = allOf([
    `d.metric = ${textLiteral(range.metric)}`,
    range.service && `d.service = ${textLiteral(range.service)}`,
    ...Object.entries(range.labels ?? {}).map(([key, value]) => `${label(key)} = ${textLiteral(value)}`),
  ]);
  return `chosen AS (
  SELECT d.series_id, d.temporality, d.type, ${name} AS series
  FROM series d LEFT JOIN resources r ON r.resource_id = d.resource_id
  WHERE ${conditions}
  ORDER BY d.series_id LIMIT ${numberLiteral(range.maxSeries)}
)`;
}
/** Samples, and count (for rate) or mean (else) of histogram points, as time-value pairs without stale markers. */
function points(fn: MetricRange['fn'], startMs: number, endMs: number): string {
  return `points AS (
  SELECT c.series, c.series_id, c.temporality, x.time, x.value FROM chosen c JOIN samples x ON x.series_id = c.series_id
  WHERE ${between('x.time', startMs, endMs)} AND NOT isnan(x.value)
  UNION ALL
  SELECT c.series, c.series_id, c.temporality, h.time, ${fn === 'rate' ? 'h.count::DOUBLE' : 'h.sum / nullif(h.count, 0)'} FROM chosen c JOIN histograms h ON h.series_id = c.series_id
  WHERE ${between('h.time', startMs, endMs)}
)`;
}

/** The series a chart reads, for QueryOptions.samplesOf. */
export const chosenSeriesSql = (range: MetricRange): string => `WITH ${chosenSeries(range)} SELECT series_id FROM chosen`;

/** Rows time, series, value. */
export function metricRangeSql(range: MetricRange): string {
  if (range.fn === 'rate') return rateSql(range);
  const step = nanoLiteral(range.stepMs);
  const time = range.fn === 'raw' ? 'time' : `make_timestamp_ns((epoch_ns(time) // ${step}) * ${step})`;
  return `WITH ${chosenSeries(range)}, ${points(range.fn, range.startMs, range.endMs)}
SELECT ${time} AS time, series, avg(value) AS value
FROM points
WHERE value IS NOT NULL
GROUP BY 1, 2 ORDER BY 2, 1`;
}

/**
 * Prometheus' rate() at every step (query/rate.ts is the same rule in code; a test holds them together): resets added
 * back, extrapolated to the range's ends. Delta sums: the sum over the range by its seconds.
 */
function rateSql(range: MetricRange): string {
  const step = nanoLiteral(range.stepMs);
  const reach = nanoLiteral(range.rangeMs);
  const seconds = numberLiteral(range.rangeMs / 1000);
  return `WITH ${chosenSeries(range)}, ${points('rate', range.startMs - range.rangeMs, range.endMs)}, linked AS (
  SELECT *, epoch_ns(time) AS at_ns, lag(value) OVER w AS before, lag(epoch_ns(time)) OVER w AS before_at
  FROM points WINDOW w AS (PARTITION BY series_id ORDER BY time)
), placed AS (
  SELECT *, unnest(range(greatest(((at_ns + ${step} - 1) // ${step}) * ${step}, ${nanoLiteral(Math.ceil(range.startMs / range.stepMs) * range.stepMs)}), least(at_ns + ${reach}, ${nanoLiteral(range.endMs)}), ${step})) AS step_at
  FROM linked
), ranged AS (
  SELECT series, series_id, step_at, any_value(temporality) AS temporality, count(*) AS n, arg_min(value, at_ns) AS first, arg_max(value, at_ns) AS last,
    min(at_ns) AS first_at, max(at_ns) AS last_at, sum(value) AS total,
    coalesce(sum(before) FILTER (before > value AND before_at > step_at - ${reach}), 0) AS resets
  FROM placed GROUP BY series, series_id, step_at
), spread AS (
  SELECT *, last - first + resets AS increase, (last_at - first_at)::DOUBLE AS sampled, (last_at - first_at)::DOUBLE / nullif(n - 1, 0) AS every,
    (first_at - (step_at - ${reach}))::DOUBLE AS to_start, (step_at - last_at)::DOUBLE AS to_end
  FROM ranged
), rated AS (
  SELECT series, series_id, step_at, CASE WHEN temporality = 'delta' THEN total / ${seconds} WHEN sampled > 0 THEN increase * (sampled
      + least(CASE WHEN to_start >= every * 1.1 THEN every / 2 ELSE to_start END, CASE WHEN increase > 0 AND first >= 0 THEN sampled * first / increase ELSE 'infinity'::DOUBLE END)
      + CASE WHEN to_end >= every * 1.1 THEN every / 2 ELSE to_end END) / sampled / ${seconds} END AS rate
  FROM spread
)
SELECT make_timestamp_ns(step_at) AS time, series, sum(rate) AS value
FROM rated WHERE rate IS NOT NULL
GROUP BY 1, 2 ORDER BY 2, 1`;
}

/** Names and owners of series. `seriesIds` null: of all that have a sample in the window. */
export function seriesFactsSql(seriesIds: readonly number[]): string {
  return `SELECT d.series_id::DOUBLE AS series_id, d.metric, d.unit, d.type, d.service, d.temporality, d.monotonic::INTEGER AS monotonic,
  coalesce(${instanceOf('r')}, d.attributes['instance']) AS instance,
  CASE WHEN d.source = 'prometheus' THEN coalesce(d.attributes['node'], d.attributes['nodename'], d.attributes['host'], d.attributes['host_name'], split_part(d.attributes['instance'], ':', 1))
    ELSE ${hostOf('r')} END AS host,
  to_json(d.attributes)::VARCHAR AS attributes
FROM series d LEFT JOIN resources r ON r.resource_id = d.resource_id
WHERE d.series_id IN (${seriesIds.map(numberLiteral).join(', ')})`;
}

/** Ids of metrics judgement leaves alone: bucket series say nothing that count and sum do not. */
const JUDGED = `(d.metric NOT LIKE '%\\_bucket' ESCAPE '\\' AND d.metric NOT LIKE 'scrape\\_%' ESCAPE '\\')`;
const isCounter = `(d.type = 'sum' AND d.monotonic)`;

/** Series a window has anything of that is judged, oldest first. */
export const judgedSeriesSql = (window: Window): string => `SELECT series_id::DOUBLE AS series_id FROM (
  SELECT DISTINCT x.series_id FROM samples x JOIN series d ON d.series_id = x.series_id WHERE ${between('x.time', window.startMs, window.endMs)} AND ${JUDGED}
  UNION SELECT DISTINCT series_id FROM histograms WHERE ${between('time', window.startMs, window.endMs)}
) ORDER BY series_id`;
export const countSeriesSql = (): string => 'SELECT count(*)::DOUBLE AS series FROM series';

/**
 * Each statement gives series_id, cell, value. Three statements: one over all three kinds was seen to stall in DuckDB.
 * `upToSeriesId`: the last one read; null: all. `pastMs`: from when the point before the first of the window may be.
 */
export const observeMetricsSql = (
  window: Window,
  stepMs: number,
  upToSeriesId: number | null = null,
  pastMs = window.startMs - COUNTER_REACH_MS,
): readonly string[] => {
  const upTo = upToSeriesId === null ? '' : ` AND x.series_id <= ${numberLiteral(upToSeriesId)}`;
  return [
    observeGaugesSql(window, stepMs, upTo),
    observeCountersSql(window, stepMs, pastMs, upTo),
    observeHistogramsSql(window, stepMs, pastMs, upTo),
  ];
};
const gridOf = (time: string, window: Window, stepMs: number): string => cellOf(time, nanoLiteral(window.startMs), nanoLiteral(stepMs));

/** Mean of a gauge per cell. */
function observeGaugesSql(window: Window, stepMs: number, upTo: string): string {
  return `SELECT x.series_id::DOUBLE AS series_id, ${gridOf('x.time', window, stepMs)} AS cell, avg(x.value) AS value
FROM samples x JOIN series d ON d.series_id = x.series_id
WHERE ${between('x.time', window.startMs, window.endMs)} AND NOT isnan(x.value) AND NOT ${isCounter} AND ${JUDGED}${upTo}
GROUP BY ALL`;
}
/** The last point before a window is looked for this far back first: few series are silent for longer. */
const NEAR_MS = 35_000;
/** Of each series the last point before the window: all that a difference needs of the past. */
const lastBefore = (from: string, columns: string, pastMs: number, endMs: number): string =>
  `SELECT x.series_id, max(x.time) AS time, ${columns} FROM ${from} WHERE ${between('x.time', pastMs, endMs)}`;
/** Per-second rate of a counter per cell, resets handled. A series with one point in the window needs no sorting. */
function observeCountersSql(window: Window, stepMs: number, pastMs: number, upTo: string): string {
  const { startMs, endMs } = window;
  const nearMs = Math.max(pastMs, startMs - NEAR_MS);
  const of = (series: string): string => `samples x SEMI JOIN ${series} USING (series_id)`;
  const last = (series: string, fromMs: number, untilMs: number): string =>
    `${lastBefore(of(series), 'arg_max(x.value, x.time) AS value', fromMs, untilMs)} AND NOT isnan(x.value)${upTo} GROUP BY x.series_id`;
  return `WITH chosen AS MATERIALIZED (
  SELECT d.series_id, d.temporality FROM series d WHERE ${isCounter} AND ${JUDGED}
), point AS MATERIALIZED (
  SELECT x.series_id, x.time, x.value FROM ${of('chosen')} WHERE ${between('x.time', startMs, endMs)} AND NOT isnan(x.value)${upTo}
), near AS MATERIALIZED (
  ${last('chosen', nearMs, startMs)}
), silent AS MATERIALIZED (
  SELECT DISTINCT series_id FROM point ANTI JOIN near USING (series_id)
), past AS MATERIALIZED (
  SELECT * FROM near UNION ALL ${last('silent', pastMs, nearMs)}
), single AS MATERIALIZED (
  SELECT series_id, min(time) AS time, min(value) AS value, count(*) AS points FROM point GROUP BY series_id
), counted AS (
  SELECT p.series_id, p.time, p.value, b.value AS before, epoch_ns(b.time) AS before_at FROM single p LEFT JOIN past b USING (series_id) WHERE p.points = 1
  UNION ALL
  SELECT series_id, time, value, lag(value) OVER w, lag(epoch_ns(time)) OVER w
  FROM (SELECT * FROM point UNION ALL SELECT * FROM past) SEMI JOIN (SELECT series_id FROM single WHERE points > 1) USING (series_id)
  WINDOW w AS (PARTITION BY series_id ORDER BY time)
)
SELECT c.series_id::DOUBLE AS series_id, ${gridOf('c.time', window, stepMs)} AS cell,
  CASE WHEN any_value(d.temporality) = 'delta' THEN sum(c.value) / ${numberLiteral(stepMs / 1000)}
    ELSE sum(CASE WHEN c.value >= c.before THEN c.value - c.before ELSE c.value END) FILTER (c.before IS NOT NULL) / (sum(epoch_ns(c.time) - c.before_at) / 1e9) END AS value
FROM counted c JOIN chosen d ON d.series_id = c.series_id WHERE c.time >= ${timeLiteral(startMs)} GROUP BY c.series_id, cell`;
}
/** Mean of what a histogram observed since its previous point, per cell. */
function observeHistogramsSql(window: Window, stepMs: number, pastMs: number, upTo: string): string {
  return `WITH point AS (
  SELECT x.series_id, x.time, x.count::DOUBLE AS count, x.sum FROM histograms x WHERE ${between('x.time', window.startMs, window.endMs)}${upTo}
  UNION ALL ${lastBefore('histograms x', 'arg_max(x.count::DOUBLE, x.time), arg_max_null(x.sum, x.time)', pastMs, window.startMs)}${upTo} GROUP BY x.series_id
), observed AS (
  SELECT p.series_id, p.time, d.temporality, p.count, p.sum, lag(p.count) OVER w AS before, lag(p.sum) OVER w AS sum_before
  FROM point p JOIN series d ON d.series_id = p.series_id
  WINDOW w AS (PARTITION BY p.series_id ORDER BY p.time)
)
SELECT series_id::DOUBLE AS series_id, ${gridOf('time', window, stepMs)} AS cell, sum(CASE WHEN temporality <> 'delta' AND count >= before THEN sum - sum_before ELSE sum END)
  / nullif(sum(CASE WHEN temporality <> 'delta' AND count >= before THEN count - before ELSE count END), 0) AS value
FROM observed WHERE time >= ${timeLiteral(window.startMs)} AND (temporality = 'delta' OR before IS NOT NULL) GROUP BY series_id, cell`;
}

/** Start of accumulation per service instance, where it moved forward: the process has restarted. */
export function restartsSql(window: Window): string {
  const inside = between('x.time', window.startMs, window.endMs);
  // The map of a resource is looked into once, not once a series.
  const owned = `JOIN series d ON d.series_id = x.series_id LEFT JOIN who w ON w.resource_id = d.resource_id`;
  const instance = `coalesce(w.instance, d.attributes['instance']) AS instance`;
  return `WITH who AS MATERIALIZED (SELECT r.resource_id, ${instanceOf('r')} AS instance FROM resources r), told AS (
  SELECT x.series_id, x.start_time, min(x.time) AS seen
  FROM samples x SEMI JOIN (SELECT series_id FROM series d WHERE d.temporality = 'cumulative' AND ${isCounter}) d USING (series_id)
  WHERE ${inside} AND x.start_time IS NOT NULL GROUP BY ALL
), said AS (
  SELECT x.series_id, x.value, min(x.time) AS seen FROM samples x SEMI JOIN (SELECT series_id FROM series WHERE metric = 'process_start_time_seconds') d USING (series_id)
  WHERE ${inside} AND NOT isnan(x.value) GROUP BY ALL
), starts AS (
  SELECT d.service, ${instance}, epoch_ms(x.start_time)::DOUBLE AS started_ms, epoch_ms(x.seen)::DOUBLE AS seen_ms FROM told x ${owned}
  UNION ALL
  SELECT d.service, ${instance}, round(x.value) * 1000, epoch_ms(x.seen)::DOUBLE FROM said x ${owned}
)
SELECT service, instance, started_ms, min(seen_ms) AS seen_ms FROM starts WHERE instance IS NOT NULL GROUP BY ALL ORDER BY started_ms`;
}
