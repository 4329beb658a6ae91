import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Protocol, startTelemetry } from '../sdk-app/telemetry.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';
import { sleep } from './until.ts';

/** The real JavaScript SDK against a collector that cannot answer for a while: nothing that was exported is missing or there twice. */
let faultline: FaultlineProcess | undefined;
afterEach(async () => {
  await faultline?.stop();
  faultline = undefined;
});

/** Spans and log records every 20 ms from a service for each protocol, until `work` is over. @returns what each had acknowledged */
async function sending(protocols: readonly Protocol[], ingestUrl: string, grpcAddress: string, work: () => Promise<void>) {
  const services = protocols.map((protocol) => ({
    service: `shop-${protocol}`,
    telemetry: startTelemetry({ service: `shop-${protocol}`, version: '1', protocol, ingestUrl, grpcAddress }),
    made: 0,
  }));
  const timer = setInterval(() => {
    for (const each of services) {
      each.made++;
      each.telemetry.tracer.startSpan('work').end();
      each.telemetry.logger.emit({ body: 'worked' });
    }
  }, 20);
  await work();
  clearInterval(timer);
  return await Promise.all(
    services.map(async ({ service, telemetry, made }) => {
      await telemetry.stop();
      return { service, made, sent: telemetry.sent };
    }),
  );
}
type Sending = Awaited<ReturnType<typeof sending>>;
async function expectStored(results: Sending): Promise<void> {
  await faultline?.flush();
  for (const { service, made, sent } of results) {
    const rows = await faultline?.sql(
      `SELECT (SELECT count(*)::INTEGER FROM spans WHERE service = '${service}') AS spans, (SELECT count(*)::INTEGER FROM logs WHERE service = '${service}') AS logs`,
    );
    expect({ service, failed: sent.failed, ...rows?.[0] }).toEqual({ service, failed: 0, spans: made, logs: made });
  }
}

describe('an SDK recovers by itself', () => {
  it('when the collector stands still (SIGSTOP) for three seconds', async () => {
    faultline = await startFaultline({ args: ['--no-ui'] });
    const collector = faultline.pids()['collector'] as number;
    const results = await sending(['grpc', 'proto', 'json'], faultline.ingest, faultline.otlpGrpc, async () => {
      await sleep(1_000);
      process.kill(collector, 'SIGSTOP');
      await sleep(3_000);
      process.kill(collector, 'SIGCONT');
      await sleep(1_000);
    });
    await expectStored(results);
  });
  // Over gRPC the JavaScript exporter (0.301) sends nothing again, whatever the status and RetryInfo say.
  it('when the memory for requests is used up: 503 with Retry-After, then everything', async () => {
    faultline = await startFaultline({ args: ['--no-ui'], env: { FAULTLINE_LIMITS_MAX_IN_FLIGHT_BYTES: '2000000' } });
    const { hostname, port } = new URL(faultline.ingest);
    const headers = { 'content-type': 'application/x-protobuf' };
    const results = await sending(['proto', 'json'], faultline.ingest, faultline.otlpGrpc, async () => {
      await sleep(1_000);
      // One sender may not hold all of it: each takes four fifths of what the others have left, and the last crumbs go too.
      const blockers = [2, 3, 4, 5, 6, 7].flatMap((end) =>
        [60_000, 15_000, 1_000].flatMap((length) =>
          Array.from({ length: 26 }, () =>
            request({
              hostname,
              port,
              path: '/v1/traces',
              method: 'POST',
              headers: { ...headers, 'content-length': length },
              localAddress: `127.0.0.${end}`,
            }),
          ),
        ),
      );
      for (const blocker of blockers) {
        blocker.on('error', () => undefined);
        blocker.write(Buffer.alloc(100));
      }
      await sleep(3_000);
      for (const blocker of blockers) blocker.destroy();
      await sleep(1_000);
    });
    await expectStored(results);
    const { senders } = (await (await faultline.fetch('/console/sources')).json()) as { senders: { name: string; refused: number }[] };
    for (const { service } of results) expect(senders.find(({ name }) => name === service)?.refused, service).toBeGreaterThan(0);
  });
});
