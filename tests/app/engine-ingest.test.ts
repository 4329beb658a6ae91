import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createShop } from '#demo/simulate.ts';
import { openRig, type Rig } from './engine-rig.ts';

/** Journal -> decode -> store -> API, with the bytes of five minutes of the demo shop. */
let rig: Rig;
const MINUTES = 5;
const endMs = Math.floor(Date.now() / 1000) * 1000;
const startMs = endMs - MINUTES * 60_000;
const shop = createShop({ seed: 7, scenario: 'none', startMs, requestsPerSecond: 10 });
const range = `start=${startMs - 60_000}&end=${endMs + 60_000}`;
const count = async (view: string): Promise<number> => {
  const table = await rig.table('/console/query/sql', {
    method: 'POST',
    body: JSON.stringify({ sql: `SELECT count(*)::INTEGER AS n FROM ${view}` }),
  });
  return Number(table.getChild('n')?.get(0));
};

beforeAll(async () => {
  rig = await openRig();
  const bodies = shop.advance(endMs);
  for (const signal of ['traces', 'logs', 'metrics'] as const) for (const body of bodies[signal]) await rig.append(signal, body);
  await rig.flush();
});
afterAll(() => rig.close());

describe('what was journalled', () => {
  it('is queryable after a flush, all of it', async () => {
    expect(await count('spans')).toBe(shop.counts.spans);
    expect(await count('logs')).toBe(shop.counts.logs);
    expect((await count('samples')) + (await count('histograms'))).toBe(shop.counts.points);
  });
  it('is visible within a second without one', async () => {
    const before = await count('spans');
    for (const body of shop.advance(endMs + 10_000).traces) await rig.append('traces', body);
    rig.running.onMessage({ type: 'advanced', committed: 0 });
    const started = performance.now();
    while ((await count('spans')) === before && performance.now() - started < 10_000);
    expect(await count('spans')).toBe(shop.counts.spans);
  });
  it('is there once after a restart, whether it was stored or only journalled', async () => {
    const before = await count('spans');
    await rig.flush(true);
    for (const body of shop.advance(endMs + 20_000).traces) await rig.append('traces', body);
    await rig.restart();
    await rig.flush();
    expect(before).toBeGreaterThan(0);
    expect(await count('spans')).toBe(shop.counts.spans);
    expect(await count('logs')).toBeGreaterThan(0);
  });
  it('may hold a body nobody can read: it is set aside, counted, and the rest goes on', async () => {
    const before = await count('spans');
    await rig.append('traces', Uint8Array.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f]));
    const bodies = shop.advance(endMs + 30_000).traces;
    for (const body of bodies) await rig.append('traces', body);
    await rig.flush();
    expect(await count('spans')).toBeGreaterThan(before);
    expect((await readdir(path.join(rig.dataDir, 'quarantine'))).length).toBe(2);
    const { sources } = (await rig.json('/console/sources')) as { sources: { source: string; dropped: Record<string, number> }[] };
    expect(sources.find((s) => s.source === 'otlp-http')?.dropped).toEqual({ engine_cannot_decode: 1 });
  });
});

