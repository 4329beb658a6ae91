import type { Request } from '#protos/gen/io/prometheus/write/v2/types_pb.js';
import type { WriteRequest } from '#protos/gen/prometheus/remote_pb.js';

/** A slow reading of the rules of remote write over what the generated decoder gives. */
export interface Judge {
  readonly receivedUnixMs: number;
  readonly retentionMs: number;
  readonly maxLabels: number;
  readonly maxLabelBytes: number;
}
export interface Expected {
  readonly samples: unknown[];
  readonly histograms: unknown[];
  readonly exemplars: unknown[];
  readonly dropped: Record<string, number>;
  readonly noted: Record<string, number>;
}
type Pairs = readonly (readonly [string, string])[];
type OneHistogram = WriteRequest['timeseries'][number]['histograms'][number] & { readonly startTimestamp?: bigint };
interface Point {
  readonly value: number;
  readonly timestamp: bigint;
  readonly startTimestamp?: bigint;
}
interface Plain {
  /** A string: the reason why they cannot be read. */
  readonly labels: Pairs | string;
  readonly samples: readonly Point[];
  readonly histograms: readonly OneHistogram[];
  readonly exemplars: readonly { readonly labels: Pairs | null; readonly value: number; readonly timestamp: bigint }[];
  readonly created: bigint;
}
const MAX_MS = 9_223_372_036_854n;
const bytes = (text: string): number => Buffer.byteLength(text);

function pairsOf(refs: readonly number[], symbols: readonly string[]): Pairs | null {
  if (refs.length % 2 !== 0 || refs.some((ref) => ref >= symbols.length)) return null;
  return Array.from(
    { length: refs.length / 2 },
    (_, i) => [symbols[refs[i * 2] as number], symbols[refs[i * 2 + 1] as number]] as [string, string],
  );
}
export const plainOne = ({ timeseries }: WriteRequest): Plain[] =>
  timeseries.map((series) => ({
    ...series,
    labels: series.labels.map(({ name, value }) => [name, value] as const),
    exemplars: series.exemplars.map((each) => ({ ...each, labels: each.labels.map(({ name, value }) => [name, value] as const) })),
    created: 0n,
  }));
export const plainTwo = ({ timeseries, symbols }: Request, judge: Judge): Plain[] =>
  timeseries.map((series) => ({
    samples: series.samples,
    histograms: series.histograms as never,
    labels: labelsOfTwo(series, symbols, judge),
    exemplars: series.exemplars.map((each) => ({ ...each, labels: pairsOf(each.labelsRefs, symbols) })),
    created: series.createdTimestamp,
  }));
/** The first thing wrong with the references, in the order in which they stand. */
function labelsOfTwo({ labelsRefs, metadata }: Request['timeseries'][number], symbols: readonly string[], judge: Judge): Pairs | string {
  for (const [i, ref] of labelsRefs.entries()) {
    if (ref >= symbols.length) return 'bad_symbol';
    if (bytes(symbols[ref] as string) > judge.maxLabelBytes) return 'label_too_long';
    if ((i + 1) / 2 > judge.maxLabels + 1) return 'too_many_labels';
  }
  const count = Math.max(1, symbols.length);
  if (labelsRefs.length % 2 !== 0 || (metadata?.helpRef ?? 0) >= count || (metadata?.unitRef ?? 0) >= count) return 'bad_symbol';
  return pairsOf(labelsRefs, symbols) as Pairs;
}
function labelVerdict(labels: Pairs, judge: Judge): string | null {
  for (const [i, [name, value]] of labels.entries()) {
    if (name === '') return 'invalid_labels';
    if (i > 0 && Buffer.compare(Buffer.from((labels[i - 1] as readonly [string, string])[0]), Buffer.from(name)) >= 0)
      return 'invalid_labels';
    if (Math.max(bytes(name), bytes(value)) > judge.maxLabelBytes) return 'label_too_long';
  }
  if (labels.length > judge.maxLabels + 1) return 'too_many_labels';
  return labels.some(([name, value]) => name === '__name__' && value !== '') ? null : 'invalid_labels';
}
function timeVerdict(unixMs: bigint, judge: Judge): string | null {
  if (unixMs < 0n) return 'time_too_old';
  if (unixMs > MAX_MS || unixMs > BigInt(judge.receivedUnixMs + 86_400_000)) return 'time_in_future';
  return judge.retentionMs > 0 && unixMs < BigInt(judge.receivedUnixMs - judge.retentionMs) ? 'time_too_old' : null;
}
/** Index of each bucket and its count. */
function bucketsOf(spans: OneHistogram['positiveSpans'], counts: readonly number[]): Map<number, number> | null {
  const buckets = new Map<number, number>();
  let at = 0;
  let next = 0;
  for (const [i, { offset, length }] of spans.entries()) {
    if (i > 0 && offset < 0) return null;
    at += offset;
    for (let n = 0; n < length; n++) buckets.set(at++, counts[next++] ?? Number.NaN);
  }
  return next === counts.length ? buckets : null;
}
const running = (deltas: readonly bigint[]): number[] => {
  let sum = 0n;
  return deltas.map((delta) => {
    sum += delta;
    return Number(sum);
  });
};
const denseFloats = (buckets: Map<number, number>): number[] => {
  if (buckets.size === 0) return [];
  const keys = [...buckets.keys()];
  const [first, last] = [Math.min(...keys), Math.max(...keys)];
  return Array.from({ length: last - first + 1 }, (_, i) => buckets.get(first + i) ?? 0);
};
const dense = (buckets: Map<number, number>): bigint[] => denseFloats(buckets).map((count) => BigInt(Math.round(count)));
const widthOf = (buckets: Map<number, number>): number =>
  buckets.size === 0 ? 0 : Math.max(...buckets.keys()) - Math.min(...buckets.keys()) + 1;
