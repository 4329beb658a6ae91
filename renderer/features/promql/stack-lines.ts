import type { Point } from '../../charts/align-series.ts';

/** Heights of lines that stand on each other, the first at the bottom; where a line has no value it has no height. Pure. */
export function stackOf(lines: readonly (readonly Point[])[]): Point[][] {
  const below: number[] = [];
  return lines.map((values) =>
    values.map((value, i) => {
      if (typeof value !== 'number') return null;
      below[i] = (below[i] ?? 0) + value;
      return below[i];
    }),
  );
}
