import { join } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import type { MigrationNews } from '#contracts/migration.ts';
import type { Store } from '#contracts/store.ts';
import { BillBook } from './bills/bill-book.ts';
import { attachFile, type DatabaseFile, detachQuietly, troubleOf } from './database/attach-file.ts';
import { CatalogState } from './database/catalog-state.ts';
import { type DataDir, openDataDir } from './database/data-dir.ts';
import { type Connection, Database, type Machine, machine } from './database/database.ts';
import { DayFiles } from './database/day-files.ts';
import { setAside } from './database/quarantine.ts';
import { isDamage, salvage } from './database/salvage.ts';
import { loadDictionary } from './dictionary/load-dictionary.ts';
import { StoreDictionary } from './dictionary/store-dictionary.ts';
import { registerHotFunction } from './hot/hot-function.ts';
import { HotRows } from './hot/hot-rows.ts';
import { type MigrationWatch, sayMigration } from './migrate/migration-watch.ts';
import { registerBlockFunctions, type WantedSeries } from './native/block-functions.ts';
import { type ReadSpanEvents, registerEventsFunction } from './native/events-function.ts';
import { NativeHeap } from './native/native-heap.ts';
import { provesLayout } from './native/self-test.ts';
import { backupFolder } from './retention/beside-files.ts';
import { ConnectionPool } from './run/connection-pool.ts';
import { StartGate } from './run/start-gate.ts';
import { CATALOG, catalogDdl, TELEMETRY } from './sql/ddl/ddl.ts';
import { DICTIONARY_TABLES } from './sql/ddl/dictionary-tables.ts';
import { fixedViews, MACROS } from './sql/ddl/views.ts';
import { OpenStore, type Problem } from './store.ts';
import { DEFAULT_FLUSH_AGE_MS } from './write/store-writer.ts';

export interface StoreOptions {
  readonly dataDir: string;
  /** 0 = kept for ever. */
  readonly retentionSeconds: number;
  readonly maxSizeBytes: number;
  readonly limits: { readonly maxSeries: number };
  readonly nowMs: () => number;
  readonly log?: (line: string) => void;
  /** Files of an older layout are brought forward before the store opens: how far that is. It is also logged. */
  readonly onMigration?: (news: MigrationNews) => void;
  /** Age at which hot rows are written though no row group is full, milliseconds. */
  readonly flushAgeMs?: number;
  /** false: samples stay rows. Default true. */
  readonly compaction?: boolean;
  /** Connections for reading; more statements wait. Keep UV_THREADPOOL_SIZE well above it. */
  readonly readers?: number;
  /** Days attached at once, see database/day-files.ts. */
  readonly maxAttached?: number;
  /** Reads span events as they were sent; without it a statement that asks for some fails. */
  readonly readEvents?: ReadSpanEvents;
  /** false: strings take the slow path that does not lean on DuckDB's memory layout (for tests). */
  readonly direct?: boolean;
  /** What DuckDB may take of the machine (for tests). */
  readonly machine?: Partial<Machine>;
}
const READERS = 4;
const watchOf = ({ log, onMigration }: StoreOptions): MigrationWatch => ({
  tell: (news) => {
    // The log need not hear of every second.
    if (news.state === 'done' || news.seconds % 5 === 0) log?.(sayMigration(news));
    onMigration?.(news);
  },
});
const noReader: ReadSpanEvents = () => {
  throw new Error('this store was opened without a reader of events');
};

