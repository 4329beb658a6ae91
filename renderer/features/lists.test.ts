import { describe, expect, it } from 'vitest';
import { findEntries, matchScore, traceIdIn } from './frame/palette-model.ts';
import { toggleSeverity } from './logs/log-filter.ts';
import { SEVERITY_CLASSES, severityClass } from './logs/severity-class.ts';
import { defaultFn, drawnUnit, figuresOf, findMetrics, type Metric } from './metrics/metric-model.ts';
import { reasonRows } from './sources/source-model.ts';

describe('palette', () => {
  const entries = ['checkout', 'Go to logs', 'catalog'].map((label) => ({ id: label, group: '', label }));
  it.each([
    ['', ['checkout', 'Go to logs', 'catalog']],
    ['log', ['Go to logs', 'catalog']],
    ['cat', ['catalog']],
    ['go zzz', []],
    ['LOGS go', ['Go to logs']],
  ])('"%s" finds %j', (typed, labels) => expect(findEntries(entries, typed, 9).map((e) => e.label)).toEqual(labels));
  it('finds by other words, but those in the label count more', () =>
    expect(matchScore({ label: 'Theme', also: 'dark' }, 'dark')).toBeLessThan(matchScore({ label: 'dark' }, 'dark')));
  it.each([
    ['trace 7f8e5ae1f21473e9465e8f119da63d3e', '7f8e5ae1f21473e9465e8f119da63d3e'],
    ['7F8E5AE1F21473E9465E8F119DA63D3E', '7f8e5ae1f21473e9465e8f119da63d3e'],
    ['00000000000000000000000000000000', null],
    ['7f8e5ae1f21473e9465e8f119da63d3e0', null],
    ['checkout', null],
  ])('a trace id in "%s"', (typed, id) => expect(traceIdIn(typed)).toBe(id));
});
describe('log search', () => {
  it('switching all classes on is the same as none', () => {
    let list = '';
    for (const name of SEVERITY_CLASSES) list = toggleSeverity(list, name, SEVERITY_CLASSES);
    expect(list).toBe('');
    expect(toggleSeverity('error,nonsense', 'error', SEVERITY_CLASSES)).toBe('');
  });
  it.each([
    [0, 'info'],
    [1, 'debug'],
    [8, 'debug'],
    [9, 'info'],
    [13, 'warn'],
    [17, 'error'],
    [24, 'fatal'],
    [255, 'fatal'],
  ])('severity %i is %s', (number, name) => expect(severityClass(number)).toBe(name));
});
describe('metrics', () => {
  const metric = (name: string, more: Partial<Metric> = {}): Metric => ({
    metric: name,
    type: 'gauge',
    monotonic: false,
    unit: '',
    description: '',
    source: 'otlp',
    series: 1,
    services: ['cart'],
    labels: [],
    ...more,
  });
  it.each([
    ['sum', true, 'rate'],
    ['sum', false, 'avg'],
    ['gauge', false, 'avg'],
    ['histogram', false, 'avg'],
  ])('a %s, monotonic %s, is drawn as %s whatever its name', (type, monotonic, fn) => {
    for (const name of ['cpu.usage', 'requests_total', 'x_count']) expect(defaultFn(metric(name, { type, monotonic }))).toBe(fn);
  });
  it('names that begin with the word come first; other services are left out', () => {
    const list = [metric('x.heap'), metric('heap.used'), metric('heap.other', { services: ['web'] })];
    expect(findMetrics(list, 'HEAP', 'cart').map((m) => m.metric)).toEqual(['heap.used', 'x.heap']);
    expect(findMetrics(list, 'nothing', '')).toEqual([]);
  });
  it('gaps do not count in the figures', () => {
    expect(figuresOf('a', [1, null, undefined, 3])).toEqual({ name: 'a', last: 3, min: 1, max: 3, mean: 2 });
    expect(figuresOf('a', [null]).last).toBeNaN();
    expect(drawnUnit('By', 'rate')).toBe('By/s');
  });
});
it('reasons: refused, then dropped, then noted; most first; zeros left out', () => {
  const rows = reasonRows([
    { source: 'a', refused: { malformed: 2, too_deep: 0 }, dropped: { invalid_id: 9 }, noted: {} },
    { source: 'b', refused: { malformed: 5 }, dropped: {}, noted: { no_data: 1 } },
  ]);
  expect(rows.map((row) => `${row.source} ${row.code}`)).toEqual(['b malformed', 'a malformed', 'a invalid_id', 'b no_data']);
});
