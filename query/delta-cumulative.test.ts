import { describe, expect, it } from 'vitest';
import { cumulativeHistograms, cumulativeNumbers } from './delta-cumulative.ts';

type Row = readonly [start: number, time: number, value: number];
const run = (rows: readonly Row[]) => {
  const { points, leftOut } = cumulativeNumbers(
    rows.map(([start, time, value]) => ({ startNano: BigInt(start), timeNano: BigInt(time), value })),
  );
  return [points.map(({ startNano, timeNano, value }) => [Number(startNano), Number(timeNano), value]), leftOut];
};

describe('delta points as cumulative ones', () => {
  it.each<[string, readonly Row[], readonly Row[], number]>([
    [
      'one after the other are added up',
      [
        [10, 20, 1],
        [20, 30, 2],
        [30, 40, 4],
      ],
      [
        [10, 20, 1],
        [10, 30, 3],
        [10, 40, 7],
      ],
      0,
    ],
    [
      'after a gap they begin anew',
      [
        [10, 20, 1],
        [25, 30, 2],
        [30, 40, 4],
      ],
      [
        [10, 20, 1],
        [25, 30, 2],
        [25, 40, 6],
      ],
      0,
    ],
    [
      'that overlap begin anew',
      [
        [10, 20, 1],
        [15, 30, 2],
      ],
      [
        [10, 20, 1],
        [15, 30, 2],
      ],
      0,
    ],
    [
      'that are late are left out',
      [
        [10, 20, 1],
        [20, 30, 2],
        [10, 20, 9],
        [30, 40, 4],
      ],
      [
        [10, 20, 1],
        [10, 30, 3],
        [10, 40, 7],
      ],
      1,
    ],
    [
      'said twice count once',
      [
        [10, 20, 1],
        [10, 20, 1],
      ],
      [[10, 20, 1]],
      1,
    ],
    [
      'without a start continue',
      [
        [0, 20, 1],
        [0, 30, 2],
      ],
      [
        [20, 20, 1],
        [20, 30, 3],
      ],
      0,
    ],
    [
      'that go down are added all the same',
      [
        [10, 20, 5],
        [20, 30, -2],
      ],
      [
        [10, 20, 5],
        [10, 30, 3],
      ],
      0,
    ],
    ['of nothing are nothing', [], [], 0],
  ])('%s', (_, rows, expected, leftOut) => {
    expect(run(rows)).toEqual([expected, leftOut]);
  });
  it('never lose an increase: between restarts the totals are the sums of their parts', () => {
    const rows = Array.from({ length: 200 }, (_, i): Row => [i * 10 + (i % 17 === 0 ? 1 : 0), i * 10 + 10, i % 7]);
    const [points] = run(rows) as [number[][], number];
    for (const [start = 0, time = 0, value] of points)
      expect(value).toBe(rows.filter(([from, to]) => from >= start && to <= time).reduce((sum, [, , each]) => sum + each, 0));
  });
  it('histograms: bucket by bucket, and other bounds begin anew', () => {
    const point = (time: number, buckets: number[], shape = 'a') => ({
      startNano: BigInt(time - 10),
      timeNano: BigInt(time),
      count: buckets.reduce((sum, each) => sum + each, 0),
      sum: time,
      buckets,
      shape,
    });
    const { points } = cumulativeHistograms([point(20, [1, 0]), point(30, [0, 2]), point(40, [1, 1], 'b')]);
    expect(points.map(({ startNano, count, sum, buckets }) => [Number(startNano), count, sum, buckets])).toEqual([
      [10, 1, 20, [1, 0]],
      [10, 3, 50, [1, 2]],
      [30, 2, 40, [1, 1]],
    ]);
  });
});
