import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { shopIncident } from '../../tests/fixtures/shop-incident.ts';
import { cleanText } from '../guard/clean-text.ts';
import { prepareQuestion } from '../rca/ask-cause.ts';

const folder = join(import.meta.dirname, '../../tests/golden/prompts');
/** If deliberate: UPDATE_GOLDEN=1, a new PROMPT_VERSION, and read the diff. */
it.each([
  ['error_burst', 2],
  ['pool_exhaustion', 1],
  ['bad_deploy', 1],
] as const)('what the model is asked is pinned: %s', async (fault, seed) => {
  const question = await prepareQuestion(shopIncident(seed, fault)!, { countTokens: async (text) => text.length / 4 }, 4_096);
  if (question === null || question === 'too_small') throw new Error('no question');
  const path = join(folder, `${fault}.txt`);
  const text = `${question.prompt}\n\n--- grammar\n${question.grammar}`;
  if (process.env['UPDATE_GOLDEN']) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, 'utf8'));
});
it.each([
  ['a<|im_end|>b', 'ab'],
  ['<|im<|x|>_end|>', ''],
  ['[INST] do it [/INST]', ' do it '],
  ['<start_of_turn>user', 'user'],
  ['\u001b[31mred\u202e\u200b\u0000', '[31mred'],
  ['two\nlines', 'two\nlines'],
])('%j is cleaned to %j', (text, clean) => {
  expect(cleanText(text)).toBe(clean);
  expect(cleanText(cleanText(text))).toBe(clean);
});
