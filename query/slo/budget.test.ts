import { describe, expect, it } from 'vitest';
import { type BudgetUse, budgetUse, burnRate, bySlice, type EventCounts } from './budget.ts';
import { DAY_MS } from './burn-windows.ts';
import type { BudgetMethod } from './objective.ts';

/**
 * The worked example of OpenSLO (examples/budgeting-method/README.md): two weeks, 24,000 requests a day, 95 % are to be good, 99 % usually
 * are, an attack leaves 1 %. Slices are minutes.
 */
const MINUTE_MS = 60_000;
const MINUTES = (14 * DAY_MS) / MINUTE_MS;
const PER_MINUTE = 24_000 / 1_440;
const TARGET = 0.95;
const OCCURRENCES: BudgetMethod = { kind: 'occurrences' };
const SLICES: BudgetMethod = { kind: 'timeslices', sliceMs: MINUTE_MS, sliceTarget: 0.95 };
const RATIOS: BudgetMethod = { kind: 'ratio-timeslices', sliceMs: MINUTE_MS };

const minutes = (attacked: number, usual = 0.99): EventCounts[] =>
  Array.from({ length: MINUTES }, (_, i) => ({
    ...{ startMs: i * MINUTE_MS, total: PER_MINUTE },
    bad: PER_MINUTE * (1 - (i < attacked ? 0.01 : usual)),
  }));
const useAfter = (attacked: number, method: BudgetMethod, usual?: number): BudgetUse => budgetUse(minutes(attacked, usual), TARGET, method);

describe('an error budget', () => {
  it('of occurrences: 336,000 requests may fail 16,800 times; 1,008 attacked minutes of 1 % fail 16,632 times', () => {
    const { allowed } = useAfter(0, OCCURRENCES);
    expect(allowed).toBeCloseTo(16_800, 6);
    // All else without a failure, as the example reckons: 16,800 requests are attacked, 1 % of them answered.
    const { used } = useAfter(1_008, OCCURRENCES, 1);
    expect(used).toBeCloseTo(16_632, 6);
    expect(budgetUse([{ startMs: 0, total: 336_000, bad: 16_632 }], TARGET, OCCURRENCES).left).toBeCloseTo(0.01, 6);
    // With the usual 1 % of failures it is gone sooner.
    expect(useAfter(823, OCCURRENCES).left).toBeLessThan(0);
    expect(useAfter(822, OCCURRENCES).left).toBeGreaterThan(0);
  });
  it('of time slices is gone after 16 hours and 48 minutes', () => {
    const gone = 16 * 60 + 48;
    expect(useAfter(gone, SLICES).left).toBeCloseTo(0, 9);
    expect(useAfter(gone + 1, SLICES).left).toBeLessThan(0);
    expect(useAfter(gone - 1, SLICES).left).toBeGreaterThan(0.0009);
    expect(useAfter(gone, SLICES)).toMatchObject({ used: 1_008 });
  });
  it('of ratios of time slices is gone after 13 hours and 43 minutes ("about 13 hours and 45 minutes")', () => {
    expect(useAfter(13 * 60 + 42, RATIOS).left).toBeGreaterThan(0);
    expect(useAfter(13 * 60 + 43, RATIOS).left).toBeLessThan(0);
  });
  it('of ratios weighs slices alike, however much happens in them', () => {
    const counts = [
      { startMs: 0, total: 1, bad: 1 },
      { startMs: MINUTE_MS, total: 999, bad: 0 },
    ];
    expect(budgetUse(counts, 0.99, RATIOS).errorRatio).toBe(0.5);
    expect(budgetUse(counts, 0.99, OCCURRENCES).errorRatio).toBe(0.001);
  });
  it('knows nothing of slices without events', () => {
    const counts = [
      { startMs: 0, total: 0, bad: 0 },
      { startMs: MINUTE_MS, total: 10, bad: 10 },
    ];
    expect(budgetUse(counts, 0.9, SLICES)).toMatchObject({ errorRatio: 1, used: 1 });
    expect(budgetUse(counts.slice(0, 1), 0.9, SLICES)).toMatchObject({ errorRatio: Number.NaN, left: 1 });
  });
  it('of nothing is gone with the first bad event', () => {
    expect(budgetUse([{ startMs: 0, total: 5, bad: 0 }], 1, OCCURRENCES).left).toBe(1);
    expect(budgetUse([{ startMs: 0, total: 5, bad: 1 }], 1, OCCURRENCES).left).toBe(Number.NEGATIVE_INFINITY);
    expect([burnRate(0, 1), burnRate(0.1, 1)]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
  it('adds buckets up to slices', () => {
    const counts = [30_000, 90_000, 60_000].map((startMs) => ({ startMs, total: 2, bad: 1 }));
    expect(bySlice(counts, MINUTE_MS)).toEqual([
      { startMs: 0, total: 2, bad: 1 },
      { startMs: MINUTE_MS, total: 4, bad: 2 },
    ]);
  });
});
