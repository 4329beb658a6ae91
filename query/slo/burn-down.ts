import { type BudgetUse, budgetUse, type EventCounts } from './budget.ts';
import type { BudgetMethod } from './objective.ts';

/** An error budget over time, from events of equal steps. */
export interface BurnDown {
  readonly use: BudgetUse;
  /** Of each step: how many times faster than it may; null: no events. */
  readonly burn: readonly (number | null)[];
  /** Share of the budget left after each step. */
  readonly left: readonly (number | null)[];
  readonly burns: readonly Burn[];
}
/** A time in which it burned faster than it may. */
export interface Burn {
  readonly startMs: number;
  readonly endMs: number;
  /** Share of all that was used up. */
  readonly share: number;
}
/** Calm steps between two burning ones that are one burn. */
const JOINED_STEPS = 2;
const MAX_BURNS = 20;
/** JSON has no infinity: a budget of nothing that is overspent. */
const LEAST = -1e6;
export const finite = (value: number): number => Math.max(LEAST, Math.min(-LEAST, value));

/** @param counts one for each step, in order, also of those without events @param target share of good */
export function burnDown(counts: readonly EventCounts[], stepMs: number, target: number): BurnDown {
  const method: BudgetMethod = { kind: 'occurrences' };
  const use = budgetUse(counts, target, method);
  const budget = 1 - target;
  const burn = counts.map(({ total, bad }) => (total > 0 ? finite(bad === 0 ? 0 : bad / total / budget) : null));
  let used = 0;
  let seen = false;
  const left = counts.map(({ total, bad }) => {
    used += bad;
    seen ||= total > 0;
    return seen ? finite(used === 0 ? 1 : 1 - used / use.allowed) : null;
  });
  return { use, burn, left, burns: burnsOf(counts, burn, stepMs, use.used) };
}
function burnsOf(counts: readonly EventCounts[], burn: readonly (number | null)[], stepMs: number, used: number): Burn[] {
  const found: { first: number; last: number; bad: number }[] = [];
  for (const [i, rate] of burn.entries()) {
    if (rate === null || rate <= 1) continue;
    const open = found.at(-1);
    if (open && i - open.last <= JOINED_STEPS + 1) {
      for (let k = open.last + 1; k <= i; k++) open.bad += counts[k]?.bad ?? 0;
      open.last = i;
    } else found.push({ first: i, last: i, bad: counts[i]?.bad ?? 0 });
  }
  return found
    .map(({ first, last, bad }) => ({
      startMs: (counts[first] as EventCounts).startMs,
      endMs: (counts[last] as EventCounts).startMs + stepMs,
      share: used === 0 ? 0 : bad / used,
    }))
    .sort((a, b) => b.share - a.share || b.startMs - a.startMs)
    .slice(0, MAX_BURNS);
}
