import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLASSIC_NAMES, type NamedMetric, prometheusLabelName, prometheusMetricName, prometheusUnit } from './otlp-names.ts';

/** Naming cases of Prometheus (otlptranslator, Apache-2.0). */
const cases = join(process.env['FAULTLINE_DATA'] ?? join(import.meta.dirname, '../../shared/data'), 'promql/otlp-metric-names.json');
interface NamingCase {
  readonly name: string;
  readonly namespace: string;
  readonly utf8Allowed: boolean;
  readonly withSuffixes: boolean;
  readonly metric: { readonly name: string; readonly unit: string; readonly type: string };
  readonly want?: string;
  readonly wantUnit?: string;
  readonly error?: string;
}
describe.skipIf(!existsSync(cases))("Prometheus' own naming cases (skipped without ../shared/data)", () => {
  const list = existsSync(cases) ? (JSON.parse(readFileSync(cases, 'utf8')) as NamingCase[]) : [];
  it.each(list.map((one, i) => [`${i}: ${one.name}`, one] as const))('%s', (_, one) => {
    const { name, unit, type } = one.metric;
    const metric = { name, unit, isCounter: type === 'MetricTypeMonotonicCounter', isGauge: type === 'MetricTypeGauge' };
    const found = prometheusMetricName(metric, { utf8: one.utf8Allowed, suffixes: one.withSuffixes, namespace: one.namespace });
    expect(found).toBe(one.error === undefined ? one.want : null);
    if (one.wantUnit !== undefined) expect(prometheusUnit(unit)).toBe(one.wantUnit);
  });
});

const gauge = (name: string, unit: string): NamedMetric => ({ name, unit, isCounter: false, isGauge: true });
describe('names of OTLP metrics in PromQL', () => {
  it.each([
    [gauge('system.cpu.utilization', '1'), 'system_cpu_utilization_ratio'],
    [{ ...gauge('system.network.io', 'By'), isGauge: false, isCounter: true }, 'system_network_io_bytes_total'],
    [{ ...gauge('http.server.request.duration', 's'), isGauge: false }, 'http_server_request_duration_seconds'],
    [{ ...gauge('total.orders.total', '{order}'), isGauge: false, isCounter: true }, 'orders_total'],
    [gauge('constructor', 'toString'), 'constructor_toString'],
    [gauge('日本', ''), null],
    [gauge('日本', '1'), 'ratio'],
  ])('%o is %s', (metric, name) => {
    expect(prometheusMetricName(metric, CLASSIC_NAMES)).toBe(name);
  });
});

describe('label names', () => {
  it.each([
    ['http.request.method', 'http_request_method'],
    ['a..b--c', 'a_b_c'],
    ['1st', 'key_1st'],
    ['_private', '_private'],
    ['__name__', '_name_'],
    ['ünit', '_nit'],
    ['日本', ''],
    ['', ''],
  ])('%s is %s', (key, name) => {
    expect(prometheusLabelName(key, { utf8: false })).toBe(name);
  });
  it('keep any character where UTF-8 names are on', () => {
    expect(prometheusLabelName('日本.ünit', { utf8: true })).toBe('日本.ünit');
  });
});
