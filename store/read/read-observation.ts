import type {
  EdgeObservation,
  LogObservation,
  MetricObservation,
  Observation,
  Placement,
  ServiceObservation,
} from '#contracts/observation.ts';
import { observeLogsSql, seenSql } from '../sql/read/judgement-sql.ts';
import { countSeriesSql, judgedSeriesSql, observeMetricsSql } from '../sql/read/metrics-sql.ts';
import { observeEdgesSql, observeRedSql, observeSelfSql } from '../sql/read/observe-spans-sql.ts';
import type { Window } from '../sql/read/services-sql.ts';
import { numbers, type Queries, texts } from './columns-of.ts';
import type { ProcessStart } from './derive-changes.ts';
import { fillQuiet } from './fill-quiet.ts';
import { readChangeSigns } from './read-changes.ts';
import { SeriesCatalog } from './series-catalog.ts';

export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly buckets: number;
}
/** Shapes of log lines kept per service and severity class. */
const SHAPES_PER_CLASS = 40;
/** Half of what a query gives at most (store/run/run-query.ts DEFAULT_MAX_ROWS): beyond that it fails. */
const VALUES_PER_PART = 500_000;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const empty = (buckets: number): Float64Array => new Float64Array(buckets).fill(Number.NaN);

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** What a window held, with the process starts a ring needs to find restarts across its parts. */
export interface ObservationPart extends Observation {
  readonly starts: readonly ProcessStart[];
  /** Cells in which each service was heard by any signal. */
  readonly alive: ReadonlyMap<string, Uint8Array>;
  /** Series and rows beyond `maxRows`: not in it. */
  readonly leftOut: number;
}
export interface ReadOptions {
  readonly catalog?: SeriesCatalog;
  /** Rows of each list at most, the oldest series first; absent: all. */
  readonly maxRows?: number;
  /** Values of metric series read at once, about. */
  readonly valuesPerPart?: number;
}

/**
 * Everything judgement may look at in a window (contracts/observation.ts Observation), by SQL over hot and stored rows.
 * Facets are left empty: they belong to a question (readFacets). Same code for one live cell and for a past hour.
 */
export async function readObservation(store: Queries, grid: Grid, options: ReadOptions = {}): Promise<ObservationPart> {
  const { catalog = new SeriesCatalog(), maxRows = Number.POSITIVE_INFINITY, valuesPerPart = VALUES_PER_PART } = options;
  const window: Window = { startMs: grid.startMs, endMs: grid.startMs + grid.stepMs * grid.buckets };
  const { alive, placements } = await readSeen(store, window, grid);
  let leftOut = 0;
  const cut = <T>(rows: readonly T[]): readonly T[] => {
    leftOut += Math.max(0, rows.length - maxRows);
    return rows.slice(0, maxRows);
  };
  const services = cut(await readServices(store, window, grid));
  const edges = cut(await readEdges(store, window, grid, alive));
  const chosen = await chooseSeries(store, window, maxRows);
  leftOut += chosen.leftOut;
  const metrics = await readMetrics(store, grid, catalog, chosen, valuesPerPart);
  const logs = cut(await readLogs(store, window, grid));
  fillQuiet({ services, edges, logs }, alive, grid.buckets);
  const { starts, changes } = await readChangeSigns(store, window, placements);
  return { ...grid, services, edges, metrics, logs, placements, starts, changes, facets: [], alive, leftOut };
}

/** Which services were heard in which cells, and where what was heard came from, oldest first. */
async function readSeen(store: Queries, window: Window, grid: Grid): Promise<{ alive: Map<string, Uint8Array>; placements: Placement[] }> {
  const result = await store.query(seenSql(window, grid.stepMs));
  const text = (name: string): readonly (string | null)[] => texts(result, name);
  const [service, instance, host, version] = [text('service'), text('instance'), text('host'), text('version')];
  const [cell, first, last] = [numbers(result, 'cell'), numbers(result, 'first_ms'), numbers(result, 'last_ms')];
  const alive = new Map<string, Uint8Array>();
  const placements: Placement[] = [];
  for (let i = 0; i < result.rowCount; i++) {
    const name = service[i] ?? '';
    if (Number.isNaN(cell[i] as number)) {
      const place = { service: name, instance: instance[i] ?? '', host: host[i] ?? null, version: version[i] ?? null };
      placements.push({ ...place, firstSeenMs: first[i] as number, lastSeenMs: last[i] as number });
    } else entry(alive, name, () => new Uint8Array(grid.buckets))[cell[i] as number] = 1;
  }
  return { alive, placements: placements.sort((a, b) => a.firstSeenMs - b.firstSeenMs) };
}

