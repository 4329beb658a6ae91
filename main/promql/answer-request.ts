import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions } from '#contracts/store.ts';
import { SampleCounter } from '#main/engine/promql/growing-series.ts';
import { readExemplars } from '#main/engine/promql/read-exemplars.ts';
import { readThere } from '#main/engine/promql/read-there.ts';
import { LOOKBACK_MS, runExpr } from '#main/engine/promql/run-promql.ts';
import type { SampleCache } from '#main/engine/promql/sample-cache.ts';
import { allLabels, type SeriesBook } from '#main/engine/promql/series-book.ts';
import { describeExpr } from '#query/promql/describe.ts';
import type { Evaluated } from '#query/promql/engine.ts';
import { compareText, type Labels, labelOf, METRIC_NAME } from '#query/promql/labels.ts';
import { formatPromql } from '#query/promql/print.ts';
import type { Range } from '#query/promql/token.ts';
import { EvaluationError, type Grid } from '#query/promql/value.ts';
import { placeOf } from '#query/rules/place-of.ts';
import type { Queries } from '#store/read/columns-of.ts';
import { describeSeries, describeTargets, typeOf } from './describe-series.ts';
import { type About, TIMEOUT_MS } from './messages.ts';
import { cardsOf } from './metric-cards.ts';
import { catalogueOf, labelsOfMetric } from './metric-catalogue.ts';
import { BadData, badParameter, durationOf, limited, one, type Parameters, parametersOf, parsedParameter, timeOf } from './parameters.ts';
import { instantJson, jsonNumber, listJson, objectOf, type Piece, rangeJson } from './result-json.ts';

/** The part of Prometheus' HTTP API that computes: it is answered in a thread of its own, under /api/v1. */
const MAX_POINTS = 11_000;
const MAX_VALUES = 100_000;
const MAX_NOTES = 10;
const HOUR_MS = 3_600_000;

export interface Request {
  readonly path: string;
  readonly search: string;
  readonly form: string;
  readonly about: About;
  readonly nowMs: number;
}
/** What an answer is made with. */
export interface Means {
  readonly store: Queries;
  readonly book: SeriesBook;
  readonly signal: NonNullable<QueryOptions['signal']>;
  /** Called ever so often while something is computed; throws when it is to end. */
  readonly onCheck: () => void;
  readonly onProgress: (share: number) => void;
  readonly newestSeries: number;
  /** Samples that were read before. */
  readonly cache: SampleCache;
}
export interface Answered {
  readonly status: number;
  readonly text: Iterable<Piece>;
}
/** `data`: JSON in pieces. */
interface Success {
  readonly data: Iterable<Piece>;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}
interface Asked extends Means {
  readonly parameters: Parameters;
  readonly about: About;
  readonly nowMs: number;
  /** What a place holder of the path stands for. */
  readonly name: string;
}
type Handle = (asked: Asked) => Promise<Success>;

