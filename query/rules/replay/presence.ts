import { FLOAT, type Row } from '#query/promql/value.ts';

/** Steps at which something is there: from, to (not included), from, to ... in order and apart. */
export type Runs = number[];
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';
const BLOCK = 128;

/** A row of which much is asked: least and largest value of each block of steps tell mostly without looking at them. */
export class Crossings {
  private readonly row: Row;
  private readonly least: Float64Array;
  private readonly largest: Float64Array;
  /** Every step of the block has a number that is one. */
  private readonly isFull: Uint8Array;

  constructor(row: Row) {
    this.row = row;
    const { values, has } = row;
    const blocks = Math.ceil(values.length / BLOCK);
    this.least = new Float64Array(blocks).fill(Number.POSITIVE_INFINITY);
    this.largest = new Float64Array(blocks).fill(Number.NEGATIVE_INFINITY);
    this.isFull = new Uint8Array(blocks);
    for (let block = 0; block < blocks; block++) {
      const end = Math.min(values.length, (block + 1) * BLOCK);
      let least = Number.POSITIVE_INFINITY;
      let largest = Number.NEGATIVE_INFINITY;
      let count = 0;
      for (let i = block * BLOCK; i < end; i++) {
        if (has[i] !== FLOAT) continue;
        const value = values[i] as number;
        if (value < least) least = value;
        if (value > largest) largest = value;
        if (!Number.isNaN(value)) count++;
      }
      this.least[block] = least;
      this.largest[block] = largest;
      this.isFull[block] = count === end - block * BLOCK ? 1 : 0;
    }
  }
  /** Where the value compares so with the threshold. A histogram compares with no number. */
  runs(comparison: Comparison, threshold: number): Runs {
    const found: Runs = [];
    const { length } = this.row.values;
    for (let block = 0; block < this.least.length; block++) {
      const from = block * BLOCK;
      const to = Math.min(length, from + BLOCK);
      const known = this.known(block, comparison, threshold);
      if (known === 'all') add(found, from, to);
      else if (known === 'some') this.look(found, from, to, comparison, threshold);
    }
    return found;
  }
  private known(block: number, comparison: Comparison, threshold: number): 'all' | 'none' | 'some' {
    const least = this.least[block] as number;
    const largest = this.largest[block] as number;
    const isFull = this.isFull[block] === 1;
    switch (comparison) {
      case '>':
        return largest > threshold ? (isFull && least > threshold ? 'all' : 'some') : 'none';
      case '>=':
        return largest >= threshold ? (isFull && least >= threshold ? 'all' : 'some') : 'none';
      case '<':
        return least < threshold ? (isFull && largest < threshold ? 'all' : 'some') : 'none';
      case '<=':
        return least <= threshold ? (isFull && largest <= threshold ? 'all' : 'some') : 'none';
      case '==':
        return least <= threshold && largest >= threshold ? 'some' : 'none';
      // A NaN is unequal to everything, itself too.
      case '!=':
        return 'some';
    }
  }
  private look(into: Runs, from: number, to: number, comparison: Comparison, threshold: number): void {
    const { values, has } = this.row;
    const holds = HOLDS[comparison];
    let since = -1;
    for (let i = from; i < to; i++) {
      const isThere = has[i] === FLOAT && holds(values[i] as number, threshold);
      if (isThere && since < 0) since = i;
      else if (!isThere && since >= 0) {
        add(into, since, i);
        since = -1;
      }
    }
    if (since >= 0) add(into, since, to);
  }
}
const HOLDS: Readonly<Record<Comparison, (value: number, threshold: number) => boolean>> = {
  '==': (value, threshold) => value === threshold,
  '!=': (value, threshold) => value !== threshold,
  '<': (value, threshold) => value < threshold,
  '<=': (value, threshold) => value <= threshold,
  '>': (value, threshold) => value > threshold,
  '>=': (value, threshold) => value >= threshold,
};
function add(runs: Runs, from: number, to: number): void {
  if (runs.at(-1) === from) runs[runs.length - 1] = to;
  else runs.push(from, to);
}
/** Where a row has anything. */
export function presence({ has }: Pick<Row, 'has'>): Runs {
  const runs: Runs = [];
  let since = -1;
  for (let i = 0; i < has.length; i++) {
    if (has[i] !== 0) {
      if (since < 0) since = i;
    } else if (since >= 0) {
      runs.push(since, i);
      since = -1;
    }
  }
  if (since >= 0) runs.push(since, has.length);
  return runs;
}
/** Both together. @returns null: both are there at some step */
export function joinRuns(a: Runs, b: Runs): Runs | null {
  const joined: Runs = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const takesA = j >= b.length || (i < a.length && (a[i] as number) < (b[j] as number));
    const [runs, at] = takesA ? [a, i] : [b, j];
    const [from, to] = [runs[at] as number, runs[at + 1] as number];
    if (joined.length > 0 && (joined.at(-1) as number) > from) return null;
    add(joined, from, to);
    if (takesA) i += 2;
    else j += 2;
  }
  return joined;
}
