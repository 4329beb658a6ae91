import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXPLAIN_OUTCOMES } from '#contracts/explanation.ts';
import { DROP_REASONS } from '#models/guard/verify-sentence.ts';
import { agreementOf, progressOf, reasonParts } from './explanation-model.ts';

describe('explanation-model', () => {
  it.each([
    ['reading', 64, 256, 0.25],
    ['writing', 600, 512, 1],
    ['writing', 0, 0, null],
    ['loading', 5, 10, null],
  ] as const)('%s %d of %d is %s', (stage, doneTokens, totalTokens, share) => {
    expect(progressOf({ stage, doneTokens, totalTokens })).toBe(share);
  });
  it.each([
    [1, true, 'same'],
    [2, false, 'other'],
    [null, true, 'both_unsure'],
    [null, false, 'unsure'],
  ] as const)('rank %s, agrees %s: %s', (rank, agrees, is) => {
    expect(agreementOf({ rank, agrees, service: null, kind: null, confidence: 'low', evidence: [] })).toBe(is);
  });
  it('lists each reason once with its parts', () => {
    const reasons = [
      { reason: 'number', part: '3 s' },
      { reason: 'entity', part: 'cart' },
      { reason: 'number', part: '4 s' },
      { reason: 'number', part: '3 s' },
    ];
    expect(reasonParts(reasons)).toEqual([
      { reason: 'number', parts: ['3 s', '4 s'] },
      { reason: 'entity', parts: ['cart'] },
    ]);
  });
  it('every outcome, stage and reason has its words', () => {
    const words = JSON.parse(readFileSync(join(import.meta.dirname, '../../messages/zh.json'), 'utf8')) as Record<string, string>;
    const stages = ['waiting', 'counting', 'loading', 'reading', 'writing', 'checking'];
    const wanted = [
      ...EXPLAIN_OUTCOMES.map((outcome) => `explain_outcome_${outcome}`),
      ...stages.map((stage) => `explain_stage_${stage}`),
      ...DROP_REASONS.map((reason) => `drop_${reason}`),
    ];
    expect(wanted.filter((key) => !words[key])).toEqual([]);
  });
});