async function query(asked: Asked, grid: Grid): Promise<{ readonly evaluated: Evaluated; readonly stats: object | null }> {
  const { parameters, store, book, signal, onCheck, newestSeries, cache } = asked;
  const startedMs = performance.now();
  const timeout = one(parameters, 'timeout');
  const timeoutMs = timeout === '' ? TIMEOUT_MS : Math.min(TIMEOUT_MS, Math.max(1, durationOf(timeout, 'timeout')));
  const lookback = one(parameters, 'lookback_delta');
  const lookbackMs = lookback === '' ? LOOKBACK_MS : durationOf(lookback, 'lookback_delta');
  const expr = parsedParameter('query', one(parameters, 'query'));
  const counter = new SampleCounter();
  const evaluated = await runExpr(
    { store, book, newestSeries, cache },
    expr,
    grid,
    { timeoutMs, signal },
    { lookbackMs, onCheck, counter },
  );
  const stats = one(parameters, 'stats');
  if (stats === '') return { evaluated, stats: null };
  const seconds = (performance.now() - startedMs) / 1000;
  const timings = {
    evalTotalTime: seconds,
    resultSortTime: 0,
    queryPreparationTime: counter.readSeconds,
    innerEvalTime: seconds - counter.readSeconds,
  };
  return {
    evaluated,
    stats: {
      timings: { ...timings, execQueueTime: 0, execTotalTime: seconds },
      samples: { totalQueryableSamples: counter.samples, peakSamples: counter.samples },
    },
  };
}
/** With `limit`, the first series only, which is told. */
function cut({ answer, notes }: Evaluated, parameters: Parameters): Evaluated & { readonly warnings: readonly string[] } {
  if (answer.type !== 'vector' && answer.type !== 'matrix') return { answer, notes, warnings: [] };
  const { data: rows, warnings = [] } = limited<(typeof answer.rows)[number]>(answer.rows, parameters, Number.POSITIVE_INFINITY);
  return { answer: { ...answer, rows } as typeof answer, notes, warnings };
}
function* withStats(data: Iterable<Piece>, stats: object | null): Iterable<Piece> {
  if (stats === null) return yield* data;
  // The result's own closing brace waits until the statistics are behind it.
  let held = '';
  for (const piece of data) {
    if (held !== '') yield held;
    held = '';
    if (typeof piece === 'string') held = piece;
    else yield piece;
  }
  yield `${held.slice(0, -1)},"stats":${JSON.stringify(stats)}}`;
}
async function answerQuery(asked: Asked, grid: Grid, jsonOf: typeof rangeJson): Promise<Success> {
  const { evaluated, stats } = await query(asked, grid);
  const { answer, notes, warnings } = cut(evaluated, asked.parameters);
  const told = notesOf(notes, one(asked.parameters, 'query'));
  return { ...told, ...withWarnings([...warnings, ...(told.warnings ?? [])]), data: withStats(jsonOf(answer, grid), stats) };
}
const withWarnings = (warnings: readonly string[]): { readonly warnings?: readonly string[] } => (warnings.length > 0 ? { warnings } : {});

