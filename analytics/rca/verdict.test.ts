import { describe, expect, it } from 'vitest';
import { concentrationOf } from './mechanisms/error-burst.ts';
import { decideVerdict, type VerdictFacts } from './verdict.ts';

const sure: VerdictFacts = { score: 0.9, margin: 0.8, coverage: 0.9, strength: 0.9, magnitude: 0.5, isInOrder: true, baselineBuckets: 30 };

describe('decideVerdict', () => {
  it.each<[string, Partial<VerdictFacts>, string]>([
    ['everything fits', {}, 'confirmed'],
    ['the cause began after its effect', { isInOrder: false }, 'likely'],
    ['a rival is close', { margin: 0.2 }, 'likely'],
    ['two are as good', { margin: 0.02 }, 'inconclusive'],
    ['the mechanism is a guess', { strength: 0.4 }, 'likely'],
    ['it explains a part', { coverage: 0.4 }, 'likely'],
    ['it explains little', { coverage: 0.2 }, 'inconclusive'],
    ['there is hardly any trouble', { magnitude: 0.05 }, 'inconclusive'],
    ['hardly any baseline', { baselineBuckets: 4 }, 'likely'],
    ['no baseline', { baselineBuckets: 1 }, 'inconclusive'],
  ])('%s', (_name, change, verdict) => expect(decideVerdict({ ...sure, ...change })).toBe(verdict));
});

describe('concentrationOf', () => {
  const facet = (value: string, requests: number, errors: number, before = 5) => ({
    service: 's',
    key: 'tenant',
    value,
    windowRequests: requests,
    windowErrors: errors,
    baselineRequests: 1000,
    baselineErrors: before,
  });
  it('names the one value that fails', () => {
    expect(concentrationOf([facet('a', 100, 80), facet('b', 500, 3), facet('c', 400, 2)])?.facet.value).toBe('a');
  });
  it.each([
    ['all fail alike', [facet('a', 100, 30), facet('b', 500, 150), facet('c', 400, 120)]],
    ['the biggest simply has most', [facet('a', 900, 270), facet('b', 100, 28)]],
    ['a handful of errors', [facet('a', 100, 2), facet('b', 500, 0)]],
    ['it always failed', [facet('a', 100, 50, 500), facet('b', 500, 3)]],
    ['one value only', [facet('a', 100, 80)]],
    ['nothing', []],
  ])('names none: %s', (_name, facets) => expect(concentrationOf(facets)).toBeNull());
});
