import { startFaultline } from '../tests/app/faultline-process.ts';
import { httpSender, openLoop } from './load.ts';
import { otlpPayloads } from './otlp-payloads.ts';
import type { Row, Scenario } from './run.ts';

/** kill -9 of the engine and of the collector under load: time until each serves again, and what was lost. */
export const recovery: Scenario = {
  name: 'recovery',
  about:
    'kill -9 under 20 k spans/s: milliseconds until /readyz (engine) or the ingest port answers again; acknowledged minus stored spans at the end',
  run: async ({ quick }) => {
    const rows: Row[] = [];
    for (const victim of ['engine', 'collector'] as const) {
      const faultline = await startFaultline({ args: ['--no-ui'] });
      try {
        const payloads = otlpPayloads('traces', { items: 32_000, perRequest: 500, startMs: Date.now() });
        const send = httpSender(`${faultline.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 16);
        const load = openLoop(send, payloads, 20_000, quick ? 6 : 12);
        await new Promise((done) => setTimeout(done, quick ? 2000 : 4000));
        process.kill(faultline.pids()[victim] as number, 'SIGKILL');
        const killedMs = performance.now();
        const url = victim === 'engine' ? `${faultline.api}/readyz` : `${faultline.ingest}/healthz`;
        await new Promise((done) => setTimeout(done, 20));
        for (;;) {
          const ok = await fetch(url, { signal: AbortSignal.timeout(1000) }).then(
            (r) => r.ok,
            () => false,
          );
          if (ok) break;
          if (performance.now() - killedMs > 30_000) throw new Error(`${victim} did not come back`);
        }
        const backMs = performance.now() - killedMs;
        const sent = await load;
        await faultline.flush();
        const [row] = await faultline.sql('SELECT count(*)::DOUBLE AS n FROM spans');
        rows.push({
          killed: victim,
          'serving again ms': Math.round(backMs),
          acknowledged: sent.items,
          'refused or cut': sent.failed,
          stored: Number(row?.['n']),
        });
      } finally {
        await faultline.stop();
      }
    }
    return rows;
  },
};
