import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelProgress } from '#contracts/llm.ts';
import { chooseDemo, demoModel, type LlmRig, LONG_PROMPT, LOOP, llmRig, question } from './llm-rig.ts';

const ANSWER = /^C[1-3] because E[1-9]\.$/;
let rig: LlmRig;

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !what(); i++) await new Promise((done) => setTimeout(done, 10));
  expect(what()).toBe(true);
}
const gone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};
/** Asks, and does something at the first progress of a stage. */
function askAndAt(stage: ModelProgress['stage'], act: () => void, signal?: AbortSignal) {
  let met = false;
  const prompt = stage === 'reading' ? LONG_PROMPT : 'Say it at length.';
  return rig.client.ask(question({ prompt, grammar: LOOP, maxTokens: 300 }), {
    ...(signal ? { signal } : {}),
    onProgress: (progress) => {
      if (met || progress.stage !== stage) return;
      met = true;
      act();
    },
  });
}

type Stage = ModelProgress['stage'];
const killed = (stage: Stage) =>
  [
    `kill -9 while ${stage}: a clear error, and the next question starts afresh`,
    async () => {
      if (stage === 'loading') await chooseDemo(rig);
      const { crashed, answered } = rig.client.counts;
      const started = rig.pids.length;
      const asked = askAndAt(stage, () => process.kill(rig.pid() as number, 'SIGKILL'));
      await expect(asked).rejects.toMatchObject({
        code: 'model_crashed',
        message: expect.stringMatching(/ended \(signal SIGKILL\) while it/),
      });
      expect(rig.client.state()).toMatchObject({ state: 'failed', error: expect.stringContaining('SIGKILL') });
      expect((await rig.client.ask(question())).text).toMatch(ANSWER);
      expect(rig.pids).toHaveLength(stage === 'loading' ? 2 : started + 1);
      expect(rig.client.state()).toMatchObject({ state: 'ready', error: '' });
      expect(rig.client.counts).toMatchObject({ crashed: crashed + 1, answered: answered + 1 });
    },
  ] as const;
const cancelled = (stage: Stage) =>
  [
    `a cancel while ${stage} answers at once, and the next question too`,
    async () => {
      if (stage === 'loading') await chooseDemo(rig);
      const { cancelled: before } = rig.client.counts;
      const abort = new AbortController();
      await expect(askAndAt(stage, () => abort.abort(), abort.signal)).rejects.toMatchObject({ code: 'model_cancelled' });
      expect((await rig.client.ask(question())).text).toMatch(ANSWER);
      expect(rig.client.counts.cancelled).toBe(before + 1);
    },
  ] as const;

