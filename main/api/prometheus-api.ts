import type { Context, Hono } from 'hono';
import { FaultlineError } from '#contracts/errors.ts';
import type { Engine } from '#main/engine/engine.ts';
import { readExemplars } from '#main/engine/promql/read-exemplars.ts';
import { readSamples } from '#main/engine/promql/read-samples.ts';
import { LOOKBACK_MS, runExpr } from '#main/engine/promql/run-promql.ts';
import { namesOf, type PromqlSeries, partLabel, partLabels, type SeriesBook } from '#main/engine/promql/series-book.ts';
import type { Expr, Matcher } from '#query/promql/ast.ts';
import type { Answer, Evaluated } from '#query/promql/engine.ts';
import { compareText, entriesOf, type Labels, labelOf, NO_LABELS, setLabel } from '#query/promql/labels.ts';
import { durationMs } from '#query/promql/literals.ts';
import { bucketsOf, type NativeHistogram } from '#query/promql/native-histogram.ts';
import { parsePromql } from '#query/promql/parser.ts';
import { formatPromql, printNumber } from '#query/promql/print.ts';
import { PromqlError, type Range } from '#query/promql/token.ts';
import { EvaluationError, emptyRow, FLOAT, type Grid, type Row, type Sample, type Samples, sampleAt, timeAt } from '#query/promql/value.ts';
import { placeOf } from '#query/rules/place-of.ts';
import type { Shared } from './create-api.ts';

/** Prometheus' HTTP API as Grafana and promtool use it, as far as it is there: queries, series and labels, formatting. */
const MAX_POINTS = 11_000;
const TIMEOUT_MS = 30_000;
const MAX_VALUES = 100_000;
const MAX_NOTES = 10;
const HOUR_MS = 3_600_000;

type Parameters = ReadonlyMap<string, readonly string[]>;
async function parametersOf(c: Context): Promise<Parameters> {
  const found = new Map<string, string[]>();
  const add = (from: URLSearchParams): void => {
    for (const [name, value] of from) found.set(name, [...(found.get(name) ?? []), value]);
  };
  add(new URL(c.req.url).searchParams);
  if (c.req.method === 'POST') add(new URLSearchParams(await c.req.text()));
  return found;
}
const one = (parameters: Parameters, name: string): string => parameters.get(name)?.[0] ?? '';

class BadData extends Error {}
const badParameter = (name: string, why: string): never => {
  throw new BadData(`invalid parameter ${JSON.stringify(name)}: ${why}`);
};
/** @throws BadData with the place, in Prometheus' words */
function parsedParameter(name: string, text: string): Expr {
  try {
    return parsePromql(text);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    throw new BadData(`invalid parameter ${JSON.stringify(name)}: ${placeOf(text, error.range.start)}: parse error: ${error.message}`);
  }
}
/** Unix seconds or RFC 3339, as milliseconds. */
function timeOf(parameters: Parameters, name: string, fallbackMs?: number): number {
  const text = one(parameters, name);
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const ms = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Math.round(Number(text) * 1000) : Date.parse(text);
  return Number.isFinite(ms) ? ms : badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}
/** Seconds or 1h30m, as milliseconds. */
function durationOf(text: string, name: string): number {
  const plain = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Math.round(Number(text) * 1000) : Number.NaN;
  if (Number.isFinite(plain)) return plain;
  try {
    if (/^(?:\d+(?:ms|[smhdwy]))+$/.test(text)) return durationMs({ type: 'duration', text, word: text, start: 0, end: text.length });
  } catch {
    // told below
  }
  return badParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
}

