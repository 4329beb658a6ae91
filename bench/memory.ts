import { rssBytesOf, startFaultline } from '../tests/app/faultline-process.ts';
import { httpSender, openLoop } from './load.ts';
import { otlpPayloads, type Signal } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';

/** Resident memory each minute of mixed load, and a minute after it ended. */
export const memory: Scenario = {
  name: 'memory',
  about: 'mixed load (10 k spans, 10 k logs, 20 k points a second) for 10 minutes; RSS of all processes by minute',
  run: async ({ quick }) => {
    const faultline = await startFaultline({ args: ['--no-ui'] });
    try {
      const minutes = quick ? 2 : 10;
      const rates: Record<Signal, number> = { traces: 10_000, logs: 10_000, metrics: 20_000 };
      const rows: Row[] = [{ minute: 0, 'RSS MB': Math.round(rssBytesOf(faultline.pid) / 1e6) }];
      for (let minute = 1; minute <= minutes; minute++) {
        await Promise.all(
          (Object.keys(rates) as Signal[]).map((signal) => {
            const send = httpSender(`${faultline.ingest}/v1/${signal}`, { 'content-type': 'application/x-protobuf' }, 4);
            return openLoop(send, otlpPayloads(signal, { items: 16_000, perRequest: 500, startMs: Date.now() }), rates[signal], 60);
          }),
        );
        rows.push({ minute, 'RSS MB': Math.round(rssBytesOf(faultline.pid) / 1e6) });
      }
      await new Promise((done) => setTimeout(done, 60_000));
      rows.push({ minute: 'idle +1', 'RSS MB': Math.round(rssBytesOf(faultline.pid) / 1e6) });
      return rows;
    } finally {
      await faultline.stop();
    }
  },
};
