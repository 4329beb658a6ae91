/** Height of a chart above its legend, in rem: the legend gets what its rows need, at most nearly half. Pure. */
const [LEAST, MOST] = [11, 52];
const [LEGEND_HEAD, LEGEND_ROW] = [2, 1.5];
const clamped = (rem: number): number => Math.max(LEAST, Math.min(MOST, Math.round(rem * 4) / 4));

/** @param besideRem what stands between the chart and its legend */
export function chartRem(roomRem: number, lines: number, heats: number, besideRem: number): number {
  if (lines === 0 && heats === 1) return clamped(roomRem * 0.88);
  if (heats > 0) return clamped(roomRem * 0.42);
  return clamped(Math.max(roomRem * 0.54, roomRem - besideRem - LEGEND_HEAD - LEGEND_ROW * lines));
}
