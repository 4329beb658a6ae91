import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
