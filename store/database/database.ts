import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import duckdb from '@duckdb/node-bindings';
import type { ColumnData } from '../run/column-data.ts';
import { readColumns, readRows } from '../run/read-chunk.ts';
import { freeBytes, tempLimitBytes, tempLimitSql } from './temp-space.ts';

export { textLiteral } from '../sql/read/literals.ts';

/** One connection with the number DuckDB knows it by. */
export class Connection {
  readonly raw: duckdb.Connection;
  readonly id: number;
  private underWay = 0;
  constructor(raw: duckdb.Connection) {
    this.raw = raw;
    this.id = duckdb.client_context_get_connection_id(duckdb.connection_get_client_context(raw));
  }
  /** A statement, or what is made of several, is under way. */
  get isBusy(): boolean {
    return this.underWay > 0;
  }
  /** Says that the connection is busy until the work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.underWay++;
    try {
      return await work;
    } finally {
      this.underWay--;
    }
  }
  /** Runs one statement whose rows nobody needs. */
  async run(sql: string): Promise<void> {
    await this.during(duckdb.query(this.raw, sql));
  }
  /** Rows of a small trusted statement as plain values. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return readRows(await this.during(duckdb.query(this.raw, sql)));
  }
  /** What a trusted statement answers, by column name. */
  async columns(sql: string): Promise<ReadonlyMap<string, ColumnData>> {
    const columns = await readColumns(await this.during(duckdb.query(this.raw, sql)));
    return new Map(columns.map((column) => [column.name, column]));
  }
  /** Runs one statement with text and number parameters ($1 ...). */
  async runWith(sql: string, params: readonly (string | number | null)[]): Promise<void> {
    const statement = await duckdb.prepare(this.raw, sql);
    try {
      params.forEach((value, i) => {
        if (value === null) duckdb.bind_null(statement, i + 1);
        else if (typeof value === 'number') duckdb.bind_double(statement, i + 1, value);
        else duckdb.bind_varchar(statement, i + 1, value);
      });
      await this.during(duckdb.execute_prepared(statement));
    } finally {
      duckdb.destroy_prepare_sync(statement);
    }
  }
  close(): void {
    duckdb.disconnect_sync(this.raw);
  }
}

export interface Machine {
  readonly threads: number;
  readonly memoryLimitBytes: number;
  /** Disk for intermediate results, bytes; absent: see temp-space.ts. */
  readonly tempBytes?: number;
}
/**
 * Half of the cores: compression is fed by one JavaScript thread, and idle DuckDB workers beside it cost 35-45 % of
 * the ingest rate (facts/storage.md §7). A thirty-second of the memory, 384 MiB to 2 GiB: DuckDB keeps every block it wrote or
 * read until that limit is reached or they are let go, the system's page cache keeps them as well. What a query needs beyond it goes to disk, but
 * for lists and exact quantiles: those fail (384 MiB were too few for them beside judgement).
 */
export function machine(totalBytes = usableMemoryBytes(totalmem(), process.constrainedMemory())): Machine {
  return {
    threads: Math.max(1, Math.floor(availableParallelism() / 2)),
    memoryLimitBytes: Math.min(2 * 1024 ** 3, Math.max(384 * 1024 ** 2, Math.floor(totalBytes / 32))),
  };
}
/** A container has the machine's size and a limit of its own (0: unknown; beyond the machine: none). */
export const usableMemoryBytes = (totalBytes: number, constrainedBytes: number): number =>
  constrainedBytes > 0 ? Math.min(totalBytes, constrainedBytes) : totalBytes;

/** What stays when blocks of files are let go, and how much there must be for that. */
const LEAST_CACHE_BYTES = 4 * 1024 ** 2;
const WORTH_DROPPING_BYTES = 20 * 1024 ** 2;
/** The same under load, where judgement reads the newest blocks again. */
const BUSY_CACHE_BYTES = 64 * 1024 ** 2;
const WORTH_DROPPING_BUSY_BYTES = 96 * 1024 ** 2;

