import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HTTPPrometheusClient } from '@prometheus-io/codemirror-promql/dist/cjs/client/prometheus.js';
import { Matcher } from '@prometheus-io/codemirror-promql/dist/cjs/types/matcher.js';
import { EqlSingle } from '@prometheus-io/lezer-promql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MetricCards, MetricCatalogue, MetricLabels } from '#contracts/promql.ts';
import type { ReplayAnswer } from '#contracts/replay.ts';
import { findFreePort } from '#main/collector/port-owner.ts';
import { labels1, write1 } from '../fixtures/write-requests.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { GRAFANA_CALLS } from './grafana-calls.ts';

/** The Prometheus API over what was really received; beside Debian's Prometheus, which answers the same of the same samples. */
interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}
interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data: { readonly resultType: string; readonly result: readonly Found[] };
}
const PROMTOOL = '/usr/bin/promtool';
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const rounded = (found: readonly Found[]): unknown =>
  found
    .map(({ metric, value, values }) => ({
      metric,
      points: (values ?? [value as readonly [number, string]]).map(([at, text]) => [at, Number(Number(text).toPrecision(9))]),
    }))
    .sort((a, b) => (JSON.stringify(Object.entries(a.metric).sort()) < JSON.stringify(Object.entries(b.metric).sort()) ? -1 : 1));

let faultline: FaultlineProcess;
const ask = async (path: string): Promise<Answer> => (await (await faultline.fetch(`/api/v1/${path}`)).json()) as Answer;
const nowMs = Math.floor(Date.now() / 1000) * 1000;

