import type uPlot from 'uplot';
import type { Marker } from './time-chart-options.ts';

/** Vertical lines (moments) and bands (stretches) over a chart. */
export function drawMarkers(chart: uPlot, markers: readonly Marker[], font: string, remPx: number): void {
  const { ctx } = chart;
  const { left, top, width, height } = chart.bbox;
  const scale = window.devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  for (const marker of markers) {
    const x = Math.round(chart.valToPos(marker.atMs, 'x', true));
    if (marker.untilMs !== undefined) {
      const until = chart.valToPos(marker.untilMs, 'x', true);
      ctx.fillStyle = `${marker.colour}1a`;
      ctx.fillRect(x, top, until - x, height);
    }
    ctx.strokeStyle = marker.colour;
    ctx.lineWidth = scale;
    ctx.setLineDash([3 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    label(ctx, marker, x, top, left + width, font, remPx * scale);
  }
  ctx.restore();
}
function label(ctx: CanvasRenderingContext2D, marker: Marker, x: number, top: number, right: number, font: string, remPx: number): void {
  if (marker.label === '') return;
  ctx.font = `600 ${Math.round(remPx * 0.65)}px ${font}`;
  ctx.fillStyle = marker.colour;
  const wide = ctx.measureText(marker.label).width;
  const fits = x + wide + remPx / 4 < right;
  ctx.textAlign = fits ? 'left' : 'right';
  ctx.textBaseline = 'top';
  ctx.fillText(marker.label, fits ? x + remPx / 4 : x - remPx / 4, top + 2);
}
