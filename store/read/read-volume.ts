import type { QueryOptions, Store } from '#contracts/store.ts';
import {
  MAX_VOLUME_ROWS,
  USUAL_ROW_BYTES,
  type VolumeAnswer,
  type VolumeBy,
  type VolumeFile,
  type VolumeRow,
  type VolumeSignal,
  type VolumeTable,
} from '#contracts/volume.ts';
import type { Window } from '../sql/read/services-sql.ts';
import {
  activeSeriesSql,
  countLogsSql,
  MAX_LEFT_SERIES,
  slicesOf,
  type VolumeFilter,
  volumeLabelsSql,
  volumeLogServicesSql,
  volumeMetricsSql,
  volumePatternsSql,
  volumeRowsSql,
  volumeSeriesSql,
  volumeSpansSql,
  volumeValuesSql,
} from '../sql/read/volume-sql.ts';

const TELEMETRY = ['spans', 'logs', 'samples', 'histograms', 'exemplars', 'profiles', 'profile_samples'] as const;
type Reading = Pick<Store, 'query' | 'fileShares'>;
type Row = Readonly<Record<string, unknown>>;
const DAY_MS = 86_400_000;
/** Lines whose text is read for patterns; of more, so many from slices spread over the window. */
export const PATTERN_LINES = 200_000;
const PATTERN_SLICES = 40;

/** Bytes a row of each table takes in these files; of one without a row in them, what it usually takes. */
export type BytesPerRow = Readonly<Record<string, number>>;
export function bytesPerRow(files: readonly VolumeFile[]): BytesPerRow {
  const sums = new Map<string, { bytes: number; rows: number }>();
  for (const { tables } of files) {
    for (const { table, rows, bytes } of tables) {
      const sum = sums.get(table) ?? { bytes: 0, rows: 0 };
      sums.set(table, { bytes: sum.bytes + bytes, rows: sum.rows + rows });
    }
  }
  return Object.fromEntries([...sums].map(([table, { bytes, rows }]) => [table, rows > 0 ? bytes / rows : (USUAL_ROW_BYTES[table] ?? 0)]));
}
const per = (sizes: BytesPerRow, table: string): number => sizes[table] ?? USUAL_ROW_BYTES[table] ?? 0;
const numberOf = (row: Row | undefined, name: string): number => Number(row?.[name] ?? 0);
const orNull = (row: Row, name: string): number | null => (row[name] === undefined || row[name] === null ? null : Number(row[name]));

/** Files, and what each signal holds in the window. */
export async function readVolume(
  store: Reading,
  window: Window,
  options: QueryOptions,
): Promise<
  Pick<VolumeAnswer, 'files' | 'signals' | 'notInFiles' | 'bytesPerDay' | 'query'> & {
    readonly series: Omit<VolumeAnswer['series'], 'known' | 'limit'>;
  }
> {
  const files = [...(await store.fileShares(window.startMs, window.endMs, options.signal))];
  const sizes = bytesPerRow(files);
  const sql = volumeRowsSql(window);
  const [rows] = (await store.query(sql, [], options)).rows();
  const [series] = (await store.query(volumeSeriesSql(window), [], options)).rows();
  const signal = (name: VolumeSignal, tables: readonly string[]): VolumeAnswer['signals'][number] => ({
    signal: name,
    rows: tables.reduce((sum, table) => sum + numberOf(rows, table), 0),
    bytes: tables.reduce((sum, table) => sum + numberOf(rows, table) * per(sizes, table), 0),
    rowsBefore: tables.reduce((sum, table) => sum + numberOf(rows, `${table}_before`), 0),
  });
  const signals = [signal('metrics', ['samples', 'histograms', 'exemplars']), signal('traces', ['spans']), signal('logs', ['logs'])];
  // Few senders have profiles: told where there are some.
  const profiles = signal('profiles', ['profile_samples']);
  const own = numberOf(rows, 'profiles') * per(sizes, 'profiles');
  if (profiles.rows + profiles.rowsBefore > 0) signals.push({ ...profiles, bytes: profiles.bytes + own });
  const bytes = signals.reduce((sum, each) => sum + each.bytes, 0);
  const stored = new Set(files.flatMap(({ tables }) => tables.filter((table) => table.rows > 0).map(({ table }) => table)));
  return {
    files,
    signals,
    notInFiles: TELEMETRY.filter((table) => numberOf(rows, table) > 0 && !stored.has(table)),
    series: { active: numberOf(series, 'active'), born: numberOf(series, 'born'), gone: numberOf(series, 'gone') },
    bytesPerDay: (bytes / (window.endMs - window.startMs)) * DAY_MS,
    query: sql,
  };
}

