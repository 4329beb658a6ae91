import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Models, modelsSchema } from '#contracts/console-models.ts';
import { makeDemoModel } from '#models/demo-model/make-demo-model.ts';
import { type FaultlineProcess, startFaultline } from './faultline-process.ts';

let faultline: FaultlineProcess;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-local-model-'));
  faultline = await startFaultline({ dataDir: join(folder, 'data'), args: ['--no-ui'] });
});
afterAll(async () => {
  await faultline.stop();
  rmSync(folder, { recursive: true, force: true });
});
async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: never }> {
  const response = await faultline.fetch(`/console/models${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, body: (await response.json()) as never };
}
const models = async (): Promise<Models> => modelsSchema.parse((await call('GET', '')).body);
async function jobDone(): Promise<Models> {
  for (let i = 0; i < 600; i++) {
    const now = await models();
    if (now.job?.state !== 'running') return now;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the job does not end');
}

function run(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((done) => {
    const child = spawn(resolve(import.meta.dirname, '../../bin/faultline'), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('close', (code) => done({ code, out, err }));
  });
}

describe('local models of a running console', () => {
  it('without one, nothing of it runs and a test run says so', async () => {
    expect(await models()).toMatchObject({ models: [], current: null, job: null, state: { state: 'none' }, idleSeconds: 300 });
    expect(await call('POST', '/test')).toMatchObject({ status: 409, body: { error: { code: 'model_none' } } });
    expect(faultline.pids()).not.toHaveProperty('llm');
  });
  it('refuses what is no path, and says what is wrong with a file', async () => {
    expect(await call('POST', '', { path: 'models/a.gguf' })).toMatchObject({ status: 400, body: { error: { code: 'model_file' } } });
    expect(await call('POST', '', {})).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    const file = join(folder, 'page.gguf');
    writeFileSync(file, '<html>you have to log in to download this model</html>');
    await call('POST', '', { path: file });
    expect((await jobDone()).job).toMatchObject({
      kind: 'add',
      about: 'page.gguf',
      state: 'failed',
      error: { code: 'model_file', message: 'page.gguf: it is not a GGUF file: its first four bytes are not "GGUF".' },
    });
  });
  it('makes and adds the demo model, says that it is one, and a test run answers inside its grammar', async () => {
    await call('POST', '', { demo: true });
    const { models: added, current, job } = await jobDone();
    expect(job).toMatchObject({ kind: 'add', state: 'done' });
    expect(added).toMatchObject([{ file: { demo: true, sha256: current, architecture: 'llama' } }]);
    await call('POST', '/test');
    const tested = await jobDone();
    expect(tested.job).toMatchObject({ kind: 'test', state: 'done', error: null });
    expect(tested.job?.result?.answer).toMatch(/^Cause: S[1-3]\. Evidence: E[1-3]\.$/);
    expect(tested.state).toMatchObject({ state: 'ready', error: '' });
    expect(faultline.pids()).toHaveProperty('llm');
  });
  it('kill -9 of the llm process hurts nobody: the next run starts it again', async () => {
    process.kill(faultline.pids()['llm'] as number, 'SIGKILL');
    await call('POST', '/test');
    expect((await jobDone()).job).toMatchObject({ kind: 'test', state: 'done' });
    expect(faultline.log()).toContain('llm ended (signal SIGKILL)');
    expect(await (await faultline.fetch('/metrics')).text()).toMatch(/faultline_model_questions_total\{outcome="answered"\} 2/);
  });
  it('keeps its models over a kill -9 of the engine, whose llm process goes with it', async () => {
    const { engine, llm } = faultline.pids() as { engine: number; llm: number };
    process.kill(engine, 'SIGKILL');
    for (
      let i = 0;
      i < 600 &&
      !(await models()
        .then(({ current }) => current !== null)
        .catch(() => false));
      i++
    )
      await new Promise((done) => setTimeout(done, 50));
    expect(await models()).toMatchObject({ models: [{ file: { demo: true } }], state: { state: 'idle' } });
    expect(existsSync(`/proc/${llm}`)).toBe(false);
  });
  it('the command line adds, lists and removes', async () => {
    const on = ['--api', faultline.api, '--token', faultline.token];
    const file = join(folder, 'my model.gguf');
    writeFileSync(file, makeDemoModel(2));
    const added = await run('models', 'add', file, ...on, '--json');
    const { file: model } = JSON.parse(added.out) as { file: { sha256: string; demo: boolean } };
    expect({ code: added.code, demo: model.demo }).toEqual({ code: 0, demo: true });
    const listed = await run('models', 'list', ...on);
    expect(listed.out).toContain(`* ${model.sha256.slice(0, 12)}`);
    expect(listed.out).toContain(file);
    expect(listed.out).toContain('knows nothing');
    writeFileSync(file, makeDemoModel(2).subarray(0, 300_000));
    expect(await run('models', 'add', file, ...on)).toMatchObject({ code: 1, err: expect.stringContaining('it is cut off') });
    expect(await run('models', 'add', ...on)).toMatchObject({ code: 2, err: expect.stringContaining('Name one GGUF file, or --demo.') });
    expect((await run('models', 'remove', model.sha256.slice(0, 8), ...on)).code).toBe(0);
    expect(await run('models', 'remove', model.sha256, ...on)).toMatchObject({ code: 1, err: expect.stringContaining('0 models') });
    expect(existsSync(file)).toBe(true);
  });
  it('can be told to tell stories without a model, and forgets one; the demo file goes with it', async () => {
    await call('POST', '', { demo: true });
    const { current, models: all } = await jobDone();
    const before = all.filter(({ file }) => file.sha256 === current);
    expect((await call('POST', '/current', { sha256: null })).body).toMatchObject({ current: null, state: { state: 'none' } });
    expect(await call('POST', '/current', { sha256: 'f'.repeat(64) })).toMatchObject({ status: 404 });
    expect((await call('DELETE', `/${current}`)).body).toMatchObject({ models: [], current: null });
    expect(existsSync(before[0]?.path as string)).toBe(false);
  });
});
