import { startFaultline } from '../tests/app/faultline-process.ts';
import { grpcSender, httpSender, openLoop } from './load.ts';
import { otlpPayloads } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';

/** Acknowledgement latency at a fixed rate, counted from the moment each request was due. */
export const latency: Scenario = {
  name: 'latency',
  about: 'open loop, 500 items a request, durability sync and none, latency from the due time',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const durability of ['sync', 'none']) {
      for (const [protocol, rate] of [
        ['http', 20_000],
        ['http', 50_000],
        ['http', 100_000],
        ['grpc', 50_000],
      ] as const) {
        const faultline = await startFaultline({ args: ['--no-ui', '--durability', durability] });
        try {
          const payloads = otlpPayloads('traces', { items: 32_000, perRequest: 500, startMs: Date.now() });
          const send =
            protocol === 'grpc'
              ? grpcSender(faultline.otlpGrpc, 'traces')
              : httpSender(`${faultline.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 16);
          await openLoop(send, payloads, rate, 2);
          const load = await openLoop(send, payloads, rate, quick ? 5 : 20);
          rows.push({
            durability,
            protocol,
            'spans/s': rate,
            acked: load.items,
            failed: load.failed,
            'p50 ms': Number(load.p50Ms.toFixed(2)),
            'p99 ms': Number(load.p99Ms.toFixed(2)),
          });
        } finally {
          await faultline.stop();
        }
      }
    }
    return rows;
  },
};
