import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ARRIVAL_HEADER, BATCH_ID_HEADER } from '#contracts/forward-headers.ts';
import type { SourceLimitsAnswer } from '#contracts/source-limits.ts';
import { keepBelow, type RuleAction, type RulesAnswer, spread, type VolumeRule } from '#contracts/volume-rules.ts';
import { Symbols, write2 } from '../fixtures/write-requests.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** Rules through kill -9 of the engine: each record is decoded by the rules that held for it, and what is folded comes out once. */
let faultline: FaultlineProcess;
beforeAll(async () => {
  faultline = await startFaultline({ args: ['--no-ui'] });
});
afterAll(() => faultline?.stop());

const BEGIN = Math.floor(Date.now() / 60_000) * 60_000 - 1_200_000;
const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = { attributes: [attribute('service.name', 'shop'), attribute('service.instance.id', 'a')] };
const traceId = (i: number): string => createHash('md5').update(`trace ${i}`).digest('hex');
let batch = 0;
/** As a forwarding console sends it, with an arrival of its own: twenty minutes pass in a second. */
async function send(path: string, body: unknown, arrivalMs: number): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    [BATCH_ID_HEADER]: `test.${++batch}`,
    [ARRIVAL_HEADER]: String(BigInt(arrivalMs) * 1_000_000n),
  };
  const answer = await fetch(`${faultline.ingest}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(answer.status, await answer.text()).toBe(200);
}
const nano = (ms: number): string => String(BigInt(ms) * 1_000_000n);
/** Every 5 s: 3 lines, 4 spans, and a counter of two routes that grows by 1 and 10. */
async function sendStep(i: number): Promise<void> {
  const ms = BEGIN + i * 5_000;
  const logRecords = [0, 1, 2].map((n) => ({
    timeUnixNano: nano(ms + n),
    severityNumber: 9,
    body: { stringValue: `paid ${i} in ${n} ms` },
  }));
  const spans = [0, 1, 2, 3].map((n) => ({
    traceId: traceId(i * 4 + n),
    spanId: '00000000000000a1',
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: nano(ms),
    endTimeUnixNano: nano(ms + 5),
  }));
  const dataPoints = [1, 10].map((by) => ({ timeUnixNano: nano(ms), asDouble: i * by, attributes: [attribute('route', `/${by}`)] }));
  const metrics = [{ name: 'requests', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }];
  await send('/v1/logs', { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }, ms + 100);
  await send('/v1/traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }, ms + 200);
  await send('/v1/metrics', { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }, ms + 300);
}
async function killEngine(): Promise<void> {
  const pid = faultline.pids()['engine'] as number;
  process.kill(pid, 'SIGKILL');
  for (let i = 0; i < 600; i++) {
    await sleep(50);
    const ready =
      (faultline.pids()['engine'] ?? pid) !== pid &&
      (await faultline.fetch('/readyz').then(
        ({ ok }) => ok,
        () => false,
      ));
    if (ready) return;
  }
  throw new Error('no other engine came');
}
const post = async (path: string, body: unknown): Promise<RulesAnswer> =>
  (await (await faultline.fetch(path, { method: 'POST', body: JSON.stringify(body) })).json()) as RulesAnswer;
const one = async (sql: string): Promise<number> => Number((await faultline.sql(`SELECT (${sql})::DOUBLE AS n`))[0]?.['n']);
const rule = (id: string, more: Pick<VolumeRule, 'signal' | 'match' | 'action'>) => ({ rule: { id, name: id, enabled: true, ...more } });

it('drops, samples and folds exactly once, through two kills and a change of rules', async () => {
  for (let i = 0; i < 20; i++) await sendStep(i);
  await faultline.flush();
  expect(await one('SELECT count(*) FROM logs')).toBe(60);
  const interval: RuleAction = { kind: 'aggregate', without: ['route'], op: 'sum', intervalSeconds: 30 };
  await post(
    '/console/volume/rules',
    rule('lines', { signal: 'logs', match: { pattern: 'paid <*> in <*> ms' }, action: { ...interval, without: [] } }),
  );
  await post('/console/volume/rules', rule('requests', { signal: 'metrics', match: { metric: 'requests' }, action: interval }));
  await post(
    '/console/volume/rules',
    rule('spans', { signal: 'traces', match: { service: 'shop' }, action: { kind: 'sample', keepOneIn: 4, keepErrors: true } }),
  );
  for (let i = 20; i < 80; i++) {
    await sendStep(i);
    // Some of it durable, some only in the journal, windows open.
    if (i === 33 || i === 61) await faultline.fetch('/console/admin/flush?durable=1', { method: 'POST' });
    if (i === 41 || i === 67) await killEngine();
  }
  // A change holds for what the engine has not taken yet, also of what is acknowledged: on a busy machine the last step.
  await faultline.flush();
  const disabled = await post('/console/volume/rules/spans/disable', {});
  expect(disabled.rules.find(({ rule: { id } }) => id === 'spans')?.rule.enabled).toBe(false);
  for (let i = 80; i < 90; i++) await sendStep(i);
  await killEngine();
  // A record long after: every window is over.
  await send(
    '/v1/logs',
    { resourceLogs: [{ resource, scopeLogs: [{ logRecords: [{ timeUnixNano: nano(BEGIN + 900_000), body: { stringValue: 'end' } }] }] }] },
    BEGIN + 900_000,
  );
  await faultline.flush();

  expect(await one('SELECT count(*) FROM logs')).toBe(61);
  const folded = (metric: string): string =>
    `FROM samples JOIN series USING (series_id) WHERE metric = '${metric}' AND temporality = 'delta'`;
  expect(await one(`SELECT sum(value) ${folded('log_lines')}`)).toBe(3 * 70);
  expect(await one(`SELECT count(*) - count(DISTINCT (series_id, time)) ${folded('log_lines')}`)).toBe(0);
  // From the first point after the rule to the last: 69 steps of 11.
  expect(await one(`SELECT sum(value) ${folded('requests')}`)).toBe(69 * 11);
  expect(
    await one("SELECT count(*) FROM samples JOIN series USING (series_id) WHERE metric = 'requests' AND temporality = 'cumulative'"),
  ).toBe(40);
  const low = (id: string): number => Number.parseInt(id.slice(-8), 16);
  const kept = Array.from({ length: 90 * 4 }, (_, n) => n).filter((n) => n < 80 || n >= 320 || spread(low(traceId(n))) < keepBelow(4));
  const stored = (await faultline.sql('SELECT trace_id_hex(trace_id) AS id FROM spans')).map(({ id }) => id);
  expect(stored.sort()).toEqual(kept.map(traceId).sort());
  // Each stands for four: about as many requests as there were.
  const nodes = (await (await faultline.fetch(`/console/services?start=${BEGIN}&end=${BEGIN + 600_000}`)).json()) as {
    nodes: { service: string; requests: number }[];
  };
  const sampled = kept.filter((n) => n >= 80 && n < 320).length;
  expect(nodes.nodes.find(({ service }) => service === 'shop')?.requests).toBe(80 + 40 + 4 * sampled);
  const { audit } = (await (await faultline.fetch('/console/volume/rules')).json()) as RulesAnswer;
  expect(audit.map(({ did }) => did)).toEqual(['disable', 'add', 'add', 'add']);
});
it('refuses a rule that does not fit, and says why', async () => {
  const bad = async (body: unknown): Promise<string> => {
    const answer = await faultline.fetch('/console/volume/rules', { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    return ((await answer.json()) as { error: { message: string } }).error.message;
  };
  expect(await bad(rule('x', { signal: 'metrics', match: { span: 'a' }, action: { kind: 'drop' } }))).toContain(
    'does not apply to metrics',
  );
  expect(await bad(rule('x', { signal: 'logs', match: {}, action: { kind: 'drop' } }))).toContain('needs one of');
  expect(
    await bad(
      rule('x', { signal: 'traces', match: { span: 'a' }, action: { kind: 'aggregate', without: [], op: 'sum', intervalSeconds: 30 } }),
    ),
  ).toContain('drop or sample');
  expect((await faultline.fetch('/console/volume/rules/nobody', { method: 'DELETE' })).status).toBe(404);
});
it('limits by source hold through kills of engine and collector, and the sender is told', async () => {
  const limit = async (name: string, of: object): Promise<SourceLimitsAnswer> => {
    const answer = await faultline.fetch('/console/volume/limits', { method: 'POST', body: JSON.stringify({ name, limit: of }) });
    expect(answer.status).toBe(200);
    return (await answer.json()) as SourceLimitsAnswer;
  };
  const point = async (first: number, count: number): Promise<{ rejected: number; message: string }> => {
    const ms = Date.now();
    const dataPoints = Array.from({ length: count }, (_, i) => ({
      timeUnixNano: nano(ms),
      asDouble: 1,
      attributes: [attribute('id', String(first + i))],
    }));
    const answer = await fetch(`${faultline.ingest}/v1/metrics`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [{ name: 'wide', gauge: { dataPoints } }] }] }] }),
    });
    expect(answer.status).toBe(200);
    const { partialSuccess } = (await answer.json()) as { partialSuccess?: { rejectedDataPoints: string; errorMessage: string } };
    return { rejected: Number(partialSuccess?.rejectedDataPoints ?? 0), message: partialSuccess?.errorMessage ?? '' };
  };
  /** A sample and a histogram of each of so many series. */
  const write = async (first: number, count: number): Promise<readonly (string | number | null)[]> => {
    const symbols = new Symbols();
    const timestamp = BigInt(Date.now());
    const timeseries = Array.from({ length: count }, (_, i) => ({
      labelsRefs: symbols.refs({ __name__: 'written', id: String(first + i) }),
      samples: [{ value: 1, timestamp }],
      exemplars: [{ labelsRefs: symbols.refs({ trace_id: 'a' }), value: 1, timestamp }],
    }));
    const answer = await fetch(`${faultline.ingest}/api/v1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request', 'content-encoding': 'snappy' },
      body: write2({ timeseries, symbols: symbols.symbols }),
    });
    const written = ['samples', 'histograms', 'exemplars'].map((of) => answer.headers.get(`x-prometheus-remote-write-${of}-written`));
    return [answer.status, ...written, await answer.text()];
  };
  const wide = (): Promise<number> => one("SELECT count(*) FROM series WHERE metric = 'wide'");
  const used = async (): Promise<SourceLimitsAnswer['limits'][number]['usage'][number] | undefined> => {
    const { limits } = (await (await faultline.fetch('/console/volume/limits')).json()) as SourceLimitsAnswer;
    return limits[0]?.usage.find(({ source }) => source === 'otlp-http');
  };
  await limit('otlp-*', { maxSeries: 50 });
  await point(0, 40);
  await faultline.flush();
  await killEngine();
  await point(0, 60);
  await point(60, 10);
  await faultline.flush();
  expect(await wide()).toBe(50);
  expect(await used()).toMatchObject({ series: 50, dropped: 20 });
  // The engine has told the collector.
  await vi.waitUntil(async () => (await point(0, 1)).message.includes('as many active series'), { timeout: 10_000 });
  // Remote write is told at once, exactly.
  await limit('remote-write', { maxSeries: 7 });
  expect(await write(0, 5)).toEqual([204, '5', '0', '5', '']);
  const over = '3 of 5 samples and histograms left out: their series are over a limit of series (source_series or too_many_series)\n';
  expect(await write(3, 5)).toEqual([400, '4', '0', '4', over.replace('3 of', '1 of')]);
  expect(await write(5, 5)).toEqual([400, '2', '0', '2', over]);
  await faultline.flush();
  expect(await one("SELECT count(*) FROM samples JOIN series USING (series_id) WHERE metric = 'written'")).toBe(11);
  await limit('otlp-*', { maxSeries: 50, maxBytesPerDay: 20_000 });
  let taken = 0;
  for (let refused = 0; refused === 0; taken++) refused = (await point(0, 50)).rejected;
  await faultline.flush();
  // The collector says so once a second.
  await vi.waitUntil(async () => (await used())?.refused === 1, { timeout: 10_000 });
  const before = await used();
  expect(before?.bytes).toBeLessThanOrEqual(20_000);
  expect(taken).toBeGreaterThan(2);
  const collector = faultline.pids()['collector'] as number;
  process.kill(collector, 'SIGKILL');
  await vi.waitUntil(async () => (faultline.pids()['collector'] ?? collector) !== collector, { timeout: 10_000 });
  await vi.waitUntil(
    () =>
      point(0, 50).then(
        ({ rejected }) => rejected === 50,
        () => false,
      ),
    { timeout: 10_000 },
  );
  await vi.waitUntil(async () => (await used())?.bytes === before?.bytes, { timeout: 10_000 });
  const metrics = await (await faultline.fetch('/metrics')).text();
  expect(metrics).toContain('faultline_source_active_series{limit="otlp-*",source="otlp-http",service=""} 50');
  expect(metrics).toMatch(/faultline_refused_total\{source="otlp-http",reason="source_bytes"\} [1-9]/);
  await killEngine();
  await limit('otlp-*', { maxSeries: 60 });
  // The collector hears of it a moment later.
  await vi.waitUntil(async () => (await point(100, 20)).rejected === 0, { timeout: 10_000 });
  await faultline.flush();
  expect(await wide()).toBe(60);
  const bad = await faultline.fetch('/console/volume/limits', { method: 'POST', body: JSON.stringify({ name: 'otlp-http', limit: {} }) });
  expect(((await bad.json()) as { error: { message: string } }).error.message).toContain('needs one of');
});
