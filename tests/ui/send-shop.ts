import { setTimeout as sleep } from 'node:timers/promises';
import type { DemoScenario } from '#demo/scenarios.ts';
import { createShop } from '#demo/simulate.ts';
import type { FaultlineProcess } from '../app/faultline-process.ts';

const HISTORY_MS = 30 * 60_000;
/** The shop goes on for so long: an incident whose telemetry falls silent may be resolved while the tests look at it. */
const LIVE_MS = 10 * 60_000;
const STEP_MS = 60_000;
const TURN_MS = 2_000;

export interface SentShop {
  /** What is really wrong. */
  readonly service: string;
  readonly onsetMs: number;
  /** End of the history. */
  readonly endMs: number;
  stop(): Promise<void>;
}
/** Half an hour of the demo shop, sent over the real socket; then it goes on in real time until stopped. */
export async function sendShop(faultline: FaultlineProcess, scenario: DemoScenario, seed: number): Promise<SentShop> {
  const endMs = Math.floor(Date.now() / 10_000) * 10_000;
  const startMs = endMs - HISTORY_MS;
  const shop = createShop({
    seed,
    scenario,
    startMs,
    durationMs: HISTORY_MS + LIVE_MS,
    onsetMs: endMs - 6 * 60_000,
    requestsPerSecond: 4,
  });
  const sendUntil = async (untilMs: number): Promise<void> => {
    const bodies = shop.advance(untilMs);
    for (const signal of ['traces', 'logs', 'metrics'] as const) {
      for (const body of bodies[signal]) await send(faultline, signal, body);
    }
  };
  for (let untilMs = startMs + STEP_MS; untilMs <= endMs; untilMs += STEP_MS) await sendUntil(untilMs);
  await faultline.flush();
  const stopping = new AbortController();
  const going = goOn(sendUntil, stopping.signal);
  const { service, onsetMs } = shop.truth();
  return {
    service,
    onsetMs,
    endMs,
    stop: async () => {
      stopping.abort();
      await going;
    },
  };
}
async function goOn(sendUntil: (untilMs: number) => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // A sender retries what was refused or lost; what is sent here need not arrive whole.
    await sendUntil(Date.now()).catch(() => undefined);
    await sleep(TURN_MS, undefined, { signal }).catch(() => undefined);
  }
}
async function send(faultline: FaultlineProcess, signal: string, body: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> });
  if (!answer.ok) throw new Error(`/v1/${signal}: ${answer.status} ${await answer.text()}`);
}
