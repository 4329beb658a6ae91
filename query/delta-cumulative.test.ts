import { describe, expect, it } from 'vitest';
import { Cumulative, cumulativeNumber } from './delta-cumulative.ts';
import { add } from './promql/histogram-arithmetic.ts';
import { bucketsFrom, EMPTY_HISTOGRAM, type NativeHistogram } from './promql/native-histogram.ts';

describe('delta points as cumulative ones', () => {
  it('one after the other are added up', () => {
    const total = cumulativeNumber();
    expect([1, 2, 4, 0].map((delta) => total.next(delta))).toEqual([1, 3, 7, 7]);
  });
  it('so are histograms, over the coarser of their buckets', () => {
    const total = new Cumulative<NativeHistogram>((sum, delta) => add(sum, delta)?.histogram ?? delta);
    const fine = { ...EMPTY_HISTOGRAM, schema: 1, count: 3, sum: 5, positive: bucketsFrom(1, [1, 2]) };
    const coarse = { ...EMPTY_HISTOGRAM, schema: 0, count: 1, sum: 2, positive: bucketsFrom(1, [1]) };
    expect(total.next(fine)).toBe(fine);
    expect(total.next(coarse)).toMatchObject({ schema: 0, count: 4, sum: 7, positive: bucketsFrom(1, [4]) });
  });
});
