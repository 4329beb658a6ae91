import { describe, expect, it } from 'vitest';
import { changeText, costRows, moneyText } from './incident-cost-model.ts';

const figure = (amount: string) => ({ amount, query: '', formula: '' });
describe('moneyText', () => {
  it.each([
    ['0', 'USD', '$0.00'],
    ['12.345', 'USD', '$12.35'],
    ['0.031611', 'USD', '$0.0316'],
    ['0.0000123456', 'EUR', '€0.0000123'],
    ['-3', 'USD', '-$3.00'],
  ])('%s %s is %s', (amount, currency, text) => expect(moneyText(amount, currency, 'en')).toBe(text));
  it('takes a bill without a currency', () => expect(moneyText('1', 'XXX', 'en')).toContain('1.00'));
});
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
