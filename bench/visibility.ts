import { startFaultline } from '../tests/app/faultline-process.ts';
import { httpSender, openLoop } from './load.ts';
import { otlpPayloads } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';

/** From the acknowledgement of a marked span to the first query that returns it, with and without background load. */
export const visibility: Scenario = {
  name: 'visibility',
  about: 'acknowledged span to first query returning it (polling the SQL endpoint), p50 and p95 of 40 probes',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const rate of [0, 20_000, 50_000]) {
      const faultline = await startFaultline({ args: ['--no-ui'] });
      try {
        const payloads = otlpPayloads('traces', { items: 32_000, perRequest: 500, startMs: Date.now() });
        const send = httpSender(`${faultline.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 16);
        const probes = quick ? 10 : 40;
        const background = rate > 0 ? openLoop(send, payloads, rate, probes * 0.35) : Promise.resolve(null);
        const waits: number[] = [];
        for (let i = 0; i < probes; i++) {
          const name = `probe-${rate}-${i}`;
          const now = BigInt(Date.now()) * 1_000_000n;
          const body = JSON.stringify({
            resourceSpans: [
              {
                resource: { attributes: [{ key: 'service.name', value: { stringValue: 'probe' } }] },
                scopeSpans: [
                  {
                    spans: [
                      {
                        traceId: (i + 1).toString(16).padStart(32, '0'),
                        spanId: (i + 1).toString(16).padStart(16, '0'),
                        name,
                        kind: 2,
                        startTimeUnixNano: String(now),
                        endTimeUnixNano: String(now + 1000n),
                      },
                    ],
                  },
                ],
              },
            ],
          });
          const answer = await fetch(`${faultline.ingest}/v1/traces`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          });
          if (answer.status !== 200) throw new Error(`probe refused: ${answer.status}`);
          const ackedMs = performance.now();
          while ((await faultline.sql(`SELECT 1 AS seen FROM spans WHERE service = 'probe' AND name = '${name}' LIMIT 1`)).length === 0) {
            if (performance.now() - ackedMs > 20_000) throw new Error('a probe never became visible');
          }
          waits.push(performance.now() - ackedMs);
          await new Promise((done) => setTimeout(done, 100));
        }
        await background;
        waits.sort((a, b) => a - b);
        const at = (q: number): number => Math.round(waits[Math.min(waits.length - 1, Math.floor(waits.length * q))] as number);
        rows.push({ 'background spans/s': rate, probes, 'p50 ms': at(0.5), 'p95 ms': at(0.95), 'max ms': at(1) });
      } finally {
        await faultline.stop();
      }
    }
    return rows;
  },
};
