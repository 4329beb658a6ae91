import { describe, expect, it } from 'vitest';
import { seededRng } from '../../tests/fixtures/seeded-rng.ts';
import { binomialUpperTail, logGamma, ratioUpperBound } from './binomial.ts';
import { shiftedStretch, shiftOnset } from './onset.ts';
import { finiteSlice, median, medianAbsoluteDeviation, quantile, robustZ, trimmedMean } from './robust.ts';
import { lowerEnvelope, mannKendallZ, theilSenSlope } from './trend.ts';

describe('robust', () => {
  it.each([
    [[], Number.NaN],
    [[3], 3],
    [[1, Number.NaN, 3], 2],
    [[4, 1, 3, 2], 2.5],
  ])('median of %j is %d', (values, expected) => expect(median(values)).toEqual(expected));
  it('quantiles interpolate and stay within the data', () => {
    expect(quantile([0, 10], 0.25)).toBe(2.5);
    expect(quantile([5, 1, 9], 2)).toBe(9);
    expect(quantile([5, 1, 9], -1)).toBe(1);
  });
  it('one outlier moves neither median, MAD nor trimmed mean far', () => {
    const values = Array.from({ length: 21 }, (_, i) => i);
    const spoiled = [...values.slice(0, 20), 1e9];
    expect(Math.abs(median(spoiled) - median(values))).toBeLessThan(1);
    expect(medianAbsoluteDeviation(spoiled)).toBeLessThan(2 * medianAbsoluteDeviation(values));
    expect(trimmedMean(spoiled)).toBeLessThan(12);
  });
  it('a flat scale falls back to the floor', () => {
    expect(robustZ(3, 1, 0, 0.5)).toBe(4);
    expect(robustZ(3, 1, Number.NaN, 0.5)).toBe(4);
    expect(finiteSlice([1, Number.NaN, Number.POSITIVE_INFINITY, 2], 0, 99)).toEqual([1, 2]);
  });
});

describe('binomial', () => {
  const choose = (n: number, k: number): number => Array.from({ length: k }, (_, i) => (n - i) / (i + 1)).reduce((a, b) => a * b, 1);
  it.each([
    [1, 3, 0.01],
    [5, 20, 0.1],
    [30, 100, 0.2],
    [10, 10, 0.5],
  ])('P(X >= %d of %d at %d) equals the sum of the terms', (k, n, p) => {
    let sum = 0;
    for (let i = k; i <= n; i++) sum += choose(n, i) * p ** i * (1 - p) ** (n - i);
    expect(binomialUpperTail(k, n, p)).toBeCloseTo(sum, 9);
  });
  it('is 1 for none, 0 beyond all, and falls with the count', () => {
    expect(binomialUpperTail(0, 10, 0.1)).toBe(1);
    expect(binomialUpperTail(11, 10, 0.1)).toBe(0);
    for (let k = 1; k < 50; k++) expect(binomialUpperTail(k + 1, 50, 0.3)).toBeLessThan(binomialUpperTail(k, 50, 0.3));
  });
  it('log gamma is the log factorial; the upper bound lies above the ratio and shrinks towards it', () => {
    expect(logGamma(6)).toBeCloseTo(Math.log(120), 9);
    expect(ratioUpperBound(1, 100)).toBeGreaterThan(0.01);
    expect(ratioUpperBound(100, 10_000)).toBeLessThan(ratioUpperBound(1, 100));
  });
});

describe('trend', () => {
  it('tells a climb from noise and from a sawtooth', () => {
    const rng = seededRng(3);
    const noise = Array.from({ length: 24 }, () => rng());
    expect(Math.abs(mannKendallZ(noise))).toBeLessThan(3);
    expect(mannKendallZ(noise.map((v, i) => v + i))).toBeGreaterThan(4);
    const tooth = Array.from({ length: 120 }, (_, i) => 10 + (i % 10));
    expect(Math.abs(mannKendallZ(lowerEnvelope(tooth, 0, 120, 12)))).toBeLessThan(1);
    expect(
      mannKendallZ(
        lowerEnvelope(
          tooth.map((v, i) => v + i),
          0,
          120,
          12,
        ),
      ),
    ).toBeGreaterThan(4);
  });
  it('Theil-Sen finds the slope through gaps and outliers', () => {
    expect(theilSenSlope([0, 2, Number.NaN, 6, 800, 10])).toBeCloseTo(2, 9);
    expect(theilSenSlope([1])).toBeNaN();
  });
});

describe('onset', () => {
  it.each([5, 20, 39])('finds a lasting step at %d', (at) => {
    const rng = seededRng(at);
    const values = Array.from({ length: 40 }, (_, i) => (i >= at ? 10 : 1) + rng());
    expect(shiftOnset(values, 0, 40, 1.5, 10.5)).toBe(at);
  });
  it('finds a trouble that ended, and is not drawn by one outlier', () => {
    const values = Array.from({ length: 60 }, (_, i): number => (i >= 30 && i < 40 ? 10 : 1));
    values[5] = 1e6;
    expect(shiftedStretch(values, 0, 60, 1, 10)).toEqual({ from: 30, to: 40 });
  });
  it('says nothing where there is nothing', () => {
    expect(shiftOnset([Number.NaN, Number.NaN], 0, 2, 0, 1)).toBe(-1);
    expect(shiftedStretch([1, 1], 0, 2, 1, 1)).toBeNull();
  });
});
