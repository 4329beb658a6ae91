import type { DemoScenario } from '#demo/scenarios.ts';
import { createShop } from '#demo/simulate.ts';
import type { FaultlineProcess } from '../app/faultline-process.ts';

const MINUTES = 30;
const STEP_MS = 60_000;
const AHEAD_MS = 240_000;

/** Half an hour of the demo shop, sent over the real socket. Answers what is really wrong. */
export async function sendShop(
  faultline: FaultlineProcess,
  scenario: DemoScenario,
  seed: number,
): Promise<{ service: string; onsetMs: number; endMs: number }> {
  // A few minutes ahead: nothing may fall silent, and so be resolved, while the tests look at it.
  const endMs = Math.floor(Date.now() / 10_000) * 10_000 + AHEAD_MS;
  const startMs = endMs - MINUTES * 60_000;
  const shop = createShop({ seed, scenario, startMs, durationMs: MINUTES * 60_000, requestsPerSecond: 8 });
  for (let untilMs = startMs + STEP_MS; untilMs <= endMs; untilMs += STEP_MS) {
    const bodies = shop.advance(untilMs);
    for (const signal of ['traces', 'logs', 'metrics'] as const) {
      for (const body of bodies[signal]) await send(faultline, signal, body);
    }
  }
  await faultline.flush();
  const truth = shop.truth();
  return { service: truth.service, onsetMs: truth.onsetMs, endMs };
}
async function send(faultline: FaultlineProcess, signal: string, body: Uint8Array): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const answer = await fetch(`${faultline.ingest}/v1/${signal}`, { method: 'POST', headers, body: body as Uint8Array<ArrayBuffer> });
  if (!answer.ok) throw new Error(`/v1/${signal}: ${answer.status} ${await answer.text()}`);
}
