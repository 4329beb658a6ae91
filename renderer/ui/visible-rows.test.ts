import { describe, expect, it } from 'vitest';
import { sparkPath } from './spark-path.ts';
import { movedCell, movedRow, scrollToRow, visibleRows } from './visible-rows.ts';

describe('visibleRows', () => {
  it('draws what is seen of 100,000 rows, and little more', () => {
    const slice = visibleRows(100_000, 28, 28 * 50_000, 600);
    expect(slice.first).toBeLessThanOrEqual(50_000);
    expect(slice.first + slice.count).toBeGreaterThanOrEqual(50_022);
    expect(slice.count).toBeLessThan(50);
  });
  it.each([
    [0, 28, 0],
    [10, 0, 0],
    [5, 28, 99_999],
  ])('%i rows of %i px scrolled to %i stays inside', (total, rowPx, scroll) => {
    const { first, count } = visibleRows(total, rowPx, scroll, 300);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(first + count).toBeLessThanOrEqual(total);
  });
});
it.each([
  [0, 100, 0],
  [99, 0, 99 * 20 + 20 - 200],
  [7, 100, 100],
])('row %i from scroll %i: moves no more than needed', (row, scroll, to) => expect(scrollToRow(row, 20, scroll, 200)).toBe(to));
it.each([
  ['j', 3, 4],
  ['k', 0, 0],
  ['ArrowDown', 9, 9],
  ['PageUp', 5, 0],
  ['End', 0, 9],
  ['x', 3, null],
])('%s on row %i gives %s', (key, row, to) => expect(movedRow(key, row, 10, 8)).toBe(to));
it('an empty list has no row to go to', () => expect(movedRow('j', 0, 0, 8)).toBeNull());
it('a spark line lifts its pen over gaps', () =>
  expect(sparkPath([1, Number.NaN, 2, 3], 90, 24)).toMatch(/^M0\.0 [\d.]+h0M60\.0 [\d.]+L90\.0 1\.0$/));
it.each([
  ['ArrowDown', 1, 5],
  ['ArrowUp', 5, 1],
  ['ArrowRight', 9, 9],
  ['PageDown', 0, 8],
  ['ArrowDown', -1, 0],
  ['x', 3, null],
])('%s on cell %i of a grid four wide gives %s', (key, cell, to) => expect(movedCell(key, cell, 10, 4, 2)).toBe(to));
