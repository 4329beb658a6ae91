import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModel } from '#contracts/llm.ts';
import { ModelClient } from '#main/engine/model-client.ts';
import { childHost } from '#main/supervisor/child-host.ts';
import { OnDemandChild } from '#main/supervisor/on-demand-child.ts';
import { makeDemoModel } from '#models/demo-model/make-demo-model.ts';

/** Choices only: what a real question allows. */
export const CHOICE = 'root ::= "C" [1-3] " because E" [1-9] "."';
/** Never ends by itself. */
export const LOOP = 'root ::= [a-z ]+';
export const question = (over: Partial<Parameters<LanguageModel['ask']>[0]> = {}): Parameters<LanguageModel['ask']>[0] => ({
  prompt: 'Which candidate caused the incident?',
  grammar: CHOICE,
  maxTokens: 40,
  deadlineMs: 60_000,
  ...over,
});
/** About 3,600 tokens: reading it takes the demo model long enough to be met in the middle. */
export const LONG_PROMPT = 'the latency of S1 rose from 12 to 480. '.repeat(225);

export interface LlmRig {
  readonly client: ModelClient;
  readonly folder: string;
  readonly lines: string[];
  /** Process ids, in the order they were started. */
  readonly pids: number[];
  readonly pid: () => number | undefined;
  close(): void;
}
/** The engine's end, the supervisor's relay and a real llm process; no engine, no store. */
export function llmRig(
  over: { readonly idleMs?: number; readonly maxBytes?: number; readonly availableBytes?: () => number } = {},
): LlmRig {
  const folder = mkdtempSync(join(tmpdir(), 'faultline-llm-'));
  const lines: string[] = [];
  const pids: number[] = [];
  const child = new OnDemandChild({
    host: childHost(),
    onNews: (news) => client.hear(news),
    onEnded: (reason, lastCall) => client.ended(reason, lastCall),
    onStarted: () => pids.push(child.pid as number),
  });
  const client = new ModelClient({
    send: (message) => {
      if (message.type === 'llm-call') child.call(message.call);
      if (message.type === 'llm-stop') child.kill();
    },
    idleMs: 60_000,
    maxBytes: 8e9,
    availableBytes: () => 8e9,
    log: (line) => lines.push(line),
    ...over,
  });
  return {
    client,
    folder,
    lines,
    pids,
    pid: () => child.pid,
    close: () => {
      client.close();
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
let demo: Uint8Array | undefined;
export function demoModel(): Uint8Array {
  demo ??= makeDemoModel();
  return demo;
}
/** Writes the demo model into the rig's folder, has it checked by the process, and makes it the one to ask. */
export async function chooseDemo(rig: LlmRig): Promise<string> {
  const path = join(rig.folder, 'demo.gguf');
  writeFileSync(path, demoModel());
  rig.client.choose({ ...(await rig.client.inspect(path)), path });
  return path;
}
