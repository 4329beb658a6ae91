import { describe, expect, it } from 'vitest';
import { Budget } from './budget.ts';
import { evaluate } from './engine.ts';
import { labelsOf } from './labels.ts';
import { parsePromql } from './parser.ts';
import { floatSeries } from './value.ts';

const series = Array.from({ length: 10 }, (_, i) =>
  floatSeries(
    labelsOf([
      ['__name__', 'm'],
      ['i', String(i)],
    ]),
    Float64Array.of(0, 1000),
    Float64Array.of(1, 2),
  ),
);
const run = (text: string, budget: Budget) => () =>
  evaluate({
    ...{ expr: parsePromql(text), grid: { startMs: 0, stepMs: 1000, count: 100 }, lookbackMs: 300_000, subqueryStepMs: 60_000 },
    ...{ select: () => series, budget },
  });
describe('limits of an evaluation', () => {
  it.each([
    ['m', 1_000],
    ['rate(m[1m])', 1_000],
    ['m + m', 2_000],
    ['avg_over_time(m[1m:1s])', 1_000 + 10 * 160 + 160],
  ])('%s takes so many places', (text, places) => {
    expect(run(text, new Budget(places, () => undefined))).not.toThrow();
    expect(run(text, new Budget(places / 2, () => undefined))).toThrow(
      'query processing would load too many samples into memory in query execution',
    );
  });
  it('a subquery of a step that is far too small is refused before it takes any memory', () => {
    expect(run('max_over_time(vector(1)[10y:1ms])', new Budget(1e7, () => undefined))).toThrow('too many samples');
  });
  it('ends when the time is over', () => {
    let left = 3;
    const budget = new Budget(1e7, () => {
      if (--left < 0) throw new Error('over');
    });
    expect(run('sum(rate(m[1m]))', budget)).toThrow('over');
  });
});