/** Labels of series in the window that fit any of the selectors; of all, without one. */
async function matching(asked: Asked, needsMatch: boolean, readsParts = false): Promise<Labels[]> {
  const { parameters, store, book, signal, nowMs, newestSeries } = asked;
  const selectors = parameters.get('match[]') ?? [];
  if (needsMatch && selectors.length === 0) throw new BadData('no match[] parameter provided');
  await book.refresh(newestSeries);
  const parsed = selectors.map((text) => {
    const expr = parsedParameter('match[]', text);
    return expr.kind === 'selector' ? expr.matchers : badParameter('match[]', 'only selectors are allowed');
  });
  const isBound = one(parameters, 'start') !== '' || one(parameters, 'end') !== '';
  const endMs = timeOf(parameters, 'end', nowMs);
  const startMs = timeOf(parameters, 'start', endMs - HOUR_MS);
  if (endMs < startMs) badParameter('end', 'end timestamp must not be before start timestamp');
  const found = new Map<string, Labels>();
  for (const matchers of parsed.length > 0 ? parsed : [[]]) {
    const series = book.select(matchers);
    const mustRead = readsParts || (isBound && parsed.length > 0);
    const window = { matchers, startMs: startMs - 1, endMs, readsParts };
    const labels = mustRead ? await readThere(store, series, window, { timeoutMs: TIMEOUT_MS, signal }) : series.flatMap(allLabels);
    for (const each of labels) found.set(each.key, each);
  }
  return [...found.values()];
}
const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort(compareText);
const listOf = <T>(found: readonly T[], parameters: Parameters, json: (item: T) => unknown = (item) => item): Success => {
  const { data, warnings = [] } = limited(found, parameters, MAX_VALUES);
  return {
    ...withWarnings(warnings),
    data: listJson(
      (function* () {
        for (const item of data) yield json(item);
      })(),
    ),
  };
};
function rangeOf({ parameters }: Asked): Grid {
  const [startMs, endMs] = [timeOf(parameters, 'start'), timeOf(parameters, 'end')];
  if (endMs < startMs) badParameter('end', 'end timestamp must not be before start time');
  const stepMs = durationOf(one(parameters, 'step'), 'step');
  if (!(stepMs > 0)) badParameter('step', 'zero or negative query resolution step widths are not accepted. Try a positive integer');
  const count = Math.floor((endMs - startMs) / stepMs) + 1;
  if (count > MAX_POINTS)
    throw new BadData('exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)');
  return { startMs, stepMs, count };
}
async function exemplars({ parameters, store, book, signal, nowMs }: Asked): Promise<Success> {
  const [startMs, endMs] = [timeOf(parameters, 'start', 0), timeOf(parameters, 'end', nowMs)];
  if (endMs < startMs) badParameter('end', 'end timestamp must not be before start timestamp');
  const expr = parsedParameter('query', one(parameters, 'query'));
  const found = await readExemplars({ store, book }, expr, { startMs, endMs }, { timeoutMs: TIMEOUT_MS, signal });
  const json = ({ labels, exemplars: own }: (typeof found)[number]): object => ({
    seriesLabels: objectOf(labels),
    exemplars: own.map((each) => ({ labels: objectOf(each.labels), value: jsonNumber(each.value), timestamp: each.ms / 1000 })),
  });
  return { data: listJson(found.map(json)) };
}
/** A limit of /metadata: a whole number, negative for none. @returns how many */
function metadataLimit(parameters: Parameters, name: string): number {
  const text = one(parameters, name);
  if (text !== '' && !/^[+-]?\d+$/.test(text)) throw new BadData(`${name} must be a number`);
  return text === '' || Number(text) <= (name === 'limit' ? -1 : 0) ? Number.POSITIVE_INFINITY : Number(text);
}
async function metadata({ parameters, book, newestSeries }: Asked): Promise<Success> {
  await book.refresh(newestSeries);
  const [limit, perMetric] = [metadataLimit(parameters, 'limit'), metadataLimit(parameters, 'limit_per_metric')];
  const wanted = one(parameters, 'metric');
  const found = new Map<string, Map<string, object>>();
  for (const series of book.entries()) {
    const name = labelOf(series.labels, METRIC_NAME);
    if (name === '' || (wanted !== '' && wanted !== name)) continue;
    let known = found.get(name);
    if (!known) {
      if (found.size >= limit) continue;
      known = new Map();
      found.set(name, known);
    }
    if (known.size >= perMetric) continue;
    const said = { type: typeOf(series), help: series.help, unit: series.unit };
    known.set(JSON.stringify(said), said);
  }
  return { data: [JSON.stringify(Object.fromEntries([...found].map(([name, said]) => [name, [...said.values()]])))] };
}
const ROUTES: readonly (readonly [path: RegExp, handle: Handle])[] = [
  [
    /^\/query$/,
    (asked) => answerQuery(asked, { startMs: timeOf(asked.parameters, 'time', asked.nowMs), stepMs: 0, count: 1 }, instantJson),
  ],
  [/^\/query_range$/, (asked) => answerQuery(asked, rangeOf(asked), rangeJson)],
  [/^\/query_exemplars$/, exemplars],
  [/^\/series$/, async (asked) => listOf(await matching(asked, true), asked.parameters, objectOf)],
  [/^\/labels$/, async (asked) => listOf(sorted((await matching(asked, false)).flatMap(({ names }) => names)), asked.parameters)],
  [
    /^\/label\/([^/]*)\/values$/,
    async (asked) => {
      const name = labelNameOf(asked.name);
      const labels = await matching(asked, false, name === 'le' || name === 'quantile');
      return listOf(sorted(labels.map((each) => labelOf(each, name)).filter((value) => value !== '')), asked.parameters);
    },
  ],
  [/^\/metadata$/, metadata],
  [
    /^\/targets\/metadata$/,
    async ({ parameters, about, book, newestSeries }) => {
      await book.refresh(newestSeries);
      return { data: listJson(describeTargets(book, about.targets ?? [], parameters)) };
    },
  ],
  [
    /^\/status\/tsdb$/,
    async ({ parameters, about, book, newestSeries }) => {
      await book.refresh(newestSeries);
      return { data: [JSON.stringify(describeSeries(book, about, parameters))] };
    },
  ],
  [
    /^\/format_query$/,
    async ({ parameters }) => ({ data: [JSON.stringify(formatPromql(parsedParameter('query', one(parameters, 'query'))))] }),
  ],
  [
    /^\/parse_query$/,
    async ({ parameters }) => ({ data: [JSON.stringify(describeExpr(parsedParameter('query', one(parameters, 'query'))))] }),
  ],
];
/** For the console's own screens (main/api/promql-routes.ts); not of Prometheus' API. */
const CONSOLE_ROUTES: readonly (readonly [path: string, handle: Handle])[] = [
  [
    '/metric-catalogue',
    async ({ book, newestSeries }) => {
      await book.refresh(newestSeries);
      return { data: [JSON.stringify(catalogueOf(book))] };
    },
  ],
  [
    '/metric-labels',
    async ({ book, newestSeries, parameters }) => {
      await book.refresh(newestSeries);
      return { data: [JSON.stringify(labelsOfMetric(book, one(parameters, 'metric')))] };
    },
  ],
  [
    '/metric-cards',
    async (asked) => ({ data: [JSON.stringify(await cardsOf(asked, asked.parameters.get('name') ?? [], rangeOf(asked)))] }),
  ],
];
/** Prometheus 3 writes names that are no identifiers as U__ and _HEX_ in the path (model.UnescapeName). @throws BadData */
function labelNameOf(part: string): string {
  const text = decodeURIComponent(part);
  if (!text.startsWith('U__')) return text === '' ? badName(text) : text;
  return text
    .slice(3)
    .replace(/_(_|[0-9a-fA-F]{1,6}_)/g, (_whole, code: string) => (code === '_' ? '_' : String.fromCodePoint(Number.parseInt(code, 16))));
}
const badName = (name: string): never => {
  throw new BadData(`invalid label name: ${JSON.stringify(name)}`);
};
/** Paths it knows, as a router writes them. */
export const COMPUTED_PATHS: readonly string[] = [
  ...['/query', '/query_range', '/query_exemplars', '/series', '/labels', '/label/:name/values', '/metadata'],
  ...['/format_query', '/parse_query', '/targets/metadata', '/status/tsdb'],
];

