import type { Bill } from '#contracts/cost.ts';
import type { Table } from '../../lib/table.ts';

/** What a service of the provider cost in a month. */
export interface BillService {
  readonly service: string;
  readonly list: number;
  readonly contracted: number;
  readonly effective: number;
  readonly billed: number;
  readonly rows: number;
}
export interface BillMonth {
  /** "2026-10". */
  readonly month: string;
  readonly startMs: number;
  readonly endMs: number;
}
const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7);
function monthSpan(month: string): BillMonth {
  const startMs = Date.parse(`${month}-01T00:00:00Z`);
  const start = new Date(startMs);
  return { month, startMs, endMs: Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1) };
}
const MAX_MONTHS = 60;
/** The newest months the bills reach into, newest first. */
export function monthsOf(bills: readonly Bill[]): BillMonth[] {
  const months = new Set<string>();
  for (const { startMs, endMs } of bills) {
    if (startMs === null || endMs === null) continue;
    // From its end back: of a bill of many years the newest months are those one looks for.
    let left = MAX_MONTHS;
    for (let at = endMs - 1; at >= startMs && left > 0; at = monthSpan(monthOf(at)).startMs - 1, left--) months.add(monthOf(at));
  }
  return [...months].sort().reverse().slice(0, MAX_MONTHS).map(monthSpan);
}
export const currenciesOf = (bills: readonly Bill[]): string[] =>
  [...new Set(bills.flatMap((bill) => bill.totals.map((total) => total.currency)))].sort();

/** By service, dearest first. */
export function billServices(table: Pick<Table, 'texts' | 'numbers'>): BillService[] {
  const [services, list, contracted, effective, billed, rows] = [
    table.texts('service'),
    ...(['list_cost', 'contracted_cost', 'effective_cost', 'billed_cost', 'rows'] as const).map((name) => table.numbers(name)),
  ] as [string[], ...Float64Array[]];
  const sums = new Map<string, BillService>();
  const part = (column: Float64Array | undefined, i: number): number => (Number.isFinite(column?.[i]) ? (column?.[i] ?? 0) : 0);
  services.forEach((service, i) => {
    const known = sums.get(service) ?? { service, list: 0, contracted: 0, effective: 0, billed: 0, rows: 0 };
    sums.set(service, {
      service,
      list: known.list + part(list, i),
      contracted: known.contracted + part(contracted, i),
      effective: known.effective + part(effective, i),
      billed: known.billed + part(billed, i),
      rows: known.rows + part(rows, i),
    });
  });
  return [...sums.values()].sort((a, b) => b.effective - a.effective || (a.service < b.service ? -1 : 1));
}
/** 100 x (1 - effective / list), as a ratio; null where there is no list price. FOCUS's own SQL lacks the brackets. */
export const savedOf = (row: Pick<BillService, 'list' | 'effective'>): number | null =>
  row.list > 0 ? 1 - row.effective / row.list : null;
