import { describe, expect, it } from 'vitest';
import type { PriceEntry } from '#contracts/cost.ts';
import type { NodeUsage } from '#contracts/resource-usage.ts';
import { keepCostBooks } from './describe-cost.ts';
import { formatAmount, parseAmount, sumOf } from './money.ts';
import { type BillGroup, type Grid, type Prices, priceNodes } from './price-nodes.ts';

const HOUR = 3_600_000;
const SHIPPED: PriceEntry = {
  provider: '',
  region: '',
  instanceType: '',
  node: '',
  currency: 'USD',
  cpuCoreHour: '0.03',
  memoryGiBHour: '0.004',
  from: '1970-01-01',
};
const prices = (more: Partial<Prices> = {}): Prices => ({
  own: [],
  ownName: '',
  scraped: new Map(),
  shipped: [SHIPPED],
  shippedName: 'shipped',
  ...more,
});
const node = (name: string, startMs: number, endMs: number): NodeUsage => ({
  node: name,
  startMs,
  endMs,
  vcpus: 2,
  memoryGiB: 0,
  cpuUtilization: null,
  provider: '',
  region: '',
  instanceType: '',
});
const group = (more: Partial<BillGroup>): BillGroup => ({
  currency: 'USD',
  node: '',
  service: '',
  what: 'w',
  overhead: false,
  startMs: 0,
  endMs: HOUR,
  amount: parseAmount('1'),
  ...more,
});
const grid = (cells: number): Grid => ({ startMs: 0, endMs: cells * HOUR, stepMs: HOUR, cells });

describe('priceNodes', () => {
  it('takes more bill rows than a call may have arguments, none lost', () => {
    const groups = Array.from({ length: 150_000 }, (_, i) => group({ what: `w${i}` }));
    expect(formatAmount(sumOf(priceNodes([], groups, prices(), grid(1)).billed.map(({ amount }) => amount)))).toBe('150000');
  });
  it('does not call a price billed where the bill is for a time the node was not heard in', () => {
    const heard = node('n', HOUR / 2, HOUR);
    const { nodes, billed, prices: shown } = priceNodes([heard], [group({ node: 'n', endMs: HOUR / 2 })], prices(), grid(1));
    expect(nodes.map(({ cpuCost }) => formatAmount(cpuCost))).toEqual(['0.03']);
    expect(billed).toMatchObject([{ reason: 'not_measured', amount: parseAmount('1') }]);
    expect(shown).toMatchObject([{ source: 'shipped_list', says: 'shipped', cpuCoreHour: '0.03' }]);
  });
  it('reads a scraped price as it was exported, and one that is no amount as none', () => {
    const scraped = (coreHour: number) => new Map([['n', { node: 'n', coreHour, gibHour: 1e-7, atMs: 0 }]]);
    const rateOf = (coreHour: number) => priceNodes([node('n', 0, HOUR)], [], prices({ scraped: scraped(coreHour) }), grid(1)).prices[0];
    expect(rateOf(12.3)).toMatchObject({ source: 'scraped', cpuCoreHour: '12.3' });
    expect(rateOf(Number.POSITIVE_INFINITY)).toMatchObject({ source: 'shipped_list' });
    expect(rateOf(-1)).toMatchObject({ source: 'shipped_list' });
  });
});

it('only who is charged at the default prices is told that they are used', () => {
  const codes = (own: readonly PriceEntry[]) => {
    const service = { service: 'a', node: 'elsewhere', startMs: 0, endMs: HOUR, cpuCoreHours: 1, cpuRequestedCoreHours: 1 };
    const usage = {
      startMs: 0,
      endMs: HOUR,
      stepMs: HOUR,
      nodes: [],
      services: [{ ...service, memoryGiBHours: 0, memoryRequestedGiBHours: null }],
      nodeQuery: '',
      serviceQuery: '',
    };
    return keepCostBooks({ usage, groups: [], prices: prices({ own }), idle: 'apart', bills: true }).missing.map(({ code }) => code);
  };
  expect(codes([])).toContain('default_prices');
  expect(codes([{ ...SHIPPED, currency: 'EUR' }])).not.toContain('default_prices');
});
