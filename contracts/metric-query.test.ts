import { describe, expect, it } from 'vitest';
import { durationWord, LOOKS, lookOf, lookUnit, METRIC_KINDS, metricQuery } from './metric-query.ts';

const rangeMs = 60_000;
describe('the query of a metric nobody has said how to look at', () => {
  it.each([
    ['counter', 'sum (rate(x[1m]))'],
    ['gauge', 'avg (x)'],
    ['histogram', 'histogram_quantile(0.95, sum by (le) (rate(x_bucket[1m])))'],
    ['native', 'histogram_quantile(0.95, sum (rate(x[1m])))'],
    ['summary', 'sum (rate(x_sum[1m])) / sum (rate(x_count[1m]))'],
    ['info', 'count (x)'],
    ['unknown', 'avg (x)'],
  ] as const)('a %s: %s', (kind, query) => expect(metricQuery({ name: 'x', kind }, { rangeMs })).toBe(query));
  it('by a label, of some series, with a name that is no classic one', () => {
    const where = [{ name: 'job', operator: '=', value: 'a' }] as const;
    expect(metricQuery({ name: 'http.x', kind: 'counter' }, { rangeMs, by: 'k8s.pod', where })).toBe(
      'sum by ("k8s.pod") (rate({"http.x",job="a"}[1m]))',
    );
    expect(metricQuery({ name: 'x', kind: 'histogram' }, { rangeMs, by: 'job', look: 'p99' })).toBe(
      'histogram_quantile(0.99, sum by (job, le) (rate(x_bucket[1m])))',
    );
  });
  it('a look a kind does not have is its first', () => {
    expect(lookOf({ kind: 'gauge' }, 'p95')).toBe('avg');
    for (const kind of METRIC_KINDS) expect(lookOf({ kind })).toBe(LOOKS[kind][0]);
  });
  it.each([
    [{ name: 'x', kind: 'counter', unit: 'By' }, undefined, 'By/s'],
    [{ name: 'x_seconds_total', kind: 'counter', unit: '' }, undefined, 's/s'],
    [{ name: 'x_bytes', kind: 'gauge', unit: '' }, undefined, 'By'],
    [{ name: 'x', kind: 'histogram', unit: 's' }, 'rate', '1/s'],
    [{ name: 'x', kind: 'histogram', unit: 's' }, 'p99', 's'],
    [{ name: 'x', kind: 'info', unit: '' }, undefined, ''],
  ] as const)('%j as %s is in %j', (metric, look, unit) => expect(lookUnit(metric, look)).toBe(unit));
  it.each([
    [60_000, '1m'],
    [90_000, '90s'],
    [7_200_000, '2h'],
    [250, '250ms'],
  ])('%i ms is %s', (ms, word) => expect(durationWord(ms)).toBe(word));
});
