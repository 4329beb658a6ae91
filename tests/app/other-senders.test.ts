import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { field, number } from '#collectors/otlp/test-protobuf.ts';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** What does not speak OTLP, through the whole program: sent, asked for in SQL, on the console. Bodies as documented: no real sender here. */
let faultline: FaultlineProcess;
const startMs = Date.now();
beforeAll(async () => {
  faultline = await startFaultline();
});
afterAll(() => faultline.stop());
// biome-ignore lint/suspicious/noExplicitAny: JSON of the console's own API
const json = async (path: string): Promise<any> => (await faultline.fetch(path)).json();

describe('Zipkin spans', () => {
  const traceId = '5982fe77008310cc80f1da5e10147517';
  const client = {
    traceId,
    id: 'bd7a977555f6b982',
    name: 'get /orders',
    kind: 'CLIENT',
    timestamp: startMs * 1000,
    duration: 20_000,
    localEndpoint: { serviceName: 'frontend', ipv4: '127.0.0.1' },
    remoteEndpoint: { serviceName: 'orders', ipv4: '10.0.0.2', port: 9000 },
  };
  const server = {
    ...client,
    id: 'ebf33e1a81dc6f71',
    parentId: client.id,
    kind: 'SERVER',
    timestamp: startMs * 1000 + 5_000,
    duration: 10_000,
    localEndpoint: { serviceName: 'orders' },
    annotations: [{ timestamp: startMs * 1000 + 6_000, value: 'cache.miss' }],
    tags: { error: 'no stock', 'http.method': 'GET' },
  };
  beforeAll(async () => {
    const body = JSON.stringify([client, server, { ...client, id: 'broken' }, 7]);
    const response = await fetch(`${faultline.ingest}/api/v2/spans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([response.status, await response.text()]).toEqual([202, '']);
    await faultline.flush();
  });

  it('are rows of spans', async () => {
    const rows = await faultline.sql(
      `SELECT service, name, kind, status_code, status_message, duration_ns::DOUBLE AS ns, peer_service AS peer FROM spans ORDER BY start_time`,
    );
    expect(rows).toEqual([
      { service: 'frontend', name: 'get /orders', kind: 3, status_code: 0, status_message: null, ns: 20e6, peer: 'orders' },
      { service: 'orders', name: 'get /orders', kind: 2, status_code: 2, status_message: 'no stock', ns: 10e6, peer: 'orders' },
    ]);
  });
  it('are a trace and a call between services on the console', async () => {
    const { edges } = await json(`/console/services?start=${startMs - 600_000}&end=${Date.now() + 60_000}`);
    expect(edges.map((edge: { from: string; to: string }) => `${edge.from}>${edge.to}`)).toEqual(['frontend>orders']);
  });
  it('are counted on Sources: taken in, refused, dropped', async () => {
    // The collector says its counts once a second.
    const zipkin = async () => (await json('/console/sources')).sources.find((each: { source: string }) => each.source === 'zipkin');
    await expect.poll(zipkin, { timeout: 10_000 }).toMatchObject({
      kind: 'zipkin',
      address: `${faultline.ingest}/api/v2/spans`,
      accepted: { traces: { items: 2, requests: 1 } },
      refused: { malformed: 1 },
      dropped: { invalid_id: 1 },
    });
    const metrics = await (await faultline.fetch('/metrics')).text();
    expect(metrics).toMatch(/faultline_refused\w*\{source="zipkin",reason="malformed"\} 1/);
  });
});

describe('Loki pushes', () => {
  const ns = (offsetMs: number) => `${startMs + offsetMs}000000`;
  const ids = { trace_id: '5982fe77008310cc80f1da5e10147519', span_id: 'bd7a977555f6b983' };
  const seconds = BigInt(Math.floor(startMs / 1000));
  /** As Promtail writes it: labels as text, one entry, in snappy. */
  const protobuf = encodeSnappy(
    field(1, [field(1, '{job="varlogs", filename="/var/log/syslog"}'), field(2, [field(1, [number(1, seconds)]), field(2, 'started')])]),
  );
  const push = (contentType: string, body: Uint8Array | string) =>
    fetch(`${faultline.ingest}/loki/api/v1/push`, {
      method: 'POST',
      headers: { 'content-type': contentType, 'x-scope-orgid': 'team-a' },
      body: body as Uint8Array<ArrayBuffer> | string,
    });
  beforeAll(async () => {
    const values = [
      [ns(0), 'stock is low', { ...ids, level: 'warn' }],
      [ns(1), 'no stock', { ...ids, level: 'error' }],
      ['noon', 'x'],
      ['1', 'old'],
    ];
    const json = await push('application/json', JSON.stringify({ streams: [{ stream: { app: 'stock', env: 'prod' }, values }] }));
    expect([json.status, await json.text()]).toEqual([204, '']);
    expect((await push('application/x-protobuf', protobuf)).status).toBe(204);
    await faultline.flush();
  });

  it('are rows of logs', async () => {
    const rows = await faultline.sql(
      `SELECT l.service, severity_number AS severity, severity_text AS level, body, replace(trace_id::VARCHAR, '-', '') AS trace, r.attributes['env'] AS env,
        r.attributes['filename'] AS file, r.attributes['loki.tenant'] AS tenant FROM logs l JOIN resources r USING (resource_id) ORDER BY l.service, body`,
    );
    const of = { service: 'stock', env: 'prod', file: null, tenant: 'team-a', trace: ids.trace_id };
    expect(rows).toEqual([
      { ...of, severity: 17, level: 'error', body: 'no stock' },
      { ...of, severity: 13, level: 'warn', body: 'stock is low' },
      { service: 'varlogs', severity: 0, level: null, body: 'started', trace: null, env: null, file: '/var/log/syslog', tenant: 'team-a' },
    ]);
  });
  it('are counted on Sources: taken in, refused, dropped', async () => {
    const loki = async () => (await json('/console/sources')).sources.find((each: { source: string }) => each.source === 'loki');
    await expect.poll(loki, { timeout: 10_000 }).toMatchObject({
      kind: 'loki',
      address: `${faultline.ingest}/loki/api/v1/push`,
      accepted: { logs: { items: 3, requests: 2 } },
      refused: { malformed: 1 },
      dropped: { time_too_old: 1 },
    });
  });
});
