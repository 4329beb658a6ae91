/**
 * A trace as rows. Columns in, typed arrays out: 100,000 spans are a few arrays, not 100,000 objects, and folding
 * touches only the list of what is shown. Pure.
 */
export interface SpanColumns {
  readonly ids: BigUint64Array;
  /** 0 for a root: no span has that id. */
  readonly parents: BigUint64Array;
  /** Unix nanoseconds. */
  readonly starts: BigInt64Array;
  /** Nanoseconds; may be negative when a clock went back. */
  readonly durations: Float64Array;
}
/** Children of all spans in one array, by start: those of `span` stand from firsts[span + 1] to firsts[span + 2]; roots come first. */
interface Children {
  readonly firsts: Int32Array;
  readonly list: Int32Array;
}
const childrenOf = ({ firsts, list }: Children, span: number): Int32Array => list.subarray(firsts[span + 1]!, firsts[span + 2]!);
const NO_SPAN = -1;
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
function relativeStarts(starts: BigInt64Array): { startNs: Float64Array; first: bigint } {
  let first = starts[0] ?? 0n;
  for (const start of starts) if (start < first) first = start;
  const startNs = new Float64Array(starts.length);
  for (let i = 0; i < starts.length; i++) startNs[i] = Number(starts[i]! - first);
  return { startNs, first };
}
/** Span numbers of the parents. A span that is its own ancestor hangs on the root instead: input may be anything. */
function parentsOf({ ids, parents }: SpanColumns): { parent: Int32Array; orphans: number } {
  const numbers = new Map<bigint, number>();
  for (let i = ids.length - 1; i >= 0; i--) numbers.set(ids[i]!, i);
  let orphans = 0;
  const parent = new Int32Array(ids.length).fill(NO_SPAN);
  for (let i = 0; i < ids.length; i++) {
    const id = parents[i]!;
    if (id === 0n) continue;
    const found = numbers.get(id) ?? NO_SPAN;
    if (found === NO_SPAN) orphans++;
    else if (found !== i) parent[i] = found;
  }
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
/** Span numbers by start; the engine sends them so already. */
function byStart(startNs: Float64Array): Int32Array {
  const order = new Int32Array(startNs.length);
  let sorted = true;
  for (let i = 0; i < order.length; i++) {
    order[i] = i;
    if (i > 0 && startNs[i]! < startNs[i - 1]!) sorted = false;
  }
  return sorted ? order : order.sort((a, b) => startNs[a]! - startNs[b]!);
}
function listChildren(parent: Int32Array, startNs: Float64Array): Children {
  const firsts = new Int32Array(parent.length + 2);
  for (const above of parent) firsts[above + 2]!++;
  for (let i = 1; i < firsts.length; i++) firsts[i]! += firsts[i - 1]!;
  const next = firsts.slice();
  const list = new Int32Array(parent.length);
  for (const span of byStart(startNs)) list[next[parent[span]! + 1]!++] = span;
  return { firsts, list };
}
/** Builds the rows. Time: linear in spans that come by start, else n log n. */
export function buildWaterfall(columns: SpanColumns): Waterfall {
  const spans = columns.ids.length;
  const { startNs, first } = relativeStarts(columns.starts);
  const { parent, orphans } = parentsOf(columns);
  const children = listChildren(parent, startNs);
  const { order, depth } = walk(children, spans);
  const below = new Int32Array(spans);
  for (let row = spans - 1; row >= 0; row--) {
    const span = order[row]!;
    if (parent[span] !== NO_SPAN) below[parent[span]!] = below[parent[span]!]! + below[span]! + 1;
  }
  const durationNs = columns.durations;
  let totalNs = 0;
  for (let i = 0; i < spans; i++) totalNs = Math.max(totalNs, startNs[i]! + Math.max(0, durationNs[i]!));
  return {
    spans,
    order,
    depth,
    parent,
    below,
    startNs,
    durationNs,
    selfNs: selfTimes(children, startNs, durationNs),
    critical: criticalPath(children, startNs, durationNs),
    totalNs,
    startMs: Number(first / 1_000n) / 1_000,
    orphans,
  };
}
function walk(children: Children, spans: number): { order: Int32Array; depth: Int32Array } {
  const order = new Int32Array(spans);
  const depth = new Int32Array(spans);
  const stack = new Int32Array(spans);
  let height = 0;
  const pushAll = (above: number): void => {
    const from = children.firsts[above + 1]!;
    for (let at = children.firsts[above + 2]! - 1; at >= from; at--) {
      const span = children.list[at]!;
      depth[span] = above === NO_SPAN ? 0 : depth[above]! + 1;
      stack[height++] = span;
    }
  };
  pushAll(NO_SPAN);
  for (let row = 0; height > 0; row++) {
    const span = stack[--height]!;
    order[row] = span;
    pushAll(span);
  }
  return { order, depth };
}
/** Own time: the duration less the union of the children's times inside of it. */
function selfTimes({ firsts, list }: Children, startNs: Float64Array, durationNs: Float64Array): Float64Array {
  const selfNs = new Float64Array(startNs.length);
  for (let span = 0; span < selfNs.length; span++) {
    const from = startNs[span]!;
    const to = from + Math.max(0, durationNs[span]!);
    let covered = 0;
    let upTo = from;
    for (let at = firsts[span + 1]!; at < firsts[span + 2]!; at++) {
      const child = list[at]!;
      const start = Math.max(upTo, startNs[child]!);
      const end = Math.min(to, startNs[child]! + Math.max(0, durationNs[child]!));
      if (end > start) covered += end - start;
      upTo = Math.max(upTo, end);
    }
    selfNs[span] = Math.max(0, to - from - covered);
  }
  return selfNs;
}
/** From the longest root's end backwards: the child that ended last before the point looked at decided it. */
function criticalPath(children: Children, startNs: Float64Array, durationNs: Float64Array): Uint8Array {
  const on = new Uint8Array(startNs.length);
  const endOf = (span: number): number => startNs[span]! + Math.max(0, durationNs[span]!);
  let root = NO_SPAN;
  for (const one of childrenOf(children, NO_SPAN)) if (root === NO_SPAN || durationNs[one]! > durationNs[root]!) root = one;
  if (root === NO_SPAN) return on;
  const stack: [span: number, until: number][] = [[root, endOf(root)]];
  while (stack.length > 0) {
    const [span, until] = stack.pop()!;
    on[span] = 1;
    let point = Math.min(until, endOf(span));
    const lastFirst = childrenOf(children, span)
      .slice()
      .sort((a, b) => endOf(b) - endOf(a));
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
