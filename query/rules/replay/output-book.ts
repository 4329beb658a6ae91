import type { Matcher } from '#query/promql/ast.ts';
import type { Labels } from '#query/promql/labels.ts';
import { labelsTest } from '#query/promql/matching.ts';
import { notAfter } from '#query/promql/not-after.ts';
import { floatSeries, type StoredSeries, staleMarkers } from '#query/promql/value.ts';

/** Samples the rules of a replay gave; later rules and evaluations read them. In time order for each series. */
class Output {
  readonly labels: Labels;
  times = new Float64Array(64);
  values = new Float64Array(64);
  count = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }
  room(more: number): void {
    const needed = this.count + more;
    if (needed <= this.times.length) return;
    const size = Math.max(needed, this.times.length * 2);
    this.times = grown(this.times, this.count, size);
    this.values = grown(this.values, this.count, size);
  }
  dropBefore(ms: number): number {
    const from = notAfter(this.times, ms, this.count);
    if (from < this.count / 2) return 0;
    this.times.copyWithin(0, from, this.count);
    this.values.copyWithin(0, from, this.count);
    this.count -= from;
    return from;
  }
}
function grown(array: Float64Array, count: number, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(array.subarray(0, count));
  return larger;
}
export class OutputBook {
  size = 0;
  private readonly byKey = new Map<string, Output>();
  private readonly tests = new WeakMap<readonly Matcher[], (labels: Labels) => boolean>();
  private readonly max: number;
  private readonly onFull: () => never;

  constructor(max: number, onFull: () => never) {
    this.max = max;
    this.onFull = onFull;
  }
  private of(labels: Labels, more: number): Output {
    let output = this.byKey.get(labels.key);
    if (!output) {
      output = new Output(labels);
      this.byKey.set(labels.key, output);
    }
    this.size += more;
    if (this.size > this.max) this.onFull();
    output.room(more);
    return output;
  }
  /** @returns whether it is there: later than all before */
  add(labels: Labels, atMs: number, value: number | 'stale'): boolean {
    const output = this.of(labels, 1);
    const { times, values, count } = output;
    if (count > 0 && (times[count - 1] as number) >= atMs) {
      this.size--;
      return times[count - 1] === atMs && Object.is(values[count - 1], value);
    }
    times[count] = atMs;
    if (value === 'stale') staleMarkers(values, count);
    else values[count] = value;
    output.count++;
    return true;
  }
  select(matchers: readonly Matcher[]): StoredSeries[] {
    if (this.byKey.size === 0) return [];
    let test = this.tests.get(matchers);
    if (!test) {
      test = labelsTest(matchers);
      this.tests.set(matchers, test);
    }
    const found: StoredSeries[] = [];
    for (const { labels, times, values, count } of this.byKey.values())
      if (count > 0 && test(labels)) found.push(floatSeries(labels, times.subarray(0, count), values.subarray(0, count)));
    return found;
  }
  /** Nobody looks that far back any more. */
  dropBefore(ms: number): void {
    for (const output of this.byKey.values()) this.size -= output.dropBefore(ms);
  }
}
