/**
 * A trace as rows. Columns in, typed arrays out: 100,000 spans are a few arrays, not 100,000 objects, and folding
 * touches only the list of what is shown. Pure.
 */
export interface SpanColumns {
  readonly ids: readonly string[];
  /** '' for a root. */
  readonly parents: readonly string[];
  /** Unix nanoseconds. */
  readonly starts: BigInt64Array;
  /** Nanoseconds; may be negative when a clock went back. */
  readonly durations: Float64Array;
}
export interface Waterfall {
  readonly spans: number;
  /** Span numbers, parents before children, children by start. */
  readonly order: Int32Array;
  /** By span number. */
  readonly depth: Int32Array;
  /** Span number of the parent; -1 for a root. */
  readonly parent: Int32Array;
  /** Spans below, by span number. */
  readonly below: Int32Array;
  /** Nanoseconds since the trace began. */
  readonly startNs: Float64Array;
  readonly durationNs: Float64Array;
  /** Time not covered by children. */
  readonly selfNs: Float64Array;
  /** 1 where the span is on the path that decided the duration. */
  readonly critical: Uint8Array;
  readonly totalNs: number;
  /** Unix milliseconds. */
  readonly startMs: number;
  /** Spans whose parent is not in the trace. */
  readonly orphans: number;
}
const byStart = (starts: Float64Array) => (a: number, b: number) => starts[a]! - starts[b]!;

