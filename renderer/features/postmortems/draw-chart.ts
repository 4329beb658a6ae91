import { layOutChart } from '#contracts/chart-geometry.ts';
import type { Chart } from '#contracts/postmortem.ts';

const WIDTH = 720;
const HEIGHT = 140;
const SVG = 'http://www.w3.org/2000/svg';

function svg(name: string, attributes: Readonly<Record<string, string | number>>, text?: string): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}
/** A frozen chart as it will be exported: same geometry, colours of the theme. */
export function drawChart(chart: Chart): HTMLElement {
  const { plot, lines, xTicks, yTicks, markers } = layOutChart(chart, WIDTH, HEIGHT);
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': chart.title });
  for (const { y, label } of yTicks) {
    picture.append(svg('line', { class: 'grid', x1: plot.left, x2: plot.right, y1: y, y2: y }));
    picture.append(svg('text', { class: 'y', x: plot.left - 6, y: y + 3.5 }, label));
  }
  for (const { x, label } of xTicks) picture.append(svg('text', { class: 'x', x, y: HEIGHT - 5 }, label));
  for (const { x } of markers) picture.append(svg('line', { class: 'mark', x1: x, x2: x, y1: plot.top, y2: plot.bottom }));
  lines.forEach(({ path }, i) => {
    picture.append(svg('path', { class: `line s${(i % 8) + 1}`, d: path }));
  });
  const figure = document.createElement('figure');
  figure.dataset['chart'] = JSON.stringify(chart);
  const caption = document.createElement('figcaption');
  caption.textContent = chart.series.length > 1 ? `${chart.title} (${chart.series.map(({ name }) => name).join(', ')})` : chart.title;
  figure.append(picture, caption);
  return figure;
}
