import { add, isReset, subtract } from '#query/promql/histogram-arithmetic.ts';
import {
  type Buckets,
  bucketsFrom,
  CUSTOM_SCHEMA,
  compact,
  EMPTY_HISTOGRAM,
  isCustom,
  type NativeHistogram,
  type ResetHint,
} from '#query/promql/native-histogram.ts';
import { formatFloat } from './go-float.ts';

/** Native histograms as Prometheus' tests write them: {{schema:0 sum:5 count:4 buckets:[1 2 1]}}. */
const KEYS: ReadonlySet<string> = new Set([
  ...[
    'schema',
    'sum',
    'count',
    'z_bucket',
    'z_bucket_w',
    'custom_values',
    'buckets',
    'offset',
    'n_buckets',
    'n_offset',
    'counter_reset_hint',
  ],
]);
const HINTS: readonly string[] = ['unknown', 'reset', 'not_reset', 'gauge'];
const MAX_BUCKETS = 10_000;

/** @returns what is wrong as a text */
export function parseHistogram(text: string): NativeHistogram | string {
  const found = new Map<string, string>();
  const inner = /^\{\{(.*)\}\}$/.exec(text.trim())?.[1];
  if (inner === undefined) return `not a native histogram: ${text}`;
  for (const item of inner.match(/[^\s:]+:\s*(?:\[[^\]]*\]|\S+)|\S+/g) ?? []) {
    const [, key = '', value = ''] = /^([^\s:]+):\s*(.*)$/.exec(item) ?? [];
    if (!KEYS.has(key)) return `bad histogram descriptor: ${JSON.stringify(item)} in ${text}`;
    if (found.has(key)) return `duplicate key ${JSON.stringify(key)} in histogram ${text}`;
    found.set(key, value);
  }
  const number = (key: string): number => numberOf(found.get(key) ?? '0');
  const list = (key: string): number[] =>
    (found.get(key) ?? '')
      .replace(/^\[|\]$/g, '')
      .split(/\s+/)
      .filter(Boolean)
      .map(numberOf);
  const hint = found.get('counter_reset_hint') ?? 'unknown';
  if (!HINTS.includes(hint)) return `bad histogram descriptor: unknown counter_reset_hint ${hint}`;
  const sides = [list('buckets'), list('n_buckets')] as const;
  if (sides[0].length + sides[1].length > MAX_BUCKETS) return `more than ${MAX_BUCKETS} buckets`;
  const schema = number('schema');
  const isWhole = Number.isInteger(schema) && (schema === CUSTOM_SCHEMA || (schema >= -4 && schema <= 8));
  if (!isWhole) return `bad histogram descriptor: schema ${found.get('schema')} in ${text}`;
  return {
    ...EMPTY_HISTOGRAM,
    schema,
    count: number('count'),
    sum: number('sum'),
    zeroCount: number('z_bucket'),
    zeroThreshold: number('z_bucket_w'),
    positive: bucketsFrom(number('offset'), sides[0]),
    negative: bucketsFrom(number('n_offset'), sides[1]),
    bounds: Float64Array.from(list('custom_values')),
    hint: hint as ResetHint,
  };
}
const numberOf = (text: string): number => Number(text.replace(/^([+-]?)inf$/i, '$1Infinity').replace(/^nan$/i, 'NaN'));

/** {{..}}x3 is four of them, {{..}}+{{..}}x3 grows three times. @returns what is wrong as a text */
export function parseHistograms(item: string, most: number): readonly NativeHistogram[] | string {
  const parts = /^(\{\{.*?\}\})(?:([+-])(\{\{.*?\}\}))?(?:x(\d+))?$/.exec(item);
  if (!parts) return `not a value in series notation: ${JSON.stringify(item)}`;
  const [, text = '', sign, step, times = '0'] = parts;
  const first = parseHistogram(text);
  const by = step === undefined ? null : parseHistogram(step);
  if (typeof first === 'string') return first;
  if (typeof by === 'string') return by;
  if (Number(times) > most) return `more than ${most} values: ${item}`;
  const found = [first];
  for (let i = 0; i < Number(times); i++) {
    const last = found.at(-1) as NativeHistogram;
    const next = by ? (sign === '-' ? subtract : add)(last, by)?.histogram : last;
    if (!next) return `histograms that cannot be added: ${item}`;
    found.push(next);
  }
  return found;
}

/** As Prometheus' tests write it; buckets from the first to the last that has a count. */
export function printHistogram(histogram: NativeHistogram): string {
  const own = compact(histogram);
  const number = (value: number): string => formatFloat(value, 'g', -1);
  const parts: string[] = [];
  const say = (key: string, value: number): void => {
    if (value !== 0) parts.push(`${key}:${number(value)}`);
  };
  if (own.schema !== 0) parts.push(`schema:${own.schema}`);
  say('count', own.count);
  say('sum', own.sum);
  say('z_bucket', own.zeroCount);
  say('z_bucket_w', own.zeroThreshold);
  if (isCustom(own)) parts.push(`custom_values:[${[...own.bounds].map(number).join(' ')}]`);
  if (own.hint !== 'unknown') parts.push(`counter_reset_hint:${own.hint}`);
  const side = ({ indexes, counts }: Buckets, key: string, offset: string): void => {
    const first = indexes[0];
    if (first === undefined) return;
    if (first !== 0) parts.push(`${offset}:${first}`);
    const all = new Array<number>((indexes.at(-1) as number) - first + 1).fill(0);
    indexes.forEach((index, i) => {
      all[index - first] = counts[i] as number;
    });
    parts.push(`${key}:[${all.map(number).join(' ')}]`);
  };
  side(own.positive, 'buckets', 'offset');
  side(own.negative, 'n_buckets', 'n_offset');
  return `{{${parts.join(' ')}}}`;
}

/**
 * What Prometheus' storage says of resets: the first of a run says nothing, the others that there was none.
 * @param before the sample before, when it was a histogram
 */
export function storedHistogram(histogram: NativeHistogram, before: NativeHistogram | null): NativeHistogram {
  if (histogram.hint === 'gauge') return histogram;
  const isNew = !before || before.hint === 'gauge' || histogram.hint === 'reset' || !goesOn(histogram, before);
  return { ...histogram, hint: isNew ? 'unknown' : 'not_reset' };
}
function goesOn(histogram: NativeHistogram, before: NativeHistogram): boolean {
  const isAlike =
    histogram.schema === before.schema &&
    histogram.zeroThreshold === before.zeroThreshold &&
    histogram.bounds.join() === before.bounds.join();
  return isAlike && !isReset({ ...histogram, hint: 'unknown' }, before);
}
