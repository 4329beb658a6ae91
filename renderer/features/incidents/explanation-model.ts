import type { ExplainJob, Explanation } from '#contracts/explanation.ts';
import type { Candidate, RcaResult } from '#contracts/judgement.ts';

/** How far a question is, 0-1; null while nothing is counted yet. */
export function progressOf({ stage, doneTokens, totalTokens }: Pick<ExplainJob, 'stage' | 'doneTokens' | 'totalTokens'>): number | null {
  if ((stage !== 'reading' && stage !== 'writing') || totalTokens <= 0) return null;
  return Math.max(0, Math.min(1, doneTokens / totalTokens));
}

/** What the model's choice is to the ranking: the same, no cause where the ranking is not sure either, another, or none where there is one. */
export type Agreement = 'same' | 'both_unsure' | 'other' | 'unsure';
export function agreementOf({ rank, agrees }: NonNullable<Explanation['choice']>): Agreement {
  if (rank === null) return agrees ? 'both_unsure' : 'unsure';
  return agrees ? 'same' : 'other';
}

/** Rows the template narrative restates, as in the head of the page. */
export const narratedRows = (rca: RcaResult | null): Candidate['evidence'] => rca?.candidates[0]?.evidence.slice(0, 4) ?? [];

/** Reasons of a dropped sentence with the parts they object to: one entry per reason. */
export function reasonParts(reasons: Explanation['dropped'][number]['reasons']): { reason: string; parts: string[] }[] {
  const byReason = new Map<string, Set<string>>();
  for (const { reason, part } of reasons) byReason.set(reason, (byReason.get(reason) ?? new Set()).add(part));
  return [...byReason].map(([reason, parts]) => ({ reason, parts: [...parts].slice(0, 6) }));
}
