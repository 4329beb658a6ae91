import type { Answer } from '#query/promql/engine.ts';
import { entriesOf, type Labels, NO_LABELS } from '#query/promql/labels.ts';
import { bucketsOf, type NativeHistogram } from '#query/promql/native-histogram.ts';
import { printNumber } from '#query/promql/print.ts';
import { emptyRow, FLOAT, type Grid, HISTOGRAM, type Row, type Samples, timeAt } from '#query/promql/value.ts';
import { BadData } from './parameters.ts';

/** A query's result as Prometheus writes it, piece by piece: no text of the whole of it is ever made. */
export const objectOf = (labels: Labels): Record<string, string> => Object.fromEntries(entriesOf(labels));
/** Go's JSON: with an exponent of two digits beyond 1e21 and below 1e-6. */
export function jsonNumber(value: number): string {
  const size = value < 0 ? -value : value;
  if (size >= 1e-6 && size < 1e21) return String(value);
  const text = printNumber(value);
  if (!(size >= 1e21 || size < 1e-6) || value === 0 || !Number.isFinite(value)) return text;
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
/** Prometheus' shape: of each populated bucket which of its ends are in it, both ends and its count (util/jsonutil). */
function histogramJson(histogram: NativeHistogram): string {
  const buckets = bucketsOf(histogram).filter(({ count }) => count !== 0);
  return JSON.stringify({
    count: jsonNumber(histogram.count),
    sum: jsonNumber(histogram.sum),
    ...(buckets.length > 0
      ? {
          buckets: buckets.map(({ lower, upper, count, includesLower, includesUpper }) => [
            includesLower ? (includesUpper ? 3 : 1) : includesUpper ? 0 : 2,
            ...[lower, upper, count].map(jsonNumber),
          ]),
        }
      : {}),
  });
}
const pointJson = (ms: number, value: number): string => `[${ms / 1000},"${jsonNumber(value)}"]`;

/** Opening of each point of a row, `,[SECONDS,`: the same for all rows. */
const headsOf = (grid: Grid): string[] => Array.from({ length: grid.count }, (_, i) => `,[${timeAt(grid, i) / 1000},`);
/** Floats and histograms apart, each in time order; what there are none of is left out. */
function rowJson({ labels, values, has, histograms }: Row, heads: readonly string[]): string {
  // Joined: a text that grows by pieces is copied together later, which takes a fourth more.
  const floats: string[] = [];
  const others: string[] = [];
  for (let i = 0; i < has.length; i++) {
    if (has[i] === FLOAT) floats.push(`${heads[i]}"${jsonNumber(values[i] as number)}`);
    else if (has[i] === HISTOGRAM) others.push(heads[i] + histogramJson(histograms?.[i] as NativeHistogram));
  }
  const joined = (points: readonly string[], end: string): string => (points.length > 0 ? points.join(end).slice(1) + end : '');
  return seriesJson(labels, joined(floats, '"]'), joined(others, ']'));
}
function storedJson({ labels, times, values, histograms }: Samples & { readonly labels: Labels }): string {
  let floats = '';
  let others = '';
  for (let i = 0; i < times.length; i++) floats += `${i === 0 ? '' : ','}${pointJson(times[i] as number, values[i] as number)}`;
  histograms?.histograms.forEach((each, i) => {
    others += `${i === 0 ? '' : ','}[${(histograms.times[i] as number) / 1000},${histogramJson(each)}]`;
  });
  return seriesJson(labels, floats, others);
}
const seriesJson = (labels: Labels, floats: string, others: string): string =>
  `{"metric":${JSON.stringify(objectOf(labels))}${floats === '' ? '' : `,"values":[${floats}]`}${others === '' ? '' : `,"histograms":[${others}]`}}`;

function* listed<T>(items: Iterable<T>, json: (item: T) => string): Iterable<string> {
  let isFirst = true;
  for (const item of items) {
    yield isFirst ? json(item) : `,${json(item)}`;
    isFirst = false;
  }
}
function* resultOf(type: string, pieces: Iterable<string>): Iterable<string> {
  yield `{"resultType":"${type}","result":[`;
  yield* pieces;
  yield ']}';
}
export function* instantJson(answer: Answer, grid: Grid): Iterable<string> {
  switch (answer.type) {
    case 'scalar':
      yield `{"resultType":"scalar","result":${pointJson(grid.startMs, answer.values[0] as number)}}`;
      break;
    case 'string':
      yield `{"resultType":"string","result":[${grid.startMs / 1000},${JSON.stringify(answer.value)}]}`;
      break;
    case 'vector': {
      const head = headsOf(grid)[0]?.slice(1);
      const json = ({ labels, values, has, histograms }: Row): string =>
        has[0] === HISTOGRAM
          ? `{"metric":${JSON.stringify(objectOf(labels))},"histogram":${head}${histogramJson(histograms?.[0] as NativeHistogram)}]}`
          : `{"metric":${JSON.stringify(objectOf(labels))},"value":${head}"${jsonNumber(values[0] as number)}"]}`;
      yield* resultOf('vector', listed(answer.rows, json));
      break;
    }
    case 'matrix':
      yield* resultOf('matrix', listed(answer.rows, storedJson));
  }
}
/** @throws BadData for what has no value at each time */
export function rangeJson(answer: Answer, grid: Grid): Iterable<string> {
  if (answer.type === 'string' || answer.type === 'matrix')
    throw new BadData(
      `invalid parameter "query": invalid expression type ${JSON.stringify(answer.type === 'string' ? 'string' : 'range vector')} for range query, must be Scalar or instant Vector`,
    );
  const rows =
    answer.type === 'scalar'
      ? [{ ...emptyRow(NO_LABELS, 0), values: answer.values, has: new Uint8Array(grid.count).fill(FLOAT) }]
      : answer.rows;
  const heads = headsOf(grid);
  return resultOf(
    'matrix',
    listed(rows, (row) => rowJson(row, heads)),
  );
}
/** A list of values that are small each. */
export function* listJson(items: Iterable<unknown>): Iterable<string> {
  yield '[';
  yield* listed(items, (item) => JSON.stringify(item));
  yield ']';
}
