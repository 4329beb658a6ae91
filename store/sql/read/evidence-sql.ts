import type { Change, TimeWindow } from '#contracts/judgement.ts';
import type { EvidenceQueries } from '#contracts/observation.ts';
import { instanceOf, isEntry, logShape, spanWeight } from './expressions.ts';
import { allOf, between, numberLiteral, textLiteral } from './literals.ts';
import { callsSql, selfTimeSql } from './services-sql.ts';

/**
 * The statement behind an evidence row: one row with "value" over the window and "baseline" over the time before it.
 * Built only from the documented views, so that anybody can run it again.
 */
type Side = (window: TimeWindow) => string;
const pair = (value: Side, window: TimeWindow, baseline: TimeWindow): string =>
  `SELECT (${value(window)}) AS value,\n  (${value(baseline)}) AS baseline`;
const secondsOf = (window: TimeWindow): string => numberLiteral(Math.max(1, (window.endMs - window.startMs) / 1000));

/** Spans, each as many as it stands for. */
const countOf = (weight: string, failed?: string): string =>
  `coalesce(sum(${failed === undefined ? weight : `CASE WHEN ${failed} THEN ${weight} ELSE 0 END`}), 0)`;
const ENTRY_VALUES: Record<string, (window: TimeWindow) => string> = {
  requests: (window) => `${countOf(spanWeight('s'))} / ${secondsOf(window)}`,
  errors: (window) => `${countOf(spanWeight('s'), 's.status_code = 2')} / ${secondsOf(window)}`,
  error_ratio: () => `${countOf(spanWeight('s'), 's.status_code = 2')} / ${countOf(spanWeight('s'))}`,
  p95_ms: () => 'quantile_cont(s.duration_ns, 0.95) / 1e6',
};
function entrySide(signal: string, service: string, instance: string | null): Side {
  return (window) => `SELECT ${(ENTRY_VALUES[signal] as Side)(window)}
    FROM spans s${instance === null ? '' : ' LEFT JOIN resources r ON r.resource_id = s.resource_id'}
    WHERE ${allOf([between('s.start_time', window.startMs, window.endMs), `s.service = ${textLiteral(service)}`, instance !== null && `${instanceOf('r')} = ${textLiteral(instance)}`, isEntry('s')])}`;
}
function selfSide(signal: 'own_errors' | 'self_ms', service: string, instance: string | null): Side {
  return (window) => `WITH ${selfTimeSql(window)}
    SELECT ${signal === 'self_ms' ? 'sum(v.self_ns) / sum(v.requests) / 1e6' : `coalesce(sum(v.own_errors), 0) / ${secondsOf(window)}`}
    FROM visit v LEFT JOIN resources r ON r.resource_id = v.resource_id
    WHERE ${allOf([between('v.start_time', window.startMs, window.endMs), `v.service = ${textLiteral(service)}`, instance !== null && `${instanceOf('r')} = ${textLiteral(instance)}`])}`;
}
const EDGE_VALUES: Record<string, (window: TimeWindow) => string> = {
  requests: (window) => `${countOf('weight')} / ${secondsOf(window)}`,
  error_ratio: () => `${countOf('weight', 'failed')} / ${countOf('weight')}`,
  client_ms: () => 'avg(client_ns) / 1e6',
  server_ms: () => 'avg(server_ns) / 1e6',
};

function counterSide(seriesId: number): Side {
  return (window) => `SELECT sum(CASE WHEN value >= before THEN value - before ELSE value END) / (sum(epoch_ns(time) - before_at) / 1e9)
    FROM (SELECT time, value, lag(value) OVER w AS before, lag(epoch_ns(time)) OVER w AS before_at FROM samples
      WHERE series_id = ${numberLiteral(seriesId)} AND ${between('time', window.startMs, window.endMs)} AND NOT isnan(value) WINDOW w AS (ORDER BY time))
    WHERE before IS NOT NULL`;
}
function gaugeSide(seriesId: number): Side {
  return (window) => `SELECT avg(value) FROM (
    SELECT value FROM samples WHERE series_id = ${numberLiteral(seriesId)} AND ${between('time', window.startMs, window.endMs)} AND NOT isnan(value)
    UNION ALL SELECT sum / nullif(count, 0) FROM histograms WHERE series_id = ${numberLiteral(seriesId)} AND ${between('time', window.startMs, window.endMs)})`;
}
function changeSql(change: Change): string {
  const around = between('s.start_time', change.atMs - 3_600_000, change.atMs + 3_600_000);
  return `SELECT min(s.start_time) AS value, r.service_version AS version, ${instanceOf('r')} AS instance, count(*) AS spans
FROM spans s JOIN resources r ON r.resource_id = s.resource_id
WHERE ${around} AND s.service = ${textLiteral(change.service)}
GROUP BY ALL ORDER BY abs(epoch_ms(value) - ${numberLiteral(Math.round(change.atMs))}) LIMIT 20`;
}

/** Implements contracts/observation.ts EvidenceQueries. */
export const evidenceQueries: EvidenceQueries = {
  service: (signal, service, instance, window, baseline) =>
    pair(
      signal === 'own_errors' || signal === 'self_ms' ? selfSide(signal, service, instance) : entrySide(signal, service, instance),
      window,
      baseline,
    ),
  edge: (signal, from, to, window, baseline) =>
    pair(
      (side) => `WITH ${callsSql(side)}
    SELECT ${(EDGE_VALUES[signal] as Side)(side)} FROM calls WHERE caller = ${textLiteral(from)} AND callee = ${textLiteral(to)}`,
      window,
      baseline,
    ),
  metric: (seriesId, isRate, window, baseline) => pair(isRate ? counterSide(seriesId) : gaugeSide(seriesId), window, baseline),
  log: (service, pattern, window, baseline) =>
    pair(
      (side) => `SELECT count(*) / ${secondsOf(side)} FROM logs l
    WHERE ${between('l.time', side.startMs, side.endMs)} AND l.service = ${textLiteral(service)} AND ${logShape("coalesce(l.body, '')")} = ${textLiteral(pattern.replaceAll('\0', ''))}`,
      window,
      baseline,
    ),
  change: changeSql,
  facet: (service, key, value, window, baseline) => {
    const column: Record<string, string> = {
      'http.route': 's.http_route',
      'http.request.method': 's.http_request_method',
      name: 's.name',
      'rpc.method': 's.rpc_method',
      'client.address': 's.client_address',
      'service.version': 'r.service_version',
      instance: instanceOf('r'),
    };
    return pair(
      (side) => `SELECT count_if(s.status_code = 2) / count(*) FROM spans s LEFT JOIN resources r ON r.resource_id = s.resource_id
    WHERE ${between('s.start_time', side.startMs, side.endMs)} AND s.service = ${textLiteral(service)} AND ${isEntry('s')}
      AND ${column[key] ?? `s.attributes[${textLiteral(key)}]`} = ${textLiteral(value)}`,
      window,
      baseline,
    );
  },
};
