import { describe, expect, it } from 'vitest';
import type { ExploredMetric } from '#contracts/promql.ts';
import { classicHeat, readWhere, topAndRest, topQuery, writeWhere } from './breakdown.ts';
import { draftAlert } from './draft-alert.ts';
import { changeOf, inOrder, metricNamed, narrow, prefixesOf, serviceMatcher, sizeOfChange } from './explorer-model.ts';

const metric = (name: string, more: Partial<ExploredMetric> = {}): ExploredMetric => ({
  ...{ name, kind: 'gauge', unit: '', help: '', series: 1, services: ['cart'], labels: [] },
  ...more,
});
const NONE = { q: '', service: '', kind: '', label: '', prefix: '', withValue: null };
const names = (list: readonly ExploredMetric[]): string[] => list.map(({ name }) => name);

describe('the list of metrics', () => {
  const list = [
    metric('jvm_heap', { help: 'Heap' }),
    metric('heap_used', { labels: ['pool'] }),
    metric('heap_other', { services: ['web'] }),
    metric('http_duration_seconds', { kind: 'histogram', series: 9 }),
  ];
  it('names that begin with the word come first; dots are underscores', () => {
    expect(names(narrow(list, { ...NONE, q: 'HEAP' }))).toEqual(['heap_other', 'heap_used', 'jvm_heap']);
    expect(names(narrow(list, { ...NONE, q: 'http.duration' }))).toEqual(['http_duration_seconds']);
    expect(narrow(list, { ...NONE, q: 'nothing' })).toEqual([]);
  });
  it('is narrowed by service, type, label, prefix and the value of a label', () => {
    expect(names(narrow(list, { ...NONE, service: 'web' }))).toEqual(['heap_other']);
    expect(names(narrow(list, { ...NONE, kind: 'histogram' }))).toEqual(['http_duration_seconds']);
    expect(names(narrow(list, { ...NONE, label: 'pool' }))).toEqual(['heap_used']);
    expect(names(narrow(list, { ...NONE, prefix: 'heap' }))).toEqual(['heap_other', 'heap_used']);
    expect(names(narrow(list, { ...NONE, withValue: new Set(['http_duration_seconds_bucket']) }))).toEqual(['http_duration_seconds']);
  });
  it('offers prefixes of several metrics', () => expect(prefixesOf(list, 5)).toEqual([{ prefix: 'heap', count: 2 }]));
  it('a link names a metric as PromQL does, as one of its parts, or as it was sent', () => {
    for (const name of ['http_duration_seconds', 'http_duration_seconds_bucket', 'http.duration'])
      expect(metricNamed(list, name)?.name).toBe('http_duration_seconds');
    expect(metricNamed(list, 'nothing')).toBeUndefined();
  });
  it('a service is service_name, or the job behind its namespace', () => {
    expect(serviceMatcher(metric('x', { labels: ['job'] }), 'a.b')).toEqual([{ name: 'job', operator: '=~', value: '(?:.+/)?a\\.b' }]);
    expect(serviceMatcher(metric('x', { labels: ['job', 'service_name'] }), 'a')[0]).toMatchObject({ name: 'service_name', operator: '=' });
    expect(serviceMatcher(metric('x'), 'a')).toEqual([]);
  });
});
describe('change in the window', () => {
  it.each([
    [[1, 1, 2, 2], 0.5],
    [[2, null, 2, 1, 1], 0.5],
    [[0, 0, 0, 5], 1],
    [[3, 3, 3, 3], 0],
    [[0, 0, 0, 0], 0],
    [[1, null, 2], 0],
  ])('%j is %f', (values, size) => expect(sizeOfChange(changeOf(values))).toBe(size));
  it('the most comes first; what is not known yet comes last', () => {
    const list = [metric('a'), metric('b'), metric('c', { series: 5 })];
    expect(
      names(
        inOrder(
          list,
          'change',
          new Map([
            ['b', 0.9],
            ['a', 0.1],
          ]),
        ),
      ),
    ).toEqual(['b', 'a', 'c']);
    expect(names(inOrder(list, 'series', new Map()))).toEqual(['c', 'a', 'b']);
  });
});
describe('a breakdown', () => {
  const counter = { name: 'x_total', kind: 'counter' } as const;
  it('asks for the largest of the whole window, then for them and for all others', () => {
    const by = { look: 'rate', by: 'job', where: [] } as const;
    expect(topQuery(counter, by, 3_600_000)).toBe('topk(9, sum by (job) (rate(x_total[1h])))');
    expect(topAndRest(counter, by, ['a.b', 'c'], 60_000)).toEqual({
      top: 'sum by (job) (rate(x_total{job=~"a\\\\.b|c"}[1m]))',
      rest: 'sum (rate(x_total{job!~"a\\\\.b|c"}[1m]))',
    });
    expect(topQuery({ name: 'g', kind: 'gauge' }, { ...by, look: 'max' }, 60_000)).toBe('topk(9, max by (job) (max_over_time(g[1m])))');
  });
  it('what it is narrowed to comes back from the address', () => {
    const where = [
      { name: 'a', operator: '=', value: 'b=c' },
      { name: 'd', operator: '=', value: '' },
    ] as const;
    expect(readWhere(writeWhere(where))).toEqual(where);
    expect(readWhere('nothing\n=x')).toEqual([]);
  });
});
it('buckets hold all smaller ones: a cell is what is between two', () => {
  const series = (le: string, total: string) => ({ metric: { le }, values: [[1, total]] as const });
  const data = { resultType: 'matrix', result: [series('+Inf', '10'), series('0.1', '4'), series('1', '9')] } as const;
  expect(classicHeat(data, { startMs: 0, endMs: 2_000, stepMs: 1_000 })).toEqual([
    { at: 1, lower: 0, upper: 0.1, count: 4 },
    { at: 1, lower: 0.1, upper: 1, count: 5 },
    { at: 1, lower: 1, upper: Number.POSITIVE_INFINITY, count: 1 },
  ]);
});
it('an alert on a metric begins just below its peak', () => {
  expect(draftAlert('http.server-errors_total', 'rate(x[1m])', [0.01, null, 0.0837, Number.NaN])).toEqual({
    name: 'HttpServerErrorsTotalHigh',
    expr: '(rate(x[1m])) > 0.083',
    forSeconds: 300,
  });
  const of = (...values: number[]): string => draftAlert('x', 'x', values).expr;
  expect([of(12_345), of(12), of(-5), of(0), of()]).toEqual(['(x) > 12000', '(x) > 11', '(x) > -5.1', '(x) > -1', '(x) > 0']);
});
