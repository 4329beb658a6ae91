import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { field, number } from '#collectors/otlp/test-protobuf.ts';
import { call } from '../conformance/grpc-clients.ts';
import { encodeSnappy } from '../fixtures/encode-snappy.ts';
import { encodeProfiles, jsonProfiles, PROFILES_EXPORT, shopProfiles } from '../fixtures/profile-request.ts';
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

describe('OTLP profiles', () => {
  const at = BigInt(startMs) * 1_000_000n;
  const path = '/v1development/profiles';
  const post = (contentType: string, body: Uint8Array | string): Promise<Response> =>
    fetch(`${faultline.ingest}${path}`, { method: 'POST', headers: { 'content-type': contentType }, body: Buffer.from(body) });

  it('come by HTTP in protobuf and JSON and by gRPC, and are added up by function', async () => {
    expect((await post('application/x-protobuf', encodeProfiles(shopProfiles(at, 'by-http')))).status).toBe(200);
    const json = await post('application/json', jsonProfiles(shopProfiles(at, 'by-json')));
    expect([json.status, await json.json()]).toEqual([200, {}]);
    const answer = await call(faultline.otlpGrpc, PROFILES_EXPORT, Buffer.from(encodeProfiles(shopProfiles(at, 'by-grpc'))));
    expect(answer).toEqual({ bytes: Buffer.alloc(0) });
    await faultline.fetch('/console/admin/flush?durable=1', { method: 'POST' });
    await faultline.flush();
    for (const service of ['by-http', 'by-json', 'by-grpc'])
      expect(
        await faultline.sql(
          `SELECT "function", sum(self_value)::DOUBLE AS self, sum(total_value)::DOUBLE AS total FROM profile_functions
           WHERE service = '${service}' AND sample_type = 'cpu' GROUP BY ALL ORDER BY total DESC, self DESC, 1`,
        ),
      ).toEqual([
        { function: 'handle', self: 8e6, total: 50e6 },
        { function: 'main', self: 0, total: 50e6 },
        { function: 'inlined_helper', self: 42e6, total: 42e6 },
        { function: 'parse', self: 0, total: 42e6 },
        { function: '', self: 1, total: 1 },
      ]);
    // The same stacks, once.
    expect(await faultline.sql('SELECT count(*)::DOUBLE AS n, max(len(frames))::DOUBLE AS most FROM stacks')).toEqual([{ n: 3, most: 4 }]);
    expect(
      await faultline.sql(
        `SELECT trace_id_hex(trace_id) AS trace, values FROM profile_samples WHERE service = 'by-json' AND trace_id IS NOT NULL`,
      ),
    ).toEqual([{ trace: 'a0a1a2a3a4a5a6a7a8a9aaabacadaeaf', values: expect.anything() }]);
  });
  it('are counted on Sources and Volume', async () => {
    const itemsOf = async (name: string): Promise<number> => {
      const { sources } = await json('/console/sources');
      return sources.find(({ source }: { source: string }) => source === name)?.accepted.profiles?.items ?? 0;
    };
    // The collector says so once a second.
    await vi.waitUntil(async () => (await itemsOf('otlp-http')) === 4 && (await itemsOf('otlp-grpc')) === 2, { timeout: 10_000 });
    const { stages } = await json('/console/sources');
    expect(stages.decoded.items).toBeGreaterThanOrEqual(6);
    const { signals } = await json(`/console/volume?start=${startMs - 600_000}&end=${Date.now() + 120_000}`);
    expect(signals.find(({ signal }: { signal: string }) => signal === 'profiles')).toMatchObject({ rows: 12 });
  });
  it('what is too old is rejected by its profiles, another version is told the path of this one', async () => {
    const old = await post('application/json', jsonProfiles(shopProfiles(1_000_000_000n, 'old')));
    const { partialSuccess } = (await old.json()) as { partialSuccess: { rejectedProfiles: string; errorMessage: string } };
    expect(partialSuccess.rejectedProfiles).toBe('2');
    expect(partialSuccess.errorMessage).toContain('2 of 2 profiles rejected');
    for (const other of ['/v1/profiles', '/v1experimental/profiles']) {
      const refused = await fetch(`${faultline.ingest}${other}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      });
      expect([refused.status, ((await refused.json()) as { message: string }).message]).toEqual([
        404,
        expect.stringContaining('POST /v1development/profiles'),
      ]);
    }
  });
});
