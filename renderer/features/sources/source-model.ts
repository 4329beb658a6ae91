import type { Source, State } from '#contracts/console-api.ts';

export interface ReasonRow {
  readonly source: string;
  readonly kind: 'refused' | 'dropped' | 'noted';
  readonly code: string;
  readonly count: number;
}
const KINDS = ['refused', 'dropped', 'noted'] as const;
/** Every counted reason of every source; refused before dropped before noted, most first. Zeros are left out. */
export function reasonRows(sources: readonly Pick<Source, 'source' | (typeof KINDS)[number]>[]): ReasonRow[] {
  return sources
    .flatMap((source) =>
      KINDS.flatMap((kind) => Object.entries(source[kind]).map(([code, count]) => ({ source: source.source, kind, code, count }))),
    )
    .filter((row) => row.count > 0)
    .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count);
}
/** Bytes of all signals of a source. */
export const acceptedBytes = (source: Pick<Source, 'accepted'>): number =>
  Object.values(source.accepted).reduce((sum, counts) => sum + (counts?.bytes ?? 0), 0);

export type JudgementLimit = 'skipped' | 'notJudged' | 'refusedSubjects' | 'untoldChanges' | 'untoldLines';
const LIMITS: readonly JudgementLimit[] = ['skipped', 'notJudged', 'refusedSubjects', 'untoldChanges', 'untoldLines'];
/** What judgement did not look at or tell; zeros are left out. */
export const judgementRows = (judgement: State['judgement']): { code: JudgementLimit; count: number }[] =>
  LIMITS.map((code) => ({ code, count: judgement[code] })).filter(({ count }) => count > 0);
