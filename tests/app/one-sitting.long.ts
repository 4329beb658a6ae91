/**
 * Everything in one sitting, as its user would: the demo's trouble from the first byte to an exported postmortem with cost
 * and emissions, a paragraph asked of the demo model, while a second console receives the same. Real time, about four
 * minutes: not part of `npm test`.
 *
 *   node tests/app/one-sitting.long.ts [FOLDER]     files of the postmortem are left in FOLDER when named
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { incidentCarbonSchema } from '#contracts/carbon.ts';
import { incidentCostSchema } from '#contracts/cost.ts';
import { explainStateSchema } from '#contracts/explanation.ts';
import type { Forwarding } from '#contracts/forwarding.ts';
import type { Incident } from '#contracts/judgement.ts';
import { contentOf } from './compare-stores.ts';
import { startFaultline } from './faultline-process.ts';
import { sleep } from './until.ts';

const PATIENCE_MS = 240_000;
const startedMs = Date.now();
const say = (line: string): void => void process.stdout.write(`${((Date.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
async function until<T>(what: string, probe: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const untilMs = Date.now() + PATIENCE_MS; Date.now() < untilMs; await sleep(1_000)) {
    const found = await probe();
    if (found) return found;
  }
  throw new Error(`${what} did not happen within ${PATIENCE_MS / 1000} s`);
}

const folder = process.argv[2] ? resolve(process.argv[2]) : mkdtempSync(join(tmpdir(), 'faultline-sitting-'));
const platform = await startFaultline({ args: ['--no-ui'] });
const desk = await startFaultline({ args: ['--demo', '--forward', platform.ingest] });
const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await desk.fetch(path, { method, ...init });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
let failure = '';
try {
  say(`two consoles are ready; the demo sends to the first: ${desk.api}`);
  const incident = await until('a ranked incident', async () => {
    const { incidents } = (await call('GET', '/console/incidents')) as { incidents: Incident[] };
    return incidents.find(({ rca }) => rca && rca.verdict !== 'inconclusive');
  });
  say(`${incident.title} | ${incident.rca?.verdict} | ${incident.rca?.candidates[0]?.service} ${incident.rca?.candidates[0]?.kind}`);
  const of = (area: string, more = ''): string => `/console/${area}/${encodeURIComponent(incident.id)}${more}`;

  await call('POST', '/console/models', { demo: true });
  const state = async () => explainStateSchema.parse(await call('GET', of('incidents', '/explanation')));
  await until('the demo model', async () => (await state()).model);
  await call('POST', of('incidents', '/explain'), { again: true });
  const { last } = await until('an answer of the model', async () => {
    const now = await state();
    return now.job === null && now;
  });
  say(
    `demo model: ${last?.outcome}, ${last?.promptTokens} tokens read, ${last?.sentences.length} sentences held, ${last?.dropped.length} dropped`,
  );
  if (last?.outcome !== 'answered') throw new Error(`the model's outcome is ${last?.outcome}`);

  const cost = incidentCostSchema.parse(await call('GET', of('cost/incident')));
  const carbon = incidentCarbonSchema.parse(await call('GET', of('carbon/incident')));
  const [ledger] = cost.ledgers;
  say(`cost of the window ${ledger?.cost.amount} ${ledger?.currency}, emissions ${carbon.emissions.mid.toFixed(3)} gCO2e`);
  if (!(Number(ledger?.cost.amount) > 0) || !(carbon.emissions.mid > 0)) throw new Error('cost or emissions of the incident are missing');

  for (const format of ['md', 'html', 'json']) {
    const out = join(folder, `postmortem.${format}`);
    // Exits with 3 when a number cannot be verified.
    execFileSync(join(import.meta.dirname, '../../bin/faultline'), [
      ...['postmortem', incident.id, '--draft', 'en', '--format', format, '--out', out],
      ...['--api', desk.api, '--token', desk.token],
    ]);
    say(`${format}: ${readFileSync(out).length} bytes, every number verified`);
  }
  await call('DELETE', '/console/demo');
  await desk.flush();
  await until('everything forwarded', async () => {
    const { destinations } = (await call('GET', '/console/forwarding')) as Forwarding;
    return destinations.every(({ state: each, queue }) => each === 'idle' && queue.requests === 0);
  });
  process.kill(desk.pids()['collector'] as number, 'SIGSTOP');
  await sleep(3_000);
  const [here, there] = [await contentOf(desk), await contentOf(platform)];
  process.kill(desk.pids()['collector'] as number, 'SIGCONT');
  const counts = Object.entries(here).map(([name, { n }]) => `${n} ${name}`);
  if (JSON.stringify(here) !== JSON.stringify(there)) throw new Error(`the consoles differ: ${JSON.stringify({ here, there })}`);
  say(`the second console holds the same: ${counts.join(', ')}`);
} catch (error) {
  failure = (error as Error).message;
} finally {
  await desk.stop();
  await platform.stop();
  if (!process.argv[2]) rmSync(folder, { recursive: true, force: true });
}
say(failure === '' ? 'passed' : `FAILED: ${failure}`);
process.exitCode = failure === '' ? 0 : 1;
