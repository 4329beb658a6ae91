import type { Params } from '../../lib/route.ts';

/** The PromQL view <-> its address: everything a shared link shows again. Pure. */
export const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
export type Letter = (typeof LETTERS)[number];
export interface WrittenQuery {
  readonly letter: Letter;
  readonly text: string;
  /** Kept, but not asked. */
  readonly isOff: boolean;
}
export interface PromqlState {
  /** At least one. */
  readonly queries: readonly WrittenQuery[];
  readonly view: 'graph' | 'table';
  /** Milliseconds; null: fits the window. */
  readonly stepMs: number | null;
  readonly isStacked: boolean;
  /** Keys of the series that alone are drawn; empty: all. */
  readonly only: readonly string[];
}
const STEP = /^(\d{1,9})(ms|s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** "15s" -> 15000; null when it is none. */
export function stepOf(text: string): number | null {
  const [, digits, unit] = STEP.exec(text) ?? [];
  const ms = digits && unit ? Number(digits) * (UNIT_MS[unit] ?? 0) : 0;
  return ms > 0 ? ms : null;
}
/** In the largest unit that gives a whole number, as PromQL writes durations. */
export function stepText(ms: number): string {
  const [unit, size] = (Object.entries(UNIT_MS) as [string, number][]).reverse().find(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
export function readState(params: URLSearchParams): PromqlState {
  const off = new Set((params.get('off') ?? '').split(','));
  const queries = LETTERS.filter((letter) => params.has(letter)).map((letter) => ({
    letter,
    text: params.get(letter) ?? '',
    isOff: off.has(letter),
  }));
  return {
    queries: queries.length > 0 ? queries : [{ letter: 'a', text: '', isOff: false }],
    view: params.get('view') === 'table' ? 'table' : 'graph',
    stepMs: stepOf(params.get('step') ?? ''),
    isStacked: params.get('stack') === '1',
    only: params
      .getAll('only')
      .flatMap((text) => text.split('\n'))
      .filter((key) => key !== ''),
  };
}
/** Parameters of the address; what is the default is left out. */
export function writeState(state: PromqlState): Params {
  const byLetter = new Map(state.queries.map((query) => [query.letter, query]));
  return {
    ...Object.fromEntries(LETTERS.map((letter) => [letter, byLetter.get(letter)?.text.trim() ?? null])),
    off: state.queries
      .filter(({ isOff }) => isOff)
      .map(({ letter }) => letter)
      .join(','),
    view: state.view === 'table' ? 'table' : null,
    step: state.stepMs === null ? null : stepText(state.stepMs),
    stack: state.isStacked ? 1 : null,
    only: state.only.join('\n'),
  };
}
/** The first letter that is free; null when all are taken. */
export const freeLetter = (taken: readonly Letter[]): Letter | null => LETTERS.find((letter) => !taken.includes(letter)) ?? null;
