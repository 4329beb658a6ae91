import { layOutChart } from '#contracts/chart-geometry.ts';
import type { Chart } from '#contracts/postmortem.ts';
import { escapeHtml } from './escape-html.ts';

const WIDTH = 760;
const HEIGHT = 150;
const px = (value: number): string => String(Math.round(value * 10) / 10);

/** A frozen chart as an inline SVG; colours and sizes come from the page's style. */
export function drawChart(chart: Chart): string {
  const { plot, lines, xTicks, yTicks, markers } = layOutChart(chart, WIDTH, HEIGHT);
  const grid = yTicks.map(
    ({ y, label }) =>
      `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${px(y)}" y2="${px(y)}"/><text class="y" x="${plot.left - 6}" y="${px(y + 3.5)}">${escapeHtml(label)}</text>`,
  );
  const times = xTicks.map(({ x, label }) => `<text class="x" x="${px(x)}" y="${HEIGHT - 5}">${escapeHtml(label)}</text>`);
  const marks = markers.map(({ x }) => `<line class="mark" x1="${px(x)}" x2="${px(x)}" y1="${plot.top}" y2="${plot.bottom}"/>`);
  const paths = lines.map(({ path }, i) => `<path class="line s${(i % 8) + 1}" d="${path}"/>`);
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">${[...grid, ...times, ...marks, ...paths].join('')}</svg>`;
}
/** Names of the lines; one line needs none beside the title. */
export const chartLegend = ({ series }: Chart): string =>
  series.length < 2
    ? ''
    : `<ul class="legend">${series.map(({ name }, i) => `<li><span class="key s${(i % 8) + 1}"></span>${escapeHtml(name)}</li>`).join('')}</ul>`;
