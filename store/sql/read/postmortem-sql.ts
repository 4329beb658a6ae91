import type { EvidenceChart } from '#contracts/evidence-chart.ts';
import type { TimeWindow } from '#contracts/judgement.ts';
import { isEntry } from './expressions.ts';
import { between, numberLiteral, textLiteral } from './literals.ts';
import { logHistogramSql } from './logs-sql.ts';
import { metricRangeSql } from './metrics-sql.ts';
import { serviceRedSql } from './services-sql.ts';

/** Statements a postmortem's figures and charts are bound to: over the documented views, so that anybody runs them again. */

/** One service: requests, errors, error_ratio, error_ratio_before, p95_ms, p95_before_ms; `before` over the baseline. */
export function impactSql(service: string, window: TimeWindow, baseline: TimeWindow): string {
  return `WITH entry AS (
  SELECT s.duration_ns, s.status_code = 2 AS failed, ${between('s.start_time', window.startMs, window.endMs)} AS during
  FROM spans s
  WHERE (${between('s.start_time', window.startMs, window.endMs)} OR ${between('s.start_time', baseline.startMs, baseline.endMs)})
    AND s.service = ${textLiteral(service)} AND ${isEntry('s')}
)
SELECT count_if(during) AS requests, count_if(during AND failed) AS errors,
  count_if(during AND failed) / nullif(count_if(during), 0) AS error_ratio,
  count_if(NOT during AND failed) / nullif(count_if(NOT during), 0) AS error_ratio_before,
  quantile_cont(duration_ns, 0.95) FILTER (during) / 1e6 AS p95_ms,
  quantile_cont(duration_ns, 0.95) FILTER (NOT during) / 1e6 AS p95_before_ms
FROM entry`;
}

/** How long until it was noticed, taken in hand and over; NULL while it has not come. services: how many. */
export function incidentSpansSql(incidentId: string): string {
  return `SELECT (epoch_ms(opened) - epoch_ms(onset))::DOUBLE AS detect_ms, (epoch_ms(acknowledged) - epoch_ms(opened))::DOUBLE AS acknowledge_ms,
  (epoch_ms(resolved) - epoch_ms(onset))::DOUBLE AS duration_ms, json_array_length(json, '$.services')::DOUBLE AS services
FROM incidents WHERE incident_id = ${textLiteral(incidentId)}`;
}

/** What affected services held of their nodes. `query`: the statement beside an emissions figure (rows by service and node). */
export const heldTotalSql = (query: string): string =>
  `SELECT sum(used_vcpu_hours) AS used_vcpu_hours, sum(reserved_vcpu_hours) AS reserved_vcpu_hours, sum(reserved_gib_hours) AS reserved_gib_hours
FROM (
${query}
)`;

const SERIES_IN_CHART = 6;
const RATE_RANGE_MS = 60_000;
const RED: Readonly<Record<'errors' | 'latency' | 'requests', (stepMs: number) => readonly [series: string, value: string]>> = {
  errors: () => ['error ratio', 'errors / requests'],
  latency: () => ['p95', 'p95_ms'],
  requests: (stepMs) => ['requests', `requests / ${numberLiteral(stepMs / 1000)}`],
};
/** Rows time, series, value of what an evidence row's chart shows. */
export function evidenceChartSql(chart: EvidenceChart, window: TimeWindow, stepMs: number): string {
  if (chart.from === 'red') {
    const [series, value] = RED[chart.show](stepMs);
    return `SELECT time, '${series}' AS series, ${value} AS value FROM (
${serviceRedSql(window, chart.service, chart.peer ?? undefined, stepMs)}
) ORDER BY time`;
  }
  if (chart.from === 'log') {
    const search = { ...window, service: chart.service, q: chart.words === '' ? undefined : `"${chart.words}"`, stepMs };
    return `SELECT time, 'log lines' AS series, sum(count)::DOUBLE AS value FROM (
${logHistogramSql(search)}
) GROUP BY time ORDER BY time`;
  }
  const fn = chart.unit.endsWith('/s') ? 'rate' : 'avg';
  const range = { ...window, metric: chart.metric, service: chart.service, fn, stepMs, maxSeries: SERIES_IN_CHART } as const;
  return metricRangeSql({ ...range, rangeMs: Math.max(RATE_RANGE_MS, 4 * stepMs) });
}
