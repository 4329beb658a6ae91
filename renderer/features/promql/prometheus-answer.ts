import type { Point } from '../../charts/align-series.ts';
import type { Cell } from '../../charts/heat-scale.ts';

/** Answers of Prometheus' query API -> what is drawn. Pure. */
export type WireLabels = Readonly<Record<string, string>>;
/** Which ends are inside (0: left open, 1: right open, 2: both open, 3: none), both ends and the count. */
type WireBucket = readonly [number, string, string, string];
export interface WireHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly WireBucket[];
}
type WirePoint = readonly [number, string];
type WireHistogramPoint = readonly [number, WireHistogram];
export interface WireSeries {
  readonly metric: WireLabels;
  readonly value?: WirePoint;
  readonly values?: readonly WirePoint[];
  readonly histogram?: WireHistogramPoint;
  readonly histograms?: readonly WireHistogramPoint[];
}
export type WireData =
  | { readonly resultType: 'vector' | 'matrix'; readonly result: readonly WireSeries[] }
  | { readonly resultType: 'scalar'; readonly result: WirePoint }
  | { readonly resultType: 'string'; readonly result: WirePoint };
/** With `stats=all`. */
interface WireStats {
  readonly timings: { readonly execTotalTime: number };
  readonly samples: { readonly totalQueryableSamples: number };
}
export interface WireAnswer {
  readonly data: WireData & { readonly stats?: WireStats };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}
/** Evenly spaced times, both ends among them. */
export interface StepGrid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}
/** A window on whole steps: what is asked again within a step is the same question. */
export function gridOf(startMs: number, endMs: number, stepMs: number): StepGrid {
  return {
    startMs: Math.ceil(startMs / stepMs) * stepMs,
    endMs: Math.max(Math.ceil(startMs / stepMs), Math.floor(endMs / stepMs)) * stepMs,
    stepMs,
  };
}
/** Fields of query_range and of query, as in an address. */
export const rangeFields = (query: string, { startMs, endMs, stepMs }: StepGrid, more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({ query, start: String(startMs / 1000), end: String(endMs / 1000), step: String(stepMs / 1000), ...more }).toString();
export const instantFields = (query: string, atMs: number, more: Readonly<Record<string, string>> = {}): string =>
  new URLSearchParams({ query, time: String(atMs / 1000), ...more }).toString();
export const timesOf = ({ startMs, endMs, stepMs }: StepGrid): number[] =>
  Array.from({ length: Math.floor((endMs - startMs) / stepMs) + 1 }, (_, i) => startMs + i * stepMs);

/** Prometheus writes "+Inf", "-Inf" and "NaN". */
export const numberOf = (text: string): number =>
  text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);

