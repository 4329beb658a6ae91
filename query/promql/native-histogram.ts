/**
 * Native histograms (Prometheus' float histograms): buckets by index, either exponential (bucket i of schema s ends at 2^(i / 2^s)) or with
 * bounds of their own. Never changed once made. https://prometheus.io/docs/specs/native_histograms/
 */
export interface NativeHistogram {
  /** -4 to 8, of OTLP up to 20 before it is reduced; CUSTOM_SCHEMA. */
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  /** The zero bucket is [-zeroThreshold, zeroThreshold]. */
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: Buckets;
  readonly negative: Buckets;
  /** Upper bounds of custom buckets, but for the last one's, which is +Inf. */
  readonly bounds: Float64Array;
  readonly hint: ResetHint;
}
/** Populated buckets, indexes ascending. A count may be 0 until `compact`. */
export interface Buckets {
  readonly indexes: Int32Array;
  readonly counts: Float64Array;
}
/** What is known of a counter reset since the sample before: nothing, there was one, there was none, not a counter. */
export type ResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';
export const CUSTOM_SCHEMA = -53;
/** The widest schema PromQL computes with: finer ones are reduced to it. */
export const FINEST_SCHEMA = 8;

export const NO_BUCKETS: Buckets = { indexes: new Int32Array(0), counts: new Float64Array(0) };
export const NO_BOUNDS = new Float64Array(0);
export const EMPTY_HISTOGRAM: NativeHistogram = {
  ...{ schema: 0, count: 0, sum: 0, zeroThreshold: 0, zeroCount: 0 },
  ...{ positive: NO_BUCKETS, negative: NO_BUCKETS, bounds: NO_BOUNDS, hint: 'unknown' },
};
export const isCustom = ({ schema }: Pick<NativeHistogram, 'schema'>): boolean => schema === CUSTOM_SCHEMA;
/** Counts from bucket `first` on, one after the other. */
export const bucketsFrom = (first: number, counts: ArrayLike<number>): Buckets => ({
  indexes: Int32Array.from({ length: counts.length }, (_, i) => first + i),
  counts: Float64Array.from(counts),
});

/** 2^(i / 2^schema) for i below 2^schema, for each schema that has more than one. */
const steps: Float64Array[] = [];
function stepsOf(schema: number): Float64Array {
  steps[schema] ??= Float64Array.from({ length: 2 ** schema }, (_, i) => 2 ** (i / 2 ** schema));
  return steps[schema];
}
/** Upper bound of bucket `index`; the last finite one is the greatest number there is, so that it stays apart from +Inf. */
export function upperBound({ schema, bounds }: Pick<NativeHistogram, 'schema' | 'bounds'>, index: number): number {
  if (schema === CUSTOM_SCHEMA) {
    if (index < 0) return Number.NEGATIVE_INFINITY;
    return index < bounds.length ? (bounds[index] as number) : Number.POSITIVE_INFINITY;
  }
  const exponent = schema < 0 ? index * 2 ** -schema : Math.floor(index / 2 ** schema);
  const step = schema > 0 ? (stepsOf(schema)[index - exponent * 2 ** schema] as number) : 1;
  if (exponent === 1024 && step === 1) return Number.MAX_VALUE;
  return exponent > 1023 ? Number.POSITIVE_INFINITY : step * 2 ** exponent;
}

export interface Bucket {
  lower: number;
  upper: number;
  readonly count: number;
  readonly includesLower: boolean;
  readonly includesUpper: boolean;
}
/** Bucket `i` of one side. */
export function bucketAt(histogram: NativeHistogram, side: 'positive' | 'negative', i: number): Bucket {
  const { indexes, counts } = histogram[side];
  const index = indexes[i] as number;
  const [near, far] = [upperBound(histogram, index - 1), upperBound(histogram, index)];
  const count = counts[i] as number;
  if (side === 'negative') return { lower: -far, upper: -near, count, includesLower: true, includesUpper: false };
  return { lower: near, upper: far, count, includesLower: isCustom(histogram) && index === 0, includesUpper: true };
}
/** All buckets, the lowest first. One that overlaps the zero bucket is cut at it. */
export function bucketsOf(histogram: NativeHistogram): Bucket[] {
  const { positive, negative, zeroThreshold: zero, zeroCount } = histogram;
  const found: Bucket[] = [];
  for (let i = negative.indexes.length - 1; i >= 0; i--) {
    const bucket = bucketAt(histogram, 'negative', i);
    if (bucket.lower < -zero && bucket.upper > -zero) bucket.upper = -zero;
    found.push(bucket);
  }
  if (zeroCount !== 0) found.push({ lower: -zero, upper: zero, count: zeroCount, includesLower: true, includesUpper: true });
  for (let i = 0; i < positive.indexes.length; i++) {
    const bucket = bucketAt(histogram, 'positive', i);
    if (bucket.lower < zero && bucket.upper > zero && !isCustom(histogram)) bucket.lower = zero;
    found.push(bucket);
  }
  return found;
}

/** Without buckets nobody is in. */
export function compact(histogram: NativeHistogram): NativeHistogram {
  const positive = populated(histogram.positive);
  const negative = populated(histogram.negative);
  return positive === histogram.positive && negative === histogram.negative ? histogram : { ...histogram, positive, negative };
}
function populated(buckets: Buckets): Buckets {
  const { indexes, counts } = buckets;
  if (!counts.includes(0)) return buckets;
  return { indexes: indexes.filter((_, i) => counts[i] !== 0), counts: counts.filter((count) => count !== 0) };
}
/** Equal to the bit, laid out alike; what is known of resets does not count. */
export function areEqual(a: NativeHistogram, b: NativeHistogram): boolean {
  return (
    a.schema === b.schema &&
    Object.is(a.count, b.count) &&
    Object.is(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    Object.is(a.zeroCount, b.zeroCount) &&
    areSame(a.bounds, b.bounds) &&
    areSame(a.positive.indexes, b.positive.indexes) &&
    areSame(a.negative.indexes, b.negative.indexes) &&
    areSame(a.positive.counts, b.positive.counts) &&
    areSame(a.negative.counts, b.negative.counts)
  );
}
export function areSame(a: Float64Array | Int32Array, b: Float64Array | Int32Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** Go's %g: with an exponent from a million on. */
export function goShort(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
/** As count_values shows it. */
export function histogramText(histogram: NativeHistogram): string {
  const buckets = bucketsOf(histogram).filter(({ count }) => count !== 0);
  const shown = buckets.map(
    ({ lower, upper, count, includesLower, includesUpper }) =>
      `, ${includesLower ? '[' : '('}${goShort(lower)},${goShort(upper)}${includesUpper ? ']' : ')'}:${goShort(count)}`,
  );
  return `{count:${goShort(histogram.count)}, sum:${goShort(histogram.sum)}${shown.join('')}}`;
}
