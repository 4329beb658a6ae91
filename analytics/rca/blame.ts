import type { Births, Place } from './births.ts';
import type { CaseFile } from './case-file.ts';

/** Share of the trouble (0-1) by place; sums to 1 unless nothing is wrong. */
export type Blame = Map<string, number>;

/** How much of the whole is slowness and how much failure, and how large both are (0-1, 0 = nothing wrong). */
export interface Weights {
  readonly time: number;
  readonly errors: number;
}

/** One extra millisecond a millisecond, or one extra failure in five requests, counts as a full symptom. */
export function weighBirths(births: Births): Weights {
  return { time: Math.min(1, Math.log2(1 + births.timeRatio)), errors: Math.min(1, 5 * births.errorRatio) };
}

/**
 * Shares of blame by place. Unanswered calls to a service that itself became slow are timeouts: they are charged to
 * whatever made it slow, along the call graph below it.
 */
export function shareBlame(births: Births, file: CaseFile): Blame {
  const weights = weighBirths(births);
  const sum = weights.time + weights.errors;
  const blame: Blame = new Map();
  if (sum === 0) return blame;
  const add = (name: string, share: number): void => {
    if (share > 0) blame.set(name, (blame.get(name) ?? 0) + share / sum);
  };
  for (const place of births.places) {
    if (births.timeTotal > 0) add(place.name, (weights.time * place.extraMs) / births.timeTotal);
    if (births.errorTotal <= 0) continue;
    const unit = weights.errors / births.errorTotal;
    add(place.name, unit * (place.extraErrors - place.unansweredErrors));
    for (const [name, share] of spreadTimeouts(place, births, file)) add(name, unit * place.unansweredErrors * share);
  }
  return blame;
}

function spreadTimeouts(place: Place, births: Births, file: CaseFile): [string, number][] {
  if (place.unansweredErrors <= 0 || !place.isInstrumented) return [[place.name, 1]];
  const below = file.graph.reach(place.name);
  const slow = births.places.filter((other) => below.has(other.name) && other.extraMs > 0);
  const slowMs = slow.reduce((sum, other) => sum + other.extraMs, 0);
  // Only when what lies below explains most of the system's slowness is it the reason for the silence above.
  if (slowMs < 0.5 * births.timeTotal || births.timeRatio < 0.3) return [[place.name, 1]];
  return slow.map((other) => [other.name, other.extraMs / slowMs]);
}