describe('the Prometheus API over OTLP', () => {
  const rulesFolder = mkdtempSync(join(tmpdir(), 'faultline-rules-'));
  /** What notifies of their alerts posted here. */
  const told: { status: string; alerts: { labels: Record<string, string>; annotations: object; generatorURL: string }[] }[] = [];
  const hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString()));
      response.end();
    });
  });
  beforeAll(async () => {
    await new Promise<void>((ready) => hook.listen(0, '127.0.0.1', ready));
    const routes = join(rulesFolder, 'alertmanager.yaml');
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    writeFileSync(
      routes,
      `route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s}\nreceivers: [{name: hook, webhook_configs: [{url: '${url}'}]}]\n`,
    );
    faultline = await startFaultline({ args: ['--no-ui', '--rules', join(rulesFolder, '*.yml'), '--alertmanager-config', routes] });
    const points = (values: readonly number[]) =>
      values.map((value, i) => ({
        timeUnixNano: `${nowMs - (values.length - 1 - i) * 10_000}000000`,
        startTimeUnixNano: `${nowMs - 3_600_000}000000`,
        asDouble: value,
        exemplars:
          value === 60
            ? [
                {
                  ...{ timeUnixNano: `${nowMs - 2_500}000000`, asDouble: 0.5, traceId: '0af7651916cd43dd8448eb211c80319c' },
                  ...{ spanId: '00f067aa0ba902b7', filteredAttributes: [{ key: 'user', value: { stringValue: 'eve' } }] },
                },
              ]
            : [],
        attributes: [{ key: 'http.route', value: { stringValue: '/cart' } }],
      }));
    const histogram = [1, 2].map((turn) => ({
      timeUnixNano: `${nowMs - (2 - turn) * 60_000}000000`,
      count: String(turn * 10),
      sum: turn * 4,
      explicitBounds: [0.1, 1],
      bucketCounts: [String(turn * 5), String(turn * 4), String(turn)],
    }));
    // One observation in (1, 2^(1/2^scale)] for each count.
    const exponential = (scale: number, counts: readonly number[]) =>
      counts.map((count, i) => ({
        timeUnixNano: `${nowMs - (counts.length - 1 - i) * 60_000}000000`,
        ...{ count: String(count + 1), sum: count * 1.5, scale, zeroCount: '1' },
        positive: { offset: 0, bucketCounts: [String(count)] },
      }));
    const body = {
      resourceMetrics: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'shop' } },
              { key: 'service.instance.id', value: { stringValue: 'a-1' } },
              { key: 'host.name', value: { stringValue: 'node-1' } },
            ],
          },
          scopeMetrics: [
            {
              metrics: [
                {
                  name: 'http.server.requests',
                  unit: '{request}',
                  sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points([0, 10, 20, 30, 40, 50, 60]) },
                },
                { name: 'shop.jobs', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: points([1, 2, 3, 4]) } },
                { name: 'http.server.request.duration', unit: 's', histogram: { aggregationTemporality: 2, dataPoints: histogram } },
                { name: 'shop.wait', exponentialHistogram: { aggregationTemporality: 2, dataPoints: exponential(1, [1, 3]) } },
                { name: 'shop.pause', exponentialHistogram: { aggregationTemporality: 1, dataPoints: exponential(20, [2, 3, 4]) } },
              ],
            },
          ],
        },
      ],
    };
    const sent = await fetch(`${faultline.ingest}/v1/metrics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(sent.status).toBe(200);
    const native = (value: number, custom: boolean) => ({
      timestamp: BigInt(nowMs),
      ...{ sum: value * 2, schema: custom ? -53 : 0, zeroThreshold: custom ? 0 : 0.001, customValues: custom ? [0.5, 1] : [] },
      count: { case: 'countInt' as const, value: BigInt(value) },
      positiveSpans: [{ offset: 1, length: 1 }],
      positiveDeltas: [BigInt(value)],
    });
    const sample = (value: number) => [{ value, timestamp: BigInt(nowMs) }];
    const written = await fetch(`${faultline.ingest}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
      body: write1({
        timeseries: [
          { labels: labels1({ __name__: 'rpc_seconds', job: 'a' }), histograms: [native(4, false)] },
          { labels: labels1({ __name__: 'rpc_seconds', job: 'b' }), histograms: [native(6, false)] },
          { labels: labels1({ __name__: 'disk_seconds', job: 'a' }), histograms: [native(8, true)] },
          { labels: labels1({ __name__: 'old_seconds_bucket', job: 'a', le: '1' }), samples: sample(3) },
          { labels: labels1({ __name__: 'old_seconds_bucket', job: 'a', le: '+Inf' }), samples: sample(4) },
          { labels: labels1({ __name__: 'gc_seconds', job: 'a', quantile: '0.5' }), samples: sample(0.25) },
        ],
        metadata: [
          { type: 3, metricFamilyName: 'old_seconds', help: '', unit: '' },
          { type: 5, metricFamilyName: 'gc_seconds', help: '', unit: '' },
        ],
      }),
    });
    expect(written.status).toBe(204);
    await faultline.flush();
  });
  afterAll(async () => {
    await faultline.stop();
    hook.close();
    rmSync(rulesFolder, { recursive: true, force: true });
  });

  it.each([
    ['http_server_requests_total', [{ __name__: 'http_server_requests_total', http_route: '/cart', instance: 'a-1', job: 'shop' }, '60']],
    ['sum by (job) (rate(http_server_requests_total[1m]))', [{ job: 'shop' }, '1']],
    // Deltas of 3 and 4 are later than 20 s ago.
    ['increase(shop_jobs_total[20s])', [{ http_route: '/cart', instance: 'a-1', job: 'shop' }, '7']],
    [
      'http_server_request_duration_seconds_bucket{le="1"}',
      [{ __name__: 'http_server_request_duration_seconds_bucket', instance: 'a-1', job: 'shop', le: '1' }, '18'],
    ],
    ['histogram_quantile(0.5, sum by (le) (http_server_request_duration_seconds_bucket))', [{}, '0.1']],
    ['http_server_request_duration_seconds_sum / http_server_request_duration_seconds_count', [{ instance: 'a-1', job: 'shop' }, '0.4']],
    ['target_info', [{ __name__: 'target_info', host_name: 'node-1', instance: 'a-1', job: 'shop' }, '1']],
    [
      'sum by (job) (rate(http_server_requests_total[1m])) * on (job) group_left (host_name) target_info',
      [{ host_name: 'node-1', job: 'shop' }, '1'],
    ],
  ])('%s', async (query, [metric, value]) => {
    const answer = await ask(`query?query=${encodeURIComponent(query as string)}&time=${nowMs / 1000}`);
    expect(answer).toMatchObject({ status: 'success', data: { resultType: 'vector', result: [{ metric, value: [nowMs / 1000, value] }] } });
    expect(answer.data.result[0]?.metric).toEqual(metric);
  });
  it.each([
    ['histogram_count(shop_wait)', '4'],
    ['histogram_quantile(0.9, shop_wait)', String(2 ** (0.5 * (1 - 0.4 / 3)))],
    // Deltas are added up to 3, 7 and 12 observations; 5 in the one minute between the last two are 10 in two.
    ['histogram_count(increase(shop_pause[2m]))', '10'],
    ['histogram_sum(sum(rpc_seconds))', '20'],
    ['histogram_fraction(1, 2, sum(rpc_seconds))', '1'],
    ['histogram_avg(disk_seconds)', '2'],
    ['histogram_quantile(0.5, disk_seconds)', '0.75'],
    // Scraped and written classic histograms and summaries are plain series, whatever is said of their type.
    ['histogram_quantile(0.5, old_seconds_bucket)', String(2 / 3)],
    ['gc_seconds{quantile="0.5"}', '0.25'],
  ])('histograms: %s', async (query, value) => {
    const answer = await ask(`query?query=${encodeURIComponent(query)}&time=${nowMs / 1000}`);
    expect(answer.data.result).toHaveLength(1);
    expect(Number(answer.data.result[0]?.value?.[1])).toBeCloseTo(Number(value), 9);
  });
  it("gives native histograms in Prometheus' shape, and says what does not go together", async () => {
    const query = encodeURIComponent('sum(rpc_seconds)');
    const histogram = { count: '10', sum: '20', buckets: [[0, '1', '2', '10']] };
    expect((await ask(`query?query=${query}&time=${nowMs / 1000}`)).data.result).toEqual([
      { metric: {}, histogram: [nowMs / 1000, histogram] },
    ]);
    const range = await ask(`query_range?query=${query}&start=${nowMs / 1000}&end=${nowMs / 1000 + 5}&step=5`);
    expect(range.data.result).toEqual([{ metric: {}, histograms: [0, 5].map((after) => [nowMs / 1000 + after, histogram]) }]);
    expect((await ask(`query?query=${encodeURIComponent('disk_seconds')}&time=${nowMs / 1000}`)).data.result).toMatchObject([
      { histogram: [nowMs / 1000, { count: '8', sum: '16', buckets: [[0, '0.5', '1', '8']] }] },
    ]);
    expect(await ask(`query?query=${encodeURIComponent('1 +\n  (rpc_seconds + 1)')}&time=${nowMs / 1000}`)).toMatchObject({
      infos: ['PromQL info: incompatible sample types encountered for binary operator "+": histogram + float (2:4)'],
    });
  });
  it('has metrics as people look for them: kinds told apart, histograms whole, each as a line by its own query, labels counted', async () => {
    const dataOf = async <T>(answer: Response): Promise<T> => ((await answer.json()) as { data: T }).data;
    const { metrics } = await dataOf<MetricCatalogue>(await faultline.fetch('/console/metrics/catalogue'));
    const kinds = new Map(metrics.map(({ name, kind, series }) => [name, `${kind} ${series}`]));
    expect(kinds.get('http_server_requests_total')).toBe('counter 1');
    expect(kinds.get('http_server_request_duration_seconds')).toBe('histogram 1');
    expect(kinds.get('shop_wait')).toBe('native 1');
    expect(kinds.get('rpc_seconds')).toBe('native 2');
    expect(kinds.get('old_seconds')).toMatch(/^histogram/);
    expect(metrics.find(({ name }) => name === 'http_server_requests_total')).toMatchObject({ services: ['shop'], unit: '{request}' });
    const body = { names: ['http_server_requests_total', 'shop_wait', 'nothing'], start: nowMs - 60_000, end: nowMs, step: 15_000 };
    const headers = { 'content-type': 'application/json' };
    const post = (content: object): Promise<Response> =>
      faultline.fetch('/console/metrics/cards', { method: 'POST', headers, body: JSON.stringify(content) });
    const { cards } = await dataOf<MetricCards>(await post(body));
    expect(cards.map(({ name }) => name)).toEqual(['http_server_requests_total', 'shop_wait']);
    const query = 'sum (rate(http_server_requests_total[1m]))';
    expect(cards[0]).toMatchObject({ query, error: '' });
    const times = `start=${(nowMs - 60_000) / 1000}&end=${nowMs / 1000}&step=15`;
    const same = await ask(`query_range?query=${encodeURIComponent(query)}&${times}`);
    const known = (cards[0]?.values ?? []).filter((value) => value !== null);
    expect(known).toEqual((same.data.result[0]?.values ?? []).map(([, value]) => Number(value)));
    expect(known.length).toBeGreaterThan(0);
    expect((await post({ ...body, step: 1 })).status).toBe(400);
    const labels = await dataOf<MetricLabels>(await faultline.fetch('/console/metrics/labels?metric=rpc_seconds'));
    expect(labels).toMatchObject({
      series: 2,
      labels: [
        {
          label: 'job',
          values: 2,
          top: [
            { value: 'a', series: 1 },
            { value: 'b', series: 1 },
          ],
        },
      ],
    });
  });
  it('says what is wrong with a query while it is typed as an answer, with its place', async () => {
    const check = async (query: string): Promise<unknown> =>
      (await faultline.fetch('/console/promql/check', { method: 'POST', body: JSON.stringify({ query }) })).json();
    expect(await check('sum by(job)(up)')).toEqual({ formatted: 'sum by (job) (up)', problem: null });
    expect(await check('sum by job (up)')).toEqual({
      formatted: null,
      problem: { from: 7, to: 10, message: 'unexpected identifier "job" in grouping opts, expected "("' },
    });
  });
  it('gives exemplars of what an expression selects', async () => {
    const window = `start=${nowMs / 1000 - 60}&end=${nowMs / 1000}`;
    const found = await ask(
      `query_exemplars?query=${encodeURIComponent('sum(rate(http_server_requests_total{job="shop"}[5m]))')}&${window}`,
    );
    const labels = { span_id: '00f067aa0ba902b7', trace_id: '0af7651916cd43dd8448eb211c80319c', user: 'eve' };
    expect(found.data).toEqual([
      {
        seriesLabels: { __name__: 'http_server_requests_total', http_route: '/cart', instance: 'a-1', job: 'shop' },
        exemplars: [{ labels, value: '0.5', timestamp: nowMs / 1000 - 2.5 }],
      },
    ]);
    expect((await ask(`query_exemplars?query=nothing&${window}`)).data).toEqual([]);
  });
  it('says what is wrong, and where', async () => {
    expect(await ask('query?query=sum(')).toMatchObject({
      status: 'error',
      errorType: 'bad_data',
      error: expect.stringContaining('1:5: parse error: unclosed left parenthesis'),
    });
    expect((await ask(`query?query=${encodeURIComponent('1 +\n sum(')}`)).error).toContain('invalid parameter "query": 2:6: parse error');
    expect((await ask('series?match[]={a=')).error).toContain('invalid parameter "match[]": 1:4: parse error');
    expect(await ask('labels?limit=2')).toMatchObject({ data: ['__name__', 'host_name'], warnings: ['results truncated due to limit'] });
    const long = await faultline.fetch(`/api/v1/query_range?query=up&start=0&end=100000&step=1`);
    expect(long.status).toBe(400);
    expect((await ask('query_range?query=up[5m]&start=0&end=10&step=1')).error).toContain('invalid expression type "range vector"');
    expect(await ask('query?query=max_over_time(vector(1)[10y:1ms])')).toMatchObject({
      errorType: 'execution',
      error: 'query processing would load too many samples into memory in query execution',
    });
    const slow = 'max_over_time(vector(1)[10m:1ms]) + max_over_time(vector(1)[10m:1ms] offset 1s)';
    expect(await ask(`query?query=${encodeURIComponent(slow)}&timeout=1ms`)).toMatchObject({ errorType: 'timeout' });
    expect((await fetch(`${faultline.api}/api/v1/query?query=1`)).status).toBe(401);
  });
  it('lists series, labels and their values, also by POST', async () => {
    const form = (path: string, body: Record<string, string>) =>
      faultline.fetch(`/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(body).toString(),
      });
    const names = (await (await form('label/__name__/values', {})).json()) as { data: string[] };
    expect(names.data).toEqual(
      expect.arrayContaining([
        'http_server_request_duration_seconds_bucket',
        'http_server_request_duration_seconds_count',
        'shop_jobs_total',
      ]),
    );
    const series = (await (
      await form('series', { 'match[]': 'shop_jobs_total', start: String(nowMs / 1000 - 60), end: String(nowMs / 1000) })
    ).json()) as { data: unknown[] };
    expect(series.data).toHaveLength(1);
    expect(((await ask(`label/le/values?start=${nowMs / 1000 - 60}&end=${nowMs / 1000}`)) as unknown as { data: string[] }).data).toEqual([
      '+Inf',
      '0.1',
      '1',
    ]);
    expect(((await ask('labels')) as unknown as { data: string[] }).data).toEqual([
      ...['__name__', 'host_name', 'http_route', 'instance', 'job', 'le', 'quantile'],
    ]);
    expect(((await ask('format_query?query=sum(a)by(b)')) as unknown as { data: string }).data).toBe('sum by (b) (a)');
  });

  it.each(GRAFANA_CALLS)("answers Grafana's call: $name", async ({ method, path, form, answer }) => {
    const text = new URLSearchParams(
      Object.entries(form(nowMs)).flatMap(([name, value]) => [value].flat().map((each): [string, string] => [name, each])),
    ).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'accept-encoding': 'gzip' };
    const init = method === 'POST' ? { method, headers, body: text } : { headers };
    const response = await faultline.fetch(`/api/v1/${path}${method === 'GET' ? `?${text}` : ''}`, init);
    expect(await response.json()).toMatchObject({ status: 'success', data: answer(nowMs) });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  });
  it.each(['GET', 'POST'] as const)("answers codemirror-promql's client, by %s", async (httpMethod) => {
    const failures: string[] = [];
    const client = new HTTPPrometheusClient({
      ...{
        url: faultline.api,
        httpMethod,
        lookbackInterval: 3_600_000,
        requestHeaders: new Headers({ authorization: `Bearer ${faultline.token}` }),
      },
      httpErrorHandler: ({ message }: Error) => failures.push(message),
    });
    const answered = expect.arrayContaining(['rpc_seconds', 'shop_jobs_total', 'target_info']);
    expect(await client.metricNames()).toEqual(answered);
    expect(await client.labelNames()).toEqual(['__name__', 'host_name', 'http_route', 'instance', 'job', 'le', 'quantile']);
    expect(await client.labelNames('shop_jobs_total')).toEqual(['__name__', 'http_route', 'instance', 'job']);
    expect(await client.labelValues('job')).toEqual(['a', 'b', 'shop']);
    const isA = new Matcher(EqlSingle, 'job', 'a');
    expect(await client.labelValues('job', 'rpc_seconds')).toEqual(['a', 'b']);
    expect(await client.labelValues('job', 'rpc_seconds', [isA])).toEqual(['a', 'b']);
    expect(await client.series('rpc_seconds')).toHaveLength(2);
    expect(await client.series('rpc_seconds', [isA], 'le')).toEqual([{ __name__: 'rpc_seconds', job: 'a' }]);
    expect(await client.metricMetadata()).toMatchObject({
      shop_jobs_total: [{ type: 'counter', help: '', unit: '' }],
      target_info: [{ type: 'gauge', help: 'Target metadata', unit: '' }],
    });
    expect(await client.flags()).toMatchObject({ 'query.lookback-delta': '5m' });
    expect(failures).toEqual([]);
    // What is wrong comes to its handler in our words, and an empty list to the editor.
    expect(await client.labelValues('job', 'rpc_seconds{')).toEqual([]);
    expect(failures).toEqual([expect.stringMatching(/parse error/)]);
    client.destroy();
  });
  it('compresses answers for who asks for it', async () => {
    const path = `/api/v1/query_range?query=${encodeURIComponent('vector(1) / 3 * time()')}&start=0&end=10000&step=1`;
    const plain = await (await faultline.fetch(path, { headers: { 'accept-encoding': 'identity' } })).text();
    for (const encoding of ['gzip', 'zstd']) {
      const response = await faultline.fetch(path, { headers: { 'accept-encoding': encoding } });
      expect([response.headers.get('content-encoding'), await response.text()]).toEqual([encoding, plain]);
    }
    const small = await faultline.fetch('/api/v1/query?query=1', { headers: { 'accept-encoding': 'gzip' } });
    expect(small.headers.get('content-encoding')).toBeNull();
  });
  it.skipIf(!existsSync(PROMTOOL))("answers promtool's query commands (skipped without promtool)", async () => {
    // 2.42 knows no --http.config.file: the token goes as a password in the address.
    const url = faultline.api.replace('//', `//promtool:${faultline.token}@`);
    const promtool = async (command: string, ...args: readonly string[]): Promise<string> =>
      (await promisify(execFile)(PROMTOOL, ['query', command, ...args])).stdout;
    const [start, end] = [String(nowMs / 1000 - 60), String(nowMs / 1000)];
    expect(await promtool('instant', `--time=${end}`, url, 'sum(shop_jobs_total)')).toBe(`{} => 10 @[${end}]\n`);
    const range = await promtool('range', `--start=${nowMs / 1000 - 1}`, `--end=${end}`, '--step=1s', url, '1 + 1');
    expect(range).toBe(`{} =>\n2 @[${nowMs / 1000 - 1}]\n2 @[${end}]\n`);
    expect(await promtool('series', '--match=shop_jobs_total', `--start=${start}`, `--end=${end}`, url)).toContain('job="shop"');
    expect(await promtool('labels', `--start=${start}`, `--end=${end}`, url, 'job')).toBe('a\nb\nshop\n');
    await expect(promtool('instant', url, 'sum(')).rejects.toThrow(/unclosed left parenthesis/);
  });
  it('faultline query promql: as a table, CSV and JSON', async () => {
    const query = async (...args: readonly string[]): Promise<string> => {
      const command = ['query', 'promql', '--api', faultline.api, '--token', faultline.token, ...args];
      return (await promisify(execFile)(join(import.meta.dirname, '../../bin/faultline'), command)).stdout;
    };
    const at = String(nowMs / 1000);
    const iso = new Date(nowMs).toISOString();
    expect((await query('shop_jobs_total', '--time', at)).split('\n')[2]).toBe(
      `shop_jobs_total{http_route="/cart", instance="a-1", job="shop"}  ${iso}  10`,
    );
    expect(await query('sum by (job) (shop_jobs_total)', '--start', at, '--end', at, '--step', '15', '--format', 'csv')).toBe(
      `job,time,value\r\nshop,${iso},10\r\n`,
    );
    expect(JSON.parse(await query('1 + 1', '--time', at, '--format', 'json'))).toMatchObject({ data: { result: [nowMs / 1000, '2'] } });
    await expect(query('sum(')).rejects.toThrow(/1:5: parse error: unclosed left parenthesis/);
  });

  /** Asks until it is as wanted: files are looked at every five seconds, rules are evaluated each second. */
  async function until<T>(read: () => Promise<T>, isWanted: (found: T) => boolean): Promise<T> {
    for (let i = 0; ; i++) {
      const found = await read().catch(() => null);
      if (found !== null && isWanted(found)) return found;
      if (i > 400) throw new Error(`still ${JSON.stringify(found)}\n${faultline.log()}`);
      await sleep(100);
    }
  }
  it('evaluates rules of files as they come and change; alerts outlive the engine', async () => {
    const rules = (threshold: number): string => `
groups:
- name: shop
  interval: 1s
  labels: {team: cart}
  rules:
  - record: job:requests:max
    expr: max by (job) (last_over_time(http_server_requests_total[1h]))
  - record: rpc:seconds
    expr: sum(last_over_time(rpc_seconds[1h])) / 4
  - alert: Busy
    expr: job:requests:max * 2 > ${threshold}
    for: 1s
    labels: {severity: '{{ if gt $value 100.0 }}page{{ else }}low{{ end }}'}
    annotations: {summary: '{{ $labels.job }} had {{ with query "job:requests:max" }}{{ . | first | value }}{{ end }}'}
  - alert: Broken
    expr: rate(x)
`;
    interface Alerts {
      readonly data: {
        readonly alerts: readonly { state: string; activeAt: string; labels: object; annotations: object; value: string }[];
      };
    }
    const alerts = async () => ((await ask('alerts')) as unknown as Alerts).data.alerts;
    writeFileSync(join(rulesFolder, 'shop.yml'), rules(100));
    const [before] = await until(alerts, ([alert]) => alert?.state === 'firing');
    expect(before).toMatchObject({
      labels: { alertname: 'Busy', job: 'shop', severity: 'page', team: 'cart' },
      annotations: { summary: 'shop had 60' },
      value: '1.2e+02',
    });
    const listed = (await ask('rules?type=alert&rule_name[]=Busy')) as unknown as { data: { groups: object[] } };
    expect(listed.data.groups).toMatchObject([
      { name: 'shop', interval: 1, limit: 0, rules: [{ type: 'alerting', state: 'firing', health: 'ok', duration: 1, alerts: [before] }] },
    ]);
    const files = await (await faultline.fetch('/console/rule-files')).json();
    expect(files).toMatchObject({ files: [{ rules: 3, problems: [{ line: 17, column: 11, rule: 4, name: 'Broken' }] }] });
    const shown = async (query: string) => (await ask(`query?query=${encodeURIComponent(query)}`)).data.result;
    const firing = await until(
      () => shown('ALERTS{alertstate="firing"}'),
      ({ length }) => length === 1,
    );
    expect(firing[0]?.metric).toEqual({
      ...{ __name__: 'ALERTS', alertname: 'Busy', alertstate: 'firing', job: 'shop', severity: 'page', team: 'cart' },
    });
    // A histogram with counts that are no whole numbers.
    const histograms = await until(
      () => shown('rpc:seconds'),
      ({ length }) => length === 1,
    );
    expect(histograms).toMatchObject([
      { metric: { team: 'cart' }, histogram: [expect.anything(), { count: '2.5', sum: '5', buckets: [[0, '1', '2', '2.5']] }] },
    ]);
    const metrics = await (await fetch(`${faultline.api}/metrics`)).text();
    expect(metrics).toMatch(/faultline_alerts\{state="firing"\} 1\n/);
    expect(metrics).toMatch(/faultline_rule_samples_lost_total 0\n/);
    const notified = async () => told.filter(({ alerts: [each] }) => each?.labels['alertname'] === 'Busy');
    const [first] = await until(notified, ({ length }) => length === 1);
    expect(first).toMatchObject({ status: 'firing', alerts: [{ labels: before?.labels, annotations: before?.annotations }] });
    expect(first?.alerts[0]?.generatorURL).toMatch(/\/graph\?g0\.expr=.+&g0\.tab=1$/);

    // What a replay says of the same time is evaluated at the same moments; it has no file that came later than the data.
    const replayed = await faultline.fetch('/console/replay', {
      method: 'POST',
      headers: { accept: 'application/x-ndjson' },
      body: JSON.stringify({ start: nowMs - 2_000, end: Date.now() }),
    });
    const { answer } = JSON.parse((await replayed.text()).trim().split('\n').at(-1) as string) as { answer: ReplayAnswer };
    expect(answer.episodes).toMatchObject([{ labels: before?.labels, endedMs: null }]);
    expect((Date.parse(before?.activeAt ?? '') - (answer.episodes[0]?.activeMs ?? 0)) % 1_000).toBe(0);
    expect((await faultline.fetch('/console/replay', { method: 'POST', body: '{"start":2,"end":1}' })).status).toBe(400);
    // A rule that is adopted is evaluated from then on, beside the files.
    const adopted = 'groups:\n- name: mine\n  interval: 1s\n  rules:\n  - alert: Mine\n    expr: vector(1) > 0\n';
    const kept = await faultline.fetch('/console/replay/adopted', { method: 'POST', body: JSON.stringify({ rules: adopted }) });
    expect(((await kept.json()) as { text: string }).text).toContain('alert: Mine');
    await until(alerts, (all) => all.some(({ labels }) => 'alertname' in labels && labels.alertname === 'Mine'));
    await faultline.fetch('/console/replay/adopted/mine', { method: 'DELETE' });
    await until(alerts, ({ length }) => length === 1);
    // Its end is in the journal before the engine is killed below.
    await until(
      () => shown('ALERTS{alertname="Mine"}'),
      ({ length }) => length === 0,
    );

    const silence = {
      ...{ matchers: [{ name: 'alertname', value: 'Other', isRegex: false }], createdBy: 'me', comment: 'why' },
      ...{ startsAt: new Date().toISOString(), endsAt: new Date(Date.now() + 3_600_000).toISOString() },
    };
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
    expect((await faultline.fetch('/api/v2/silences', { ...json, body: JSON.stringify(silence) })).status).toBe(200);
    // Told is whom the log says so of, on the disk: a kill before that would tell again.
    const written = async () =>
      ((await (await faultline.fetch('/console/alerting/deliveries?outcome=sent')).json()) as { deliveries: object[] }).deliveries;
    await until(written, ({ length }) => length > 0);
    process.kill(faultline.pids()['engine'] as number, 'SIGKILL');
    const [after] = await until(alerts, ([alert]) => alert !== undefined);
    expect(after).toMatchObject({ state: 'firing', labels: before?.labels });
    expect(Date.parse(after?.activeAt ?? '')).toBe(Math.floor(Date.parse(before?.activeAt ?? '') / 1000) * 1000);

    expect(await (await faultline.fetch('/api/v2/silences')).json()).toMatchObject([{ status: { state: 'active' }, comment: 'why' }]);
    writeFileSync(join(rulesFolder, 'shop.yml'), rules(1000));
    expect(await until(alerts, ({ length }) => length === 0)).toEqual([]);
    // The kill told nobody twice, and whoever was told of the alert is told of its end.
    expect((await until(notified, ({ length }) => length === 2)).map(({ status }) => status)).toEqual(['firing', 'resolved']);
    const { fingerprint } = ((await (await faultline.fetch('/console/alerting/received')).json()) as { alerts: [{ fingerprint: string }] })
      .alerts[0];
    expect(await (await faultline.fetch(`/console/alerting/trace/${fingerprint}`)).json()).toMatchObject({
      ...{ rule: { name: 'Busy', state: 'inactive' }, received: { isResolved: true, from: 'rules' } },
      routes: [{ receiver: 'hook', verdict: 'resolved_told' }],
    });
    // Ended at once, not when it is five minutes old.
    expect(
      await until(
        () => shown('ALERTS'),
        ({ length }) => length === 0,
      ),
    ).toEqual([]);
    expect(await shown('job:requests:max')).toMatchObject([{ metric: { job: 'shop', team: 'cart' }, value: [expect.anything(), '60'] }]);
  });
});

