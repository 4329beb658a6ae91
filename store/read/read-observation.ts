import type { LogObservation, MetricObservation, Observation, Placement } from '#contracts/observation.ts';
import { observeLogsSql, seenSql } from '../sql/read/judgement-sql.ts';
import { COUNTER_REACH_MS, countSeriesSql, judgedSeriesSql, observeMetricsSql } from '../sql/read/metrics-sql.ts';
import { observeEdgesSql, observeRedSql, observeSelfSql, observeSpansSql } from '../sql/read/observe-spans-sql.ts';
import type { Window } from '../sql/read/services-sql.ts';
import { emptyCells, entryOf, type Mutable } from './cells.ts';
import { type Columns, numbers, partOf, type Queries, texts } from './columns-of.ts';
import type { ProcessStart } from './derive-changes.ts';
import { fillQuiet } from './fill-quiet.ts';
import { readChangeSigns } from './read-changes.ts';
import { SeriesCatalog } from './series-catalog.ts';
import { noteSeen, shapeEdges, shapeServices } from './shape-spans.ts';

export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly buckets: number;
}
/** Shapes of log lines kept per service and severity class. */
const SHAPES_PER_CLASS = 40;
/** Half of what a query gives at most (store/run/run-query.ts DEFAULT_MAX_ROWS): beyond that it fails. */
const VALUES_PER_PART = 500_000;

/** What a window held, with the process starts a ring needs to find restarts across its parts. */
export interface ObservationPart extends Observation {
  readonly starts: readonly ProcessStart[];
  /** Cells in which each service was heard by any signal. */
  readonly alive: ReadonlyMap<string, Uint8Array>;
  /** Series and rows beyond `maxRows`: not in it. */
  readonly leftOut: number;
}
export type JudgedSignal = 'spans' | 'logs' | 'samples';
/**
 * A look at a grid whose older cells were looked at before, and stand: what is read of the newer ones is what reading all of them would
 * say. Where it is not, because something of the older cells goes on in the newer ones, all are read.
 */
export interface Relook {
  /** First cell to read, by signal: where the grid starts, or a later cell. */
  readonly fromMs: Readonly<Record<JudgedSignal, number>>;
  /** Spans that became visible since the older cells were read are of this time or later. */
  readonly freshSpansMs: number;
  /** Who was heard on this grid by then. */
  readonly heard: ReadonlyMap<string, Uint8Array>;
  /** Shapes of log lines in the cells that stand: `shapeKey`. */
  readonly shapes: Iterable<string>;
}
export interface ReadOptions {
  readonly catalog?: SeriesCatalog;
  /** Rows of each list at most, the oldest series first; absent: all. */
  readonly maxRows?: number;
  /** Values of metric series read at once, about. */
  readonly valuesPerPart?: number;
  /** For a few cells, read again and again; absent: all cells, with less memory. */
  readonly relook?: Relook;
}

/**
 * Everything judgement may look at in a window (contracts/observation.ts Observation), by SQL over hot and stored rows.
 * Facets are left empty: they belong to a question (readFacets). Same meaning for one live cell and for a past hour.
 */
