import { describe, expect, it } from 'vitest';
import { chartRem } from './chart-height.ts';
import { curlText, promtoolText } from './copy-text.ts';
import { commonLabels, gridOf, heatOf, linesOf, rowsOf, samplesIn, seriesText, timesOf, type WireData } from './prometheus-answer.ts';
import { freeLetter, readState, stepOf, stepText, writeState } from './promql-address.ts';

const grid = gridOf(1_000, 5_900, 1_000);
describe('the address', () => {
  it('holds all there is to see, and gives it back', () => {
    const state = {
      queries: [
        { letter: 'a', text: 'sum(rate(x[5m]))', isOff: false },
        { letter: 'c', text: 'up{a="b&c"}', isOff: true },
      ],
      view: 'table',
      stepMs: 90_000,
      isStacked: true,
      only: ['a {job="x"}', 'a {job="y"}'],
    } as const;
    const params = new URLSearchParams();
    for (const [name, value] of Object.entries(writeState(state))) if (value) params.set(name, String(value));
    expect(readState(new URLSearchParams(params.toString()))).toEqual(state);
  });
  it('without anything is one empty query', () =>
    expect(readState(new URLSearchParams())).toEqual({
      queries: [{ letter: 'a', text: '', isOff: false }],
      view: 'graph',
      stepMs: null,
      isStacked: false,
      only: [],
    }));
  it.each([
    ['15s', 15_000],
    ['2h', 7_200_000],
    ['90s', 90_000],
    ['250ms', 250],
  ])('%s is %i ms', (text, ms) => {
    expect(stepOf(text)).toBe(ms);
    expect(stepOf(stepText(ms))).toBe(ms);
  });
  it.each(['', '0s', '-1s', '1x', '1e9s'])('%j is no step', (text) => expect(stepOf(text)).toBeNull());
  it('a ninth query has no letter', () => expect(freeLetter(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])).toBeNull());
});
describe('answers', () => {
  it('a window lies on whole steps, at least one', () => {
    expect(timesOf(grid)).toEqual([1_000, 2_000, 3_000, 4_000, 5_000]);
    expect(timesOf(gridOf(1_100, 1_900, 1_000))).toHaveLength(1);
  });
  const data: WireData = {
    resultType: 'matrix',
    result: [
      {
        metric: { __name__: 'up', job: 'a', zone: 'x' },
        values: [
          [1, '1'],
          [2, 'NaN'],
          [3, '3'],
          [5, '+Inf'],
        ],
      },
      {
        metric: { __name__: 'up', job: 'b', zone: 'x' },
        values: [
          [2, '5'],
          [3, '7'],
        ],
      },
    ],
  };
  it('what is missing or cannot be drawn is a gap; a value between gaps is a dot', () => {
    const [first, second] = linesOf('a', data, grid);
    expect(first?.values).toEqual([1, null, 3, null, null]);
    expect(first?.alone).toEqual([0, 2]);
    expect(second).toMatchObject({ values: [null, 5, 7, null, null], alone: [], last: 7, min: 5, mean: 6, max: 7, count: 2 });
    expect(samplesIn(data)).toEqual({ series: 2, samples: 6 });
  });
  it('a legend says once what all have', () => {
    const common = commonLabels(data.result.map(({ metric }) => metric));
    expect([...common]).toEqual([
      ['__name__', 'up'],
      ['zone', 'x'],
    ]);
    expect(seriesText(data.result[0]!.metric, new Set(common.keys()))).toBe('{job="a"}');
    expect(commonLabels([{ a: 'b' }]).size).toBe(0);
  });
  it('native histograms become cells; an instant one keeps its buckets', () => {
    const histogram = { count: '3', sum: '4', buckets: [[0, '1', '2', '3']] } as const;
    const [heat] = heatOf('a', { resultType: 'matrix', result: [{ metric: {}, histograms: [[2, histogram]] }] }, grid);
    expect(heat?.cells).toEqual([{ at: 1, lower: 1, upper: 2, count: 3 }]);
    expect(rowsOf('a', { resultType: 'vector', result: [{ metric: {}, histogram: [2, histogram] }] })[0]?.histogram).toBe(histogram);
  });
  it('a number by itself is a row', () =>
    expect(rowsOf('b', { resultType: 'scalar', result: [1.5, '42'] })[0]?.values).toEqual([{ ms: 1_500, text: '42' }]));
});
it('a command for a shell quotes what is in the query, and names the token only', () => {
  const curl = curlText('http://127.0.0.1:4400', `up{a='b'}`, grid, 0);
  expect(curl).toContain(`--data-urlencode 'query=up{a='\\''b'\\''}'`);
  expect(curl).toContain('$FAULTLINE_TOKEN');
  expect(promtoolText('http://h', 'up', null, 1_500)).toMatch(/^promtool query instant .* --time=1.5 "http:\/\/h" 'up'$/);
});

it.each([
  ['one line', 40, 1, 0, 35.5],
  ['many lines', 40, 100, 0, 21.5],
  ['a lone heat map', 40, 0, 1, 35.25],
  ['a low panel', 10, 5, 0, 11],
])('%s in %i rem: lines %i, heat maps %i, a chart of %f rem', (_case, room, lines, heats, rem) =>
  expect(chartRem(room, lines, heats, 1)).toBe(rem),
);
