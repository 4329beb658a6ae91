import { describe, expect, it } from 'vitest';
import { burnDown } from './burn-down.ts';

const counts = (...rows: readonly (readonly [total: number, bad: number])[]) =>
  rows.map(([total, bad], i) => ({ startMs: i * 10, total, bad }));

describe('a budget over time', () => {
  it('goes down with bad events, and ends where the use of all of it is', () => {
    const { use, left, burn } = burnDown(counts([0, 0], [100, 0], [100, 1], [0, 0], [200, 3]), 10, 0.98);
    expect(use).toMatchObject({ used: 4, allowed: 8.000000000000007 });
    expect(left.map((each) => each && Math.round(each * 1000) / 1000)).toEqual([null, 1, 0.875, 0.875, 0.5]);
    expect(left.at(-1)).toBe(use.left);
    expect(burn.map((each) => each && Math.round(each * 1000) / 1000)).toEqual([null, 0, 0.5, null, 0.75]);
  });
  it('burns while it is used up faster than it may be; short pauses are the same burn', () => {
    const rows = counts([100, 0], [100, 9], [100, 0], [100, 0], [100, 9], [100, 0], [100, 0], [100, 0], [100, 2], [100, 0]);
    expect(burnDown(rows, 10, 0.99).burns).toEqual([
      { startMs: 10, endMs: 50, share: 0.9 },
      { startMs: 80, endMs: 90, share: 0.1 },
    ]);
  });
  it('of nothing is finite', () => {
    const { burn, left } = burnDown(counts([10, 0], [10, 1]), 10, 1);
    expect([burn, left]).toEqual([
      [0, 1e6],
      [1, -1e6],
    ]);
  });
  it('of no events knows nothing', () =>
    expect(burnDown(counts([0, 0]), 10, 0.9)).toMatchObject({ burn: [null], left: [null], burns: [] }));
});
