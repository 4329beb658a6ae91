import type uPlot from 'uplot';
import { clockText, minuteText, stampText, type Zone } from '../lib/format.ts';
import type { Point } from './align-series.ts';

export interface ChartSeries {
  readonly name: string;
  readonly values: readonly Point[];
  /** Resolved CSS colour. */
  readonly colour: string;
  readonly look?: 'line' | 'area' | 'bars';
  readonly dashed?: boolean;
  /** What the readout says where it is not the height drawn (stacked bars). */
  readonly readings?: readonly Point[];
  /** Places of points between gaps, which a line does not show. */
  readonly dots?: readonly number[];
}
/** A moment or a stretch worth showing. Colours are resolved CSS colours. */
export interface Marker {
  readonly atMs: number;
  readonly untilMs?: number;
  readonly label: string;
  readonly colour: string;
}
export interface ChartInput {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly zone: Zone;
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  readonly ink: string;
  readonly grid: string;
  readonly font: string;
  /** Charts with the same key share their cursor. */
  readonly syncKey?: string | undefined;
  /** Pixels of one rem. */
  readonly remPx: number;
  /** Two more columns of data, lows and highs, are drawn as whiskers in this resolved colour. */
  readonly whiskers?: string | undefined;
}
/** How bars and whiskers are drawn: uPlot's, handed in so that the options stay pure. */
export interface PathBuilders {
  readonly bars?: uPlot.Series.PathBuilder | undefined;
  readonly whiskers?: uPlot.Series.PathBuilder | undefined;
}
const DAY_MS = 86_400_000;
/** Text of the time axis: seconds for minutes, minutes for hours, days beyond. */
export function tickText(ms: number, spanMs: number, zone: Zone): string {
  if (spanMs > 2 * DAY_MS) return stampText(ms, zone).slice(5, 16);
  return spanMs < 10 * 60_000 ? clockText(ms, zone) : minuteText(ms, zone);
}
/** From zero up, with a little air; a flat zero line still has a scale. */
export function valueRange(low: number | null, high: number | null): [number, number] {
  const top = Math.max(0, high ?? 0);
  const bottom = Math.min(0, low ?? 0);
  return top === bottom ? [0, 1] : [bottom * 1.05, top * 1.08];
}
function seriesOption(series: ChartSeries, bars: uPlot.Series.PathBuilder | undefined, remPx: number): uPlot.Series {
  const bar = series.look === 'bars';
  return {
    label: series.name,
    stroke: series.colour,
    width: bar ? 0 : Math.max(1.25, remPx / 12),
    ...(bar ? { fill: series.colour } : series.look === 'area' ? { fill: `${series.colour}22` } : {}),
    ...(series.dashed ? { dash: [4, 4] } : {}),
    ...(bar && bars ? { paths: bars } : {}),
    points: series.dots?.length
      ? { show: true, size: remPx / 3, fill: series.colour, filter: () => [...(series.dots ?? [])] }
      : { show: false },
  };
}
/** The lows are there for the scale and for the highs to be drawn from. */
function whiskerOptions(colour: string, paths: PathBuilders, remPx: number): uPlot.Series[] {
  const drawn = { stroke: colour, width: Math.max(1, remPx / 14), points: { show: false } };
  return [
    { ...drawn, paths: () => null },
    { ...drawn, ...(paths.whiskers ? { paths: paths.whiskers } : {}) },
  ];
}
/** uPlot's options for a chart over time. Pure but for the path builders, which are handed in. */
export function timeChartOptions(input: ChartInput, paths: PathBuilders = {}): uPlot.Options {
  const spanMs = input.endMs - input.startMs;
  const axis = { stroke: input.ink, font: input.font, grid: { stroke: input.grid, width: 1 }, ticks: { show: false } };
  return {
    width: input.widthPx,
    height: input.heightPx,
    ms: 1,
    legend: { show: false },
    padding: [input.remPx / 2, input.remPx * 1.25, 0, 0],
    cursor: {
      points: { size: input.remPx / 2.5 },
      drag: { x: true, y: false, setScale: false },
      ...(input.syncKey ? { sync: { key: input.syncKey, setSeries: false } } : {}),
    },
    scales: {
      x: { time: true, range: () => [input.startMs, input.endMs] },
      y: { range: (_chart, low, high) => valueRange(low, high) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: input.remPx * 5,
        size: input.remPx * 1.75,
        values: (_c, ticks) => ticks.map((t) => tickText(t, spanMs, input.zone)),
      },
      { ...axis, size: input.remPx * 4, space: input.remPx * 2, values: (_c, ticks) => ticks.map((t) => input.format(t)) },
    ],
    series: [
      {},
      ...input.series.map((series) => seriesOption(series, paths.bars, input.remPx)),
      ...(input.whiskers ? whiskerOptions(input.whiskers, paths, input.remPx) : []),
    ],
  };
}
