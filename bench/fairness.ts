import { Agent, request } from 'node:http';
import { Worker } from 'node:worker_threads';
import { startFaultline } from '../tests/app/faultline-process.ts';
import type { Flood } from './fairness-flood.ts';
import type { Row, Scenario } from './run.ts';

const EVERY_MS = 50;
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;

/** One small request every 50 ms over one connection, counted from when it was due; a refusal is counted, not sent again. */
async function quietSender(url: string, seconds: number): Promise<{ readonly sorted: number[]; readonly refused: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const logRecords = Array.from({ length: 5 }, (_, i) => ({
    timeUnixNano: `${Date.now()}000000`,
    body: { stringValue: `order ${i} was paid` },
  }));
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'quiet' } }] };
  const body = JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] });
  const latencies: number[] = [];
  let refused = 0;
  const calls: Promise<void>[] = [];
  const startMs = performance.now();
  for (let i = 0; i * EVERY_MS < seconds * 1000; i++) {
    const dueMs = startMs + i * EVERY_MS;
    await new Promise((done) => setTimeout(done, Math.max(0, dueMs - performance.now())));
    calls.push(
      new Promise((done) => {
        const call = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
          response.resume();
          response.on('end', () => {
            if (response.statusCode === 200) latencies.push(performance.now() - dueMs);
            else refused++;
            done();
          });
        });
        call.on('error', () => {
          refused++;
          done();
        });
        call.end(body);
      }),
    );
  }
  await Promise.all(calls);
  agent.destroy();
  return { sorted: latencies.sort((a, b) => a - b), refused };
}

/** A quiet sender's acknowledgements beside one that floods, and beside one that holds memory. */
export const fairness: Scenario = {
  name: 'fairness',
  about: 'one request of 5 log records every 50 ms beside a noisy sender: 1 MB bodies over 64 connections, and bodies that never end',
  run: async ({ quick, only }) => {
    const rows: Row[] = [];
    const cases: readonly (readonly [string, Omit<Flood, 'url'> | null])[] = [
      ['nobody', null],
      ['flood', { kind: 'flood', connections: 64, gzip: false }],
      ['flood, gzip', { kind: 'flood', connections: 64, gzip: true }],
      ['held bodies', { kind: 'holders', connections: 400, gzip: false }],
    ];
    for (const [name, flood] of cases) {
      if (only.length > 0 && !only.includes(name)) continue;
      const faultline = await startFaultline({ args: ['--no-ui'] });
      try {
        const worker = flood
          ? new Worker(new URL('./fairness-flood.ts', import.meta.url), {
              workerData: { ...flood, url: `${faultline.ingest}/v1/traces` } satisfies Flood,
            })
          : null;
        await new Promise((done) => setTimeout(done, 2_000));
        const { sorted, refused } = await quietSender(`${faultline.ingest}/v1/logs`, quick ? 4 : 10);
        const noisy = worker
          ? await new Promise<{ acked: number; refused: number }>((done) => {
              worker.once('message', done);
              worker.postMessage('stop');
            })
          : { acked: 0, refused: 0 };
        rows.push({
          beside: name,
          acked: sorted.length,
          refused,
          'p50 ms': Number(quantile(sorted, 0.5).toFixed(1)),
          'p99 ms': Number(quantile(sorted, 0.99).toFixed(1)),
          'max ms': Number((sorted.at(-1) ?? 0).toFixed(1)),
          'noisy acked': noisy.acked,
          'noisy refused': noisy.refused,
        });
      } finally {
        faultline.kill('SIGKILL');
        await faultline.exited;
      }
    }
    return rows;
  },
};