/**
 * Opens the store of a data folder, creating it when absent: the one owner of its DuckDB files.
 * A folder that cannot be written opens read-only (facts().readOnly; append throws data_dir_not_writable).
 * @throws data_dir_locked, data_dir_not_writable, schema_newer
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const dataDir = openDataDir(options.dataDir);
  let database: Database | null = null;
  try {
    database = await Database.open(dataDir.path, { ...machine(), ...options.machine });
    return await assemble(options, dataDir, database);
  } catch (cause) {
    database?.close();
    dataDir.release();
    throw cause instanceof FaultlineError
      ? cause
      : new FaultlineError('internal', `cannot open ${dataDir.path}: ${String(cause)}`, { cause });
  }
}

async function assemble(options: StoreOptions, dataDir: DataDir, database: Database): Promise<Store> {
  const log = options.log ?? (() => undefined);
  const problems: Problem[] = [];
  if (dataDir.readOnly)
    problems.push({ code: 'data_dir_not_writable', message: `${dataDir.path} cannot be written: opened for reading only.` });
  const connection = await database.connect();
  let lost = await attachCatalog(options, dataDir, connection, problems);
  dataDir.claim();
  const direct = (options.direct ?? true) && (await provesLayout(database));
  if (!direct) log(`strings take the slow path: DuckDB's memory layout is not the one known`);
  const dictionary = new StoreDictionary(options.limits.maxSeries);
  const hot = new HotRows([...TELEMETRY, ...DICTIONARY_TABLES], new NativeHeap(direct));
  for (const spec of [...TELEMETRY, ...DICTIONARY_TABLES]) registerHotFunction(connection.raw, spec, hot, direct);
  registerEventsFunction(connection.raw, options.readEvents ?? noReader, direct);
  const series: WantedSeries = new Map();
  registerBlockFunctions(connection.raw, series);
  hot.showNothing(connection.id);
  try {
    await loadDictionary(connection, CATALOG, dictionary);
  } catch (cause) {
    if (dataDir.readOnly || !isDamage((cause as Error).message)) throw cause;
    lost = true;
    await replaceCatalog(options, dataDir, connection, problems, (cause as Error).message);
    await loadDictionary(connection, CATALOG, dictionary);
  }
  const days = new DayFiles(dataDir.path, connection, dataDir.readOnly, options.maxAttached, watchOf(options));
  const state = new CatalogState(await database.connect(), CATALOG);
  const bills = new BillBook({ dataDir, database, connection, nowMs: options.nowMs, watch: watchOf(options) });
  const store = new OpenStore({
    options: { ...options, log, flushAgeMs: options.flushAgeMs ?? DEFAULT_FLUSH_AGE_MS, compaction: options.compaction ?? true },
    dataDir,
    database,
    connection,
    pool: await ConnectionPool.open(database, options.readers ?? READERS),
    gate: new StartGate(),
    catalog: CATALOG,
    catalogPath: join(dataDir.path, 'catalog.duckdb'),
    dictionary,
    hot,
    series,
    days,
    state,
    bills,
    compaction: await database.connect(),
    documents: await database.connect(),
    problems,
  });
  await store.attachDays();
  if (lost) await store.skipUsedIds();
  for (const sql of MACROS) await connection.run(sql);
  await days.views();
  for (const sql of fixedViews()) await connection.run(sql);
  const billTrouble = await bills.open();
  if (billTrouble) problems.push({ code: 'file_corrupt', message: billTrouble });
  await store.start();
  // A command that starts the console for itself shows no Sources page: without this a damaged day is only a smaller count.
  for (const { message } of problems) log(message);
  return store;
}

const catalogFile = (dataDir: DataDir, watch: MigrationWatch): DatabaseFile => ({
  path: join(dataDir.path, 'catalog.duckdb'),
  name: CATALOG,
  kind: 'catalog',
  ddl: catalogDdl(CATALOG),
  readOnly: dataDir.readOnly,
  watch,
});
/** true: the catalog was damaged, and a new one took its place. */
async function attachCatalog(options: StoreOptions, dataDir: DataDir, connection: Connection, problems: Problem[]): Promise<boolean> {
  const file = catalogFile(dataDir, watchOf(options));
  try {
    await attachFile(connection, file, backupFolder(dataDir.path));
    return false;
  } catch (cause) {
    const message = (cause as Error).message;
    if (cause instanceof FaultlineError && cause.code === 'migration_failed') throw cause;
    const trouble = cause instanceof FaultlineError && cause.code === 'schema_newer' ? 'newer' : troubleOf(message);
    if (trouble === 'locked') throw new FaultlineError('data_dir_locked', `${dataDir.path}: ${message}`, { cause });
    if (trouble === 'newer') throw new FaultlineError('schema_newer', message, { cause });
    if (trouble === 'unavailable' || dataDir.readOnly)
      throw new FaultlineError('data_dir_not_writable', `${file.path}: ${message}`, { cause });
    await replaceCatalog(options, dataDir, connection, problems, message);
    return true;
  }
}
const CATALOG_TABLES = [
  ...DICTIONARY_TABLES.map((table) => table.name),
  'incidents',
  'state',
  'pruned',
  'postmortem_revisions',
  'llm_calls',
  'batches',
];

async function replaceCatalog(
  options: StoreOptions,
  dataDir: DataDir,
  connection: Connection,
  problems: Problem[],
  reason: string,
): Promise<void> {
  const file = catalogFile(dataDir, watchOf(options));
  await detachQuietly(connection, CATALOG);
  const aside = setAside(dataDir.path, file.path, reason, options.nowMs());
  await attachFile(connection, file, backupFolder(dataDir.path));
  const { kept, lost } = await salvage(connection, aside.path, CATALOG, CATALOG_TABLES).catch(() => ({ kept: 0, lost: 0 }));
  problems.push({
    code: 'file_corrupt',
    message: `The catalog was damaged and set aside as ${aside.path}; ${kept} rows were saved, ${lost} were not: ${reason}`,
  });
}