export interface Figures {
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  /** Samples. */
  readonly count: number;
}
export interface Line extends Figures {
  /** Of all series on the screen one has it. */
  readonly key: string;
  readonly letter: string;
  readonly labels: WireLabels;
  /** One a step; null where there is no value: nothing is drawn over a gap. */
  readonly values: readonly Point[];
  /** Steps whose neighbours have no value: a line would not show them. */
  readonly alone: readonly number[];
}
export interface HeatSeries {
  readonly key: string;
  readonly letter: string;
  readonly labels: WireLabels;
  readonly cells: readonly Cell[];
}
const keyOf = (letter: string, labels: WireLabels): string => `${letter} ${seriesText(labels)}`;
export function figuresOf(values: readonly Point[]): Figures {
  let [count, sum, last] = [0, 0, Number.NaN];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (typeof value !== 'number') continue;
    count++;
    sum += value;
    last = value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return count === 0 ? { last, min: Number.NaN, mean: Number.NaN, max: Number.NaN, count } : { last, min, mean: sum / count, max, count };
}
/** Lines of a range answer. Values that cannot be drawn (NaN, infinite) leave a gap. */
export function linesOf(letter: string, data: WireData, grid: StepGrid): Line[] {
  if (data.resultType !== 'matrix') return [];
  const steps = timesOf(grid).length;
  return data.result
    .filter((series) => (series.values?.length ?? 0) > 0)
    .map((series) => {
      const values = new Array<Point>(steps).fill(null);
      for (const [seconds, text] of series.values ?? []) {
        const at = Math.round((seconds * 1000 - grid.startMs) / grid.stepMs);
        const value = numberOf(text);
        if (at >= 0 && at < steps && Number.isFinite(value)) values[at] = value;
      }
      const alone = values.flatMap((value, i) =>
        value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : [],
      );
      return { key: keyOf(letter, series.metric), letter, labels: series.metric, values, alone, ...figuresOf(values) };
    });
}
/** Native histograms of a range answer, as cells of time and value. */
export function heatOf(letter: string, data: WireData, grid: StepGrid): HeatSeries[] {
  if (data.resultType !== 'matrix') return [];
  return data.result
    .filter((series) => (series.histograms?.length ?? 0) > 0)
    .map((series) => ({
      key: keyOf(letter, series.metric),
      letter,
      labels: series.metric,
      cells: (series.histograms ?? []).flatMap(([seconds, { buckets }]) => {
        const at = Math.round((seconds * 1000 - grid.startMs) / grid.stepMs);
        return (buckets ?? []).map(([, lower, upper, count]) => ({
          at,
          lower: numberOf(lower),
          upper: numberOf(upper),
          count: numberOf(count),
        }));
      }),
    }));
}
/** A row of an instant answer. */
export interface InstantRow {
  readonly key: string;
  readonly letter: string;
  readonly labels: WireLabels;
  /** As the server wrote them: all digits. Several of a range selector. */
  readonly values: readonly { readonly ms: number; readonly text: string }[];
  readonly histogram: WireHistogram | null;
}
export function rowsOf(letter: string, data: WireData): InstantRow[] {
  const point = ([seconds, text]: WirePoint): { ms: number; text: string } => ({ ms: seconds * 1000, text });
  if (data.resultType === 'scalar' || data.resultType === 'string')
    return [{ key: letter, letter, labels: {}, values: [point(data.result)], histogram: null }];
  return data.result.map((series) => ({
    key: keyOf(letter, series.metric),
    letter,
    labels: series.metric,
    values: (series.values ?? (series.value ? [series.value] : [])).map(point),
    histogram: series.histogram?.[1] ?? series.histograms?.at(-1)?.[1] ?? null,
  }));
}
/** Samples of an answer; a native histogram is one. */
export function samplesIn(data: WireData): { readonly series: number; readonly samples: number } {
  if (data.resultType === 'scalar' || data.resultType === 'string') return { series: 1, samples: 1 };
  const of = (series: WireSeries): number =>
    (series.values?.length ?? 0) + (series.histograms?.length ?? 0) + (series.value ? 1 : 0) + (series.histogram ? 1 : 0);
  return { series: data.result.length, samples: data.result.reduce((sum, series) => sum + of(series), 0) };
}

const nameFirst = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);
/** name{label="value"}, labels in order; `without`: labels that are said elsewhere. */
export function seriesText(labels: WireLabels, without: ReadonlySet<string> = new Set()): string {
  const name = without.has('__name__') ? '' : (labels['__name__'] ?? '');
  const inside = Object.entries(labels)
    .filter(([label]) => label !== '__name__' && !without.has(label))
    .sort(nameFirst)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  if (inside.length === 0 && name !== '') return name;
  return `${name}{${inside.join(', ')}}`;
}
/** Labels all of them have with one value: they tell none from the other. Of one series there are none. */
export function commonLabels(all: readonly WireLabels[]): Map<string, string> {
  const [first, ...others] = all;
  if (first === undefined || others.length === 0) return new Map();
  return new Map(Object.entries(first).filter(([label, value]) => others.every((labels) => labels[label] === value)));
}
