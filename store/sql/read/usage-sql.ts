import { hostOf } from './expressions.ts';
import { between, nanoLiteral, textLiteral } from './literals.ts';

/**
 * What services use and nodes offer, from whatever says so: cAdvisor, kube-state-metrics, OpenCost and node_exporter by
 * scraping, OpenTelemetry's process.*, container.*, k8s.* and system.* by OTLP. Amounts are integrals over time: a
 * sample stands for the time since the one before it, in every cell that time is in, so nothing depends on how often somebody measures.
 */

/** How far around the window the sample before, and the one after, is looked for. */
const REACH_MS = 600_000;
/** A gauge says nothing about more than this before it. */
const HOLDS_NANO = '300000000000';
/** A counter's growth over a longer gap cannot be laid on a cell. */
const GAP_NANO = '3600000000000';
/**
 * Of several sources that measure the same the best is taken, anew for each five minutes: sources come and go. In the five minutes
 * in which it begins or ends, the second stands in for the time it does not speak of: else up to all of them would be missing.
 */
const CHOICE_NANO = '300000000000';
/** Later than any sample; its sum with one still fits. */
const FOREVER_NANO = '9000000000000000000';

type What = 'cpu' | 'memory' | 'cpu_request' | 'memory_request';
interface UsageMetric {
  readonly metric: string;
  readonly what: What;
  /** 1 is believed first. */
  readonly rank: number;
  /** counter: CPU seconds. gauge: cores or bytes. share: part of the node's vCPUs. */
  readonly kind: 'counter' | 'gauge' | 'share';
  /** Value the label "resource" must have. */
  readonly resource?: string;
}
const cpu = (metric: string, rank: number, kind: UsageMetric['kind']): UsageMetric => ({ metric, what: 'cpu', rank, kind });
const memory = (metric: string, rank: number): UsageMetric => ({ metric, what: 'memory', rank, kind: 'gauge' });
const request = (metric: string, what: What, rank: number, resource?: string): UsageMetric => ({
  metric,
  what,
  rank,
  kind: 'gauge',
  ...(resource ? { resource } : {}),
});
export const USAGE_METRICS: readonly UsageMetric[] = [
  cpu('container_cpu_usage_seconds_total', 1, 'counter'),
  cpu('container.cpu.time', 2, 'counter'),
  cpu('k8s.pod.cpu.time', 3, 'counter'),
  cpu('container.cpu.usage', 4, 'gauge'),
  cpu('k8s.pod.cpu.usage', 5, 'gauge'),
  cpu('process.cpu.time', 6, 'counter'),
  cpu('process_cpu_seconds_total', 7, 'counter'),
  cpu('process.cpu.utilization', 8, 'share'),
  memory('container_memory_working_set_bytes', 1),
  memory('container.memory.working_set', 2),
  memory('container.memory.usage', 3),
  memory('k8s.pod.memory.working_set', 4),
  memory('k8s.pod.memory.usage', 5),
  memory('process.memory.usage', 6),
  memory('process_resident_memory_bytes', 7),
  request('kube_pod_container_resource_requests', 'cpu_request', 1, 'cpu'),
  request('kube_pod_container_resource_requests', 'memory_request', 1, 'memory'),
  request('kube_pod_container_resource_requests_cpu_cores', 'cpu_request', 2),
  request('kube_pod_container_resource_requests_memory_bytes', 'memory_request', 2),
  request('k8s.container.cpu_request', 'cpu_request', 3),
  request('k8s.container.memory_request', 'memory_request', 3),
  // OpenCost's allocation already is max(request, usage): it stands for the request where nobody tells that.
  request('container_cpu_allocation', 'cpu_request', 4),
  request('container_memory_allocation_bytes', 'memory_request', 4),
];

export interface UsageWindow {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}
const label = (d: string, ...keys: string[]): string => keys.map((key) => `${d}.attributes[${textLiteral(key)}]`).join(', ');
const nodeOf = `coalesce(CASE WHEN d.source = 'prometheus' THEN coalesce(${label('d', 'node', 'nodename', 'kubernetes_node', 'host')}, split_part(d.attributes['instance'], ':', 1)) ELSE ${hostOf('r')} END, '')`;
const GIB = '1073741824';

/** The series both statements read, and more, for QueryOptions.samplesOf. */
export function usageSeriesSql(): string {
  const names = new Set([...USAGE_METRICS.map((m) => m.metric), ...NODE_METRICS.map(([metric]) => metric)]);
  return `SELECT series_id FROM series WHERE metric IN (${[...names].map(textLiteral).join(', ')})`;
}

