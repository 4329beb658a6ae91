import { expect, it } from 'vitest';
import { SourceRates } from './source-rates.ts';

it('takes so many items a second, ten seconds at once, and no other source pays', () => {
  let now = 1_000;
  const rates = new SourceRates({ loud: { itemsPerSecond: 100 } }, () => now);
  expect(rates.take('loud', 900)).toBeNull();
  expect(rates.take('loud', 101)).toBe(100);
  expect(rates.take('loud', 100)).toBeNull();
  expect(rates.take('quiet', 1e9)).toBeNull();
  now += 500;
  expect([rates.take('loud', 51), rates.take('loud', 50)]).toEqual([100, null]);
  // A clock that goes back gives nothing.
  now -= 60_000;
  expect(rates.take('loud', 1)).toBe(100);
});
it('a request larger than the bucket passes when it is full, and is paid for', () => {
  let now = 0;
  const rates = new SourceRates({ loud: { itemsPerSecond: 10 } }, () => now);
  expect(rates.take('loud', 1_000)).toBeNull();
  now += 90_000;
  expect(rates.take('loud', 1)).toBe(10);
  now += 10_000;
  expect(rates.take('loud', 1)).toBeNull();
});
it('over an hour no more than the limit and one burst', () => {
  let now = 0;
  const rates = new SourceRates({ loud: { itemsPerSecond: 7 } }, () => now);
  let taken = 0;
  for (; now < 3_600_000; now += 250) if (rates.take('loud', 20) === null) taken += 20;
  expect(taken).toBeGreaterThan(7 * 3_600 * 0.98);
  expect(taken).toBeLessThanOrEqual(7 * 3_610);
});
