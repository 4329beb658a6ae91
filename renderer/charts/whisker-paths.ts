import type uPlot from 'uplot';

/**
 * A line from low to high over the middle of each bar, with ends: how wide the figure's range is. The series holds the
 * highs, the one before it the lows. `widestPx`: of a bar, as the bars beside it are drawn.
 */
export function whiskerPaths(barPart: number, widestPx: number): uPlot.Series.PathBuilder {
  return (chart, index, from, to) => {
    const path = new Path2D();
    const [xs, lows, highs] = [chart.data[0], chart.data[index - 1], chart.data[index]];
    const scale = window.devicePixelRatio;
    const cell = xs.length > 1 ? chart.valToPos(xs[1] ?? 0, 'x', true) - chart.valToPos(xs[0] ?? 0, 'x', true) : widestPx * scale;
    const bar = Math.min(cell * barPart, widestPx * scale);
    const end = Math.min(bar / 4, 4 * scale);
    for (let i = from; i <= to; i++) {
      const [low, high] = [lows?.[i], highs?.[i]];
      if (low === null || low === undefined || high === null || high === undefined || high <= low) continue;
      const x = chart.valToPos(xs[i] ?? 0, 'x', true) + bar / 2;
      const [bottom, top] = [chart.valToPos(low, 'y', true), chart.valToPos(high, 'y', true)];
      path.moveTo(x, bottom);
      path.lineTo(x, top);
      for (const y of [bottom, top]) {
        path.moveTo(x - end, y);
        path.lineTo(x + end, y);
      }
    }
    return { stroke: path, fill: null, clip: null, band: null, gaps: [], flags: 0 };
  };
}
