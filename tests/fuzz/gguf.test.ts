import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ModelNews } from '#contracts/llm-process.ts';
import { childHost } from '#main/supervisor/child-host.ts';
import { makeDemoModel } from '#models/demo-model/make-demo-model.ts';
import { checkGguf } from '#models/gguf/check-gguf.ts';
import { GgufError, readGguf } from '#models/gguf/read-gguf.ts';
import { inspectModelFile } from '#models/runtime/inspect-file.ts';
import { type Rng, seededRng } from '../fixtures/seeded-rng.ts';

const SEED = Number(process.env['FAULTLINE_SEED'] ?? 20261121);
const CASES = Number(process.env['FAULTLINE_FUZZ_CASES'] ?? 40_000);
/** Files our check lets pass that are then loaded by llama.cpp. */
const LOADED = Math.min(400, Math.round(CASES / 500));
const demo = makeDemoModel();
const header = readGguf((offset, length) => demo.subarray(offset, offset + length), demo.length).headerBytes;

const below = (random: Rng, n: number): number => Math.floor(random() * n);
/** 0, 1, largest, NaN, infinity, a large power of two, minus one ... as 32 bits. */
const WORDS = [0, 1, 2, 3, 5, 7, 64, 0x7f800000, 0x7fc00000, 0x3f800000, 0x80000000, 0xffffffff, 0x7fffffff, 0x10000, 0xff800000];
/** The numbers of a header lie before its tokens and after its merges. */
function place(random: Rng): number {
  return random() < 0.6 ? below(random, 1_100) : header - 1 - below(random, 2_600);
}
function damaged(random: Rng): Uint8Array {
  let bytes = Buffer.from(demo.subarray(0, header));
  for (let n = 1 + below(random, 3); n > 0; n--) {
    const at = Math.min(place(random), bytes.length - 9);
    const kind = below(random, 10);
    if (at < 0) break;
    if (kind < 5) bytes.writeUInt32LE(WORDS[below(random, WORDS.length)] as number, at);
    else if (kind < 7) bytes[at] = below(random, 256);
    else if (kind === 7) bytes.writeBigUInt64LE(BigInt(WORDS[below(random, WORDS.length)] as number) << BigInt(below(random, 32)), at);
    else if (kind === 8) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + below(random, 20))]);
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(below(random, 20), below(random, 256)), bytes.subarray(at)]);
  }
  return Buffer.concat([bytes, demo.subarray(header)]);
}
/** '' when our check lets it pass. */
function judge(bytes: Uint8Array): string {
  try {
    checkGguf(
      readGguf((offset, length) => bytes.subarray(offset, offset + length), bytes.length),
      bytes.length,
    );
    return '';
  } catch (error) {
    if (error instanceof GgufError && error.message !== '') return error.message;
    throw error;
  }
}

it(`any header is accepted or refused by a sentence (${CASES} damaged files)`, () => {
  const random = seededRng(SEED);
  let accepted = 0;
  const sentences = new Set<string>();
  for (let i = 0; i < CASES; i++) {
    const says = judge(damaged(random));
    if (says === '') accepted++;
    else sentences.add(says.replace(/[\d.e+-]+|"[^"]*"/g, '#'));
  }
  expect(accepted).toBeGreaterThan(0);
  expect(sentences.size).toBeGreaterThan(20);
});

it(`what is accepted never ends llama.cpp's process (${LOADED} files loaded)`, async () => {
  const random = seededRng(SEED + 1);
  const folder = mkdtempSync(join(tmpdir(), 'faultline-gguf-fuzz-'));
  const deaths: string[] = [];
  let answer: (news: ModelNews) => void = () => undefined;
  const start = () => {
    const child = childHost().spawn('llm');
    child.onMessage((message) => {
      if (message.type === 'llm-news' && ['answer', 'error'].includes(message.news.news)) answer(message.news);
    });
    child.onExit((reason) => answer({ news: 'error', id: -1, code: 'died', message: reason }));
    return child;
  };
  let child = start();
  const outcomes = { answered: 0, refused: 0 };
  for (let i = 0; i < LOADED; ) {
    const bytes = damaged(random);
    if (judge(bytes) !== '') continue;
    const path = join(folder, `${i++}.gguf`);
    writeFileSync(path, bytes);
    const load = { ...(await inspectModelFile(path)), path };
    const request = { prompt: 'Which one?', grammar: 'root ::= "C" [1-3]', maxTokens: 4 };
    const news = await new Promise<ModelNews>((done) => {
      answer = done;
      child.send({ type: 'llm-call', call: { call: 'ask', id: i, load, request } });
    });
    if (news.news === 'error' && news.code === 'died') {
      deaths.push(`file ${i}: ${news.message}`);
      writeFileSync(join(tmpdir(), `faultline-gguf-killer-${i}.gguf`), bytes);
      child = start();
    } else outcomes[news.news === 'answer' ? 'answered' : 'refused']++;
    rmSync(path);
  }
  answer = () => undefined;
  child.kill();
  rmSync(folder, { recursive: true, force: true });
  expect(deaths).toEqual([]);
  expect(outcomes.answered).toBeGreaterThan(0);
});
