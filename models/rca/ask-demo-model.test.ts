import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PLANTED, shopIncident } from '../../tests/fixtures/shop-incident.ts';
import { DEMO_SEED, makeDemoModel } from '../demo-model/make-demo-model.ts';
import { openDirectModel } from '../runtime/direct-model.ts';
import { checkAnswer, prepareQuestion } from './ask-cause.ts';

let dir: string;
let model: Awaited<ReturnType<typeof openDirectModel>>;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'faultline-ask-'));
  writeFileSync(join(dir, 'demo.gguf'), makeDemoModel(DEMO_SEED));
  model = await openDirectModel(join(dir, 'demo.gguf'));
});
afterAll(async () => {
  await model.close();
  rmSync(dir, { recursive: true, force: true });
});

it.each(PLANTED)(
  '%s: what llama.cpp writes under the grammar can always be read, and random weights get no sentence through',
  async (fault) => {
    const incident = shopIncident(1, fault)!;
    const question = await prepareQuestion(incident, model, model.state().model!.contextTokens);
    if (question === null || question === 'too_small') throw new Error('no question');
    const { prompt, grammar, maxTokens } = question;
    const answer = await model.ask({ prompt, grammar, maxTokens, deadlineMs: 60_000 });
    expect(answer.promptTokens + maxTokens).toBeLessThanOrEqual(model.state().model!.contextTokens);
    const checked = checkAnswer(answer.text, question, incident);
    expect(checked, answer.text).toMatchObject({ sentences: [] });
    expect('dropped' in checked && checked.dropped.length).toBeGreaterThan(0);
  },
);
