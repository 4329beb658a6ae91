import { cpuSecondsOf } from '../tests/app/faultline-process.ts';
import { chooseDemo, type LlmRig, LONG_PROMPT, LOOP, llmRig, question } from '../tests/app/llm-rig.ts';
import type { Row, Scenario } from './run.ts';

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
const WRITTEN = 400;

/** Tokens a CPU-second of the llm process while `work` runs. */
async function perCpuSecond(rig: LlmRig, work: () => Promise<number>): Promise<number> {
  const pid = rig.pid() as number;
  const before = cpuSecondsOf(pid);
  const tokens = await work();
  return tokens / (cpuSecondsOf(pid) - before);
}
/** A cancel in the middle of a stage: until its caller is answered, and until the process takes another call. */
async function cancelMs(rig: LlmRig, stage: 'reading' | 'writing'): Promise<{ caller: number; free: number }> {
  const abort = new AbortController();
  let atMs = 0;
  const asked = rig.client.ask(question({ prompt: LONG_PROMPT, grammar: LOOP, maxTokens: 300 }), {
    signal: abort.signal,
    onProgress: ({ stage: now, doneTokens }) => {
      if (atMs > 0 || now !== stage || doneTokens === 0) return;
      atMs = performance.now();
      abort.abort();
    },
  });
  await asked.then(
    () => undefined,
    () => undefined,
  );
  const caller = performance.now() - atMs;
  await rig.client.countTokens('x');
  return { caller, free: performance.now() - atMs };
}

export const llm: Scenario = {
  name: 'llm',
  about:
    'the llm process with the demo model (0.7 MB, random weights, one thread); cancel in the middle of a 3,600-token prompt and of an answer',
  run: async ({ quick }) => {
    const rounds = quick ? 5 : 15;
    const loads: number[] = [];
    let row: Row = {};
    for (let i = 0; i < rounds; i++) {
      const rig = llmRig();
      await chooseDemo(rig);
      rig.client.close();
      const startedMs = performance.now();
      await rig.client.ask(question());
      loads.push(performance.now() - startedMs);
      if (i === rounds - 1) row = await measureLoaded(rig, rounds);
      rig.close();
    }
    return [{ 'process start to first answer ms': Math.round(median(loads)), ...row }];
  },
};
async function measureLoaded(rig: LlmRig, rounds: number): Promise<Row> {
  const read: number[] = [];
  const write: number[] = [];
  for (let i = 0; i < rounds; i++) {
    read.push(
      await perCpuSecond(
        rig,
        async () => (await rig.client.ask(question({ prompt: LONG_PROMPT, grammar: LOOP, maxTokens: 1 }))).promptTokens,
      ),
    );
    write.push(await perCpuSecond(rig, async () => (await rig.client.ask(question({ grammar: LOOP, maxTokens: WRITTEN }))).answerTokens));
  }
  const { rssBytes } = rig.client.state();
  const cancels: Record<string, string> = {};
  for (const stage of ['reading', 'writing'] as const) {
    const all: { caller: number; free: number }[] = [];
    for (let i = 0; i < rounds * 2; i++) all.push(await cancelMs(rig, stage));
    const free = all.map((each) => each.free);
    cancels[`cancel while ${stage}: caller / process free, median (worst) ms`] =
      `${median(all.map((each) => each.caller)).toFixed(1)} / ${median(free).toFixed(0)} (${Math.max(...free).toFixed(0)})`;
  }
  return {
    'prompt tokens/CPU-s': Math.round(median(read)),
    'answer tokens/CPU-s': Math.round(median(write)),
    'RSS MB': Math.round(rssBytes / 1e6),
    ...cancels,
  };
}
