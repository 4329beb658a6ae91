import { describe, expect, it } from 'vitest';
import { changeText, costRows } from './incident-cost-model.ts';

const figure = (amount: string) => ({ amount, query: '', formula: '' });
describe('costRows', () => {
  const ledger = {
    currency: 'USD',
    cost: figure('3'),
    costBefore: figure('2'),
    services: [
      { service: 'a', cost: figure('1'), costBefore: figure('0') },
      { service: 'b', cost: figure('2'), costBefore: figure('2') },
    ],
  };
  it('puts the dearest first and all of them last', () => {
    expect(costRows(ledger).map(({ service, change }) => [service, changeText(change)])).toEqual([
      ['b', '0 %'],
      ['a', '–'],
      ['', '+50 %'],
    ]);
  });
  it('does not repeat one service as its own sum', () => {
    expect(costRows({ ...ledger, services: ledger.services.slice(0, 1) })).toHaveLength(1);
  });
});