export async function readObservation(store: Queries, grid: Grid, options: ReadOptions = {}): Promise<ObservationPart> {
  const { catalog = new SeriesCatalog(), maxRows = Number.POSITIVE_INFINITY, valuesPerPart = VALUES_PER_PART, relook } = options;
  const { startMs, stepMs, buckets } = grid;
  const endMs = startMs + stepMs * buckets;
  const from = relook?.fromMs ?? { spans: startMs, logs: startMs, samples: startMs };
  const window = (signal: JudgedSignal): Window => ({ startMs: from[signal], endMs });
  const alive = new Map([...(relook?.heard ?? [])].map(([service, cells]) => [service, cells.slice()]));
  const places = new Map<string, Placement>();
  const windows = { originMs: startMs, spans: relook ? null : window('spans'), logs: window('logs'), samples: window('samples') };
  const seen = await store.query(seenSql(windows, stepMs));
  noteSeen(partOf(seen, 'heard'), partOf(seen, 'place'), alive, places, buckets);
  let leftOut = 0;
  const cut = <T>(rows: readonly T[]): readonly T[] => {
    leftOut += Math.max(0, rows.length - maxRows);
    return rows.slice(0, maxRows);
  };
  const spans = relook ? await lookAgain(store, grid, relook) : await readSpans(store, window('spans'), stepMs);
  if (spans.seen) noteSeen(spans.seen.heard, spans.seen.place, alive, places, buckets);
  const services = cut(shapeServices(spans.red, spans.self, buckets));
  const edges = cut(shapeEdges(spans.edges, alive, buckets));
  const chosen = await chooseSeries(store, window('samples'), maxRows);
  leftOut += chosen.leftOut;
  const metrics = await readMetrics(store, grid, from.samples, catalog, chosen, valuesPerPart);
  const read = await readLogs(store, grid, from.logs, relook?.shapes ?? []);
  const logs = cut(read.logs);
  // Where older cells stand, what is missing of them here is no zero: whoever puts the cells together fills in.
  fillQuiet(
    {
      services: spans.fromMs === startMs ? services : [],
      edges: spans.fromMs === startMs ? edges : [],
      logs: read.fromMs === startMs ? logs : [],
    },
    alive,
    buckets,
  );
  const placements = [...places.values()].sort((a, b) => a.firstSeenMs - b.firstSeenMs);
  const { starts, changes } = await readChangeSigns(store, { samples: window('samples'), logs: window('logs') }, placements);
  return { ...grid, services, edges, metrics, logs, placements, starts, changes, facets: [], alive, leftOut };
}

interface SpanRows {
  readonly fromMs: number;
  readonly red: Columns;
  readonly self: Columns;
  readonly edges: Columns;
  /** Who was heard, and where from; null: asked elsewhere. */
  readonly seen: { readonly heard: Columns; readonly place: Columns } | null;
}
async function readSpans(store: Queries, window: Window, stepMs: number): Promise<SpanRows> {
  const red = await store.query(observeRedSql(window, stepMs));
  const self = await store.query(observeSelfSql(window, stepMs));
  return { fromMs: window.startMs, red, self, edges: await store.query(observeEdgesSql(window, stepMs)), seen: null };
}
async function lookAgain(store: Queries, { startMs, stepMs, buckets }: Grid, { fromMs, freshSpansMs }: Relook): Promise<SpanRows> {
  const endMs = startMs + stepMs * buckets;
  const look = async (from: number): Promise<SpanRows | null> => {
    const rows = await store.query(observeSpansSql({ originMs: startMs, startMs: from, endMs, freshMs: freshSpansMs }, stepMs));
    const part = (name: string): Columns => partOf(rows, name);
    if (part('changed').rowCount > 0) return null;
    return {
      fromMs: from,
      red: part('red'),
      self: part('self'),
      edges: part('edge'),
      seen: { heard: part('heard'), place: part('place') },
    };
  };
  return (await look(fromMs.spans)) ?? ((await look(startMs)) as SpanRows);
}

