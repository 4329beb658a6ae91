/** Where the cells of a histogram over time lie and how dark they are. Pure. */
export interface Cell {
  readonly at: number;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}
export interface HeatScale {
  readonly isLog: boolean;
  /** Ends of the value axis. */
  readonly low: number;
  readonly high: number;
}
/** Values that span more than this many times the smallest are drawn on a logarithmic axis. */
const LOG_FROM = 20;
/** The ends of all cells that hold something; an infinite end is drawn as wide as its neighbour. */
export function heatScale(cells: readonly Cell[]): HeatScale | null {
  const full = cells.filter(({ count }) => count > 0);
  const ends = full.flatMap(({ lower, upper }) => [lower, upper]).filter(Number.isFinite);
  if (ends.length === 0) return null;
  const [least, most] = [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))];
  const positive = ends.filter((end) => end > 0);
  const smallest = positive.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const isLog = least >= 0 && positive.length > 0 && most / smallest > LOG_FROM;
  if (isLog)
    return {
      isLog,
      low: least === 0 ? smallest / 2 : smallest,
      high: full.some(({ upper }) => upper === Number.POSITIVE_INFINITY) ? most * 2 : most,
    };
  const air = most === least ? Math.abs(most) || 1 : 0;
  return { isLog, low: least - air, high: most + air };
}
/** 0 to 1: the square root of the share of the fullest cell, so that rare values are seen, too. */
export const shadeOf = (count: number, most: number): number => (most > 0 && count > 0 ? Math.max(0.12, Math.sqrt(count / most)) : 0);