const programs = ['/usr/bin/prometheus', '/usr/bin/prometheus-node-exporter'];
const missing = programs.filter((file) => !existsSync(file));
describe.skipIf(missing.length > 0)(`beside Debian's Prometheus${missing.length > 0 ? `: skipped, no ${missing.join(', ')}` : ''}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-promql-'));
  const children: ChildProcess[] = [];
  let url = '';
  let startMs = 0;
  let endMs = 0;
  const start = (command: string, args: readonly string[]): void => {
    children.push(spawn(command, args, { stdio: 'ignore', cwd: folder }));
  };
  const theirs = async (path: string): Promise<Answer> => (await (await fetch(`${url}/api/v1/${path}`)).json()) as Answer;

  beforeAll(async () => {
    faultline = await startFaultline({ args: ['--no-ui'] });
    const exporterPort = (await findFreePort('127.0.0.1', 22_000 + (process.pid % 9_000))) as number;
    const prometheusPort = (await findFreePort('127.0.0.1', exporterPort)) as number;
    url = `http://127.0.0.1:${prometheusPort}`;
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: {scrape_interval: 1s}
scrape_configs:
- job_name: node
  static_configs: [{targets: ["127.0.0.1:${exporterPort}"]}]
- job_name: own
  static_configs: [{targets: ["127.0.0.1:${prometheusPort}"]}]
remote_write:
- url: ${faultline.ingest}/api/v1/write
  queue_config: {batch_send_deadline: 300ms, min_backoff: 50ms}
`,
    );
    start('/usr/bin/prometheus-node-exporter', [`--web.listen-address=127.0.0.1:${exporterPort}`]);
    start('/usr/bin/prometheus', [
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=tsdb',
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
    const scrapes = async (): Promise<number> =>
      Number((await theirs('query?query=count_over_time(up[5m])').catch(() => null))?.data.result[0]?.value?.[1] ?? 0);
    for (let i = 0; i < 300 && (await scrapes()) < 10; i++) await sleep(200);
    endMs = Math.floor(Date.now() / 1000) * 1000 - 1000;
    startMs = endMs - 6_000;
    // What was scraped by then has been sent.
    await sleep(2_500);
    await faultline.flush();
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await faultline?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    'up',
    'rate(node_cpu_seconds_total[5s])',
    'sum by (mode) (irate(node_cpu_seconds_total[5s]))',
    '100 - avg without (cpu, mode) (rate(node_cpu_seconds_total{mode="idle"}[5s])) * 100',
    'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes',
    'topk(3, sum by (mode) (node_cpu_seconds_total))',
    'node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"} / on (device, mountpoint) group_left (fstype) node_filesystem_size_bytes',
    // Not a whole number of steps: Prometheus 2 takes both ends of a range.
    'max_over_time(sum(node_load1)[5500ms:1s])',
    'histogram_quantile(0.9, sum by (le) (rate(go_gc_duration_seconds_bucket[5s]))) or vector(1)',
    'label_replace(node_uname_info, "short", "$1", "release", "([0-9]+).*")',
    'count by (__name__) ({__name__=~"node_netstat.+"}) > 0',
    'absent(nothing{job="node"})',
    'predict_linear(node_time_seconds[5s], 60) - time()',
    'quantile(0.5, node_cpu_seconds_total) unless on () absent(up)',
    'stddev_over_time(node_load1[5s] offset 1s)',
    'sort_desc(count by (job) (scrape_samples_scraped))',
    'go_gc_duration_seconds{job="own"}',
    'histogram_quantile(0.9, sum by (le, handler) (prometheus_http_request_duration_seconds_bucket))',
  ])('%s', async (query) => {
    const range = `query_range?query=${encodeURIComponent(query)}&start=${startMs / 1000}&end=${endMs / 1000}&step=2`;
    const [ours, wanted] = [await ask(range), await theirs(range)];
    expect(wanted.status, wanted.error).toBe('success');
    expect(ours.status, ours.error).toBe('success');
    expect(rounded(ours.data.result)).toEqual(rounded(wanted.data.result));
  });
});
