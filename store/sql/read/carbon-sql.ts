import { isEntry } from './expressions.ts';
import { between, textList } from './literals.ts';
import type { Window } from './services-sql.ts';

/** What went into the emissions of services, by node. `usage`: the text of serviceUsageSql; `services` null: all. */
export const heldByServicesSql = (usage: string, services: readonly string[] | null): string =>
  `SELECT service, node, sum(cpu_core_hours) AS used_vcpu_hours, sum(greatest(cpu_core_hours, coalesce(cpu_requested, 0))) AS reserved_vcpu_hours,
  sum(greatest(memory_gib_hours, coalesce(memory_requested, 0))) AS reserved_gib_hours
FROM (
${usage}
)${services === null ? '' : `\nWHERE service IN ${textList(services)}`}
GROUP BY service, node ORDER BY service, node`;

/** What went into the emissions of the nodes. `usage`: the text of nodeUsageSql. */
export const heldByNodesSql = (usage: string): string =>
  `SELECT node, any_value(provider) AS provider, any_value(region) AS region, any_value(instance_type) AS instance_type,
  sum(vcpus * hours) AS vcpu_hours, sum(vcpus * hours * cpu_utilization) AS busy_vcpu_hours, sum(memory_gib * hours) AS gib_hours
FROM (SELECT *, (to_ms - from_ms) / 3.6e6 AS hours FROM (
${usage}
))
GROUP BY node ORDER BY node`;

/** Requests of each service: its entry spans. */
export const serviceRequestsSql = (window: Window): string =>
  `SELECT s.service, count(*)::DOUBLE AS requests
FROM spans s
WHERE ${between('s.start_time', window.startMs, window.endMs)} AND ${isEntry('s')}
GROUP BY s.service ORDER BY requests DESC, s.service`;
