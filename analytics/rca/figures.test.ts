import { expect, it } from 'vitest';
import { amountText, durationText, percentText, rateText, seriesText } from './figures.ts';

it.each([
  [rateText, 12.34, '12 /s'],
  [rateText, 0.4, '0.4 /s'],
  [rateText, 0.05, '3 /min'],
  [rateText, 0.00069, '2.5 /h'],
  [rateText, 2e-20, '0 /s'],
  [rateText, 0, '0 /s'],
  [rateText, Number.NaN, '0 /s'],
  [rateText, 123_456, '120000 /s'],
  [percentText, 0.31, '31 %'],
  [percentText, 0.002, '0.2 %'],
  [percentText, 1e-9, '0 %'],
  [percentText, 1, '100 %'],
  [percentText, -0.1, '0 %'],
  [durationText, 38.2, '38 ms'],
  [durationText, 1234, '1.2 s'],
  [durationText, 250_000, '4.2 min'],
  [durationText, 4e-10, '0 ms'],
  [durationText, Number.NaN, '–'],
])('%o of %f reads %s', (text, value, expected) => expect(text(value)).toBe(expected));
it.each([
  [4.49e-10, '{request}', '0'],
  [5.69e21, '1', '5690000000000000000000'],
  [0.671, 's', '670 ms'],
  [512e6, 'By', '512 MB'],
  [12.3, 'W', '12.3 W'],
  [Number.POSITIVE_INFINITY, 'By', '–'],
])('%f %s reads %s', (value, unit, expected) => expect(amountText(value, unit)).toBe(expected));
it.each([
  [1.7, 's', true, '1.7'],
  [3, '{request}', true, '3 /s'],
  [2e6, 'By', true, '2 MB/s'],
  [0.02, 's', false, '20 ms'],
  [Number.NaN, 'By', true, '–'],
])('a series at %f %s (rate: %s) reads %s', (value, unit, isRate, expected) => expect(seriesText(value, unit, isRate)).toBe(expected));
it('no figure has an exponent', () => {
  for (let power = -25; power <= 21; power++)
    for (const say of [rateText, percentText, durationText, (v: number) => amountText(v, ''), (v: number) => amountText(v, 'By')])
      expect(say(3 * 10 ** power)).not.toMatch(/e[+-]?\d/);
});
