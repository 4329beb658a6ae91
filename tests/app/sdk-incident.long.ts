/**
 * An application instrumented with the OpenTelemetry SDK runs calmly, then a fault is switched on in one of its services:
 * the console must open an incident and name that service. Real time, about six minutes: not part of `npm test`.
 *
 *   node tests/app/sdk-incident.long.ts [SERVICE]
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Incident } from '#contracts/judgement.ts';
import { startFaultline } from './faultline-process.ts';
import { sleep } from './until.ts';

const place = process.argv[2] ?? 'stock';
const CALM_MS = 200_000;
const PATIENCE_MS = 240_000;
const say = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);

const faultline = await startFaultline();
const app = spawn(
  process.execPath,
  [join(import.meta.dirname, '../sdk-app/app.ts'), '--ingest', faultline.ingest, '--grpc', faultline.otlpGrpc, '--rps', '20'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const ready = await new Promise<{ url: string }>((done) =>
  createInterface({ input: app.stdout }).once('line', (line) => done(JSON.parse(line))),
);
const incidents = async (): Promise<Incident[]> =>
  ((await (await faultline.fetch('/console/incidents?limit=20')).json()) as { incidents: Incident[] }).incidents;
let failure = '';
try {
  say(`calm for ${CALM_MS / 1000} s`);
  await sleep(CALM_MS);
  const early = await incidents();
  if (early.length > 0) throw new Error(`an incident opened while all was calm: ${early[0]?.title}`);
  await fetch(`${ready.url}/fault/${place}`, { method: 'POST', body: JSON.stringify({ latencyMs: 250, errorRatio: 0.3 }) });
  say(`fault switched on in ${place}`);
  const untilMs = Date.now() + PATIENCE_MS;
  let found: Incident | undefined;
  while (Date.now() < untilMs && !found?.rca) {
    await sleep(2000);
    found = (await incidents()).find((incident) => incident.status === 'open');
  }
  if (!found) throw new Error('no incident opened');
  await sleep(20_000);
  found = (await incidents()).find((incident) => incident.status === 'open') ?? found;
  const first = found.rca?.candidates[0];
  say(`${found.title} | ${found.rca?.verdict} | ${first?.service} ${first?.kind} | ${found.rca?.narrative}`);
  if (first?.service !== place) throw new Error(`the first cause is ${first?.service}, not ${place}`);
} catch (error) {
  failure = (error as Error).message;
} finally {
  app.kill('SIGTERM');
  await faultline.stop();
}
say(failure === '' ? 'passed' : `FAILED: ${failure}`);
process.exitCode = failure === '' ? 0 : 1;
