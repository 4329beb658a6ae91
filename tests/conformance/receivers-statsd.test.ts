import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BodyEncoding, BodyFormat, RecordKind } from '#contracts/journal.ts';
import type { Settings } from '#contracts/settings.ts';
import { ExportMetricsServiceRequestSchema } from '#protos/gen/opentelemetry/proto/collector/metrics/v1/metrics_service_pb.js';
import { NO_LISTENERS, startTestCollector, type TestCollector } from './receivers-fixture.ts';

/** The machine may be busy. */
const SOON = { timeout: 20_000 };
const listening: Partial<Settings> = { listeners: { ...NO_LISTENERS, statsd: { host: '127.0.0.1', port: 0 }, statsdFlushMs: 200 } };
const portOf = (it: TestCollector): number => Number(it.collector.addresses['statsd']?.split(':').at(-1));
const source = (it: TestCollector) => it.collector.status().sources.find((each) => each.source === 'statsd');
// biome-ignore lint/suspicious/noExplicitAny: JSON of a message
type Json = any;
/** Every point in the journal. */
async function metricsOf(it: TestCollector): Promise<Json[]> {
  const bodies = (await it.records()).map(({ body }) =>
    toJson(ExportMetricsServiceRequestSchema, fromBinary(ExportMetricsServiceRequestSchema, body)),
  );
  return bodies.flatMap((body: Json) => body.resourceMetrics.flatMap(({ scopeMetrics }: Json) => scopeMetrics[0].metrics));
}
const sumOf = async (it: TestCollector, name: string): Promise<number> =>
  (await metricsOf(it)).filter((metric) => metric.name === name).reduce((total, { sum }) => total + sum.dataPoints[0].asDouble, 0);
async function datagrams(it: TestCollector, ...texts: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const text of texts) await new Promise((done) => socket.send(text, portOf(it), '127.0.0.1', done));
  await new Promise<void>((done) => socket.close(() => done()));
}
const stream = (it: TestCollector, bytes: string): Promise<void> =>
  new Promise((done, fail) => {
    const socket: Socket = connect(portOf(it), '127.0.0.1', () => socket.end(bytes));
    socket.on('close', () => done()).on('error', fail);
    socket.resume();
  });
let it1: TestCollector;
beforeAll(async () => {
  it1 = await startTestCollector({ maxAttributeBytes: 2_000 }, listening);
});
afterAll(() => it1.stop());

describe('StatsD', () => {
  it('what came by UDP and TCP in one interval or several adds up', async () => {
    await datagrams(it1, ...Array.from({ length: 300 }, () => 'hits:1|c\nhits:2|c|#a:b\n'));
    await stream(it1, '5xx:1|c\n'.repeat(1_000));
    await expect.poll(() => sumOf(it1, 'hits'), SOON).toBe(900);
    await expect.poll(() => sumOf(it1, '5xx'), SOON).toBe(1_000);
    const record = (await it1.records()).at(-1);
    expect(record).toMatchObject({
      ...{ kind: RecordKind.metrics, format: BodyFormat.protobuf, encoding: BodyEncoding.identity, source: 'statsd' },
    });
    expect(source(it1)).toMatchObject({ kind: 'statsd', address: it1.collector.addresses['statsd'], refused: {} });
  });
  it('intervals follow each other without a gap', async () => {
    for (let i = 0; i < 3; i++) {
      const before = (await metricsOf(it1)).length;
      await datagrams(it1, 'tick:1|c');
      await expect.poll(async () => (await metricsOf(it1)).length, SOON).toBe(before + 1);
    }
    const points = (await metricsOf(it1)).filter(({ name }) => name === 'tick').map(({ sum }) => sum.dataPoints[0]);
    for (const [i, { startTimeUnixNano, timeUnixNano }] of points.entries()) {
      expect(BigInt(timeUnixNano)).toBeGreaterThan(BigInt(startTimeUnixNano));
      if (i > 0) expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(points[i - 1].timeUnixNano));
    }
  });
  it.each<[string, () => Promise<void>, string, number, RegExp]>([
    ['lines that are none', () => datagrams(it1, 'one\nok:1|c\na:1|x\n\n'), 'malformed', 2, /A line of StatsD: the type "x"/],
    ['bytes', () => datagrams(it1, Buffer.from([0, 255, 1])), 'malformed', 1, /no name:value/],
    ['an event of DogStatsD', () => datagrams(it1, '_e{1,1}:a|b'), 'malformed', 1, /events and service checks/],
    ['a line without an end', () => stream(it1, 'x'.repeat(10_000)), 'message_too_large', 1, /the limit is 2000/],
  ])('counted: %s', async (_, send, reason, count, sentence) => {
    const before = it1.refused('statsd')[reason] ?? 0;
    await send();
    await expect.poll(() => it1.refused('statsd')[reason], SOON).toBe(before + count);
    await expect.poll(() => source(it1)?.error, SOON).toMatch(sentence);
  });
  it('more series than there is memory for are counted', async () => {
    const small = await startTestCollector({ maxInFlightBytes: 800_000 }, listening);
    const lines = Array.from({ length: 2_000 }, (_, i) => `c${i}:1|c\n`);
    await stream(small, lines.join(''));
    await expect
      .poll(() => (small.refused('statsd')['too_many_series'] ?? 0) + (source(small)?.accepted.metrics.items ?? 0), SOON)
      .toBe(2_000);
    expect(small.refused('statsd')['too_many_series']).toBeGreaterThan(0);
    await small.stop();
  });
  it('what came before the end of an interval is stored at a stop', async () => {
    const slow = await startTestCollector({}, { listeners: { ...(listening.listeners as typeof NO_LISTENERS), statsdFlushMs: 600_000 } });
    await stream(slow, 'last:1|c\n'.repeat(50));
    // Taken in, as TCP says nothing: the memory shows it.
    await new Promise((done) => setTimeout(done, 300));
    await slow.collector.stop(2_000);
    expect(await sumOf(slow, 'last')).toBe(50);
    await slow.stop();
  });
});