/** Rows service, node, cell, cpu_core_hours, cpu_requested, memory_gib_hours, memory_requested (NULL: not known). */
export function serviceUsageSql(window: UsageWindow): string {
  const values = USAGE_METRICS.map(
    (m) =>
      `(${textLiteral(m.metric)}, ${textLiteral(m.what)}, ${m.rank}, ${textLiteral(m.kind)}, ${m.resource ? textLiteral(m.resource) : 'NULL'})`,
  );
  const [start, end, step] = [window.startMs, window.endMs, window.stepMs].map(nanoLiteral) as [string, string, string];
  const cells = Math.ceil((window.endMs - window.startMs) / window.stepMs);
  /** Cells before the window that samples may reach into. */
  const early = Math.ceil(REACH_MS / window.stepMs) + 1;
  const of = (what: What): string => `sum(amount) FILTER (what = '${what}')`;
  return `WITH sizes AS (
  SELECT node, vcpus FROM (${nodeFactsSql(window)})
), pods AS (
  SELECT attributes['k8s.pod.name'] AS pod, any_value(service) AS service FROM resources
  WHERE attributes['k8s.pod.name'] IS NOT NULL AND service <> 'unknown_service' GROUP BY 1
), chosen AS (
  SELECT d.series_id, m.what, m.rank, m.kind, d.temporality,
    CASE WHEN d.source = 'prometheus' THEN coalesce(p.service, ${label('d', 'container', 'service', 'app')}, d.service) ELSE d.service END AS service,
    ${nodeOf} AS node
  FROM series d
  JOIN (VALUES ${values.join(',\n    ')}) AS m(metric, what, rank, kind, resource)
    ON m.metric = d.metric AND (m.resource IS NULL OR m.resource = d.attributes['resource'])
  LEFT JOIN resources r ON r.resource_id = d.resource_id
  LEFT JOIN pods p ON p.pod = d.attributes['pod']
  WHERE NOT (d.source = 'prometheus' AND d.metric LIKE 'container\\_%' ESCAPE '\\' AND coalesce(d.attributes['container'], '') IN ('', 'POD'))
), points AS (
  SELECT c.*, epoch_ns(x.time) AS at_ns, x.value, lag(x.value) OVER w AS before, lag(epoch_ns(x.time)) OVER w AS before_ns
  FROM chosen c JOIN samples x ON x.series_id = c.series_id
  WHERE c.service <> 'unknown_service' AND ${between('x.time', window.startMs - REACH_MS, window.endMs + REACH_MS)} AND NOT isnan(x.value)
  WINDOW w AS (PARTITION BY c.series_id ORDER BY x.time)
), pieces AS (
  SELECT *, greatest(before_ns, ${start} + cell * ${step}) AS from_ns, least(at_ns, ${start} + (cell + 1) * ${step}, CASE WHEN cell < ${cells} THEN ${end} ELSE at_ns END) AS to_ns
  FROM (
    SELECT p.*, s.vcpus, at_ns // ${CHOICE_NANO} AS choice,
      unnest(range((before_ns - ${start} + ${early} * ${step}) // ${step}, (at_ns - 1 - ${start} + ${early} * ${step}) // ${step} + 1)) - ${early} AS cell
    FROM points p LEFT JOIN sizes s USING (node)
    WHERE before_ns < at_ns AND at_ns - before_ns <= ${GAP_NANO} AND NOT (kind = 'share' AND s.vcpus IS NULL)
  )
), parts AS MATERIALIZED (
  SELECT service, node, what, rank, choice, cell, min(before_ns) AS first_ns, max(at_ns) AS last_ns, min(from_ns) AS from_ns, max(to_ns) AS to_ns,
    sum(greatest(to_ns - from_ns, 0) / (at_ns - before_ns)
      * CASE kind WHEN 'counter' THEN CASE WHEN temporality = 'delta' OR value < before THEN value ELSE value - before END / 3600
        ELSE value * least(at_ns - before_ns, ${HOLDS_NANO}) / 3.6e12 * CASE WHEN kind = 'share' THEN vcpus WHEN what IN ('memory', 'memory_request') THEN 1.0 / ${GIB} ELSE 1 END END) AS amount
  FROM pieces GROUP BY ALL
), ranked AS (
  SELECT *, lag(choice) OVER r IS DISTINCT FROM choice - 1 AS begins, lead(choice) OVER r IS DISTINCT FROM choice + 1 AS ends,
    row_number() OVER (PARTITION BY service, node, what, choice ORDER BY rank) AS place
  FROM (SELECT service, node, what, choice, rank, min(first_ns) AS first_ns, max(last_ns) AS last_ns FROM parts GROUP BY ALL)
  WINDOW r AS (PARTITION BY service, node, what, rank ORDER BY choice)
), choices AS (
  SELECT service, node, what, choice, min(rank) AS best, min(rank) FILTER (place = 2) AS second,
    coalesce(min(first_ns) FILTER (place = 1 AND begins), 0) AS begins_ns, coalesce(max(last_ns) FILTER (place = 1 AND ends), ${FOREVER_NANO}) AS ends_ns
  FROM ranked GROUP BY ALL
), amounts AS (
  SELECT service, node, what, cell, sum(amount * CASE WHEN rank = best THEN 1
    ELSE (greatest(least(to_ns, begins_ns) - from_ns, 0) + greatest(to_ns - greatest(from_ns, ends_ns), 0)) / (to_ns - from_ns) END) AS amount
  FROM parts JOIN choices USING (service, node, what, choice)
  WHERE rank IN (best, second) AND cell >= 0 AND cell < ${cells} AND to_ns > from_ns
  GROUP BY ALL
)
SELECT service, node, cell::INTEGER AS cell, coalesce(${of('cpu')}, 0)::DOUBLE AS cpu_core_hours, ${of('cpu_request')}::DOUBLE AS cpu_requested,
  coalesce(${of('memory')}, 0)::DOUBLE AS memory_gib_hours, ${of('memory_request')}::DOUBLE AS memory_requested
FROM amounts GROUP BY service, node, cell ORDER BY cell, node, service`;
}

