import { add, subtract } from '#query/promql/histogram-arithmetic.ts';
import { entriesOf, type Labels, labelOf, labelsOf } from '#query/promql/labels.ts';
import { bucketsFrom, compact, EMPTY_HISTOGRAM, type NativeHistogram, type ResetHint } from '#query/promql/native-histogram.ts';

/** Native histograms as Prometheus' test language writes them, and as its storage gives them back. */
export interface ScriptHistogram {
  readonly histogram: NativeHistogram;
  /** What it says of resets was written. */
  readonly isHintWritten: boolean;
}
const numberOf = (text: string): number => Number(text.replace(/^([+-]?)inf$/i, '$1Infinity').replace(/^nan$/i, 'NaN'));
/** {{schema:0 sum:5 count:4 buckets:[1 2 1]}} */
function described(text: string): ScriptHistogram {
  const found = new Map([...text.matchAll(/(\w+):(?:\[([^\]]*)\]|(\S+))/g)].map(([, name, list, one]) => [name, list ?? one ?? '']));
  const number = (name: string): number => numberOf(found.get(name) ?? '0');
  const list = (name: string): number[] => (found.get(name) ?? '').split(/\s+/).filter(Boolean).map(numberOf);
  const histogram: NativeHistogram = {
    ...EMPTY_HISTOGRAM,
    schema: number('schema'),
    count: number('count'),
    sum: number('sum'),
    zeroCount: number('z_bucket'),
    zeroThreshold: number('z_bucket_w'),
    positive: bucketsFrom(number('offset'), list('buckets')),
    negative: bucketsFrom(number('n_offset'), list('n_buckets')),
    bounds: Float64Array.from(list('custom_values')),
    hint: (found.get('counter_reset_hint') ?? 'unknown') as ResetHint,
  };
  return { histogram, isHintWritten: found.has('counter_reset_hint') };
}
/** {{..}}x3 is four of them, {{..}}+{{..}}x3 grows three times. */
export function histogramsIn(item: string): ScriptHistogram[] {
  const [, first = '', sign, step, times] = /^\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\})?(?:x(\d+))?$/.exec(item) ?? [];
  const found = [described(first)];
  const by = step === undefined ? null : described(step).histogram;
  for (let i = 0; i < Number(times ?? 0); i++) {
    const last = found.at(-1) as ScriptHistogram;
    const next = by ? (sign === '-' ? subtract : add)(last.histogram, by) : { histogram: last.histogram };
    if (!next) throw new Error(`no histogram: ${item}`);
    found.push({ ...last, histogram: next.histogram });
  }
  return found;
}

/** load_with_nhcb: the native histogram with custom buckets that classic series are. `le` and the suffix of the name go. */
export function nativeOf(labels: Labels): Labels {
  const named = entriesOf(labels).filter(([name]) => name !== 'le');
  return labelsOf(named.map(([name, value]) => [name, name === '__name__' ? value.replace(/_(?:bucket|sum|count)$/, '') : value] as const));
}
/** Samples of the classic series of one histogram at one time -> it. */
export function nativeAt(samples: readonly { readonly labels: Labels; readonly value: number }[]): NativeHistogram | null {
  const of = (suffix: string) => samples.filter(({ labels }) => labelOf(labels, '__name__').endsWith(suffix));
  const buckets = of('_bucket')
    .map(({ labels, value }) => ({ upper: numberOf(labelOf(labels, 'le')), value }))
    .sort((a, b) => a.upper - b.upper);
  if (buckets.length === 0) return null;
  const bounds = buckets.map(({ upper }) => upper).filter(Number.isFinite);
  const count = of('_count')[0]?.value ?? buckets.at(-1)?.value ?? 0;
  const totals = [...buckets.filter(({ upper }) => Number.isFinite(upper)).map(({ value }) => value), count];
  const counts = totals.map((total, i) => total - (totals[i - 1] ?? 0));
  const histogram = { ...EMPTY_HISTOGRAM, schema: -53, count, sum: of('_sum')[0]?.value ?? 0, positive: bucketsFrom(0, counts) };
  return compact({ ...histogram, bounds: Float64Array.from(bounds) });
}
