import { expect, it } from 'vitest';
import type { SloSummary } from '#contracts/slo.ts';
import { barWidth, budgetText, burnText, endsOf, goodText, inOrder, thresholdsFor } from './slo-model.ts';

const slo = (id: string, state: SloSummary['state'], budgetLeft: number | null) => ({ id, state, budgetLeft }) as SloSummary;

it('lists first what needs somebody', () => {
  const slos = [
    slo('a', 'ok', 0.9),
    slo('b', 'unknown', null),
    slo('c', 'exhausted', -1),
    slo('d', 'page', 0.5),
    slo('e', 'ok', 0.2),
    slo('f', 'ticket', 0.1),
  ];
  expect(inOrder(slos).map(({ id }) => id)).toEqual(['d', 'c', 'f', 'b', 'e', 'a']);
});
it.each([
  [null, '–'],
  [1, '100 %'],
  [0.99, '99.00 %'],
  [0.9995, '99.9500 %'],
  [0.5, '50.0 %'],
  [0.972, '97.20 %'],
])('%s good is said as %s', (share, text) => expect(goodText(share)).toBe(text));
it.each([
  [null, '–'],
  [0.5, '50 %'],
  [0.034, '3.4 %'],
  [0, '0 %'],
  [-1.694, '-169 %'],
  [-1e6, '< -9900 %'],
])('%s of the budget is said as %s', (left, text) => expect(budgetText(left)).toBe(text));
it.each([
  [null, '–'],
  [0.5, '0.50×'],
  [14.44, '14.4×'],
  [1234, '1234×'],
])('a burn rate of %s is said as %s', (rate, text) => expect(burnText(rate)).toBe(text));
it('bars end at nothing', () => expect([null, -3, 0.25, 2].map(barWidth)).toEqual([0, 0, 25, 100]));
it('a step is told at its end', () => expect(endsOf({ startMs: 100, stepMs: 10, left: [1, null] })).toEqual([110, 120]));
it('offers round thresholds around what is usual', () => {
  expect(thresholdsFor(313)).toEqual([300, 500, 1_000, 2_000, 5_000]);
  expect(thresholdsFor(1)).toEqual([10, 20, 50, 100]);
  expect(thresholdsFor(1e9)).toEqual([10_000, 30_000]);
});
