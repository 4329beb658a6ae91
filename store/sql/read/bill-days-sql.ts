import { between, textLiteral } from './literals.ts';

export interface BillDays {
  readonly startMs: number;
  readonly endMs: number;
  readonly currency: string;
}
/** Usage that a commitment pays for is in the list price of the commitment's own row already (FOCUS: savings, 1.2). */
const NOT_TWICE = `NOT (charge_category = 'Usage' AND billed_cost = 0 AND effective_cost <> 0)`;

/** Costs by day (UTC, on which the charge begins) and the provider's service, one currency. */
export const billDaysSql = ({ startMs, endMs, currency }: BillDays): string =>
  `SELECT date_trunc('day', charge_period_start)::TIMESTAMP_NS AS day, coalesce(service_name, '') AS service,
  coalesce(sum(list_cost) FILTER (${NOT_TWICE}), 0)::DOUBLE AS list_cost, coalesce(sum(contracted_cost) FILTER (${NOT_TWICE}), 0)::DOUBLE AS contracted_cost,
  coalesce(sum(effective_cost), 0)::DOUBLE AS effective_cost, coalesce(sum(billed_cost), 0)::DOUBLE AS billed_cost, count(*)::DOUBLE AS rows
FROM bill
WHERE ${between('charge_period_start', startMs, endMs)} AND billing_currency = ${textLiteral(currency)}
GROUP BY ALL ORDER BY day, service`;