const limitSql = (bytes: number): string => `SET memory_limit = '${Math.floor(bytes / 1024 ** 2)}MiB'`;

/**
 * The one DuckDB instance: in memory, with the catalog and the day files attached to it. Nothing else in this
 * process may open those files (a second opener in one process silently diverges, facts/storage.md §0).
 */
export class Database {
  private readonly raw: duckdb.Database;
  private readonly connections = new Set<Connection>();
  private readonly memoryLimitBytes: number;
  private constructor(raw: duckdb.Database, memoryLimitBytes: number) {
    this.raw = raw;
    this.memoryLimitBytes = memoryLimitBytes;
  }

  static async open(dataDir: string, size: Machine): Promise<Database> {
    const config = duckdb.create_config();
    duckdb.set_config(config, 'threads', String(size.threads));
    duckdb.set_config(config, 'memory_limit', `${Math.floor(size.memoryLimitBytes / 1024 ** 2)}MiB`);
    duckdb.set_config(config, 'autoinstall_known_extensions', 'false');
    duckdb.set_config(config, 'autoload_known_extensions', 'false');
    duckdb.set_config(config, 'temp_directory', join(dataDir, 'tmp'));
    // Row-group-sized flushes go around the write-ahead log; what is in it is small and is checkpointed by the store,
    // outside of the moment in which queries have to wait for a commit.
    duckdb.set_config(config, 'checkpoint_threshold', '1GiB');
    // What is let go at once (dropCache) goes back to the system, not only to malloc.
    duckdb.set_config(config, 'allocator_bulk_deallocation_flush_threshold', '16MiB');
    const database = new Database(await duckdb.open(':memory:', config), size.memoryLimitBytes);
    const connection = await database.connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(tempLimitSql(size.tempBytes ?? tempLimitBytes(freeBytes(dataDir))));
    database.disconnect(connection);
    return database;
  }

  async connect(): Promise<Connection> {
    const connection = new Connection(await duckdb.connect(this.raw));
    this.connections.add(connection);
    return connection;
  }
  disconnect(connection: Connection): void {
    if (this.connections.delete(connection)) connection.close();
  }
  /** No other connection is at work. */
  isQuiet(connection: Connection): boolean {
    return ![...this.connections].some((each) => each !== connection && each.isBusy);
  }
  /**
   * Lets go of blocks of files that are kept in memory and in use by nobody: a lower limit for a moment. To be called while no
   * query runs, which could meet that limit; nor does it while a connection of another's own is at work, such as an import of a bill.
   * @param isCalm nearly all of them; else the oldest are let go
   * @returns whether there was enough of them to be worth it
   */
  async dropCache(connection: Connection, isCalm = true): Promise<boolean> {
    if (!this.isQuiet(connection)) return false;
    const [row] = await connection.rows('SELECT sum(memory_usage_bytes)::DOUBLE AS bytes FROM duckdb_memory()');
    if (Number(row?.['bytes']) < (isCalm ? WORTH_DROPPING_BYTES : WORTH_DROPPING_BUSY_BYTES)) return false;
    // Refused when what is in use alone is more: then nothing can be had.
    await connection.run(limitSql(isCalm ? LEAST_CACHE_BYTES : BUSY_CACHE_BYTES)).catch(() => undefined);
    await this.purge(connection);
    return true;
  }
  /**
   * Gives the system the memory that is freed and kept for later, of DuckDB's allocator and of malloc: either does so by itself only
   * while it is asked for more. DuckDB does it whenever its limit is set, also to what it is, which queries do not notice.
   */
  async purge(connection: Connection): Promise<void> {
    await connection.run(limitSql(this.memoryLimitBytes));
  }
  close(): void {
    for (const connection of [...this.connections]) this.disconnect(connection);
    duckdb.close_sync(this.raw);
  }
}