const NODE_METRICS: readonly (readonly [string, string, number, string | null])[] = [
  ['kube_node_status_capacity', 'vcpus', 1, 'cpu'],
  ['machine_cpu_cores', 'vcpus', 2, null],
  ['system.cpu.logical.count', 'vcpus', 3, null],
  ['k8s.node.allocatable_cpu', 'vcpus', 4, null],
  ['node_cpu_seconds_total', 'cpu_time', 5, null],
  ['system.cpu.time', 'cpu_time', 6, null],
  ['system.cpu.utilization', 'cpu_share', 7, null],
  ['kube_node_status_capacity', 'memory', 1, 'memory'],
  ['machine_memory_bytes', 'memory', 2, null],
  ['node_memory_MemTotal_bytes', 'memory', 3, null],
  ['system.memory.limit', 'memory', 4, null],
  ['k8s.node.allocatable_memory', 'memory', 5, null],
  ['system.memory.usage', 'memory_part', 6, null],
];
const nodeSeries = `SELECT d.series_id, m.what, m.rank, m.metric, ${nodeOf} AS node, coalesce(${label('d', 'cpu', 'cpu.logical_number', 'system.cpu.logical_number')}, '') AS core,
    coalesce(${label('d', 'mode', 'cpu.mode', 'state', 'system.cpu.state')}, '') IN ('idle', 'iowait', 'wait') AS idle
  FROM series d
  JOIN (VALUES ${NODE_METRICS.map(([metric, what, rank, resource]) => `(${textLiteral(metric)}, '${what}', ${rank}, ${resource ? textLiteral(resource) : 'NULL'})`).join(', ')}) AS m(metric, what, rank, resource)
    ON m.metric = d.metric AND (m.resource IS NULL OR m.resource = d.attributes['resource'])
  LEFT JOIN resources r ON r.resource_id = d.resource_id`;

/** Rows node, vcpus, memory_gib, first_ns, last_ns: size of each node, and when it was heard around the window. */
function nodeFactsSql(window: UsageWindow): string {
  return `WITH heard AS (
    SELECT n.series_id, n.what, n.rank, n.node, n.core, max(x.value) AS value, min(epoch_ns(x.time)) AS first_ns, max(epoch_ns(x.time)) AS last_ns
    FROM (${nodeSeries}) n JOIN samples x ON x.series_id = n.series_id
    WHERE n.node <> '' AND ${between('x.time', window.startMs - REACH_MS, window.endMs + REACH_MS)} AND NOT isnan(x.value)
    GROUP BY ALL
  )
  SELECT node, coalesce(arg_min(value, rank) FILTER (what = 'vcpus'), nullif(count(DISTINCT core) FILTER (what = 'cpu_time' AND core <> ''), 0))::DOUBLE AS vcpus,
    coalesce(arg_min(value, rank) FILTER (what = 'memory'), sum(value) FILTER (what = 'memory_part')) / ${GIB} AS memory_gib,
    min(first_ns) AS first_ns, max(last_ns) AS last_ns
  FROM heard GROUP BY node`;
}

