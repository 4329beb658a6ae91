import type { BudgetMethod } from './objective.ts';

/** Counts of one slice of time, or of a bucket of any length. */
export interface EventCounts {
  readonly startMs: number;
  readonly total: number;
  readonly bad: number;
}
/** How much of an error budget is used up. Shares are of the whole budget: 1 is all of it, more is possible. */
export interface BudgetUse {
  /** Share of bad, by the method: of events or of slices. NaN: nothing was counted. */
  readonly errorRatio: number;
  /** Events or slices that may be bad in what was counted. */
  readonly allowed: number;
  readonly used: number;
  /** 1 - used share; below 0 the objective is missed. */
  readonly left: number;
}
export const sum = (counts: readonly EventCounts[], of: 'total' | 'bad'): number => counts.reduce((all, each) => all + each[of], 0);

/**
 * Use of the budget of what was counted, by the three methods of OpenSLO. Slices without events are neither good nor bad: nothing is
 * known of them.
 * @param target share of good, 0 to 1
 */
export function budgetUse(counts: readonly EventCounts[], target: number, method: BudgetMethod): BudgetUse {
  const slices = method.kind === 'occurrences' ? counts : bySlice(counts, method.sliceMs);
  const some = slices.filter(({ total }) => total > 0);
  const [total, bad] =
    method.kind === 'occurrences'
      ? [sum(some, 'total'), sum(some, 'bad')]
      : [
          some.length,
          method.kind === 'timeslices'
            ? some.filter(({ total, bad }) => (total - bad) / total < method.sliceTarget).length
            : some.reduce((all, { total, bad }) => all + bad / total, 0),
        ];
  const errorRatio = total === 0 ? Number.NaN : bad / total;
  const allowed = total * (1 - target);
  return { errorRatio, allowed, used: bad, left: total === 0 ? 1 : 1 - shareOf(bad, allowed) };
}
/** A budget of nothing (100 %) is gone with the first bad event. */
const shareOf = (bad: number, allowed: number): number => (bad === 0 ? 0 : bad / allowed);

/** Counts added up by slices of whole multiples of their length. */
export function bySlice(counts: readonly EventCounts[], sliceMs: number): EventCounts[] {
  const slices = new Map<number, { startMs: number; total: number; bad: number }>();
  for (const { startMs, total, bad } of counts) {
    const at = Math.floor(startMs / sliceMs) * sliceMs;
    const slice = slices.get(at);
    if (slice) {
      slice.total += total;
      slice.bad += bad;
    } else slices.set(at, { startMs: at, total, bad });
  }
  return [...slices.values()].sort((a, b) => a.startMs - b.startMs);
}
/** Times the rate that would use up the budget in exactly one period. */
export const burnRate = (errorRatio: number, target: number): number => (errorRatio === 0 ? 0 : errorRatio / (1 - target));
