import type { Figure, IncidentCost } from '#contracts/cost.ts';
import { type Ledger, serviceTotal } from './allocate-costs.ts';
import { type CostBooks, type CostQueries, serviceFormula, statementsFor } from './describe-cost.ts';
import { formatAmount, sumOf } from './money.ts';

export interface IncidentCostQuestion {
  readonly incident: string;
  readonly services: readonly string[];
  /** The incident's window, and the same length right before it. */
  readonly during: CostBooks;
  readonly before: CostBooks;
}
const NOTHING: Figure = { amount: '0', query: '', formula: '' };

/** What the affected services cost in both windows, one ledger per currency that has any of it. */
export function describeIncidentCost(question: IncidentCostQuestion, queries: CostQueries): IncidentCost {
  const { during, before, services, incident } = question;
  const side = ({ grid }: CostBooks) => ({ start: grid.startMs, end: grid.endMs });
  const currencies = [
    ...new Set([...during.ledgers, ...before.ledgers].filter((l) => services.some((s) => l.services.has(s))).map((l) => l.currency)),
  ];
  return {
    incident,
    window: side(during),
    before: side(before),
    ledgers: currencies.map((currency) => {
      const [own, past] = [figuresOf(during, currency, services, queries), figuresOf(before, currency, services, queries)];
      const touched = services.filter((service) => own.of.has(service) || past.of.has(service));
      return {
        currency,
        cost: own.all,
        costBefore: past.all,
        services: touched.map((service) => ({
          service,
          cost: own.of.get(service) ?? NOTHING,
          costBefore: past.of.get(service) ?? NOTHING,
        })),
      };
    }),
    missing: [...during.missing],
  };
}
function figuresOf(
  books: CostBooks,
  currency: string,
  services: readonly string[],
  queries: CostQueries,
): { all: Figure; of: Map<string, Figure> } {
  const ledger: Ledger | undefined = books.ledgers.find((each) => each.currency === currency);
  const statements = statementsFor(books, currency);
  const costs = services.flatMap((service) => ledger?.services.get(service) ?? []);
  const all = sumOf(costs.map(serviceTotal));
  const parts = costs.map((cost, i) => `${i === 0 ? '' : '+ '}${cost.service} ${formatAmount(serviceTotal(cost), 12)}`);
  return {
    all: {
      amount: formatAmount(all),
      query: queries.service(statements, services),
      formula: [...parts, `= ${formatAmount(all, 12)} ${currency}`].join('\n'),
    },
    of: new Map(
      costs.map((cost) => [
        cost.service,
        {
          amount: formatAmount(serviceTotal(cost)),
          query: queries.service(statements, [cost.service]),
          formula: ledger ? serviceFormula(books, ledger, cost) : '',
        },
      ]),
    ),
  };
}