// One process for many tests: to start one and load the model takes two seconds of a processor.
describe('one llm process', () => {
  beforeAll(async () => {
    rig = llmRig();
    await chooseDemo(rig);
  });
  afterAll(() => rig.close());

  it('answers calls one after the other, in their order', async () => {
    const order: number[] = [];
    await Promise.all([0, 1, 2].map((i) => rig.client.ask(question({ prompt: `question ${i}` })).then(() => order.push(i))));
    expect(order).toEqual([0, 1, 2]);
  });
  it('a cancelled question that waits is never sent', async () => {
    const abort = new AbortController();
    const first = rig.client.ask(question());
    const second = rig.client.ask(question({ prompt: 'another' }), { signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({ code: 'model_cancelled' });
    expect((await first).text).toMatch(ANSWER);
  });
  it('refuses what does not fit, before any of it is read', async () => {
    const seen: string[] = [];
    const asked = rig.client.ask(question({ prompt: LONG_PROMPT.repeat(2) }), { onProgress: ({ stage }) => seen.push(stage) });
    await expect(asked).rejects.toMatchObject({ code: 'model_overflow' });
    expect(seen.filter((stage) => stage !== 'loading')).toEqual([]);
  });
  it('bounds an endless answer by its tokens', async () => {
    expect((await rig.client.ask(question({ grammar: LOOP, maxTokens: 30 }))).answerTokens).toBe(30);
  });
  it('refuses files that are no models, by a sentence each', async () => {
    const says = async (bytes: Uint8Array | string): Promise<string> => {
      const path = join(rig.folder, 'file.gguf');
      writeFileSync(path, bytes);
      return rig.client.inspect(path).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    };
    expect(await says('')).toBe('file.gguf: it is empty.');
    expect(await says('PK\u0003\u0004 a zip, not a model, and long enough')).toContain('not a GGUF file');
    expect(await says(demoModel().subarray(0, 5_000))).toContain('in the middle of its header');
    expect(await says(demoModel().subarray(0, 400_000))).toContain('cut off');
  });
  it('more than 32 waiting questions are refused', async () => {
    const before = { ...rig.client.counts };
    const asked = Array.from({ length: 34 }, () => rig.client.ask(question()).catch((error: { code: string }) => error.code));
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => answer === 'model_busy')).toHaveLength(1);
    expect(rig.client.counts).toMatchObject({ answered: before.answered + 33, refused: before.refused + 1 });
  });
  it(...cancelled('reading'));
  it(...cancelled('writing'));
  it(...killed('reading'));
  it(...killed('writing'));
  it('kill -9 between two questions: the second never learns of it', async () => {
    await rig.client.ask(question());
    const { crashed, answered } = rig.client.counts;
    process.kill(rig.pid() as number, 'SIGKILL');
    expect((await rig.client.ask(question())).text).toMatch(ANSWER);
    expect(rig.client.counts).toMatchObject({ crashed, answered: answered + 1 });
  });
  it('a process that hears nothing is killed after a cancel', async () => {
    await rig.client.ask(question());
    const pid = rig.pid() as number;
    process.kill(pid, 'SIGSTOP');
    await expect(rig.client.ask(question({ deadlineMs: 50 }))).rejects.toMatchObject({ code: 'model_deadline' });
    await until(() => gone(pid));
    expect((await rig.client.ask(question())).text).toMatch(ANSWER);
  });
});
describe('the llm process', () => {
  beforeEach(() => {
    rig = llmRig();
  });
  afterEach(() => rig.close());

  it('starts with the first call only, checks, loads once, answers', async () => {
    expect(rig.pids).toEqual([]);
    expect(rig.client.state()).toMatchObject({ state: 'none', model: null });
    await expect(rig.client.ask(question())).rejects.toMatchObject({ code: 'model_none' });
    expect(rig.pids).toEqual([]);
    await chooseDemo(rig);
    expect(rig.client.state()).toMatchObject({ state: 'idle', model: { demo: true } });
    const stages: string[] = [];
    const first = await rig.client.ask(question(), { onProgress: ({ stage }) => stages.push(stage) });
    expect(first.text).toMatch(ANSWER);
    expect([...new Set(stages)]).toEqual(['loading', 'reading', 'writing']);
    expect(first.loadMs).toBeGreaterThan(0);
    const second = await rig.client.ask(question());
    expect(second).toMatchObject({ text: first.text, loadMs: 0 });
    expect(await rig.client.countTokens('latency')).toBeGreaterThan(0);
    expect(rig.client.state()).toMatchObject({ state: 'ready', error: '' });
    expect(rig.client.state().rssBytes).toBeGreaterThan(50e6);
    expect(rig.pids).toHaveLength(1);
  });
  it(...killed('loading'));
  it('kill -9 while it checks a file', async () => {
    const big = join(rig.folder, 'big.gguf');
    writeFileSync(big, demoModel());
    // Data nobody reads but the hash: long enough to be met in the middle, sparse enough to cost no disk.
    truncateSync(big, 4e9);
    const checked = rig.client.inspect(big, { onProgress: () => rig.pid() && process.kill(rig.pid() as number, 'SIGKILL') });
    await expect(checked).rejects.toMatchObject({ code: 'model_crashed', message: expect.stringContaining('checked a file') });
  });
  it(...cancelled('loading'));
  it('the deadline counts from the asking, loading included', async () => {
    await chooseDemo(rig);
    await expect(rig.client.ask(question({ deadlineMs: 20 }))).rejects.toMatchObject({ code: 'model_deadline' });
    expect(rig.client.counts.late).toBe(1);
    expect((await rig.client.ask(question())).text).toMatch(ANSWER);
  });
  it('does not load a file that was changed or cut since it was added', async () => {
    const path = await chooseDemo(rig);
    appendFileSync(path, 'x');
    await expect(rig.client.ask(question())).rejects.toMatchObject({ code: 'model_file', message: expect.stringContaining('has changed') });
    truncateSync(path, 300_000);
    await expect(rig.client.ask(question())).rejects.toMatchObject({ code: 'model_file', message: expect.stringContaining('cut off') });
  });
});
describe('limits of the llm process', () => {
  afterEach(() => rig.close());

  it('it ends when idle, and comes back', async () => {
    rig = llmRig({ idleMs: 100 });
    await chooseDemo(rig);
    await rig.client.ask(question());
    const pid = rig.pid() as number;
    await until(() => gone(pid));
    expect(rig.client.state()).toMatchObject({ state: 'idle', rssBytes: 0, error: '' });
    expect((await rig.client.ask(question())).text).toMatch(ANSWER);
  });
  it('it is ended above its memory limit, with a sentence', async () => {
    rig = llmRig({ maxBytes: 60e6 });
    const path = join(rig.folder, 'demo.gguf');
    writeFileSync(path, demoModel());
    // Said to be small: the estimate lets it pass, what it really takes does not.
    await expect(
      (async () => {
        rig.client.choose({ ...(await rig.client.inspect(path)), path, neededBytes: 1 });
        await rig.client.ask(question({ prompt: LONG_PROMPT, grammar: LOOP, maxTokens: 300 }));
      })(),
    ).rejects.toMatchObject({ code: 'model_memory', message: expect.stringContaining('its limit is 60 MB') });
    expect(rig.client.counts.overMemory).toBeGreaterThan(0);
  });
  it('it is not started for a model that cannot fit', async () => {
    rig = llmRig({ availableBytes: () => 100e6 });
    await chooseDemo(rig);
    await expect(rig.client.ask(question())).rejects.toMatchObject({
      code: 'model_memory',
      message: expect.stringContaining('100 MB may be used'),
    });
  });
});
