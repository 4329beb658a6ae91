import type { FaultlineProcess } from '../app/faultline-process.ts';

const GIB = 1024 ** 3;
const HISTORY_MS = 40 * 60_000;
export const USAGE_SERVICES = ['frontend', 'checkout', 'cart', 'payment', 'catalog', 'shipping', 'email', 'currency', 'ads'];
const NODES = [
  { 'host.name': 'node-0', 'cloud.provider': 'aws', 'cloud.region': 'eu-central-1', 'host.type': 'm5.xlarge' },
  { 'host.name': 'node-1', 'cloud.provider': 'aws', 'cloud.region': 'eu-central-1', 'host.type': 'c5.2xlarge' },
  // Says nothing of itself: its emissions are a wide range.
  { 'host.name': 'node-2' },
];
const attributes = (from: object) => Object.entries(from).map(([key, value]) => ({ key, value: { stringValue: String(value) } }));
const gauge = (name: string, atMs: number, value: number) => ({
  name,
  gauge: { dataPoints: [{ timeUnixNano: `${atMs}000000`, asDouble: value }] },
});
const of = (resource: object, metrics: readonly object[]) => ({
  resource: { attributes: attributes(resource) },
  scopeMetrics: [{ metrics }],
});

/** Forty minutes of three nodes and nine services, and requests to all of them but the last two. Returns the end. */
export async function sendUsage(faultline: FaultlineProcess): Promise<number> {
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  const post = async (signal: string, body: unknown): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`/v1/${signal}: ${answer.status} ${await answer.text()}`);
  };
  for (let atMs = endMs - HISTORY_MS; atMs <= endMs; atMs += 15_000) {
    const hosts = NODES.map((node, i) =>
      of(node, [
        gauge('system.cpu.logical.count', atMs, i === 1 ? 8 : 4),
        gauge('system.memory.limit', atMs, 16 * GIB),
        ...(i < 2 ? [gauge('system.cpu.utilization', atMs, 0.5 + 0.2 * Math.sin(atMs / 3e5))] : []),
      ]),
    );
    const services = USAGE_SERVICES.map((service, k) =>
      of({ 'service.name': service, 'host.name': `node-${k % 3}` }, [
        gauge('container.cpu.usage', atMs, 0.2 + 0.15 * k * (0.3 + Math.abs(Math.sin(atMs / 4e5 + k)))),
        gauge('container.memory.usage', atMs, GIB * (0.5 + k * 0.2)),
        gauge('k8s.container.cpu_request', atMs, 0.5 + (k % 3) * 0.25),
      ]),
    );
    await post('metrics', { resourceMetrics: [...hosts, ...services] });
  }
  const spans = (k: number) =>
    Array.from({ length: 200 + 100 * k }, (_, i) => {
      const id = (k * 100_000 + i + 1).toString(16);
      const startMs = endMs - 1_700_000 + i * 1_500;
      const times = { startTimeUnixNano: `${startMs}000000`, endTimeUnixNano: `${startMs + 20}000000` };
      return { traceId: id.padStart(32, '0'), spanId: id.padStart(16, '0'), name: 'GET /', kind: 2, ...times };
    });
  await post('traces', {
    resourceSpans: USAGE_SERVICES.slice(0, -2).map((service, k) => ({
      resource: { attributes: attributes({ 'service.name': service }) },
      scopeSpans: [{ spans: spans(k) }],
    })),
  });
  await faultline.flush();
  return endMs;
}
