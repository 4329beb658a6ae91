/** Pairs of windows whose burn rates alert, and how fast each is (Google SRE workbook, "Alerting on SLOs"; Sloth's catalogues). */
export interface BurnWindow {
  readonly severity: 'page' | 'ticket';
  readonly speed: 'quick' | 'slow';
  readonly shortMs: number;
  readonly longMs: number;
  /** Percent of the period's budget that is gone after the long window. */
  readonly budgetPercent: number;
  /** Times the rate that would use up the budget in exactly one period. */
  readonly factor: number;
}
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const DEFAULT_PERIOD_MS = 30 * DAY_MS;

type Row = readonly [BurnWindow['severity'], BurnWindow['speed'], shortMs: number, longMs: number, budgetPercent: number];
const rows = (percents: readonly [number, number, number, number]): readonly Row[] => [
  ['page', 'quick', 5 * MINUTE_MS, HOUR_MS, percents[0]],
  ['page', 'slow', 30 * MINUTE_MS, 6 * HOUR_MS, percents[1]],
  ['ticket', 'quick', 2 * HOUR_MS, DAY_MS, percents[2]],
  ['ticket', 'slow', 6 * HOUR_MS, 3 * DAY_MS, percents[3]],
];
const MONTH = rows([2, 5, 10, 10]);
const CATALOGUES: ReadonlyMap<number, readonly Row[]> = new Map([
  [30 * DAY_MS, MONTH],
  [28 * DAY_MS, MONTH],
  [7 * DAY_MS, rows([8, 12.5, 20, 42])],
]);
/** In Sloth's order of operations: the factors are equal to the last digit. */
export const burnFactor = (budgetPercent: number, periodMs: number, longMs: number): number =>
  (budgetPercent * (periodMs / HOUR_MS)) / 100 / (longMs / HOUR_MS);
export const burnWindow = ([severity, speed, shortMs, longMs, budgetPercent]: Row, periodMs: number): BurnWindow => ({
  ...{ severity, speed, shortMs, longMs, budgetPercent },
  factor: burnFactor(budgetPercent, periodMs, longMs),
});
/** @returns null: nobody has said which windows a period of this length has */
export const windowsOf = (periodMs: number): BurnWindow[] | null =>
  CATALOGUES.get(periodMs)?.map((row) => burnWindow(row, periodMs)) ?? null;
/** Windows of a period without alerts: what is recorded for it. */
export const recordedWindows = (periodMs: number): BurnWindow[] =>
  (CATALOGUES.get(periodMs) ?? MONTH).filter((row) => row[3] < periodMs).map((row) => burnWindow(row, periodMs));
/** Lengths of all windows, the shortest first. */
export const lengthsOf = (windows: readonly BurnWindow[]): number[] =>
  [...new Set(windows.flatMap(({ shortMs, longMs }) => [shortMs, longMs]))].sort((a, b) => a - b);

const UNITS: readonly (readonly [letters: string, ms: number, exact: boolean])[] = [
  ...([
    ['y', 365 * DAY_MS, true],
    ['w', 7 * DAY_MS, true],
    ['d', DAY_MS, true],
  ] as const),
  ...([
    ['h', HOUR_MS, false],
    ['m', MINUTE_MS, false],
    ['s', 1000, false],
    ['ms', 1, false],
  ] as const),
];
/** As prometheus/common writes it: 5m, 1d, 4w, 30d. */
export function promDuration(ms: number): string {
  let left = ms;
  let text = '';
  for (const [letters, unit, exact] of UNITS) {
    if (exact && left % unit !== 0) continue;
    const count = Math.floor(left / unit);
    if (count > 0) text += `${count}${letters}`;
    left -= count * unit;
  }
  return text || '0s';
}
