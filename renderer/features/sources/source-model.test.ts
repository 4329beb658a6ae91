import { expect, it } from 'vitest';
import { judgementRows } from './source-model.ts';

const judgement = {
  lastMs: 1,
  skipped: 0,
  lastSkippedMs: null,
  lastSkippedCode: '',
  notJudged: 0,
  refusedSubjects: 0,
  untoldChanges: 0,
  untoldLines: 0,
};
it('names every limit of judgement that was met, and no other', () => {
  expect(judgementRows(judgement)).toEqual([]);
  expect(judgementRows({ ...judgement, skipped: 2, notJudged: 80_000, refusedSubjects: 3, untoldChanges: 4, untoldLines: 5 })).toEqual([
    { code: 'skipped', count: 2 },
    { code: 'notJudged', count: 80_000 },
    { code: 'refusedSubjects', count: 3 },
    { code: 'untoldChanges', count: 4 },
    { code: 'untoldLines', count: 5 },
  ]);
});
