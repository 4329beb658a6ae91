import { afterEach, describe, expect, it } from 'vitest';
import { GRPC_SERVERS } from '#contracts/settings.ts';
import { startTelemetry } from '../sdk-app/telemetry.ts';
import { startTestCollector } from './receivers-fixture.ts';

const COMPRESSION = 'OTEL_EXPORTER_OTLP_COMPRESSION';
afterEach(() => {
  delete process.env[COMPRESSION];
});

/** The exporters of the OpenTelemetry SDK for JavaScript, as an application sets them up. */
describe.each(GRPC_SERVERS)('OpenTelemetry SDK over gRPC, served by %s', (otlpGrpcServer) => {
  it.each(['none', 'gzip'])('traces, logs and metrics, compression %s', async (compression) => {
    process.env[COMPRESSION] = compression;
    const collector = await startTestCollector({}, { otlpGrpcServer });
    const { ingest, otlpGrpc } = collector.collector.addresses;
    const telemetry = startTelemetry({ service: 'shop', version: '1', protocol: 'grpc', ingestUrl: ingest, grpcAddress: otlpGrpc });
    telemetry.meter.createCounter('orders').add(3);
    for (let i = 0; i < 20; i++) telemetry.tracer.startSpan(`GET /cart/${i}`).end();
    telemetry.logger.emit({ body: 'added to the cart' });
    await telemetry.flush();
    await telemetry.stop();
    const items = { traces: 0, logs: 0, metrics: 0 };
    const [, grpc] = collector.collector.status().sources;
    for (const signal of ['traces', 'logs', 'metrics'] as const) items[signal] = grpc?.accepted[signal].items ?? 0;
    expect(items).toMatchObject({ traces: 20, logs: 1 });
    expect(items.metrics).toBeGreaterThan(0);
    expect([collector.refused('otlp-grpc'), collector.lines]).toEqual([{}, []]);
    await collector.stop();
  });
});