const objectOf = (labels: Labels): Record<string, string> => Object.fromEntries(entriesOf(labels));
/** Go's JSON: with an exponent of two digits beyond 1e21 and below 1e-6. */
function jsonNumber(value: number): string {
  const text = printNumber(value);
  const size = Math.abs(value);
  if (!(size >= 1e21 || size < 1e-6) || value === 0 || !Number.isFinite(value)) return text;
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
const pointOf = (ms: number, value: number): [number, string] => [ms / 1000, jsonNumber(value)];
/** Prometheus' shape: of each populated bucket which of its ends are in it, both ends and its count (util/jsonutil). */
function histogramPoint(ms: number, histogram: NativeHistogram): [number, unknown] {
  const buckets = bucketsOf(histogram).filter(({ count }) => count !== 0);
  return [
    ms / 1000,
    {
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
    },
  ];
}
/** Floats and histograms apart, each in time order; what there are none of is left out. */
interface Points {
  readonly values?: readonly [number, string][];
  readonly histograms?: readonly [number, unknown][];
}
function pointsOf(samples: Iterable<readonly [ms: number, sample: Sample]>): Points {
  const values: [number, string][] = [];
  const histograms: [number, unknown][] = [];
  for (const [ms, sample] of samples) {
    if (typeof sample === 'number') values.push(pointOf(ms, sample));
    else histograms.push(histogramPoint(ms, sample));
  }
  return { ...(values.length > 0 ? { values } : {}), ...(histograms.length > 0 ? { histograms } : {}) };
}
function* samplesOf(row: Row, grid: Grid): Iterable<readonly [number, Sample]> {
  for (let i = 0; i < grid.count; i++) {
    const sample = sampleAt(row, i);
    if (sample !== undefined) yield [timeAt(grid, i), sample];
  }
}
function* storedSamples({ times, values, histograms }: Samples): Iterable<readonly [number, Sample]> {
  for (let i = 0; i < times.length; i++) yield [times[i] as number, values[i] as number];
  for (const [i, histogram] of histograms?.histograms.entries() ?? []) yield [histograms?.times[i] as number, histogram];
}
function instantResult(answer: Answer, grid: Grid): { resultType: string; result: unknown } {
  switch (answer.type) {
    case 'scalar':
      return { resultType: 'scalar', result: pointOf(grid.startMs, answer.values[0] as number) };
    case 'string':
      return { resultType: 'string', result: [grid.startMs / 1000, answer.value] };
    case 'vector': {
      const result = answer.rows.map((row) => {
        const { values, histograms } = pointsOf(samplesOf(row, grid));
        return { metric: objectOf(row.labels), ...(values ? { value: values[0] } : { histogram: histograms?.[0] }) };
      });
      return { resultType: 'vector', result };
    }
    case 'matrix':
      return {
        resultType: 'matrix',
        result: answer.rows.map((row) => ({ metric: objectOf(row.labels), ...pointsOf(storedSamples(row)) })),
      };
  }
}
function rangeResult(answer: Answer, grid: Grid): { resultType: string; result: unknown } {
  if (answer.type === 'string' || answer.type === 'matrix')
    throw new BadData(
      `invalid parameter "query": invalid expression type ${JSON.stringify(answer.type === 'string' ? 'string' : 'range vector')} for range query, must be Scalar or instant Vector`,
    );
  const rows =
    answer.type === 'scalar'
      ? [{ ...emptyRow(NO_LABELS, 0), values: answer.values, has: new Uint8Array(grid.count).fill(FLOAT) }]
      : answer.rows;
  return { resultType: 'matrix', result: rows.map((row) => ({ metric: objectOf(row.labels), ...pointsOf(samplesOf(row, grid)) })) };
}

/** Registers the routes under /api/v1. Who may call them has been asked by then. */
export function servePrometheus(app: Hono<{ Variables: Shared }>, engine: Engine, book: SeriesBook): void {
  const query = async (c: Context, parameters: Parameters, grid: Grid): Promise<Evaluated> => {
    const text = one(parameters, 'query');
    const lookback = one(parameters, 'lookback_delta');
    const timeout = one(parameters, 'timeout');
    const timeoutMs = timeout === '' ? TIMEOUT_MS : Math.min(TIMEOUT_MS, Math.max(1, durationOf(timeout, 'timeout')));
    const options = { timeoutMs, signal: c.req.raw.signal };
    const lookbackMs = lookback === '' ? LOOKBACK_MS : durationOf(lookback, 'lookback_delta');
    return runExpr({ store: engine.store, book }, parsedParameter('query', text), grid, options, lookbackMs);
  };
  /** Labels of series in the window that fit any of the selectors; of all, without one. */
  const matching = async (c: Context, parameters: Parameters, needsMatch: boolean, readsSamples = false): Promise<Labels[]> => {
    const selectors = parameters.get('match[]') ?? [];
    if (needsMatch && selectors.length === 0) throw new BadData('no match[] parameter provided');
    await book.refresh();
    const parsed = selectors.map((text) => {
      const expr = parsedParameter('match[]', text);
      return expr.kind === 'selector' ? expr.matchers : badParameter('match[]', 'only selectors are allowed');
    });
    const isBound = one(parameters, 'start') !== '' || one(parameters, 'end') !== '';
    const found = new Map<string, Labels>();
    for (const matchers of parsed.length > 0 ? parsed : [[]]) {
      const series = book.select(matchers);
      const mustRead = readsSamples || (isBound && parsed.length > 0);
      const read = mustRead ? await there(c, parameters, series, matchers) : series.flatMap(allLabels);
      for (const labels of read) found.set(labels.key, labels);
    }
    return [...found.values()];
  };
  const there = async (
    c: Context,
    parameters: Parameters,
    series: readonly PromqlSeries[],
    matchers: readonly Matcher[],
  ): Promise<Labels[]> => {
    const endMs = timeOf(parameters, 'end', Date.now());
    const startMs = timeOf(parameters, 'start', endMs - HOUR_MS);
    const read = await readSamples(
      engine.store,
      series,
      { matchers, startMs: startMs - 1, endMs },
      { timeoutMs: TIMEOUT_MS, signal: c.req.raw.signal },
    );
    return read.filter(({ times, histograms }) => times.length + (histograms?.times.length ?? 0) > 0).map(({ labels }) => labels);
  };

  const routes: Readonly<Record<string, (c: Context, parameters: Parameters) => Promise<unknown>>> = {
    '/query': async (c, parameters) => {
      const grid = { startMs: timeOf(parameters, 'time', Date.now()), stepMs: 0, count: 1 };
      const { answer, notes } = await query(c, parameters, grid);
      return { data: instantResult(answer, grid), ...notesOf(notes, one(parameters, 'query')) };
    },
    '/query_range': async (c, parameters) => {
      const [startMs, endMs] = [timeOf(parameters, 'start'), timeOf(parameters, 'end')];
      if (endMs < startMs) badParameter('end', 'end timestamp must not be before start time');
      const stepMs = durationOf(one(parameters, 'step'), 'step');
      if (!(stepMs > 0)) badParameter('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
      const count = Math.floor((endMs - startMs) / stepMs) + 1;
      if (count > MAX_POINTS)
        throw new BadData('exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)');
      const grid = { startMs, stepMs, count };
      const { answer, notes } = await query(c, parameters, grid);
      return { data: rangeResult(answer, grid), ...notesOf(notes, one(parameters, 'query')) };
    },
    '/query_exemplars': async (c, parameters) => {
      const [startMs, endMs] = [timeOf(parameters, 'start', 0), timeOf(parameters, 'end', Date.now())];
      if (endMs < startMs) badParameter('end', 'end timestamp must not be before start timestamp');
      const options = { timeoutMs: TIMEOUT_MS, signal: c.req.raw.signal };
      const found = await readExemplars(
        { store: engine.store, book },
        parsedParameter('query', one(parameters, 'query')),
        { startMs, endMs },
        options,
      );
      return {
        data: found.map(({ labels, exemplars }) => ({
          seriesLabels: objectOf(labels),
          exemplars: exemplars.map((each) => ({ labels: objectOf(each.labels), value: jsonNumber(each.value), timestamp: each.ms / 1000 })),
        })),
      };
    },
    '/series': async (c, parameters) => limited((await matching(c, parameters, true)).map(objectOf), parameters),
    '/labels': async (c, parameters) => limited(sorted((await matching(c, parameters, false)).flatMap(({ names }) => names)), parameters),
    '/label/:name/values': async (c, parameters) => {
      const name = c.req.param('name') ?? '';
      const isPart = name === 'le' || name === 'quantile';
      const labels = await matching(c, parameters, false, isPart);
      return limited(sorted(labels.map((each) => labelOf(each, name)).filter((value) => value !== '')), parameters);
    },
    '/metadata': async (_c, parameters) => {
      await book.refresh();
      const wanted = one(parameters, 'metric');
      const data: Record<string, { type: string; unit: string; help: string }[]> = {};
      for (const series of book.entries()) {
        const name = labelOf(series.labels, '__name__');
        if (name !== '' && (wanted === '' || wanted === name))
          data[name] ??= [{ type: TYPES[series.type] ?? 'unknown', unit: series.unit, help: series.help }];
      }
      return { data };
    },
    '/format_query': async (_c, parameters) => ({ data: formatPromql(parsedParameter('query', one(parameters, 'query'))) }),
    '/status/buildinfo': async () => ({
      // Grafana asks for a Prometheus version to know what it may ask for.
      data: { version: '3.5.0', revision: `faultline ${engine.parts.version}`, branch: '', buildUser: '', buildDate: '', goVersion: '' },
    }),
  };
  for (const [path, handle] of Object.entries(routes)) {
    app.on(['GET', 'POST'], `/api/v1${path}`, async (c) => {
      c.set('route', `get /api/v1${path}`);
      try {
        return c.json({ status: 'success', ...((await handle(c, await parametersOf(c))) as object) });
      } catch (error) {
        return failed(c, error);
      }
    });
  }
}
const TYPES: Readonly<Record<string, string>> = {
  sum: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  exponential_histogram: 'histogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
};
/** Of histograms also the label each bucket or quantile has; its values are with the samples. */
function allLabels(series: PromqlSeries): Labels[] {
  const label = partLabel(series);
  if (!label) return [series.labels];
  const [first = '', ...others] = namesOf(series);
  const part = setLabel(partLabels(series, first), label, '+Inf');
  return [part, ...others.map((name) => partLabels(series, name))];
}
const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compareText);
/** The first of them: as many as asked for, 0 for all there may be. */
function limited<T>(found: readonly T[], parameters: Parameters): { data: readonly T[]; warnings?: readonly string[] } {
  const asked = Number(one(parameters, 'limit') || 0);
  if (!Number.isInteger(asked) || asked < 0) badParameter('limit', 'limit must be non-negative');
  const limit = asked === 0 ? MAX_VALUES : Math.min(asked, MAX_VALUES);
  return found.length <= limit ? { data: found } : { data: found.slice(0, limit), warnings: ['results truncated due to limit'] };
}
/** With where in the query each is said, and no more than Prometheus shows of either kind. */
function notesOf({ warnings, infos }: Evaluated['notes'], query: string): { warnings?: string[]; infos?: string[] } {
  const shown = (notes: ReadonlyMap<string, Range>, kind: string): string[] => [
    ...[...notes].slice(0, MAX_NOTES).map(([text, { start }]) => `${text} (${placeOf(query, start)})`),
    ...(notes.size > MAX_NOTES ? [`${notes.size - MAX_NOTES} more ${kind} annotations omitted`] : []),
  ];
  return {
    ...(warnings.size > 0 ? { warnings: shown(warnings, 'warning') } : {}),
    ...(infos.size > 0 ? { infos: shown(infos, 'info') } : {}),
  };
}
/** Prometheus' shape of an error. Others go on to the API's own handler. */
function failed(c: Context, error: unknown): Response {
  const answer = (status: 400 | 422 | 503, errorType: string, message: string): Response =>
    c.json({ status: 'error', errorType, error: message }, status);
  if (error instanceof BadData) return answer(400, 'bad_data', error.message);
  if (error instanceof EvaluationError) return answer(422, 'execution', error.message);
  if (error instanceof FaultlineError && error.code === 'query_timeout')
    return answer(503, 'timeout', 'query timed out in expression evaluation');
  if (error instanceof FaultlineError && error.code === 'answer_too_long') return answer(422, 'execution', error.message);
  throw error;
}
