import { parseArgs } from 'node:util';
import { DEFAULT_SCENARIO, DEFAULT_SEED, DEMO_SCENARIOS, isDemoScenario } from './scenarios.ts';
import { startDemo } from './start-demo.ts';

/**
 * `node demo/main.ts --ingest URL [--grpc HOST:PORT] [--scenario NAME] [--seed N] [--config-folder DIR] [--owner PID]`
 * Runs until SIGTERM, SIGINT or, with --owner PID, until that process is gone. Says on stdout, as one JSON
 * line each, that it runs and that the history is in. Exit code 2: usage.
 */
const OWNER_POLL_MS = 1_000;
function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
const { values } = parseArgs({
  options: {
    ingest: { type: 'string', default: 'http://127.0.0.1:4318' },
    grpc: { type: 'string' },
    scenario: { type: 'string', default: DEFAULT_SCENARIO },
    seed: { type: 'string', default: String(DEFAULT_SEED) },
    'config-folder': { type: 'string' },
    'history-minutes': { type: 'string', default: '20' },
    owner: { type: 'string' },
    rate: { type: 'string', default: '20' },
  },
});
const say = (message: Record<string, unknown>): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};
if (!isDemoScenario(values.scenario)) {
  process.stderr.write(`no scenario "${values.scenario}"; there are ${DEMO_SCENARIOS.join(', ')}\n`);
  process.exit(2);
}
const demo = await startDemo({
  ingestUrl: values.ingest.replace(/\/$/, ''),
  ...(values.grpc ? { otlpGrpcAddress: values.grpc } : {}),
  ...(values['config-folder'] ? { configFolder: values['config-folder'] } : {}),
  scenario: values.scenario,
  seed: values.seed,
  historyMs: Number(values['history-minutes']) * 60_000,
  requestsPerSecond: Number(values.rate),
  log: (line) => process.stderr.write(`demo: ${line}\n`),
});
say({ running: true, scenario: demo.scenario, prometheusConfigFile: demo.prometheusConfigFile });
const end = (): void => {
  void demo.stop().then(() => process.exit(0));
};
process.on('SIGTERM', end);
process.on('SIGINT', end);
if (values.owner !== undefined) {
  // No channel tells: the engine that started this may be killed and come back, and the shop goes on meanwhile.
  setInterval(() => hasEnded(Number(values.owner)) && end(), OWNER_POLL_MS).unref();
}
await demo.backfilled;
say({ backfilled: true });
