import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { otlpPayloads } from './otlp-payloads.ts';

/** The noisy sender of bench/fairness.ts, on a thread of its own. */
export interface Flood {
  readonly url: string;
  readonly kind: 'flood' | 'holders';
  readonly connections: number;
  readonly gzip: boolean;
}
const { url, kind, connections, gzip } = workerData as Flood;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const counts = { acked: 0, refused: 0, failed: 0, bytes: 0 };
let stopped = false;
const plain = (otlpPayloads('traces', { items: 1_500, perRequest: 1_500, startMs: Date.now() })[0] as { body: Uint8Array }).body;
const body = gzip ? gzipSync(plain, { level: 1 }) : plain;
const headers = { 'content-type': 'application/x-protobuf', ...(gzip ? { 'content-encoding': 'gzip' } : {}) };

function send(): Promise<void> {
  return new Promise((done) => {
    const call = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }, (response) => {
      response.resume();
      response.on('end', () => {
        if (response.statusCode === 200) counts.acked++;
        else counts.refused++;
        counts.bytes += body.length;
        done();
      });
    });
    call.on('error', () => {
      counts.failed++;
      done();
    });
    call.end(body);
  });
}
/** Sends most of a large body and keeps the rest, so that the memory it stands in is held. */
function hold(): void {
  const size = 1024 * 1024;
  const call = request(url, { method: 'POST', agent: false, headers: { ...headers, 'content-length': size } }, (response) => {
    counts.refused++;
    response.resume();
    response.on('end', () => stopped || setTimeout(hold, 200));
  });
  call.on('error', () => {
    counts.failed++;
    if (!stopped) setTimeout(hold, 200);
  });
  call.write(new Uint8Array(size - 1024));
}
if (kind === 'holders') for (let i = 0; i < connections; i++) hold();
else
  for (let i = 0; i < connections; i++)
    void (async () => {
      while (!stopped) await send();
    })();
parentPort?.on('message', () => {
  stopped = true;
  parentPort?.postMessage(counts);
  setTimeout(() => process.exit(0), 100);
});
