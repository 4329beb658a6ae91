import { describe, expect, it } from 'vitest';
import type { Attributes, ResourceRow, ScopeRow, SeriesRow } from '#contracts/columns.ts';
import { CLASSIC_NAMES } from './otlp-names.ts';
import { type LabelOptions, labelOptionsOf, prometheusLabels, targetInfo } from './otlp-series.ts';

const attributes = (entries: Readonly<Record<string, string>>): Attributes => ({
  keys: Object.keys(entries),
  values: Object.values(entries),
  types: 's'.repeat(Object.keys(entries).length),
});
const resourceOf = (entries: Readonly<Record<string, string>>): ResourceRow => ({
  service: entries['service.name'] ?? 'unknown_service',
  serviceNamespace: entries['service.namespace'] ?? null,
  serviceInstanceId: entries['service.instance.id'] ?? null,
  serviceVersion: null,
  attributes: attributes(entries),
  droppedAttributesCount: 0,
  schemaUrl: '',
  entityRefs: '',
});
const seriesOf = (entries: Readonly<Record<string, string>>, over: Partial<SeriesRow> = {}): SeriesRow => ({
  metric: 'http.server.requests',
  type: 'sum',
  unit: '{request}',
  description: '',
  temporality: 'cumulative',
  monotonic: true,
  numberType: 'i',
  source: 'otlp',
  service: 'cart',
  attributes: attributes(entries),
  metadata: attributes({}),
  resourceId: 1,
  scopeId: 1,
  ...over,
});
const scope: ScopeRow = {
  name: 'express',
  version: '1.2',
  attributes: attributes({ 'lib.kind': 'http', name: 'no' }),
  droppedAttributesCount: 0,
  schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
};
const cart = resourceOf({ 'service.name': 'cart', 'service.namespace': 'shop', 'service.instance.id': 'a-1', 'host.name': 'node-1' });
const options: LabelOptions = { ...CLASSIC_NAMES, promote: new Set(), scopeLabels: false };
const labels = (...args: Parameters<typeof prometheusLabels>): unknown => Object.fromEntries(prometheusLabels(...args) ?? []);

describe('labels of an OTLP series', () => {
  it('are its attributes, with job and instance of the resource', () => {
    expect(labels(seriesOf({ 'http.route': '/cart' }), cart, null, options)).toEqual({
      __name__: 'http_server_requests_total',
      http_route: '/cart',
      job: 'shop/cart',
      instance: 'a-1',
    });
  });
  it('join values of keys that become one label, in the order of the keys', () => {
    const series = seriesOf({ a_b: '2', 'a.b': '1', 'a-b': '0', empty: '' });
    expect(labels(series, resourceOf({}), null, options)).toEqual({ __name__: 'http_server_requests_total', a_b: '0;1;2' });
  });
  it('take the resource attributes asked for, which never replace those of a point', () => {
    const promote = new Set(['host.name', 'service.name']);
    const own = { __name__: 'http_server_requests_total', job: 'shop/cart', instance: 'a-1', service_name: 'cart' };
    expect(labels(seriesOf({}), cart, null, { ...options, promote })).toEqual({ ...own, host_name: 'node-1' });
    expect(labels(seriesOf({ 'host.name': 'mine' }), cart, null, { ...options, promote })).toEqual({ ...own, host_name: 'mine' });
    expect(labels(seriesOf({}), cart, null, { ...options, promote: 'all' })).toMatchObject({
      service_namespace: 'shop',
      host_name: 'node-1',
    });
  });
  it('name the scope where asked', () => {
    expect(labels(seriesOf({}), cart, scope, { ...options, scopeLabels: true })).toMatchObject({
      otel_scope_name: 'express',
      otel_scope_version: '1.2',
      otel_scope_schema_url: 'https://opentelemetry.io/schemas/1.45.0',
      otel_scope_lib_kind: 'http',
    });
  });
  it('stay as they came for a scraped series', () => {
    const series = seriesOf({ job: 'node', le: '0.5' }, { source: 'prometheus', metric: 'x_bucket' });
    expect(labels(series, cart, null, options)).toEqual({ __name__: 'x_bucket', job: 'node', le: '0.5' });
  });
  it('are none where nothing is left of the name; an attribute never names the metric', () => {
    expect(prometheusLabels(seriesOf({}, { metric: '日本', type: 'gauge', unit: '' }), cart, null, options)).toBeNull();
    expect(labels(seriesOf({ __name__: 'x' }), resourceOf({}), null, { ...options, utf8: true })).toEqual({
      __name__: 'http.server.requests_total',
    });
  });
});

describe('target_info', () => {
  it('has what of the resource is on no series', () => {
    expect(Object.fromEntries(targetInfo(cart, options) ?? [])).toEqual({
      __name__: 'target_info',
      job: 'shop/cart',
      instance: 'a-1',
      host_name: 'node-1',
    });
  });
  it('is not made of a resource that says nothing more, or does not say whose it is', () => {
    expect(targetInfo(resourceOf({ 'service.name': 'cart' }), options)).toBeNull();
    expect(targetInfo(resourceOf({ 'host.name': 'node-1' }), options)).toBeNull();
  });
});

it.each([
  ['UnderscoreEscapingWithSuffixes', 'http_server_duration_seconds', 'http_route'],
  ['UnderscoreEscapingWithoutSuffixes', 'http_server_duration', 'http_route'],
  ['NoUTF8EscapingWithSuffixes', 'http.server.duration_seconds', 'http.route'],
  ['NoTranslation', 'http.server.duration', 'http.route'],
] as const)('%s', (translation, name, label) => {
  const series = {
    ...{ metric: 'http.server.duration', type: 'gauge' as const, unit: 's', monotonic: false, source: 'otlp' as const },
    attributes: { keys: ['http.route'], values: ['/cart'], types: 's' },
  };
  const resource = { attributes: { keys: ['k8s.pod.name', 'service.name'], values: ['p-1', 'shop'], types: 'ss' } };
  const labels = (promote: readonly string[] | 'all') =>
    Object.fromEntries(prometheusLabels(series, resource, null, labelOptionsOf({ translation, promote })) ?? []);
  expect(labels([])).toEqual({ __name__: name, [label]: '/cart', job: 'shop' });
  const pod = label === 'http_route' ? 'k8s_pod_name' : 'k8s.pod.name';
  expect(labels(['k8s.pod.name'])).toMatchObject({ [pod]: 'p-1', job: 'shop' });
  expect(Object.keys(labels('all'))).toContain(pod === 'k8s_pod_name' ? 'service_name' : 'service.name');
});
