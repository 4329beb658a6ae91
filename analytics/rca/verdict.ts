import type { Verdict } from '#contracts/judgement.ts';

/** What the verdict is computed from; all 0-1 but the flags. */
export interface VerdictFacts {
  /** Score of the first candidate. */
  readonly score: number;
  /** 1 - second score / first score; 1 when there is no second. */
  readonly margin: number;
  /** Part of the trouble the first candidate explains. */
  readonly coverage: number;
  /** How well the evidence fits the mechanism. */
  readonly strength: number;
  /** How large the trouble is against normal; below 0.1 there may be none. */
  readonly magnitude: number;
  /** The cause began no later than two buckets after the symptom. */
  readonly isInOrder: boolean;
  /** Baseline buckets observed. */
  readonly baselineBuckets: number;
}

/** Thresholds of the verdict: "confirmed" needs every one of the first row, "likely" of the second; else inconclusive. */
export const VERDICT_THRESHOLDS = {
  confirmed: { score: 0.65, margin: 0.3, coverage: 0.55, strength: 0.7, magnitude: 0.15, baselineBuckets: 8 },
  likely: { score: 0.35, margin: 0.1, coverage: 0.3, strength: 0.2, magnitude: 0.08, baselineBuckets: 3 },
} as const;

/** Computes the verdict level. Never trusts a cause that began after its effect. */
export function decideVerdict(facts: VerdictFacts): Verdict {
  const meets = (level: keyof typeof VERDICT_THRESHOLDS): boolean => {
    const need = VERDICT_THRESHOLDS[level];
    return (Object.keys(need) as (keyof typeof need)[]).every((key) => facts[key] >= need[key]);
  };
  if (meets('confirmed') && facts.isInOrder) return 'confirmed';
  return meets('likely') ? 'likely' : 'inconclusive';
}
