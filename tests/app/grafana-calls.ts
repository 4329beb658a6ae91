import { expect } from 'vitest';

/**
 * What Grafana's Prometheus data source asks for (grafana-prometheus and its back end, 11 to 13), with the part of the answer it reads. Data:
 * promql-api.test.ts.
 */
interface Call {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Under /api/v1. */
  readonly path: string;
  readonly form: (nowMs: number) => Readonly<Record<string, string | readonly string[]>>;
  readonly answer: (nowMs: number) => unknown;
}
const window = (nowMs: number) => ({ start: String(nowMs / 1000 - 300), end: String(nowMs / 1000) });
const scalar = (nowMs: number) => ({ resultType: 'scalar', result: [nowMs / 1000, '2'] });
const jobs = 'shop_jobs_total{job="shop"}';
const metric = { __name__: 'shop_jobs_total', http_route: '/cart', instance: 'a-1', job: 'shop' };

export const GRAFANA_CALLS: readonly Call[] = [
  { name: 'health check, 1+1', method: 'POST', path: 'query', form: (now) => ({ query: '1+1', time: String(now / 1000) }), answer: scalar },
  {
    name: 'health check by GET',
    method: 'GET',
    path: 'query',
    form: (now) => ({ query: '1+1', time: String(now / 1000) }),
    answer: scalar,
  },
  {
    name: 'flavour and version',
    method: 'GET',
    path: 'status/buildinfo',
    form: () => ({}),
    answer: () => ({ version: expect.stringMatching(/^3\./) }),
  },
  { name: 'rules', method: 'GET', path: 'rules', form: () => ({}), answer: () => ({ groups: [] }) },
  {
    name: 'names of metrics for the query builder',
    method: 'GET',
    path: 'label/__name__/values',
    form: (now) => ({ ...window(now), limit: '40000' }),
    answer: () => expect.arrayContaining(['shop_jobs_total', 'rpc_seconds']),
  },
  {
    name: 'values of a label of one metric, for a variable',
    method: 'GET',
    path: 'label/job/values',
    form: (now) => ({ ...window(now), 'match[]': 'rpc_seconds', limit: '1' }),
    answer: () => ['a'],
  },
  {
    name: 'names of labels by POST',
    method: 'POST',
    path: 'labels',
    form: (now) => ({ ...window(now), 'match[]': [jobs, 'gc_seconds'] }),
    answer: () => ['__name__', 'http_route', 'instance', 'job', 'quantile'],
  },
  {
    name: 'names of labels of a selector without a name',
    method: 'POST',
    path: 'labels',
    form: (now) => ({ ...window(now), 'match[]': '{__name__=~".+",job="b"}' }),
    answer: () => ['__name__', 'job'],
  },
  {
    name: 'series by POST',
    method: 'POST',
    path: 'series',
    form: (now) => ({ ...window(now), 'match[]': jobs, limit: '10' }),
    answer: () => [metric],
  },
  {
    name: 'types and help of metrics',
    method: 'GET',
    path: 'metadata',
    form: () => ({ limit: '5000', limit_per_metric: '1' }),
    answer: () => ({ shop_jobs_total: [{ type: 'counter', help: '', unit: '' }], old_seconds_bucket: [{ type: 'histogram' }] }),
  },
  {
    name: 'metadata of one metric',
    method: 'GET',
    path: 'metadata',
    form: () => ({ metric: 'shop_jobs_total' }),
    answer: () => ({ shop_jobs_total: [{ type: 'counter' }] }),
  },
  {
    name: 'a panel: a range with its step, lookback and statistics',
    method: 'POST',
    path: 'query_range',
    form: (now) => ({ query: jobs, ...window(now), step: '300', lookback_delta: '1m', stats: 'all' }),
    answer: (now) => ({
      resultType: 'matrix',
      result: [{ metric, values: [[now / 1000, '10']] }],
      stats: { samples: { totalQueryableSamples: 4 }, timings: { evalTotalTime: expect.any(Number) } },
    }),
  },
  {
    name: 'a table: at one time, native histograms too',
    method: 'POST',
    path: 'query',
    form: (now) => ({ query: 'rpc_seconds{job="a"}', time: String(now / 1000) }),
    answer: () => ({ resultType: 'vector', result: [{ metric: { job: 'a' }, histogram: [expect.any(Number), { count: '4', sum: '8' }] }] }),
  },
  {
    name: 'a limited answer',
    method: 'POST',
    path: 'query',
    form: (now) => ({ query: '{__name__=~"rpc_seconds|gc_seconds"}', time: String(now / 1000), limit: '1' }),
    answer: () => ({ result: [expect.anything()] }),
  },
  {
    name: 'exemplars',
    method: 'POST',
    path: 'query_exemplars',
    form: (now) => ({ query: 'http_server_requests_total', ...window(now) }),
    answer: () => [{ exemplars: [{ labels: { trace_id: '0af7651916cd43dd8448eb211c80319c' } }] }],
  },
  {
    name: 'an expression as a tree',
    method: 'GET',
    path: 'parse_query',
    form: () => ({ query: 'sum by (a) (rate(b{c!="d"}[5m] offset 1m)) / on (a) group_left (e) f' }),
    answer: () => ({
      type: 'binaryExpr',
      op: '/',
      bool: false,
      matching: { card: 'many-to-one', labels: ['a'], on: true, include: ['e'] },
      lhs: {
        ...{ type: 'aggregation', op: 'sum', grouping: ['a'], without: false, param: null },
        expr: {
          type: 'call',
          func: { name: 'rate', argTypes: ['matrix'], returnType: 'vector', variadic: 0 },
          args: [
            {
              ...{ type: 'matrixSelector', name: 'b', range: 300_000, offset: 60_000, timestamp: null, startOrEnd: null },
              matchers: [
                { name: 'c', value: 'd', type: '!=' },
                { name: '__name__', value: 'b', type: '=' },
              ],
            },
          ],
        },
      },
      rhs: { type: 'vectorSelector', name: 'f' },
    }),
  },
  {
    name: 'targets',
    method: 'GET',
    path: 'targets',
    form: () => ({ state: 'any' }),
    answer: () => ({ activeTargets: [], droppedTargets: [] }),
  },
  { name: 'metadata of targets', method: 'GET', path: 'targets/metadata', form: () => ({}), answer: () => [] },
  { name: 'names of jobs', method: 'GET', path: 'scrape_pools', form: () => ({}), answer: () => ({ scrapePools: [] }) },
  {
    name: 'flags',
    method: 'GET',
    path: 'status/flags',
    form: () => ({}),
    answer: () => ({ 'query.lookback-delta': '5m', 'query.timeout': '30s' }),
  },
  { name: 'configuration', method: 'GET', path: 'status/config', form: () => ({}), answer: () => ({ yaml: '' }) },
  {
    name: 'the process',
    method: 'GET',
    path: 'status/runtimeinfo',
    form: () => ({}),
    answer: () => ({ startTime: expect.stringMatching(/Z$/), storageRetention: expect.any(String) }),
  },
  { name: 'the start', method: 'GET', path: 'status/walreplay', form: () => ({}), answer: () => ({ min: 0, max: 100, current: 100 }) },
  {
    name: 'where series come from',
    method: 'GET',
    path: 'status/tsdb',
    form: () => ({ limit: '1' }),
    answer: () => ({
      headStats: { numSeries: expect.any(Number) },
      seriesCountByMetricName: [{ name: expect.any(String), value: expect.any(Number) }],
    }),
  },
  {
    name: 'Alertmanagers',
    method: 'GET',
    path: 'alertmanagers',
    form: () => ({}),
    answer: () => ({ activeAlertmanagers: [], droppedAlertmanagers: [] }),
  },
  { name: 'notifications', method: 'GET', path: 'notifications', form: () => ({}), answer: () => [] },
];