const firstOf = (buckets: Map<number, number>): bigint => (buckets.size === 0 ? 0n : BigInt(Math.min(...buckets.keys()) - 1));

/** @returns a row, or the reason why there is none */
function histogramRow(h: OneHistogram): Record<string, unknown> | string {
  const isFloat = h.count.case === 'countFloat';
  const isCustom = h.schema === -53;
  const bad = 'invalid_histogram';
  if (!isCustom && (h.schema < -9 || h.schema > 52)) return bad;
  if (!(h.zeroThreshold >= 0)) return bad;
  const zero = Number(h.zeroCount.value ?? 0);
  if (zero !== 0 && (h.zeroCount.case === 'zeroCountFloat') !== isFloat) return bad;
  if (!isCustom && h.customValues.length > 0) return bad;
  if (isCustom) {
    const grows = h.customValues.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > (h.customValues[i - 1] as number)));
    if (!grows || zero !== 0 || h.zeroThreshold !== 0 || h.negativeSpans.length > 0 || h.negativeDeltas.length > 0) return bad;
  }
  if (isFloat ? h.positiveDeltas.length + h.negativeDeltas.length > 0 : h.positiveCounts.length + h.negativeCounts.length > 0) return bad;
  const positive = bucketsOf(h.positiveSpans, isFloat ? h.positiveCounts : running(h.positiveDeltas));
  const negative = bucketsOf(h.negativeSpans, isFloat ? h.negativeCounts : running(h.negativeDeltas));
  if (!positive || !negative) return bad;
  const indices = [...positive.keys()];
  if (isCustom && indices.some((index) => index < 0 || index > h.customValues.length)) return bad;
  if (widthOf(positive) > 65_536 || widthOf(negative) > 65_536) return 'histogram_too_wide';
  const counts = [...positive.values(), ...negative.values()];
  const count = Number(h.count.value ?? 0);
  const total = counts.reduce((a, b) => a + b, zero);
  if ([...counts, zero, count].some((each) => !(each >= 0)) || total >= 2 ** 53 || count >= 2 ** 53) return bad;
  if (!isFloat && (Number.isNaN(h.sum) ? total > count : total !== count)) return bad;
  const isFractional = [...counts, zero, count].some((each) => !Number.isInteger(each));
  const floats = (...lists: number[][]): number[] => (isFractional ? [count, zero, ...lists.flat()] : []);
  const shared = { count: BigInt(Math.round(count)), sum: h.sum, flags: h.resetHint << 16 };
  if (isCustom)
    return {
      ...shared,
      bounds: h.customValues,
      bucket_counts: Array.from({ length: h.customValues.length + 1 }, (_, i) => BigInt(Math.round(positive.get(i) ?? 0))),
      float_counts: floats(Array.from({ length: h.customValues.length + 1 }, (_, i) => positive.get(i) ?? 0)),
      scale: null,
      positive_counts: [],
    };
  return {
    ...shared,
    scale: BigInt(h.schema),
    zero_count: BigInt(Math.round(zero)),
    zero_threshold: h.zeroThreshold,
    positive_offset: firstOf(positive),
    positive_counts: dense(positive),
    negative_offset: firstOf(negative),
    negative_counts: dense(negative),
    bounds: [],
    bucket_counts: [],
    float_counts: floats(denseFloats(positive), denseFloats(negative)),
  };
}

export function expectedWrite(all: readonly Plain[], judge: Judge): Expected {
  const found: Expected = { samples: [], histograms: [], exemplars: [], dropped: {}, noted: {} };
  const add = (counts: Record<string, number>, reason: string): void => {
    counts[reason] = (counts[reason] ?? 0) + 1;
  };
  const start = (unixMs: bigint): bigint | null => (unixMs > 0n && unixMs <= MAX_MS ? unixMs * 1_000_000n : null);
  for (const { labels, samples, histograms, exemplars, created } of all) {
    const verdict = typeof labels === 'string' ? labels : labelVerdict(labels, judge);
    const series = typeof labels === 'string' ? '' : JSON.stringify(labels.filter(([, value]) => value !== ''));
    const startOf = (given: bigint | undefined): bigint | null => start(given ?? 0n);
    for (const { value, timestamp, startTimestamp } of samples) {
      const reason = verdict ?? timeVerdict(timestamp, judge);
      const given = startTimestamp !== undefined && startTimestamp !== 0n ? startOf(startTimestamp) : start(created);
      if (reason) add(found.dropped, reason);
      else found.samples.push({ series, time: timestamp * 1_000_000n, value, start_time: given, flags: 0 });
    }
    for (const histogram of histograms) {
      const row = histogramRow(histogram);
      const reason = verdict ?? (typeof row === 'string' ? row : timeVerdict(histogram.timestamp, judge));
      if (reason) add(found.dropped, reason);
      else
        found.histograms.push({
          series,
          time: histogram.timestamp * 1_000_000n,
          start_time: startOf(histogram.startTimestamp) ?? start(created),
          ...(row as object),
        });
    }
    for (const { labels: own, value, timestamp } of exemplars) {
      const told = own?.filter(([, text]) => text !== '') ?? [];
      const fits =
        own?.every(([name]) => name !== '') &&
        new Set(told.map(([name]) => name)).size === told.length &&
        told.every(([name, text]) => name.length + text.length <= judge.maxLabelBytes) &&
        told.length <= judge.maxLabels;
      if (verdict || !fits) add(found.noted, 'exemplar_invalid');
      else if (timeVerdict(timestamp, judge)) add(found.noted, 'exemplar_time');
      else found.exemplars.push({ time: timestamp * 1_000_000n, value, attributes: told });
    }
  }
  return found;
}