interface Chosen {
  /** About so many series are read: what the size of a part goes by. */
  readonly series: number;
  /** The last one read; null: all are. */
  readonly upToId: number | null;
  readonly leftOut: number;
}
/** The `maxSeries` oldest series with anything in the window. */
async function chooseSeries(store: Queries, window: Window, maxSeries: number): Promise<Chosen> {
  const series = numbers(await store.query(countSeriesSql()), 'series')[0] as number;
  const all = { series, upToId: null, leftOut: 0 };
  if (series <= maxSeries) return all;
  const ids = numbers(await store.query(judgedSeriesSql(window)), 'series_id');
  return ids.length <= maxSeries ? all : { series: maxSeries, upToId: ids[maxSeries - 1] as number, leftOut: ids.length - maxSeries };
}
/** Values of series in parts of the window, so that no answer is longer than a query may give or memory can hold. */
async function readMetrics(
  store: Queries,
  grid: Grid,
  fromMs: number,
  catalog: SeriesCatalog,
  chosen: Chosen,
  valuesPerPart: number,
): Promise<MetricObservation[]> {
  const values = new Map<number, Float64Array>();
  const cells = Math.max(1, Math.floor(valuesPerPart / Math.max(1, chosen.series)));
  const first = Math.round((fromMs - grid.startMs) / grid.stepMs);
  for (let from = first; from < grid.buckets; from += cells) {
    const startMs = grid.startMs + from * grid.stepMs;
    const part: Window = { startMs, endMs: startMs + Math.min(cells, grid.buckets - from) * grid.stepMs };
    const pastMs = (from === first ? grid.startMs : startMs) - COUNTER_REACH_MS;
    for (const sql of observeMetricsSql(part, grid.stepMs, chosen.upToId, pastMs)) {
      const result = await store.query(sql);
      const [ids, cell, value] = [numbers(result, 'series_id'), numbers(result, 'cell'), numbers(result, 'value')];
      for (let i = 0; i < result.rowCount; i++) {
        entryOf(values, ids[i] as number, () => emptyCells(grid.buckets))[from + (cell[i] as number)] = value[i] as number;
      }
    }
  }
  await catalog.load(store, values.keys());
  const metrics: MetricObservation[] = [];
  for (const [seriesId, array] of values) {
    const facts = catalog.get(seriesId);
    if (facts) metrics.push({ ...facts, seriesId, values: array });
  }
  return metrics;
}

export const shapeKey = ({ service, severity, pattern }: Pick<LogObservation, 'service' | 'severity' | 'pattern'>): string =>
  `${service}\0${severity}\0${pattern}`;
/** Whether a service and severity class may have more shapes than are kept: which ones are kept then hangs on the whole window. */
export function isCrowded(shapes: Iterable<string>): boolean {
  const perClass = new Map<string, number>();
  for (const key of shapes) {
    const of = key.slice(0, key.indexOf('\0', key.indexOf('\0') + 1));
    const count = (perClass.get(of) ?? 0) + 1;
    if (count >= SHAPES_PER_CLASS) return true;
    perClass.set(of, count);
  }
  return false;
}
async function readLogs(
  store: Queries,
  grid: Grid,
  fromMs: number,
  known: Iterable<string>,
): Promise<{ logs: LogObservation[]; fromMs: number }> {
  const logs = await readLogsFrom(store, grid, fromMs);
  if (fromMs === grid.startMs || !isCrowded(new Set([...known, ...logs.map(shapeKey)]))) return { logs, fromMs };
  return { logs: await readLogsFrom(store, grid, grid.startMs), fromMs: grid.startMs };
}
async function readLogsFrom(store: Queries, grid: Grid, startMs: number): Promise<LogObservation[]> {
  const window = { startMs, endMs: grid.startMs + grid.stepMs * grid.buckets };
  const result = await store.query(observeLogsSql(window, grid.stepMs, SHAPES_PER_CLASS, grid.startMs));
  const text = (name: string): readonly (string | null)[] => texts(result, name);
  const [service, severity, shape, example, trace] = [text('service'), text('severity'), text('shape'), text('example'), text('trace_id')];
  const [cell, count] = [numbers(result, 'cell'), numbers(result, 'count')];
  const logs = new Map<string, Mutable<LogObservation>>();
  for (let i = 0; i < result.rowCount; i++) {
    const log = entryOf(logs, `${service[i]}\0${severity[i]}\0${shape[i]}`, () => ({
      service: service[i] ?? '',
      severity: (severity[i] ?? 'info') as LogObservation['severity'],
      pattern: shape[i] ?? '',
      example: example[i] ?? '',
      exampleTraceId: trace[i] ?? null,
      counts: emptyCells(grid.buckets),
    }));
    log.counts[cell[i] as number] = count[i] as number;
    log.exampleTraceId ??= trace[i] ?? null;
  }
  return [...logs.values()];
}
