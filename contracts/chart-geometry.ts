import { figureText } from './figure-text.ts';
import type { Chart } from './postmortem.ts';

/** A frozen chart as lines in a box of pixels: what the editor and the exported file draw alike. Pure. */
export interface ChartGeometry {
  readonly width: number;
  readonly height: number;
  readonly plot: { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number };
  /** SVG path data; a gap starts a new line. */
  readonly lines: readonly { readonly name: string; readonly path: string }[];
  readonly yTicks: readonly { readonly y: number; readonly label: string }[];
  readonly xTicks: readonly { readonly x: number; readonly label: string }[];
  readonly markers: readonly { readonly x: number; readonly label: string }[];
}
const STEPS_MS = [10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000];
const pixel = (value: number): string => String(Math.round(value * 10) / 10);
/** Times in UTC: the file is read anywhere. */
const clock = (atMs: number, stepMs: number): string => new Date(atMs).toISOString().slice(11, stepMs < 60_000 ? 19 : 16);

/** A round number at or above `value`: 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value * 0.999_999) ?? 10) * power;
}

export function layOutChart(
  chart: Pick<Chart, 'series' | 'startMs' | 'endMs' | 'unit' | 'markers'>,
  width: number,
  height: number,
): ChartGeometry {
  const plot = { left: 64, top: 8, right: width - 8, bottom: height - 20 };
  const values = chart.series.flatMap(({ points }) => points.flatMap(([, value]) => (value === null ? [] : [value])));
  const low = Math.min(0, ...values);
  const high = low + roundUp(Math.max(0, ...values) - low);
  const spanMs = Math.max(1, chart.endMs - chart.startMs);
  const x = (atMs: number): number => plot.left + ((atMs - chart.startMs) / spanMs) * (plot.right - plot.left);
  const y = (value: number): number => plot.bottom - ((value - low) / (high - low)) * (plot.bottom - plot.top);
  const lines = chart.series.map(({ name, points }) => {
    let path = '';
    let isDown = false;
    for (const [atMs, value] of points) {
      if (value !== null && atMs >= chart.startMs && atMs <= chart.endMs) {
        // A point between two gaps is a dot: a line of no length with round ends.
        path += isDown ? `L${pixel(x(atMs))} ${pixel(y(value))}` : `M${pixel(x(atMs))} ${pixel(y(value))}h0`;
        isDown = true;
      } else isDown = false;
    }
    return { name, path };
  });
  const stepMs = STEPS_MS.find((step) => spanMs / step <= Math.max(2, width / 110)) ?? 86_400_000;
  const firstMs = Math.ceil(chart.startMs / stepMs) * stepMs;
  const xTicks = Array.from({ length: Math.min(50, Math.floor((chart.endMs - firstMs) / stepMs) + 1) }, (_, i) => firstMs + i * stepMs);
  return {
    width,
    height,
    plot,
    lines,
    yTicks: [low, (low + high) / 2, high].map((value) => ({ y: y(value), label: figureText(value, chart.unit) })),
    // Words stay within the box: half of "14:35:00" is 24 pixels.
    xTicks: xTicks.map((atMs) => ({ x: Math.min(x(atMs), width - 24), label: clock(atMs, stepMs) })),
    markers: chart.markers
      .filter(({ atMs }) => atMs >= chart.startMs && atMs <= chart.endMs)
      .map(({ atMs, label }) => ({ x: x(atMs), label })),
  };
}
