/** Would-be pages beside what went wrong: caught, missed, how much earlier, how many for nothing. Times: Unix milliseconds. */
export interface Trouble {
  /** Of the incident, or as the asker calls it. */
  readonly id: string;
  readonly title: string;
  readonly startMs: number;
  /** When it was noticed then: an incident was opened; null: nobody did. */
  readonly noticedMs: number | null;
  /** null: it goes on. */
  readonly endMs: number | null;
}
export interface Caught {
  readonly trouble: Trouble;
  /** already: something fired since before, and nothing new rang. */
  readonly verdict: 'caught' | 'missed' | 'already';
  readonly pageMs: number | null;
  /** From its beginning to the page; negative: before. */
  readonly delayMs: number | null;
  /** Before it was noticed then; negative: later. */
  readonly earlierMs: number | null;
}
export interface Judged {
  readonly pages: number;
  /** Outside of all trouble. */
  readonly falsePages: number;
  readonly pagesPerWeek: number;
  readonly falsePerWeek: number;
  readonly caught: number;
  readonly missed: number;
  /** Mean over all trouble; what is missed counts with its whole length. null: there was none. */
  readonly delayMs: number | null;
  readonly each: readonly Caught[];
}
/** A page this long before the beginning, which is an estimate, is of the trouble. */
export const LEAD_MS = 10 * 60_000;
const WEEK_MS = 7 * 86_400_000;

/** @param ringing times somebody is rung at, in order; @param firing [from, to) of anything that fires */
export function judgePages(
  ringing: readonly number[],
  firing: readonly (readonly [fromMs: number, toMs: number])[],
  troubles: readonly Trouble[],
  window: { readonly startMs: number; readonly endMs: number },
): Judged {
  const until = ({ endMs }: Trouble): number => endMs ?? window.endMs;
  const each = troubles.map((trouble): Caught => {
    const { startMs, noticedMs } = trouble;
    const pageMs = ringing.find((ms) => ms >= startMs - LEAD_MS && ms < until(trouble)) ?? null;
    if (pageMs !== null)
      return { trouble, verdict: 'caught', pageMs, delayMs: pageMs - startMs, earlierMs: noticedMs === null ? null : noticedMs - pageMs };
    const already = firing.some(([from, to]) => from < startMs && to > startMs);
    return { trouble, verdict: already ? 'already' : 'missed', pageMs: null, delayMs: null, earlierMs: null };
  });
  const isOf = (ms: number): boolean => troubles.some((trouble) => ms >= trouble.startMs - LEAD_MS && ms < until(trouble) + LEAD_MS);
  const falsePages = ringing.filter((ms) => !isOf(ms)).length;
  const weeks = (window.endMs - window.startMs) / WEEK_MS;
  const delays = each.map(({ trouble, delayMs }) => (delayMs === null ? until(trouble) - trouble.startMs : Math.max(0, delayMs)));
  return {
    ...{ pages: ringing.length, falsePages, pagesPerWeek: ringing.length / weeks, falsePerWeek: falsePages / weeks },
    caught: each.filter(({ verdict }) => verdict === 'caught').length,
    missed: each.filter(({ verdict }) => verdict !== 'caught').length,
    delayMs: delays.length === 0 ? null : delays.reduce((sum, ms) => sum + ms, 0) / delays.length,
    each,
  };
}
/** Those that no other one beats: less noise and not slower, or faster and not noisier. */
export function frontOf(all: readonly { readonly delayMs: number | null; readonly falsePerWeek: number }[]): boolean[] {
  return all.map(({ delayMs: delay, falsePerWeek: noise }) => {
    if (delay === null) return false;
    return !all.some(
      ({ delayMs, falsePerWeek }) =>
        delayMs !== null && delayMs <= delay && falsePerWeek <= noise && (delayMs < delay || falsePerWeek < noise),
    );
  });
}
