import { describe, expect, it } from 'vitest';
import { axisMarks, buildWaterfall, foldFrom, nextRow, shownRows, withFold } from './waterfall-model.ts';

type Row = [id: string, parent: string, startMs: number, durationMs: number];
/** '' is no span. */
const idOf = (name: string): bigint => [...name].reduce((id, letter) => id * 256n + BigInt(letter.charCodeAt(0)), 0n);
const build = (rows: Row[]) =>
  buildWaterfall({
    ids: BigUint64Array.from(rows, (r) => idOf(r[0])),
    parents: BigUint64Array.from(rows, (r) => idOf(r[1])),
    starts: BigInt64Array.from(rows, (r) => BigInt(Math.round((r[2] + 1e6) * 1e6))),
    durations: Float64Array.from(rows, (r) => r[3] * 1e6),
  });
const TREE: Row[] = [
  ['c', 'a', 60, 30],
  ['a', '', 0, 100],
  ['b', 'a', 10, 40],
  ['d', 'b', 15, 10],
];
describe('buildWaterfall', () => {
  const tree = build(TREE);
  const at = (id: string): number => TREE.findIndex((row) => row[0] === id);
  it('orders parents before children and children by start', () =>
    expect([...tree.order].map((i) => TREE[i]![0])).toEqual(['a', 'b', 'd', 'c']));
  it('counts depth and what is below', () => {
    expect([...tree.order].map((i) => tree.depth[i])).toEqual([0, 1, 2, 1]);
    expect(tree.below[at('a')]).toBe(3);
  });
  it('own time is what no child covers', () => {
    expect(tree.selfNs[at('a')]).toBe(30e6);
    expect(tree.selfNs[at('b')]).toBe(30e6);
    expect(tree.selfNs[at('d')]).toBe(10e6);
  });
  it('children that overlap are not counted twice', () =>
    expect(
      build([
        ['a', '', 0, 100],
        ['x', 'a', 10, 50],
        ['y', 'a', 20, 30],
      ]).selfNs[0],
    ).toBe(50e6));
  it('the critical path leaves out what another span hides', () => {
    const hidden = build([
      ['a', '', 0, 100],
      ['slow', 'a', 0, 90],
      ['quick', 'a', 0, 20],
    ]);
    expect([...hidden.critical]).toEqual([1, 1, 0]);
  });
  it('the trace ends with its last span, not with its root', () =>
    expect(
      build([
        ['a', '', 0, 10],
        ['late', 'a', 50, 10],
      ]).totalNs,
    ).toBe(60e6));
});
describe('input may be anything', () => {
  it('a parent that is not there makes a root, and is counted', () => {
    const torn = build([
      ['a', 'gone', 0, 10],
      ['b', 'a', 1, 2],
    ]);
    expect([torn.orphans, torn.depth[0], torn.depth[1]]).toEqual([1, 0, 1]);
  });
  it.each<[string, Row[]]>([
    ['a span that is its own parent', [['a', 'a', 0, 10]]],
    [
      "two that are each other's parent",
      [
        ['a', 'b', 0, 10],
        ['b', 'a', 1, 2],
      ],
    ],
    [
      'a ring below a root',
      [
        ['r', '', 0, 10],
        ['a', 'c', 0, 1],
        ['b', 'a', 0, 1],
        ['c', 'b', 0, 1],
      ],
    ],
    [
      'the same id twice',
      [
        ['a', '', 0, 10],
        ['a', '', 0, 10],
        ['b', 'a', 1, 2],
      ],
    ],
    [
      'a negative duration',
      [
        ['a', '', 0, 10],
        ['b', 'a', 5, -3],
      ],
    ],
  ])('%s: every span is shown once', (_name, rows) => {
    const built = build(rows);
    expect([...built.order].sort()).toEqual(rows.map((_, i) => i));
    expect([...built.selfNs].every((ns) => ns >= 0)).toBe(true);
  });
  it('no span, no row', () => expect(build([]).order.length).toBe(0));
  it('100,000 spans in one chain do not overflow the stack', () => {
    const rows = Array.from({ length: 100_000 }, (_, i): Row => [`s${i}`, i === 0 ? '' : `s${i - 1}`, i / 1e3, 200 - i / 1e3]);
    expect(build(rows).depth[99_999]).toBe(99_999);
  });
});
describe('folding', () => {
  const tree = build(TREE);
  it('hides everything below', () => expect([...shownRows(tree, new Set([2]))].map((i) => TREE[i]![0])).toEqual(['a', 'b', 'c']));
  it('all from a depth on', () => expect(shownRows(tree, foldFrom(tree, 0)).length).toBe(1));
  it('folding and unfolding gives what was there', () => expect(withFold(withFold(new Set([1]), 2, true), 2, false)).toEqual(new Set([1])));
  it('finds the next row that meets a test, or none', () => {
    const shown = shownRows(tree, new Set());
    expect(nextRow(shown, 0, 1, (span) => TREE[span]![0] === 'c')).toBe(3);
    expect(nextRow(shown, 3, 1, () => true)).toBe(-1);
  });
});
it.each([
  [0, 1],
  [659e6, 7],
  [1, 7],
])('an axis of %s ns has few round marks', (total, most) => {
  const marks = axisMarks(total);
  expect(marks[0]).toBe(0);
  expect(marks.length).toBeLessThanOrEqual(most);
});
