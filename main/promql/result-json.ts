import type { Answer } from '#query/promql/engine.ts';
import { entriesOf, type Labels, NO_LABELS } from '#query/promql/labels.ts';
import { bucketsOf, type NativeHistogram } from '#query/promql/native-histogram.ts';
import { printNumber } from '#query/promql/print.ts';
import { emptyRow, FLOAT, type Grid, HISTOGRAM, type Row, type Samples, timeAt } from '#query/promql/value.ts';
import { BadData } from './parameters.ts';

/** A query's result as Prometheus writes it, piece by piece: no text of the whole of it is ever made. Bytes are lent until the next piece. */
export type Piece = string | Uint8Array;
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
/** The same with the quotation mark of a number, one behind the other. */
interface Heads {
  readonly texts: readonly string[];
  readonly bytes: Uint8Array;
  /** Where each begins, and where the last ends. */
  readonly starts: Uint32Array;
}
function allHeads(grid: Grid): Heads {
  const texts = headsOf(grid);
  const starts = new Uint32Array(texts.length + 1);
  texts.forEach((text, i) => {
    starts[i + 1] = (starts[i] as number) + text.length + 1;
  });
  return { texts, bytes: Buffer.from(texts.map((text) => `${text}"`).join(''), 'latin1'), starts };
}
/** Longest text of a number, `"]` behind it, and room to spare. */
const NUMBER_BYTES = 40;
/** Floats of a row, `[SECONDS,"NUMBER"]` one behind the other. The bytes are lent until the next row. */
let floatBytes = new Uint8Array(0);
function floatsJson({ values, has }: Row, { bytes, starts }: Heads): Uint8Array {
  const most = bytes.length + has.length * NUMBER_BYTES;
  if (floatBytes.length < most) floatBytes = new Uint8Array(most);
  const out = floatBytes;
  let at = 0;
  for (let i = 0; i < has.length; i++) {
    if (has[i] !== FLOAT) continue;
    // The first has no comma.
    for (let k = (starts[i] as number) + (at === 0 ? 1 : 0); k < (starts[i + 1] as number); k++) out[at++] = bytes[k] as number;
    const value = values[i] as number;
    if (value >= 0 && value < 1e9 && Math.floor(value) === value && !Object.is(value, -0)) at = writeWhole(out, at, value);
    else {
      const text = jsonNumber(value);
      for (let k = 0; k < text.length; k++) out[at++] = text.charCodeAt(k);
    }
    out[at++] = QUOTE;
    out[at++] = BRACKET;
  }
  return out.subarray(0, at);
}
const [QUOTE, BRACKET, ZERO] = [0x22, 0x5d, 0x30];
/** @param value whole, 0 to 1e9 */
function writeWhole(out: Uint8Array, at: number, value: number): number {
  let size = 1;
  for (let limit = 10; value >= limit; limit *= 10) size++;
  let rest = value;
  for (let k = at + size - 1; k >= at; k--) {
    const tenth = Math.floor(rest / 10);
    out[k] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return at + size;
}
/** Floats and histograms apart, each in time order; what there are none of is left out. */
function* rowJson(row: Row, heads: Heads): Iterable<Piece> {
  const floats = floatsJson(row, heads);
  yield `{"metric":${JSON.stringify(objectOf(row.labels))}`;
  if (floats.length > 0) {
    yield ',"values":[';
    yield floats;
    yield ']';
  }
  const others: string[] = [];
  if (row.histograms !== null)
    for (let i = 0; i < row.has.length; i++)
      if (row.has[i] === HISTOGRAM) others.push(`${heads.texts[i]}${histogramJson(row.histograms[i] as NativeHistogram)}]`);
  yield others.length > 0 ? `,"histograms":[${others.join('').slice(1)}]}` : '}';
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
function* resultOf(type: string, pieces: Iterable<Piece>): Iterable<Piece> {
  yield `{"resultType":"${type}","result":[`;
  yield* pieces;
  yield ']}';
}
export function* instantJson(answer: Answer, grid: Grid): Iterable<Piece> {
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
export function rangeJson(answer: Answer, grid: Grid): Iterable<Piece> {
  if (answer.type === 'string' || answer.type === 'matrix')
    throw new BadData(
      `invalid parameter "query": invalid expression type ${JSON.stringify(answer.type === 'string' ? 'string' : 'range vector')} for range query, must be Scalar or instant Vector`,
    );
  const rows =
    answer.type === 'scalar'
      ? [{ ...emptyRow(NO_LABELS, 0), values: answer.values, has: new Uint8Array(grid.count).fill(FLOAT) }]
      : answer.rows;
  return resultOf('matrix', rowsJson(rows, allHeads(grid)));
}
function* rowsJson(rows: readonly Row[], heads: Heads): Iterable<Piece> {
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) yield ',';
    yield* rowJson(rows[i] as Row, heads);
  }
}
/** A list of values that are small each. */
export function* listJson(items: Iterable<unknown>): Iterable<string> {
  yield '[';
  yield* listed(items, (item) => JSON.stringify(item));
  yield ']';
}
