import { describe, expect, it } from 'vitest';
import type { Bill } from '#contracts/cost.ts';
import { billServices, currenciesOf, monthsOf, savedOf } from './bill-model.ts';

const bill = (start: string | null, end: string | null, ...currencies: string[]): Bill => ({
  id: '1',
  name: 'bill.csv',
  importedMs: 0,
  focusVersion: '1.2',
  provider: 'AWS',
  startMs: start === null ? null : Date.parse(start),
  endMs: end === null ? null : Date.parse(end),
  rows: 1,
  refusedRows: 0,
  repeatedRows: 0,
  totals: currencies.map((currency) => ({ currency, rows: 1, billed: '1', effective: '1' })),
  problems: [],
  problemCount: 0,
  alreadyThere: false,
});
describe('months', () => {
  it('every month a bill reaches into, newest first, once', () =>
    expect(monthsOf([bill('2026-09-15', '2026-11-01'), bill('2026-10-01', '2026-10-31')]).map((each) => each.month)).toEqual([
      '2026-10',
      '2026-09',
    ]));
  it('a month ends where the next begins, also in December', () =>
    expect(monthsOf([bill('2026-12-31', '2027-01-01')])[0]).toEqual({
      month: '2026-12',
      startMs: Date.UTC(2026, 11, 1),
      endMs: Date.UTC(2027, 0, 1),
    }));
  it('a bill without a time, or of centuries, ends somewhere', () => {
    expect(monthsOf([bill(null, null)])).toEqual([]);
    const months = monthsOf([bill('1990-01-01', '2300-01-01'), bill('2000-01-01', '2000-02-01')]).map((each) => each.month);
    expect([months.length, months[0], months.at(-1)]).toEqual([60, '2299-12', '2295-01']);
  });
});
it('currencies are each named once', () =>
  expect(currenciesOf([bill(null, null, 'USD', 'EUR'), bill(null, null, 'USD')])).toEqual(['EUR', 'USD']));
describe('services of a month', () => {
  const columns: Record<string, number[]> = {
    list_cost: [10, 10, Number.NaN],
    contracted_cost: [9, 9, 0],
    effective_cost: [5, 5, 30],
    billed_cost: [0, 9, 30],
    rows: [1, 2, 3],
  };
  const rows = billServices({ texts: () => ['EC2', 'EC2', 'Support'], numbers: (name) => Float64Array.from(columns[name] ?? []) });
  it('are summed over their days, dearest first; what is not a number adds nothing', () =>
    expect(rows).toEqual([
      { service: 'Support', list: 0, contracted: 0, effective: 30, billed: 30, rows: 3 },
      { service: 'EC2', list: 20, contracted: 18, effective: 10, billed: 9, rows: 3 },
    ]));
  it('saved is 1 - effective / list, and unknown without a list price', () => {
    expect(savedOf(rows[1]!)).toBe(0.5);
    expect(savedOf(rows[0]!)).toBeNull();
  });
});
