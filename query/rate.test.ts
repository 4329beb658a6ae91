import { describe, expect, it } from 'vitest';
import { type CounterSample, extrapolatedIncrease, extrapolatedRate } from './rate.ts';

const every = (stepSeconds: number, values: readonly number[], fromSeconds = 0): CounterSample[] =>
  values.map((value, i) => ({ timeMs: (fromSeconds + i * stepSeconds) * 1000, value }));

/** Worked by hand from promql/functions.go extrapolatedRate. */
describe('extrapolatedRate', () => {
  it.each([
    ['samples fill the range: slope over it', every(15, [15, 30, 45, 60], 15), 60, 60, 1],
    ['a gap at the end shorter than 1.1 intervals is bridged', every(15, [100, 115, 130, 145], 0), 55, 60, (45 * (45 + 5 + 10)) / 45 / 60],
    ['a gap at the end longer than that: half an interval', every(10, [100, 110, 120], 5), 60, 60, (20 * (20 + 5 + 5)) / 20 / 60],
    ['a counter is not taken below zero', every(15, [5, 20, 35], 30), 60, 60, (30 * (30 + 5)) / 30 / 60],
    ['a reset adds what was before it', every(15, [50, 60, 10, 20], 15), 60, 60, (30 * (45 + 15)) / 45 / 60],
  ])('%s', (_, samples, endSeconds, rangeSeconds, expected) => {
    expect(extrapolatedRate(samples, endSeconds * 1000, rangeSeconds * 1000)).toBeCloseTo(expected, 12);
  });
  it('is NaN without two samples at different times', () => {
    expect(extrapolatedRate([], 60_000, 60_000)).toBeNaN();
    expect(extrapolatedRate(every(15, [1]), 60_000, 60_000)).toBeNaN();
    expect(extrapolatedRate([...every(15, [1]), ...every(15, [5])], 60_000, 60_000)).toBeNaN();
  });
  it('of a counter that stands still is zero', () => {
    expect(extrapolatedIncrease(every(15, [7, 7, 7, 7]), 60_000, 60_000)).toBe(0);
  });
  it('scales with the counter', () => {
    const values = [100, 130, 160, 250, 20, 50];
    const one = extrapolatedRate(every(10, values), 60_000, 60_000);
    expect(
      extrapolatedRate(
        every(
          10,
          values.map((v) => v * 3),
        ),
        60_000,
        60_000,
      ),
    ).toBeCloseTo(one * 3, 12);
  });
});