/** Rows node, cell, from_ms, to_ms, vcpus, memory_gib, cpu_utilization (NULL: not measured), provider, region, instance_type. */
export function nodeUsageSql(window: UsageWindow): string {
  const [start, end, step] = [window.startMs, window.endMs, window.stepMs].map(nanoLiteral) as [string, string, string];
  return `WITH facts AS (${nodeFactsSql(window)}
), spoken AS (
  SELECT node, max(provider) AS provider, max(region) AS region, max(instance_type) AS instance_type FROM (
    SELECT ${hostOf('r')} AS node, r.attributes['cloud.provider'] AS provider, r.attributes['cloud.region'] AS region, r.attributes['host.type'] AS instance_type FROM resources r
    UNION ALL
    SELECT ${nodeOf}, CASE split_part(d.attributes['provider_id'], ':', 1) WHEN 'gce' THEN 'gcp' ELSE split_part(d.attributes['provider_id'], ':', 1) END,
      coalesce(${label('d', 'region', 'label_topology_kubernetes_io_region')}), coalesce(${label('d', 'instance_type', 'label_node_kubernetes_io_instance_type')})
    FROM series d LEFT JOIN resources r ON r.resource_id = d.resource_id
    WHERE d.metric IN ('node_total_hourly_cost', 'node_cpu_hourly_cost', 'kube_node_labels')
  ) WHERE node <> '' GROUP BY node
), cells AS (
  SELECT *, unnest(range(greatest(first_ns - ${start}, 0) // ${step}, (least(last_ns, ${end} - 1) - ${start}) // ${step} + 1)) AS cell
  FROM facts WHERE vcpus > 0 AND last_ns >= ${start} AND first_ns < ${end}
), ticks AS (
  SELECT n.node, n.rank, n.what, n.idle, epoch_ns(x.time) AS at_ns, x.value, lag(x.value) OVER w AS before
  FROM (${nodeSeries}) n JOIN samples x ON x.series_id = n.series_id
  WHERE n.what IN ('cpu_time', 'cpu_share') AND ${between('x.time', window.startMs - REACH_MS, window.endMs)} AND NOT isnan(x.value)
  WINDOW w AS (PARTITION BY n.series_id ORDER BY x.time)
), busy AS (
  SELECT node, rank, (at_ns - ${start}) // ${step} AS cell, sum(amount) FILTER (NOT idle) / nullif(sum(amount), 0) AS utilization
  FROM (SELECT *, CASE WHEN what = 'cpu_share' THEN value WHEN value >= before THEN value - before END AS amount FROM ticks)
  WHERE at_ns >= ${start} GROUP BY ALL
)
SELECT c.node, c.cell::INTEGER AS cell, (greatest(first_ns, ${start} + c.cell * ${step}) / 1e6)::DOUBLE AS from_ms,
  (least(last_ns, ${start} + (c.cell + 1) * ${step}, ${end}) / 1e6)::DOUBLE AS to_ms, c.vcpus, coalesce(c.memory_gib, 0)::DOUBLE AS memory_gib,
  (SELECT arg_min(utilization, rank) FROM busy b WHERE b.node = c.node AND b.cell = c.cell)::DOUBLE AS cpu_utilization,
  coalesce(s.provider, '') AS provider, coalesce(s.region, '') AS region, coalesce(s.instance_type, '') AS instance_type
FROM cells c LEFT JOIN spoken s ON s.node = c.node
WHERE to_ms > from_ms ORDER BY c.cell, c.node`;
}

/** How far from the window a scraped price still holds. */
const PRICE_REACH_MS = 86_400_000;
/** Rows node, metric, value, time: the price of each node as scraped last before the end of the window, else first after it. */
export function scrapedPricesSql(window: UsageWindow): string {
  return `SELECT node, metric, coalesce(arg_max(value, time) FILTER (time < make_timestamp_ns(${nanoLiteral(window.endMs)})), arg_min(value, time))::DOUBLE AS value,
  epoch_ms(coalesce(max(time) FILTER (time < make_timestamp_ns(${nanoLiteral(window.endMs)})), min(time)))::DOUBLE AS at_ms
FROM (
  SELECT ${nodeOf} AS node, d.metric, x.time, x.value
  FROM series d JOIN samples x ON x.series_id = d.series_id LEFT JOIN resources r ON r.resource_id = d.resource_id
  WHERE d.metric IN ('node_cpu_hourly_cost', 'node_ram_hourly_cost')
    AND ${between('x.time', window.startMs - PRICE_REACH_MS, window.endMs + PRICE_REACH_MS)} AND NOT isnan(x.value)
)
WHERE node <> '' GROUP BY node, metric ORDER BY node, metric`;
}