interface Found {
  readonly sql: string;
  readonly bytesOf: (row: Row) => number;
  readonly totalBytes: (row: Row) => number;
  /** Set when only a part of the rows is read: how many there are. */
  readonly of: number | null;
}
/** One breakdown of the window. @throws what the store says of a statement that takes too long */
export async function readVolumeTable(
  store: Reading,
  window: Window,
  by: VolumeBy,
  filter: VolumeFilter,
  options: QueryOptions,
): Promise<VolumeTable> {
  const sizes = bytesPerRow(await store.fileShares(window.startMs, window.endMs, options.signal));
  const found = await statementOf(store, window, by, filter, options, sizes);
  const result = (await store.query(found.sql, [], options)).rows();
  const first = result[0] ?? {};
  const read = numberOf(first, 'total_n');
  const scale = found.of === null || read === 0 ? 1 : found.of / read;
  const rows = result.map((row): VolumeRow => {
    const count = (numberOf(row, 'n') + numberOf(row, 'h')) * scale;
    return {
      name: String(row['name'] ?? ''),
      sub: String(row['sub'] ?? ''),
      rows: Math.round(count),
      bytes: found.bytesOf(row),
      series: orNull(row, 'series'),
      born: orNull(row, 'born'),
      gone: orNull(row, 'gone'),
      values: orNull(row, 'values'),
      left: orNull(row, 'left_over'),
      errors: orNull(row, 'errors'),
    };
  });
  if (by !== 'label') rows.sort((a, b) => b.bytes - a.bytes);
  return {
    by,
    rows,
    groups: numberOf(first, 'groups'),
    totalRows: Math.round((numberOf(first, 'total_n') + numberOf(first, 'total_h')) * scale),
    totalBytes: found.totalBytes(first),
    totalSeries: orNull(first, 'total_series'),
    estimated: found.of === null ? null : { read, of: found.of },
    query: found.sql,
  };
}
async function statementOf(
  store: Reading,
  window: Window,
  by: VolumeBy,
  filter: VolumeFilter,
  options: QueryOptions,
  sizes: BytesPerRow,
): Promise<Found> {
  const points =
    (prefix: string) =>
    (row: Row): number =>
      numberOf(row, `${prefix}n`) * per(sizes, 'samples') +
      numberOf(row, `${prefix}h`) * per(sizes, 'histograms') +
      numberOf(row, `${prefix}series`) * per(sizes, 'series');
  const plain = { of: null };
  const metrics = { ...plain, bytesOf: points(''), totalBytes: points('total_') };
  const rowsOf = (table: string): Omit<Found, 'sql'> => ({
    ...plain,
    bytesOf: (row) => numberOf(row, 'n') * per(sizes, table),
    totalBytes: (row) => numberOf(row, 'total_n') * per(sizes, table),
  });
  switch (by) {
    case 'metric':
      return { ...metrics, sql: volumeMetricsSql(window, 'metric', filter, MAX_VOLUME_ROWS) };
    case 'metric-service':
      return { ...metrics, sql: volumeMetricsSql(window, 'service', filter, MAX_VOLUME_ROWS) };
    case 'value':
      return { ...metrics, sql: volumeValuesSql(window, { ...filter, label: filter.label ?? '' }, MAX_VOLUME_ROWS) };
    case 'label': {
      const [active] = (await store.query(activeSeriesSql(window, filter), [], options)).rows();
      return { ...metrics, sql: volumeLabelsSql(window, filter, MAX_VOLUME_ROWS, numberOf(active, 'series') <= MAX_LEFT_SERIES) };
    }
    case 'trace-service':
      return { ...rowsOf('spans'), sql: volumeSpansSql(window, 'service', filter, MAX_VOLUME_ROWS) };
    case 'span':
      return { ...rowsOf('spans'), sql: volumeSpansSql(window, 'name', filter, MAX_VOLUME_ROWS) };
    case 'log-service':
      return { ...rowsOf('logs'), sql: volumeLogServicesSql(window, MAX_VOLUME_ROWS) };
    case 'pattern':
      return patternStatement(store, window, filter, options, sizes);
  }
}
/** The text of a line decides what it costs, so lines of a service are laid on patterns by length. */
async function patternStatement(
  store: Reading,
  window: Window,
  filter: VolumeFilter,
  options: QueryOptions,
  sizes: BytesPerRow,
): Promise<Found> {
  const [counted] = (await store.query(countLogsSql(window, filter), [], options)).rows();
  const lines = numberOf(counted, 'n');
  const slices = slicesOf(window, lines > 0 ? PATTERN_LINES / lines : 1, PATTERN_SLICES);
  const sql = volumePatternsSql(slices, filter, MAX_VOLUME_ROWS);
  const bytes = lines * per(sizes, 'logs');
  const laid = (row: Row): number => (numberOf(row, 'total_size') > 0 ? (bytes * numberOf(row, 'size')) / numberOf(row, 'total_size') : 0);
  return { sql, bytesOf: laid, totalBytes: () => bytes, of: slices.length === 1 ? null : lines };
}