/** @throws what is no fault of the request's */
export async function answerRequest(request: Request, means: Means): Promise<Answered> {
  try {
    for (const [path, handle] of ROUTES) {
      const found = path.exec(request.path);
      if (!found) continue;
      const parameters = parametersOf(request.search, request.form);
      return {
        status: 200,
        text: successText(await handle({ ...means, parameters, about: request.about, nowMs: request.nowMs, name: found[1] ?? '' })),
      };
    }
    for (const [path, handle] of CONSOLE_ROUTES) {
      if (path !== request.path) continue;
      const parameters = parametersOf(request.search, request.form);
      return {
        status: 200,
        text: successText(await handle({ ...means, parameters, about: request.about, nowMs: request.nowMs, name: '' })),
      };
    }
    throw new FaultlineError('not_found', `There is no ${request.path}.`);
  } catch (error) {
    const failed = failureOf(error);
    if (!failed) throw error;
    return { status: failed.status, text: [JSON.stringify({ status: 'error', errorType: failed.errorType, error: failed.message })] };
  }
}
function* successText({ data, warnings, infos }: Success): Iterable<Piece> {
  yield '{"status":"success","data":';
  yield* data;
  if (warnings) yield `,"warnings":${JSON.stringify(warnings)}`;
  if (infos) yield `,"infos":${JSON.stringify(infos)}`;
  yield '}';
}
/** With where in the query each is said, and no more than Prometheus shows of either kind. */
function notesOf({ warnings, infos }: Evaluated['notes'], text: string): { readonly warnings?: string[]; readonly infos?: string[] } {
  const shown = (notes: ReadonlyMap<string, Range>, kind: string): string[] => [
    ...[...notes].slice(0, MAX_NOTES).map(([note, { start }]) => `${note} (${placeOf(text, start)})`),
    ...(notes.size > MAX_NOTES ? [`${notes.size - MAX_NOTES} more ${kind} annotations omitted`] : []),
  ];
  return {
    ...(warnings.size > 0 ? { warnings: shown(warnings, 'warning') } : {}),
    ...(infos.size > 0 ? { infos: shown(infos, 'info') } : {}),
  };
}
export interface Failure {
  readonly status: 400 | 422 | 503;
  readonly errorType: string;
  readonly message: string;
}
/** Prometheus' shape of an error; null: it has none for it. */
export function failureOf(error: unknown): Failure | null {
  const failure = (status: Failure['status'], errorType: string, message: string): Failure => ({ status, errorType, message });
  if (error instanceof BadData) return failure(400, 'bad_data', error.message);
  if (error instanceof EvaluationError) return failure(422, 'execution', error.message);
  // A pattern no machine is made for.
  if (error instanceof SyntaxError) return failure(400, 'bad_data', error.message);
  if (!(error instanceof FaultlineError)) return null;
  if (error.code === 'query_timeout') return failure(503, 'timeout', 'query timed out in expression evaluation');
  if (error.code === 'answer_too_long' || error.code === 'query_memory') return failure(422, 'execution', error.message);
  return null;
}
