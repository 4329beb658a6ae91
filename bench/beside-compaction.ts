import { startFaultline } from '../tests/app/faultline-process.ts';
import { closedLoop, httpSender, moveToNow, type Payload, type Send } from './load.ts';
import { otlpPayloads } from './otlp-payloads.ts';
import type { Row } from './run.ts';
import { WRITE_HEADERS } from './write-payloads.ts';

/** 100 spans each: 5,000 a second, so that the store flushes beside it as well. */
const EVERY_MS = 20;
const PER_REQUEST = 100;
const CONTROL_MS = 15_000;
const LIMIT_MS = 50;
const FACTS_MS = 6_000;
const FIGURES = [
  'faultline_compaction_longest_hold_seconds',
  'faultline_compaction_longest_checkpoint_seconds',
  'faultline_compaction_samples',
];

/** A request every 20 ms until `until` settles, whatever the answers do; latency counts from the moment a request was due. */
async function acknowledged(what: string, send: Send, payloads: readonly Payload[], until: Promise<unknown>): Promise<Row> {
  const took: number[] = [];
  const pending: Promise<void>[] = [];
  let [isOver, failed] = [false, 0];
  const over = until.finally(() => {
    isOver = true;
  });
  const startedMs = performance.now();
  for (let sent = 0; !isOver; sent++) {
    const dueMs = startedMs + sent * EVERY_MS;
    // Also when it is late: without a turn of the loop no answer would be heard.
    await new Promise((done) => setTimeout(done, Math.max(0, dueMs - performance.now())));
    const payload = payloads[sent % payloads.length] as Payload;
    moveToNow(payload);
    pending.push(
      send(payload).then(
        () => void took.push(performance.now() - dueMs),
        () => void failed++,
      ),
    );
  }
  await over;
  await Promise.all(pending);
  took.sort((a, b) => a - b);
  const at = (share: number): number => Number((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0).toFixed(1));
  const late = took.filter((ms) => ms > LIMIT_MS).length;
  return { what, requests: took.length, failed, 'p50 ms': at(0.5), 'p99 ms': at(0.99), 'max ms': at(1), [`over ${LIMIT_MS} ms`]: late };
}

/** How long acknowledgements take with and without compaction beside them, in turns: control, compaction, control. */
export async function besideCompaction(samples: readonly Payload[]): Promise<Row[]> {
  const faultline = await startFaultline({ args: ['--no-ui'] });
  try {
    const items = samples.reduce((sum, one) => sum + one.items, 0);
    await closedLoop(httpSender(`${faultline.ingest}/api/v1/write`, WRITE_HEADERS, 1), samples, 1, items);
    await faultline.flush();
    const send = httpSender(`${faultline.ingest}/v1/traces`, { 'content-type': 'application/x-protobuf' }, 8);
    const payloads = otlpPayloads('traces', { items: 6_400, perRequest: PER_REQUEST, startMs: Date.now() });
    const control = (): Promise<Row> =>
      acknowledged('acknowledgement alone', send, payloads, new Promise((done) => setTimeout(done, CONTROL_MS)));
    const rows = [await control()];
    const compacted = faultline.fetch('/console/admin/flush?compact=1', { method: 'POST' }).then(async (response) => {
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    });
    rows.push(await acknowledged('acknowledgement beside compaction', send, payloads, compacted), await control());
    // /metrics says what was found when the state was last asked for, at most every few seconds.
    await new Promise((done) => setTimeout(done, FACTS_MS));
    await faultline.fetch('/console/state');
    const metrics = await (await faultline.fetch('/metrics')).text();
    for (const name of FIGURES)
      rows.push({
        what: name,
        figure: Number(new RegExp(`^${name}(?:_total)?(?:\\{.*\\})? (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN),
      });
    return rows;
  } finally {
    await faultline.stop();
  }
}
