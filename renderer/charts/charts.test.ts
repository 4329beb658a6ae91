import { describe, expect, it } from 'vitest';
import { alignSeries } from './align-series.ts';
import { heatScale, shadeOf } from './heat-scale.ts';
import { stackCounts } from './stack-counts.ts';
import { tickText, timeChartOptions, valueRange } from './time-chart-options.ts';
import { totalCounts } from './total-counts.ts';

describe('alignSeries', () => {
  const rows = (points: [number, string, number][]) => ({
    times: points.map((p) => p[0]),
    series: points.map((p) => p[1]),
    values: points.map((p) => p[2]),
  });
  it('puts series of different times on one axis without inventing gaps', () => {
    const aligned = alignSeries(
      rows([
        [0, 'a', 1],
        [10, 'a', 2],
        [20, 'a', 3],
        [5, 'b', 9],
        [15, 'b', 8],
        [25, 'b', 7],
      ]),
    );
    expect(aligned.times).toEqual([0, 5, 10, 15, 20, 25]);
    expect(aligned.series[0]?.values).toEqual([1, undefined, 2, undefined, 3, undefined]);
  });
  it('draws a hole as a gap, never as a line', () => {
    const aligned = alignSeries(
      rows([
        [0, 'a', 1],
        [10, 'a', 1],
        [20, 'a', 1],
        [90, 'a', 1],
        [100, 'a', 1],
      ]),
    );
    expect(aligned.times).toContain(30);
    expect(aligned.series[0]?.values[aligned.times.indexOf(30)]).toBeNull();
  });
  it('a value that is no number is a gap', () => expect(alignSeries(rows([[0, 'a', Number.NaN]])).series[0]?.values).toEqual([null]));
  it('nothing in, nothing out', () => expect(alignSeries(rows([]))).toEqual({ times: [], series: [] }));
});
describe('stackCounts', () => {
  const rows = { times: [1_000, 1_000, 3_000, 99_000], classes: ['info', 'error', 'error', 'info'], counts: [5, 2, 1, 100] };
  const stack = stackCounts(rows, ['info', 'error'], 1_000, 4_000, 1_000);
  it('has every step, also the empty ones', () => expect(stack.times).toEqual([1_000, 2_000, 3_000]));
  it('draws the whole bar first and the lowest class last', () => {
    expect(stack.layers.map((layer) => layer.name)).toEqual(['error', 'info']);
    expect(stack.layers[0]?.tops).toEqual([7, 0, 1]);
    expect(stack.layers[1]?.tops).toEqual([5, 0, 0]);
  });
  it('counts only what lies in the window', () => expect(stack.total).toBe(8));
  it('agrees with the totals', () =>
    expect(totalCounts(rows.times, rows.counts, 1_000, 4_000, 1_000)).toEqual({ times: stack.times, counts: [7, 0, 1] }));
  it('a window of years stays drawable', () =>
    expect(stackCounts(rows, ['info'], 0, 9e12, 1_000).times.length).toBeLessThanOrEqual(10_000));
});
describe('timeChartOptions', () => {
  const input = {
    widthPx: 600,
    heightPx: 100,
    startMs: 0,
    endMs: 60_000,
    zone: 'utc' as const,
    series: [{ name: 'a', values: [], colour: '#123456', look: 'area' as const }],
    format: String,
    ink: '#111111',
    grid: '#222222',
    font: '11px x',
    remPx: 16,
  };
  it('shows the whole window, also where there is no data', () => {
    const range = timeChartOptions(input).scales?.['x']?.range as () => unknown;
    expect(range()).toEqual([0, 60_000]);
  });
  it('shares its cursor only when asked to', () => {
    expect(timeChartOptions(input).cursor?.sync).toBeUndefined();
    expect(timeChartOptions({ ...input, syncKey: 'k' }).cursor?.sync?.key).toBe('k');
  });
  it('a range is two more columns: lows for the scale, highs to draw from', () => {
    const { series } = timeChartOptions({ ...input, whiskers: '#654321' }, { whiskers: () => null });
    expect(series.length).toBe(4);
    expect(series[2]?.paths).toBeDefined();
    expect(series[3]?.stroke).toBe('#654321');
    expect(timeChartOptions(input).series.length).toBe(2);
  });
  it.each([
    [null, null, [0, 1]],
    [0, 0, [0, 1]],
    [5, 100, [0, 108]],
    [-10, 20, [-10.5, 21.6]],
  ])('values %s to %s are drawn from zero', (low, high, range) => {
    const [from, to] = valueRange(low, high);
    expect([from, Number(to.toFixed(6))]).toEqual(range);
  });
  it.each([
    [60_000, '00:01:00'],
    [3_600_000, '00:01'],
    [7 * 86_400_000, '01-01 00:01'],
  ])('a window of %s ms has marks like %s', (spanMs, text) => expect(tickText(60_000, spanMs, 'utc')).toBe(text));
});
describe('histograms over time', () => {
  const cell = (lower: number, upper: number, count: number) => ({ at: 0, lower, upper, count });
  it('values over several sizes have a logarithmic axis; an open end is as wide as its neighbour', () =>
    expect(heatScale([cell(0, 0.01, 1), cell(1, Number.POSITIVE_INFINITY, 2)])).toEqual({ isLog: true, low: 0.005, high: 2 }));
  it('negative values and those close together have an even one', () => {
    expect(heatScale([cell(-100, 1, 1)])).toEqual({ isLog: false, low: -100, high: 1 });
    expect(heatScale([cell(5, 10, 1)])).toEqual({ isLog: false, low: 5, high: 10 });
  });
  it('empty cells draw no axis', () => expect(heatScale([cell(1, 2, 0)])).toBeNull());
  it('one among thousands is still seen, none is not', () => {
    expect(shadeOf(1, 10_000)).toBeGreaterThan(0.1);
    expect(shadeOf(0, 10)).toBe(0);
    expect(shadeOf(10, 10)).toBe(1);
  });
});
