import { parseArgs } from 'node:util';
import { DEFAULT_SCENARIO, DEFAULT_SEED, DEMO_SCENARIOS, isDemoScenario } from './scenarios.ts';
import { startDemo } from './start-demo.ts';

/**
 * `node demo/main.ts --ingest URL [--grpc HOST:PORT] [--scenario NAME] [--seed N] [--config-folder DIR]`
 * Runs until SIGTERM, SIGINT or, as a child with an IPC channel, until the parent is gone. Says on stdout, as one JSON
 * line each, that it runs and that the history is in. Exit code 2: usage.
 */
const { values } = parseArgs({
  options: {
    ingest: { type: 'string', default: 'http://127.0.0.1:4318' },
    grpc: { type: 'string' },
    scenario: { type: 'string', default: DEFAULT_SCENARIO },
    seed: { type: 'string', default: String(DEFAULT_SEED) },
    'config-folder': { type: 'string' },
    'history-minutes': { type: 'string', default: '20' },
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
  log: (line) => process.stderr.write(`${line}\n`),
});
say({ running: true, scenario: demo.scenario, prometheusConfigFile: demo.prometheusConfigFile });
const end = (): void => {
  void demo.stop().then(() => process.exit(0));
};
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('disconnect', end);
await demo.backfilled;
say({ backfilled: true });