describe('the screens read', () => {
  it('services, with their databases', async () => {
    const map = (await rig.json(`/console/services?${range}`)) as {
      nodes: { kind: string; requests: number }[];
      edges: { requests: number }[];
    };
    expect(map.nodes.filter((n) => n.kind === 'service').length).toBeGreaterThanOrEqual(10);
    expect(map.nodes.some((n) => n.kind === 'database')).toBe(true);
    expect(map.edges.length).toBeGreaterThan(10);
    expect(map.edges.every((e) => e.requests > 0)).toBe(true);
  });
  it('traces, then one trace whole', async () => {
    const traces = await rig.table(`/console/traces?${range}&limit=20&order=slowest`);
    expect(traces.numRows).toBe(20);
    expect(traces.schema.metadata.get('query')).toContain('FROM spans');
    const first = traces.get(0)?.toJSON() as { trace_id: string; spans: number };
    const spans = await rig.table(`/console/traces/${first.trace_id}`);
    expect(spans.numRows).toBe(first.spans);
    const span = spans.get(0)?.toJSON() as Record<string, string>;
    expect(JSON.parse(span['resource_json'] ?? '')).toHaveProperty(['service.name']);
    expect(typeof JSON.parse(span['attributes_json'] ?? '')).toBe('object');
    const one = await rig.table(`/console/traces/${first.trace_id}?span=${span['span_id']}`);
    expect(one.get(0)?.toJSON()).toEqual(span);
    expect((await rig.call(`/console/traces/${first.trace_id}?span=00000000000000aa`)).status).toBe(404);
    expect((await rig.call(`/console/traces/${first.trace_id}?span=nothex`)).status).toBe(400);
  });
  it('the outline of a trace says the same as all of it', async () => {
    const traces = await rig.table(`/console/traces?${range}&limit=20&order=errors`);
    const id = String(traces.getChild('trace_id')?.get(0));
    const rowsOf = (table: Awaited<ReturnType<typeof rig.table>>): Record<string, unknown>[] => table.toArray().map((row) => row.toJSON());
    const [whole, outline] = [rowsOf(await rig.table(`/console/traces/${id}`)), rowsOf(await rig.table(`/console/traces/${id}/outline`))];
    const seen = outline.map((row) => ({
      span_id: BigInt(row['span_id'] as bigint)
        .toString(16)
        .padStart(16, '0'),
      name: outline[Number(row['name_row'])]?.['name'],
      service: outline[Number(row['service_row'])]?.['service'],
      duration: row['duration_ns'],
      exceptions: row['exceptions'],
    }));
    const wanted = whole.map((row) => ({
      span_id: row['span_id'],
      name: row['name'],
      service: row['service'],
      duration: row['duration_ns'],
      exceptions: (JSON.parse(String(row['events_json'] ?? '[]')) as { name: string }[]).filter((event) => event.name === 'exception')
        .length,
    }));
    const bySpan = (a: { span_id: unknown }, b: { span_id: unknown }): number => String(a.span_id).localeCompare(String(b.span_id));
    expect(seen.sort(bySpan)).toEqual(wanted.sort(bySpan));
  });
  it('logs, their histogram, and the logs of a trace', async () => {
    const logs = await rig.table(`/console/logs?${range}&limit=50`);
    expect(logs.numRows).toBe(50);
    const times = Array.from({ length: 50 }, (_, i) => Number(logs.getChild('time')?.get(i)));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    const histogram = await rig.table(`/console/logs/histogram?${range}&step=60000`);
    const total = Array.from({ length: histogram.numRows }, (_, i) => Number(histogram.getChild('count')?.get(i))).reduce(
      (a, b) => a + b,
      0,
    );
    expect(total).toBe(await count('logs'));
    const traced = (
      await rig.table('/console/query/sql', {
        method: 'POST',
        body: JSON.stringify({ sql: 'SELECT trace_id_hex(trace_id) AS id FROM logs WHERE trace_id IS NOT NULL LIMIT 1' }),
      })
    )
      .get(0)
      ?.toJSON() as { id: string };
    expect((await rig.table(`/console/logs?${range}&traceId=${traced.id}`)).numRows).toBeGreaterThan(0);
  });
  it('says which sums are monotonic, and what changed', async () => {
    const { metrics } = (await rig.json('/console/metrics')) as { metrics: { metric: string; type: string; monotonic: boolean }[] };
    const stored = (await rig.table('/console/query/sql', {
      method: 'POST',
      body: JSON.stringify({ sql: 'SELECT metric, bool_and(monotonic) AS monotonic FROM series GROUP BY metric' }),
    })) as Awaited<ReturnType<typeof rig.table>>;
    const wanted = new Map(stored.toArray().map((row) => [String(row.metric), row.monotonic as boolean]));
    expect(new Map(metrics.map((one) => [one.metric, one.monotonic]))).toEqual(wanted);
    expect(new Set(wanted.values())).toEqual(new Set([true, false]));
    const answer = (await rig.json(`/console/changes?${range}`)) as {
      changes: { atMs: number; kind: string; service: string; messageKey: string; to: string }[];
      total: number;
    };
    const [start, end] = range.match(/\d+/g)?.map(Number) ?? [];
    expect(answer.total).toBe(answer.changes.length);
    expect(answer.changes.every(({ atMs }) => atMs >= (start ?? 0) && atMs < (end ?? 0))).toBe(true);
    // The shop starts within the window: what reports in its first round was there before, as far as anybody can know.
    expect(answer.changes.filter(({ kind, atMs }) => kind === 'scale' && atMs < startMs + 60_000)).toEqual([]);
    const others = (await rig.json(`/console/changes?${range}&service=nobody`)) as { total: number };
    expect(others.total).toBe(0);
  });
  it('metrics by name, and every way of drawing one', async () => {
    const { metrics } = (await rig.json('/console/metrics?q=process')) as { metrics: { metric: string; series: number }[] };
    expect(metrics.length).toBeGreaterThan(0);
    // As somebody writes it who knows it from PromQL.
    expect(await rig.json('/console/metrics?q=http_server_request')).toMatchObject({
      metrics: [{ metric: 'http.server.request.duration', promqlName: 'http_server_request_duration_seconds' }],
    });
    for (const fn of ['raw', 'avg', 'rate']) {
      const metric = encodeURIComponent(metrics[0]?.metric ?? '');
      const table = await rig.table(`/console/metrics/range?metric=${metric}&${range}&fn=${fn}&by=service`);
      expect(table.schema.fields.map((f) => f.name)).toEqual(['time', 'series', 'value']);
      expect(table.numRows).toBeGreaterThan(0);
    }
  });
  it('RED of a service and of an edge', async () => {
    const map = (await rig.json(`/console/services?${range}`)) as { edges: { from: string; to: string }[] };
    const { from, to } = map.edges[0] as { from: string; to: string };
    for (const peer of ['', `&peer=${encodeURIComponent(to)}`]) {
      const table = await rig.table(`/console/services/red?${range}&service=${encodeURIComponent(from)}${peer}&step=30000`);
      expect(table.numRows).toBeGreaterThan(3);
    }
  });
  it('state: data, totals, extent', async () => {
    const state = (await rig.json('/console/state')) as { hasData: boolean; engine: string; totals: { traces: number } };
    expect(state.hasData).toBe(true);
    expect(state.engine).toBe('running');
    expect(state.totals.traces).toBeGreaterThan(0);
  });
  it('only statements a person could run again in the SQL screen', async () => {
    const paths = [
      `/console/traces?${range}&q=GET&order=errors`,
      `/console/logs?${range}&q=order`,
      `/console/logs/histogram?${range}`,
      `/console/services/red?${range}&service=checkout`,
      `/console/metrics/range?metric=process.cpu.time&${range}&fn=rate`,
    ];
    for (const at of paths) {
      const table = await rig.table(at);
      const sql = table.schema.metadata.get('query') ?? '';
      const again = await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql }) });
      expect(again.numRows, at).toBe(table.numRows);
    }
    const { query } = (await rig.json(`/console/services?${range}`)) as { query: string };
    expect((await rig.table('/console/query/sql', { method: 'POST', body: JSON.stringify({ sql: query }) })).numRows).toBeGreaterThan(10);
  });
});
