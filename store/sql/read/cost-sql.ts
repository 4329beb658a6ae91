import { hostOf } from './expressions.ts';
import { nanoLiteral, numberLiteral, textLiteral } from './literals.ts';
import type { UsageWindow } from './usage-sql.ts';

/** Tags that name a service, the first that is there wins. */
const SERVICE_TAGS = ['service.name', 'service', 'Service', 'app', 'App', 'application', 'Application', 'app.kubernetes.io/name'];
const serviceTag = `coalesce(${SERVICE_TAGS.map((key) => `b.tags[${textLiteral(key)}]`).join(', ')}, '')`;
/** Rows id, node: each name or host.id of a node once. */
const NODE_IDS = `SELECT id, any_value(node) AS node FROM (
      SELECT ${hostOf('r')} AS id, ${hostOf('r')} AS node FROM resources r
      UNION ALL SELECT r.attributes['host.id'], ${hostOf('r')} FROM resources r
      UNION ALL SELECT d.attributes['node'], d.attributes['node'] FROM series d WHERE d.source = 'prometheus'
    ) WHERE id <> '' AND node <> '' GROUP BY id`;
const stamp = (unixMs: number): string => `make_timestamp(${nanoLiteral(unixMs)} // 1000)`;
/**
 * Bill rows in a window, with the node their resource is (by its name, else by its id or the host.id somebody sends) and the
 * service a tag names. Two joins, one match each: a row both whose name and whose id are of a node would else count twice.
 */
const chargedSql = (window: UsageWindow): string => `SELECT b.*, coalesce(by_name.node, by_id.node, '') AS node, ${serviceTag} AS service,
    epoch_ms(b.charge_period_start)::DOUBLE AS from_ms, epoch_ms(b.charge_period_end)::DOUBLE AS to_ms
  FROM bill b
  LEFT JOIN (${NODE_IDS}) by_name ON by_name.id = b.resource_name
  LEFT JOIN (${NODE_IDS}) by_id ON by_id.id = split_part(b.resource_id, '/', -1)
  WHERE b.charge_period_start < ${stamp(window.endMs)} AND b.charge_period_end > ${stamp(window.startMs)}`;

/** Rows currency, node, service, what, overhead, from_ms, to_ms, amount (exact, as text). */
export const billGroupsSql = (window: UsageWindow): string => `SELECT billing_currency AS currency, node, service,
  coalesce(service_name, service_category, charge_description, charge_category, '') AS what,
  (coalesce(charge_category, 'Usage') <> 'Usage')::INTEGER AS overhead, from_ms, to_ms, sum(effective_cost)::VARCHAR AS amount
FROM (${chargedSql(window)})
GROUP BY ALL ORDER BY ALL`;

/** What a held core-hour and GiB-hour of a node cost in cells first to last, and what an offered one did. */
export interface RateRow {
  readonly node: string;
  readonly first: number;
  readonly last: number;
  readonly held: readonly [core: string, gib: string];
  readonly offered: readonly [core: string, gib: string];
}
export interface CostStatements {
  readonly window: UsageWindow;
  readonly currency: string;
  readonly nodeQuery: string;
  readonly serviceQuery: string;
  /** Nodes whose services are measured, and places of unknown size (offered: 0). */
  readonly rates: readonly RateRow[];
  /** Nodes of known size on which nothing is measured. */
  readonly unmeasured: readonly RateRow[];
  /** Billed for nodes outside of the time they were heard: decimal text. */
  readonly leftOver: string;
}
const NO_RATE = "('', 0, 0, 0, 0, 0, 0)";
const ratesSql = (rates: readonly RateRow[]): string =>
  `(VALUES ${rates.map((r) => `(${textLiteral(r.node)}, ${r.first}, ${r.last}, ${[...r.held, ...r.offered].map((rate) => `${rate}::DOUBLE`).join(', ')})`).join(', ') || NO_RATE}) AS r(node, first, last, core_held, gib_held, core_offered, gib_offered)`;
const heldSql = (s: CostStatements, where: string): string => `coalesce((
  SELECT sum(greatest(cpu_core_hours, coalesce(cpu_requested, 0)) * core_held + greatest(memory_gib_hours, coalesce(memory_requested, 0)) * gib_held)
  FROM (${s.serviceQuery}) u JOIN ${ratesSql(s.rates)} ON r.node = u.node AND u.cell BETWEEN r.first AND r.last
  ${where}), 0)`;
/** Part of each bill row that lies in the window. @param where conditions on node, service */
const billedSql = (s: CostStatements, where: string): string => `coalesce((
  SELECT sum(effective_cost::DOUBLE * (least(to_ms, ${numberLiteral(s.window.endMs)}) - greatest(from_ms, ${numberLiteral(s.window.startMs)})) / (to_ms - from_ms))
  FROM (${chargedSql(s.window)}) WHERE billing_currency = ${textLiteral(s.currency)} AND ${where}), 0)`;
const nodesSql = (s: CostStatements, rates: readonly RateRow[]): string => `coalesce((
  SELECT sum((to_ms - from_ms) / 3.6e6 * (vcpus * core_offered + memory_gib * gib_offered))
  FROM (${s.nodeQuery}) u JOIN ${ratesSql(rates)} ON r.node = u.node AND u.cell BETWEEN r.first AND r.last), 0)`;
const leftOver = (s: CostStatements): string =>
  s.leftOver === '0' ? '' : `\n  + ${s.leftOver}::DOUBLE -- billed for nodes while nobody measured them\n `;

/** Each gives one row, column "value". Bill rows are read again; nodes and what is held are priced at the rates found for the window. */
export const costQueries = {
  service: (s: CostStatements, services: readonly string[]): string => {
    const names = `(${services.map(textLiteral).join(', ')})`;
    return `SELECT ${heldSql(s, `WHERE u.service IN ${names}`)}\n  + ${billedSql(s, `node = '' AND service IN ${names}`)} AS value`;
  },
  allocated: (s: CostStatements): string => `SELECT ${heldSql(s, '')}\n  + ${billedSql(s, "node = '' AND service <> ''")} AS value`,
  idle: (s: CostStatements): string => `SELECT ${nodesSql(s, s.rates)}\n  - ${heldSql(s, 'WHERE core_offered + gib_offered > 0')} AS value`,
  unallocated: (s: CostStatements): string =>
    `SELECT ${billedSql(s, "node = '' AND service = ''")}\n  + ${nodesSql(s, s.unmeasured)}${leftOver(s)} AS value`,
  total: (s: CostStatements): string =>
    `SELECT ${nodesSql(s, [...s.rates, ...s.unmeasured])}\n  + ${heldSql(s, 'WHERE core_offered + gib_offered = 0')}\n  + ${billedSql(s, "node = ''")}${leftOver(s)} AS value`,
};

/** What each bill holds, per currency. */
export const billTotalsSql = `SELECT bill_id, billing_currency, min(charge_period_start) AS first, max(charge_period_end) AS last, count(*) AS rows,
  sum(billed_cost) AS billed, sum(effective_cost) AS effective
FROM bill GROUP BY bill_id, billing_currency ORDER BY last DESC`;