function relativeStarts(starts: BigInt64Array): { startNs: Float64Array; first: bigint } {
  let first = starts[0] ?? 0n;
  for (const start of starts) if (start < first) first = start;
  return { startNs: Float64Array.from(starts, (start) => Number(start - first)), first };
}
/** Span numbers of the parents. A span that is its own ancestor hangs on the root instead: input may be anything. */
function parentsOf(columns: SpanColumns): { parent: Int32Array; orphans: number } {
  const numbers = new Map<string, number>();
  columns.ids.forEach((id, i) => {
    if (!numbers.has(id)) numbers.set(id, i);
  });
  let orphans = 0;
  const parent = Int32Array.from(columns.parents, (id, i) => {
    const found = id === '' ? -1 : (numbers.get(id) ?? -1);
    if (id !== '' && found === -1) orphans++;
    return found === i ? -1 : found;
  });
  cutCycles(parent);
  return { parent, orphans };
}
function cutCycles(parent: Int32Array): void {
  const seen = new Int32Array(parent.length).fill(-1);
  for (let start = 0; start < parent.length; start++) {
    let at = start;
    while (at !== -1 && seen[at] === -1) {
      seen[at] = start;
      at = parent[at]!;
    }
    if (at !== -1 && seen[at] === start) parent[at] = -1;
  }
}
/** Builds the rows. Time: n log n in the number of spans. */
export function buildWaterfall(columns: SpanColumns): Waterfall {
  const spans = columns.ids.length;
  const { startNs, first } = relativeStarts(columns.starts);
  const { parent, orphans } = parentsOf(columns);
  const children: number[][] = Array.from({ length: spans }, () => []);
  const roots: number[] = [];
  for (let i = 0; i < spans; i++) (parent[i] === -1 ? roots : children[parent[i]!]!).push(i);
  const compare = byStart(startNs);
  roots.sort(compare);
  for (const list of children) if (list.length > 1) list.sort(compare);
  const { order, depth } = walk(roots, children, spans);
  const below = new Int32Array(spans);
  for (let row = spans - 1; row >= 0; row--) {
    const span = order[row]!;
    if (parent[span] !== -1) below[parent[span]!] = below[parent[span]!]! + below[span]! + 1;
  }
  const durationNs = columns.durations;
  let totalNs = 0;
  for (let i = 0; i < spans; i++) totalNs = Math.max(totalNs, startNs[i]! + Math.max(0, durationNs[i]!));
  const selfNs = selfTimes(children, startNs, durationNs);
  const critical = criticalPath(roots, children, startNs, durationNs);
  return {
    spans,
    order,
    depth,
    parent,
    below,
    startNs,
    durationNs,
    selfNs,
    critical,
    totalNs,
    startMs: Number(first / 1_000n) / 1_000,
    orphans,
  };
}
function walk(roots: readonly number[], children: readonly number[][], spans: number): { order: Int32Array; depth: Int32Array } {
  const order = new Int32Array(spans);
  const depth = new Int32Array(spans);
  const stack = [...roots].reverse();
  let row = 0;
  while (stack.length > 0) {
    const span = stack.pop()!;
    order[row++] = span;
    const own = children[span]!;
    for (let i = own.length - 1; i >= 0; i--) {
      depth[own[i]!] = depth[span]! + 1;
      stack.push(own[i]!);
    }
  }
  return { order, depth };
}
/** Own time: the duration less the union of the children's times inside of it. */
function selfTimes(children: readonly number[][], startNs: Float64Array, durationNs: Float64Array): Float64Array {
  return Float64Array.from(children, (own, span) => {
    const from = startNs[span]!;
    const to = from + Math.max(0, durationNs[span]!);
    let covered = 0;
    let upTo = from;
    for (const child of own) {
      const start = Math.max(upTo, startNs[child]!);
      const end = Math.min(to, startNs[child]! + Math.max(0, durationNs[child]!));
      if (end > start) covered += end - start;
      upTo = Math.max(upTo, end);
    }
    return Math.max(0, to - from - covered);
  });
}
/** From the longest root's end backwards: the child that ended last before the point looked at decided it. */
function criticalPath(
  roots: readonly number[],
  children: readonly number[][],
  startNs: Float64Array,
  durationNs: Float64Array,
): Uint8Array {
  const on = new Uint8Array(children.length);
  const endOf = (span: number): number => startNs[span]! + Math.max(0, durationNs[span]!);
  let root = -1;
  for (const one of roots) if (root === -1 || durationNs[one]! > durationNs[root]!) root = one;
  if (root === -1) return on;
  const stack: [span: number, until: number][] = [[root, endOf(root)]];
  while (stack.length > 0) {
    const [span, until] = stack.pop()!;
    on[span] = 1;
    let point = Math.min(until, endOf(span));
    const lastFirst = [...children[span]!].sort((a, b) => endOf(b) - endOf(a));
    for (const child of lastFirst) {
      if (endOf(child) > point || startNs[child]! >= point) continue;
      stack.push([child, endOf(child)]);
      point = startNs[child]!;
    }
  }
  return on;
}
/** Rows to show: those with no folded ancestor. */
export function shownRows(waterfall: Waterfall, folded: ReadonlySet<number>): Int32Array {
  if (folded.size === 0) return waterfall.order;
  const shown: number[] = [];
  for (let row = 0; row < waterfall.spans; row++) {
    const span = waterfall.order[row]!;
    shown.push(span);
    if (folded.has(span)) row += waterfall.below[span]!;
  }
  return Int32Array.from(shown);
}
/** Folds everything at least this deep that has something below. */
export function foldFrom(waterfall: Waterfall, depth: number): Set<number> {
  const folded = new Set<number>();
  for (let span = 0; span < waterfall.spans; span++) if (waterfall.depth[span]! >= depth && waterfall.below[span]! > 0) folded.add(span);
  return folded;
}
/** The folded set with one span folded or unfolded. */
export function withFold(folded: ReadonlySet<number>, span: number, on: boolean): Set<number> {
  const next = new Set(folded);
  if (on) next.add(span);
  else next.delete(span);
  return next;
}
/** The next shown row that meets the test, from `row` on in the direction; -1: none. */
export function nextRow(shown: Int32Array, row: number, step: 1 | -1, test: (span: number) => boolean): number {
  for (let at = row + step; at >= 0 && at < shown.length; at += step) if (test(shown[at]!)) return at;
  return -1;
}
/** Round marks of the time axis: at most `marks`, as parts of the total. */
export function axisMarks(totalNs: number, marks = 6): number[] {
  if (totalNs <= 0) return [0];
  const rough = totalNs / marks;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  return Array.from({ length: Math.floor(totalNs / step) + 1 }, (_, i) => i * step);
}
