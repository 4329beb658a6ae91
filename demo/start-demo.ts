import { serveMetrics } from './metrics-endpoints.ts';
import type { DemoScenario } from './scenarios.ts';
import { createSender, type Sender, sleep, type Transport } from './send-otlp.ts';
import { type Bodies, createShop, type Shop } from './simulate.ts';

export interface DemoOptions {
  /** Base address of OTLP/HTTP, e.g. http://127.0.0.1:4318. */
  readonly ingestUrl: string;
  /** HOST:PORT of OTLP/gRPC; one service uses it when given. */
  readonly otlpGrpcAddress?: string;
  readonly scenario: DemoScenario;
  readonly seed: number | string;
  /** Wall clock, Unix ms; Date.now when absent. */
  readonly nowMs?: () => number;
  readonly log: (line: string) => void;
  /** Folder for prometheus.yml and its target list; a temporary one when absent. */
  readonly configFolder?: string;
  /** History sent first, ms; 20 minutes when absent. */
  readonly historyMs?: number;
  /** Time between the end of the back-fill and the onset, ms; 12 s when absent. */
  readonly onsetAfterMs?: number;
  readonly requestsPerSecond?: number;
}
export interface RunningDemo {
  readonly scenario: DemoScenario;
  readonly prometheusConfigFile: string;
  /** Settles once the history has been acknowledged. */
  readonly backfilled: Promise<void>;
  /** What is really wrong: for tests, never sent. */
  truth(): ReturnType<Shop['truth']>;
  readonly counts: Sender['counts'];
  /** Ends sending and closes the ports; safe twice. */
  stop(): Promise<void>;
}
const HISTORY_MS = 20 * 60_000;
/** A release takes some 15 s to roll out and an incident two or three cells of evidence: about a minute in all. */
const ONSET_AFTER_MS = 12_000;
const STEP_MS = 10_000;
const TURN_MS = 1000;
/** A shop has senders of every kind. */
const TRANSPORTS: ReadonlyMap<string, Transport> = new Map<string, Transport>([
  ['recommendations', 'http-json'],
  ['payments', 'grpc'],
]);

async function sendBodies(sender: Sender, transport: Transport, bodies: Bodies): Promise<void> {
  await Promise.all(
    (['traces', 'logs', 'metrics'] as const).map(async (signal) => {
      for (const body of bodies[signal]) await sender.send(transport, signal, body);
    }),
  );
}
/** Sends one step: services with a transport of their own beside the rest, joined into few bodies. */
async function sendStep(sender: Sender, shop: Shop, toMs: number): Promise<void> {
  const byTransport = shop.advanceBy((service) => TRANSPORTS.get(service) ?? 'http-protobuf', toMs);
  await Promise.all([...byTransport].map(([transport, bodies]) => sendBodies(sender, transport, bodies)));
}
async function backfill(
  sender: Sender,
  shop: Shop,
  fromMs: number,
  now: () => number,
  signal: AbortSignal,
  onsetAfterMs: number,
): Promise<number> {
  let atMs = fromMs;
  // The clock goes on while history is sent: the end is caught up with, not fixed.
  while (!signal.aborted && atMs < now() - TURN_MS) {
    atMs = Math.min(atMs + STEP_MS, now());
    shop.setOnset(now() + onsetAfterMs);
    await sendStep(sender, shop, atMs);
  }
  return atMs;
}
async function follow(sender: Sender, shop: Shop, fromMs: number, now: () => number, signal: AbortSignal): Promise<void> {
  let atMs = fromMs;
  while (!signal.aborted) {
    // After a sleep of the machine or an outage of the receiver the gap is closed in steps of bounded size.
    atMs = Math.max(atMs, Math.min(atMs + STEP_MS, now()));
    await sendStep(sender, shop, atMs);
    if (now() - atMs < TURN_MS) await sleep(TURN_MS, signal);
  }
}
/**
 * Starts the shop against a receiver: serves /metrics, sends the history as fast as it is acknowledged, then goes on in
 * real time; the trouble begins `onsetAfterMs` after the history. Resolves as soon as the /metrics ports are open.
 */
export async function startDemo(options: DemoOptions): Promise<RunningDemo> {
  const now = options.nowMs ?? Date.now;
  const aborter = new AbortController();
  const { signal } = aborter;
  const startMs = now() - (options.historyMs ?? HISTORY_MS);
  const onsetAfterMs = options.onsetAfterMs ?? ONSET_AFTER_MS;
  const shop = createShop({
    seed: options.seed,
    scenario: options.scenario,
    startMs,
    onsetMs: now() + onsetAfterMs,
    requestsPerSecond: options.requestsPerSecond ?? 20,
  });
  const endpoints = await serveMetrics(shop.hosts, shop.exposition, options.configFolder);
  const sender = createSender({ ...options, signal });
  const begunMs = now();
  const backfilled = backfill(sender, shop, startMs, now, signal, onsetAfterMs).then(async (atMs) => {
    if (signal.aborted) return atMs;
    // Not before: while history is sent, shop time runs fast, and a counter scraped meanwhile would grow by minutes in seconds.
    await endpoints.announce();
    options.log(
      `history of ${Math.round((atMs - startMs) / 60_000)} min (${shop.counts.spans} spans) acknowledged in ${((now() - begunMs) / 1000).toFixed(1)} s`,
    );
    return atMs;
  });
  const running = backfilled.then((atMs) => follow(sender, shop, atMs, now, signal));
  running.catch((error: unknown) => options.log(`the demo shop stopped: ${String(error)}`));
  return {
    scenario: options.scenario,
    prometheusConfigFile: endpoints.prometheusConfigFile,
    backfilled: backfilled.then(() => {}),
    truth: shop.truth,
    counts: sender.counts,
    async stop() {
      if (signal.aborted) return;
      aborter.abort();
      await running.catch(() => {});
      sender.close();
      await endpoints.stop();
    },
  };
}