type ServiceRow = Mutable<ServiceObservation>;
const serviceKey = (service: string, instance: string | null): string => `${service}\0${instance ?? ''}`;
async function readServices(store: Queries, window: Window, grid: Grid): Promise<ServiceRow[]> {
  const rows = new Map<string, ServiceRow>();
  const at = (service: string, instance: string | null): ServiceRow =>
    entry(rows, serviceKey(service, instance), () => {
      const [requests, errors, ownErrors] = [empty(grid.buckets), empty(grid.buckets), empty(grid.buckets)];
      return {
        service,
        instance,
        requests,
        errors,
        ownErrors,
        p50Ms: empty(grid.buckets),
        p95Ms: empty(grid.buckets),
        selfMeanMs: empty(grid.buckets),
      };
    });
  const each = async (sql: string, use: (row: ServiceRow, cell: number, value: (name: string) => number) => void): Promise<void> => {
    const result = await store.query(sql);
    const [service, instance, whole, cell] = [
      texts(result, 'service'),
      texts(result, 'instance'),
      numbers(result, 'whole'),
      numbers(result, 'cell'),
    ];
    const columns = new Map<string, ArrayLike<number>>();
    for (let i = 0; i < result.rowCount; i++) {
      // Spans without an instance of their own show only in the whole.
      if (whole[i] === 0 && !instance[i]) continue;
      const row = at(service[i] ?? '', whole[i] === 1 ? null : (instance[i] ?? null));
      use(row, cell[i] as number, (name) => entry(columns, name, () => numbers(result, name))[i] as number);
    }
  };
  await each(observeRedSql(window, grid.stepMs), (row, cell, value) => {
    row.requests[cell] = value('requests');
    row.errors[cell] = value('errors');
    row.p50Ms[cell] = value('p50_ms');
    row.p95Ms[cell] = value('p95_ms');
    row.ownErrors[cell] = 0;
  });
  await each(observeSelfSql(window, grid.stepMs), (row, cell, value) => {
    row.selfMeanMs[cell] = value('self_ms') / value('requests');
    row.ownErrors[cell] = value('own_errors');
  });
  return [...rows.values()];
}

async function readEdges(store: Queries, window: Window, grid: Grid, alive: ReadonlyMap<string, Uint8Array>): Promise<EdgeObservation[]> {
  const result = await store.query(observeEdgesSql(window, grid.stepMs));
  const [caller, callee, kind, cell] = [
    texts(result, 'caller'),
    texts(result, 'callee'),
    texts(result, 'callee_kind'),
    numbers(result, 'cell'),
  ];
  const names = ['requests', 'errors', 'client_mean_ms', 'client_p95_ms', 'server_mean_ms'] as const;
  const [requests, errors, mean, p95, server] = names.map((name) => numbers(result, name)) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const edges = new Map<string, Mutable<EdgeObservation>>();
  for (let i = 0; i < result.rowCount; i++) {
    const [from, to] = [caller[i] ?? '', callee[i] ?? ''];
    const edge = entry(edges, `${from}\0${to}`, () => {
      // A callee that reports itself is a service even where its own span has not arrived.
      const seen = alive.has(to) ? 'service' : ((kind[i] ?? 'external') as EdgeObservation['kind']);
      const arrays = {
        requests: empty(grid.buckets),
        errors: empty(grid.buckets),
        clientMeanMs: empty(grid.buckets),
        clientP95Ms: empty(grid.buckets),
      };
      return { from, to, kind: seen, ...arrays, serverMeanMs: empty(grid.buckets) };
    });
    const c = cell[i] as number;
    // A name met both as a service and as a bare peer in one cell: the counts add up, the larger part's times stand.
    const before = Number.isNaN(edge.requests[c] as number) ? 0 : (edge.requests[c] as number);
    const larger = (requests[i] as number) >= before;
    edge.requests[c] = before + (requests[i] as number);
    edge.errors[c] = (before === 0 ? 0 : (edge.errors[c] as number)) + (errors[i] as number);
    if (!larger) continue;
    edge.clientMeanMs[c] = mean[i] as number;
    edge.clientP95Ms[c] = p95[i] as number;
    edge.serverMeanMs[c] = server[i] as number;
  }
  return [...edges.values()];
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
  catalog: SeriesCatalog,
  chosen: Chosen,
  valuesPerPart: number,
): Promise<MetricObservation[]> {
  const values = new Map<number, Float64Array>();
  const cells = Math.max(1, Math.floor(valuesPerPart / Math.max(1, chosen.series)));
  for (let from = 0; from < grid.buckets; from += cells) {
    const startMs = grid.startMs + from * grid.stepMs;
    const part: Window = { startMs, endMs: startMs + Math.min(cells, grid.buckets - from) * grid.stepMs };
    for (const sql of observeMetricsSql(part, grid.stepMs, chosen.upToId)) {
      const result = await store.query(sql);
      const [ids, cell, value] = [numbers(result, 'series_id'), numbers(result, 'cell'), numbers(result, 'value')];
      for (let i = 0; i < result.rowCount; i++) {
        entry(values, ids[i] as number, () => empty(grid.buckets))[from + (cell[i] as number)] = value[i] as number;
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

async function readLogs(store: Queries, window: Window, grid: Grid): Promise<LogObservation[]> {
  const result = await store.query(observeLogsSql(window, grid.stepMs, SHAPES_PER_CLASS));
  const text = (name: string): readonly (string | null)[] => texts(result, name);
  const [service, severity, shape, example, trace] = [text('service'), text('severity'), text('shape'), text('example'), text('trace_id')];
  const [cell, count] = [numbers(result, 'cell'), numbers(result, 'count')];
  const logs = new Map<string, Mutable<LogObservation>>();
  for (let i = 0; i < result.rowCount; i++) {
    const log = entry(logs, `${service[i]}\0${severity[i]}\0${shape[i]}`, () => ({
      service: service[i] ?? '',
      severity: (severity[i] ?? 'info') as LogObservation['severity'],
      pattern: shape[i] ?? '',
      example: example[i] ?? '',
      exampleTraceId: trace[i] ?? null,
      counts: empty(grid.buckets),
    }));
    log.counts[cell[i] as number] = count[i] as number;
    log.exampleTraceId ??= trace[i] ?? null;
  }
  return [...logs.values()];
}
