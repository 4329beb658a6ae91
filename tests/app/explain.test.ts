import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExplainState, type Explanation, explainStateSchema } from '#contracts/explanation.ts';
import type { Incident } from '#contracts/judgement.ts';
import { sendShop } from '../ui/send-shop.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

/** A real console, half an hour of the demo shop with a bad release, and the demo model in its own process. */
let faultline: FaultlineProcess;
let shop: Awaited<ReturnType<typeof sendShop>>;
let incident: Incident;

async function until<T>(what: string, probe: () => Promise<T | undefined | null>, everyMs = 200): Promise<T> {
  for (const started = performance.now(); performance.now() - started < 80_000; ) {
    const found = await probe();
    if (found !== undefined && found !== null) return found;
    await new Promise((done) => setTimeout(done, everyMs));
  }
  throw new Error(`no ${what}\n${faultline.log()}`);
}
const path = (more: string): string => `/console/incidents/${encodeURIComponent(incident.id)}/${more}`;
async function call(method: string, at: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await faultline.fetch(at, { method, ...init });
  if (!answer.ok) throw new Error(`${at}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
const state = async (): Promise<ExplainState> => explainStateSchema.parse(await call('GET', path('explanation')));
/** What became of the question on its way. */
const settled = (): Promise<Explanation> =>
  until('answer', async () => {
    const { job, last } = await state();
    return job === null ? last : null;
  });
async function explain(question: unknown = { again: true }): Promise<Explanation> {
  await call('POST', path('explain'), question);
  return settled();
}
const llm = (): number => faultline.pids()['llm'] ?? 0;
/** Asks, and holds the model's process still in the middle of its work: what is tested then does not depend on how fast it is. */
async function whileFrozen(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < 30; attempt++) {
    await call('POST', path('explain'), { again: true });
    const pid = await until(
      'work of the model',
      async () => {
        const { job } = await state();
        return job === null ? 0 : job.stage === 'reading' || job.stage === 'writing' ? llm() : null;
      },
      1,
    );
    if (pid === 0) continue;
    process.kill(pid, 'SIGSTOP');
    await new Promise((done) => setTimeout(done, 300));
    try {
      if ((await state()).job !== null) return await work();
    } finally {
      resume(pid);
    }
  }
  throw new Error('the model was never met at work');
}
function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // killed meanwhile
  }
}

beforeAll(async () => {
  faultline = await startFaultline({ args: ['--no-ui'] });
  shop = await sendShop(faultline, 'bad_deploy', 3);
  incident = await until('ranked incident', async () => {
    const { incidents } = (await call('GET', '/console/incidents')) as { incidents: Incident[] };
    return incidents.find((one) => (one.rca?.candidates.length ?? 0) > 0);
  });
}, 150_000);
afterAll(async () => {
  await shop?.stop();
  await faultline?.stop();
});

describe('explaining an incident', () => {
  it('without a model: the narrative, and why nothing was asked', async () => {
    expect(await explain()).toMatchObject({ outcome: 'no_model', sentences: [], model: null });
    expect((await state()).narrative).toContain(shop.service);
  });
  it('the demo model answers; nothing it says holds, so nothing is shown, and the call is kept', async () => {
    await call('POST', '/console/models', { demo: true });
    await until('model', async () => (await state()).model);
    const said = await explain();
    expect(said).toMatchObject({ outcome: 'answered', message: '', sentences: [], model: { demo: true }, cached: false });
    expect(said.dropped.length).toBeGreaterThan(0);
    expect(said.dropped.every(({ reasons }) => reasons.length > 0)).toBe(true);
    expect(said.promptTokens).toBeGreaterThan(said.cardTokens);
    expect(said.cardTokens).toBeLessThanOrEqual(1_500);
    expect(said.prompt).not.toContain(shop.service);
    const [row] = await faultline.sql(
      `SELECT outcome, verified, dropped, prompt_tokens, answer_tokens, model_sha256 FROM llm_calls WHERE call_id = '${said.id}'`,
    );
    expect(row).toMatchObject({ outcome: 'answered', verified: 0, dropped: said.dropped.length, model_sha256: said.model!.sha256 });
    expect(Number(row!['prompt_tokens'])).toBe(said.promptTokens);
  });
  it('kill -9 of its process in the middle ends in the narrative with a sentence; the next question works', async () => {
    await whileFrozen(async () => {
      process.kill(llm(), 'SIGKILL');
      const said = await settled();
      expect(said).toMatchObject({ outcome: 'crashed', choice: null, sentences: [] });
      expect(said.message).toMatch(/SIGKILL|ended/);
    });
    expect((await state()).narrative).toContain(shop.service);
    expect(await explain()).toMatchObject({ outcome: 'answered' });
  });
  it('cancelled in the middle, it is over at once although the process hangs', async () => {
    await whileFrozen(async () => {
      expect(await call('DELETE', path('explain'))).toMatchObject({ job: null, last: { outcome: 'cancelled' } });
    });
    expect(await explain()).toMatchObject({ outcome: 'answered' });
  });
  it('a model that hangs runs into the deadline', async () => {
    const pid = llm();
    process.kill(pid, 'SIGSTOP');
    expect(await explain({ again: true, deadlineMs: 1_000 })).toMatchObject({
      outcome: 'deadline',
      message: 'The model did not answer within 1 s.',
    });
    resume(pid);
    expect(await explain()).toMatchObject({ outcome: 'answered' });
  });
  it('the command line tells it too', async () => {
    const run = (...args: string[]): Promise<string> =>
      new Promise((done, fail) => {
        const child = spawn(resolve(import.meta.dirname, '../../bin/faultline'), [
          'explain',
          incident.id,
          '--data',
          faultline.dataDir,
          ...args,
        ]);
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.on('close', (code) => (code === 0 ? done(out) : fail(new Error(`${code}: ${out}`))));
      });
    expect(explainStateSchema.parse(JSON.parse(await run('--json', '--again')))).toMatchObject({ last: { outcome: 'answered' } });
    expect(await run()).toMatch(/demo model: proves the path only[\s\S]*dropped {2}/);
  });
});
