import type { Figure, IncidentCost } from '#contracts/cost.ts';

export interface CostRow {
  /** '' for all affected services together. */
  readonly service: string;
  readonly cost: Figure;
  readonly before: Figure;
  /** (cost - before) / before; null when there was nothing before. */
  readonly change: number | null;
}
const changeOf = (cost: Figure, before: Figure): number | null =>
  Number(before.amount) === 0 ? null : Number(cost.amount) / Number(before.amount) - 1;
/** Services by what they cost, then all of them. */
export function costRows(ledger: IncidentCost['ledgers'][number]): CostRow[] {
  const rows = ledger.services.map(({ service, cost, costBefore }) => ({
    service,
    cost,
    before: costBefore,
    change: changeOf(cost, costBefore),
  }));
  rows.sort((a, b) => Number(b.cost.amount) - Number(a.cost.amount) || a.service.localeCompare(b.service));
  const all = { service: '', cost: ledger.cost, before: ledger.costBefore, change: changeOf(ledger.cost, ledger.costBefore) };
  return rows.length === 1 ? rows : [...rows, all];
}
/** "+12 %", "-3.1 %". */
export function changeText(change: number | null): string {
  if (change === null) return '–';
  const percent = change * 100;
  const text = Math.abs(percent) < 0.05 ? '0' : String(Number(percent.toPrecision(Math.abs(percent) >= 10 ? 3 : 2)));
  return `${percent > 0.05 ? '+' : ''}${text} %`;
}
