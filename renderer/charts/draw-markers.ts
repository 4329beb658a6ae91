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
  const taken: [number, number][] = [];
  // In the order given: the first get their words, others only where there is room.
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
    label(ctx, marker, x, { left, top, right: left + width }, font, remPx * scale, taken);
  }
  ctx.restore();
}
function label(
  ctx: CanvasRenderingContext2D,
  marker: Marker,
  x: number,
  { left, top, right }: { readonly left: number; readonly top: number; readonly right: number },
  font: string,
  remPx: number,
  taken: [number, number][],
): void {
  if (marker.label === '') return;
  ctx.font = `600 ${Math.round(remPx * 0.65)}px ${font}`;
  ctx.fillStyle = marker.colour;
  const gap = remPx / 4;
  const isRight = x + ctx.measureText(marker.label).width + gap < right || right - x > x - left;
  const words = cut(ctx, marker.label, (isRight ? right - x : x - left) - gap);
  const wide = ctx.measureText(words).width;
  const from = isRight ? x + gap : x - gap - wide;
  // Words over words can be read by nobody; the line stays, its words are on the timeline.
  if (taken.some(([start, end]) => from < end + gap && from + wide > start - gap)) return;
  taken.push([from, from + wide]);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.fillText(words, from, top + 2);
}
/** Words that fit, the end left out: a name without its beginning is another name. */
function cut(ctx: CanvasRenderingContext2D, text: string, roomPx: number): string {
  let shown = text;
  while (shown.length > 1 && ctx.measureText(shown).width > roomPx) shown = `${shown.slice(0, -2)}…`;
  return shown;
}
