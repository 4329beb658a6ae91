import type { IncidentCarbon } from '#contracts/carbon.ts';
import type { IncidentCost } from '#contracts/cost.ts';
import type { DraftFacts } from '#models/postmortem/draft-postmortem.ts';
import { wordsOf } from '#models/postmortem/words.ts';
import { heldTotalSql } from '#store/sql/read/postmortem-sql.ts';
import type { Figures } from './figures.ts';

/** Cost and emissions of the incident; null where nothing tells them. */
export interface Resources {
  readonly cost: IncidentCost | null;
  readonly carbon: IncidentCarbon | null;
}
export const NO_RESOURCES: Resources = { cost: null, carbon: null };

const pricedLedgers = ({ cost }: Resources): IncidentCost['ledgers'] =>
  (cost?.ledgers ?? []).filter((ledger) => Number(ledger.cost.amount) !== 0);
const emittedBy = ({ carbon }: Resources): IncidentCarbon | null => (carbon !== null && carbon.emissions.mid > 0 ? carbon : null);

export function resourceStatements(resources: Resources): string[] {
  const carbon = emittedBy(resources);
  return [
    ...pricedLedgers(resources).flatMap(({ cost, costBefore }) => [cost.query, costBefore.query]),
    ...(carbon ? [heldTotalSql(carbon.emissions.query)] : []),
  ];
}
/**
 * A line per currency and one for emissions. Grams are calculated, not stored: what went in is figures, and the calculation stands
 * beside them with its numbers filled in.
 */
export function resourceLines(resources: Resources, figures: Figures, locale: DraftFacts['locale']): DraftFacts['also'] {
  const words = wordsOf(locale);
  const costs = pricedLedgers(resources).map(({ currency, cost, costBefore }) => ({
    pieces: words.cost(
      figures.make(`cost of the services that deviated, ${currency}`, cost.query, 'value', currency, { value: Number(cost.amount) }),
      figures.make(`cost in the same time before, ${currency}`, costBefore.query, 'value', currency, { value: Number(costBefore.amount) }),
    ),
    formula: cost.formula,
  }));
  const carbon = emittedBy(resources);
  if (carbon === null) return costs;
  const sql = heldTotalSql(carbon.emissions.query);
  const pieces = words.emissions(
    figures.make('vCPU-hours the services that deviated held', sql, 'reserved_vcpu_hours', 'vCPU-h'),
    figures.make('GiB-hours the services that deviated held', sql, 'reserved_gib_hours', 'GiB-h'),
  );
  return [...costs, { pieces, formula: carbon.emissions.formula }];
}
