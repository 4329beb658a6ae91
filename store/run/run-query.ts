import duckdb from '@duckdb/node-bindings';
import { FaultlineError } from '#contracts/errors.ts';
import type { QueryOptions, QueryValue } from '#contracts/store.ts';
import type { Connection } from '../database/database.ts';
import { isFatal } from '../database/fatal-error.ts';
import { orNoRoom } from '../database/temp-space.ts';
import type { HotRows } from '../hot/hot-rows.ts';
import type { WantedSeries } from '../native/block-functions.ts';
import type { ColumnData } from './column-data.ts';
import { StoreQueryResult } from './query-result.ts';
import { columnsOf, takeChunk } from './read-chunk.ts';
import { readTypeOf } from './read-vector.ts';
import { cutSql, noRowsSql, prepareAround, readableSql } from './readable-sql.ts';
import type { StartGate } from './start-gate.ts';

export const DEFAULT_TIMEOUT_MS = 30_000;
export const DEFAULT_MAX_ROWS = 1_000_000;

export interface QueryContext {
  readonly hot: HotRows;
  readonly gate: StartGate;
  readonly series: WantedSeries;
  /** Called before the hot rows are looked at: new dictionary rows become visible. */
  readonly beforeSnapshot: () => void;
}
interface Plan {
  statement: duckdb.PreparedStatement;
  /** null: DuckDB tells the columns only once the parameters have values. */
  names: readonly string[] | null;
}

/** Stops a statement: by the caller's signal or by time. */
class Stop {
  reason: 'cancelled' | 'query_timeout' | null = null;
  private readonly timer: NodeJS.Timeout;
  constructor(connection: Connection, options: QueryOptions, timeoutMs: number) {
    const stop = (reason: 'cancelled' | 'query_timeout'): void => {
      this.reason ??= reason;
      if (!this.ended) duckdb.interrupt(connection.raw);
    };
    this.timer = setTimeout(() => stop('query_timeout'), timeoutMs);
    options.signal?.addEventListener('abort', () => stop('cancelled'));
    if (options.signal?.aborted) this.reason = 'cancelled';
  }
  private ended = false;
  /** An interrupt reaches only a running statement: between statements the reason is looked at. */
  check(): void {
    if (this.reason)
      throw new FaultlineError(
        this.reason,
        this.reason === 'cancelled' ? 'The query was cancelled.' : 'The query ran into its time limit.',
      );
  }
  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }
}

export interface RunOptions extends QueryOptions {
  /** The statement may be a COPY ... TO; never one a user wrote. */
  readonly copies?: boolean;
}
/** Runs one statement on a connection nobody else uses meanwhile. */
export async function runQuery(
  connection: Connection,
  context: QueryContext,
  sql: string,
  params: readonly QueryValue[],
  options: RunOptions,
): Promise<StoreQueryResult> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const stop = new Stop(connection, options, timeoutMs);
  let plan: Plan | null = null;
  try {
    stop.check();
    plan = await context.gate.start(() => begin(connection, context, sql, options));
    stop.check();
    bind(plan.statement, params);
    if (plan.names === null) await resolve(connection, plan, sql, params, options.maxRows);
    const result = await collect(plan, options.maxRows ?? DEFAULT_MAX_ROWS, stop);
    // Who names no limit takes the answer for whole.
    if (options.maxRows === undefined && result.truncated)
      throw new FaultlineError('answer_too_long', `The answer has more than ${DEFAULT_MAX_ROWS} rows.`);
    await connection.run('COMMIT');
    return result;
  } catch (cause) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw errorOf(cause, stop);
  } finally {
    stop.end();
    if (plan) duckdb.destroy_prepare_sync(plan.statement);
    context.hot.unbind(connection.id);
    context.series.delete(connection.id);
  }
}

/** Takes the snapshot and binds the statement to it and to the day files, in one transaction. */
async function begin(
  connection: Connection,
  context: QueryContext,
  sql: string,
  { maxRows, copies, samplesOf }: RunOptions,
): Promise<Plan> {
  context.beforeSnapshot();
  context.hot.bind(connection.id, context.hot.snapshot());
  await connection.run('BEGIN TRANSACTION READ ONLY');
  if (samplesOf) {
    const wanted = await connection.rows(samplesOf);
    context.series.set(connection.id, new Set(wanted.map((row) => Number(row['series_id']))));
  }
  const cut = maxRows === undefined || copies ? null : await beginCut(connection, sql, maxRows);
  if (cut) return cut;
  const statement = await duckdb.prepare(connection.raw, sql);
  const type = duckdb.prepared_statement_type(statement);
  // Writes a file and nothing of ours: the transaction stays read-only.
  if (copies && type === duckdb.StatementType.COPY) return { statement, names: ['rows'] };
  if (type !== duckdb.StatementType.SELECT && type !== duckdb.StatementType.EXPLAIN) {
    duckdb.destroy_prepare_sync(statement);
    throw new FaultlineError('query_failed', 'Only reading statements may be run here.');
  }
  const columns = columnsOfPlan(statement);
  if (columns.length === 1 && columns[0]!.type === duckdb.Type.INVALID) return { statement, names: null };
  const names = columns.map((column) => column.name);
  if (type === duckdb.StatementType.EXPLAIN || (maxRows === undefined && columns.every((column) => readTypeOf(column.type))))
    return { statement, names };
  duckdb.destroy_prepare_sync(statement);
  return { statement: await prepareAround(connection.raw, sql, (text) => readableSql(text, columns, maxRows)), names };
}

type PlanColumn = { readonly name: string; readonly type: duckdb.Type };
const columnsOfPlan = (statement: duckdb.PreparedStatement): PlanColumn[] =>
  Array.from({ length: duckdb.prepared_statement_column_count(statement) }, (_, i) => ({
    name: duckdb.prepared_statement_column_name(statement, i),
    type: duckdb.prepared_statement_column_type(statement, i),
  }));
/**
 * The statement with its limit around it, planned once: planning was half of what small statements cost. null: its columns must be
 * known first (values without a type yet, types that are cast, names of columns that DuckDB would change), or it is wrong, and says why by itself.
 */
async function beginCut(connection: Connection, sql: string, maxRows: number): Promise<Plan | null> {
  const statement = await duckdb.prepare(connection.raw, cutSql(sql, maxRows)).catch(() => null);
  if (statement === null) return null;
  const columns = columnsOfPlan(statement);
  const names = columns.map(({ name }) => name);
  // Of two columns with one name, in whatever case, the second is called name_1.
  const known = new Set(names.map((name) => name.toLowerCase()));
  const isRenamed = names.some((name) => /_\d+$/.test(name) && known.has(name.replace(/_\d+$/, '').toLowerCase()));
  if (!isRenamed && columns.every(({ type }) => type !== duckdb.Type.INVALID && readTypeOf(type))) return { statement, names };
  duckdb.destroy_prepare_sync(statement);
  return null;
}

/** Asks for no rows to learn the columns. The transaction holds what it is bound to: no gate is needed. */
async function resolve(
  connection: Connection,
  plan: Plan,
  sql: string,
  params: readonly QueryValue[],
  maxRows: number | undefined,
): Promise<void> {
  const probe = await prepareAround(connection.raw, sql, noRowsSql);
  let columns: readonly { readonly name: string; readonly type: duckdb.Type }[];
  try {
    bind(probe, params);
    const result = await duckdb.execute_prepared(probe);
    columns = Array.from({ length: duckdb.column_count(result) }, (_, i) => ({
      name: duckdb.column_name(result, i),
      type: duckdb.column_type(result, i),
    }));
  } finally {
    duckdb.destroy_prepare_sync(probe);
  }
  const readable = await prepareAround(connection.raw, sql, (text) => readableSql(text, columns, maxRows));
  duckdb.destroy_prepare_sync(plan.statement);
  plan.statement = readable;
  plan.names = columns.map((column) => column.name);
  bind(plan.statement, params);
}

function bind(statement: duckdb.PreparedStatement, params: readonly QueryValue[]): void {
  const due = duckdb.nparams(statement);
  if (due !== params.length) throw new FaultlineError('query_failed', `The query has ${due} parameters, ${params.length} were given.`);
  params.forEach((value, i) => {
    bindValue(statement, i + 1, value);
  });
}
function bindValue(statement: duckdb.PreparedStatement, index: number, value: QueryValue): void {
  if (value === null) duckdb.bind_null(statement, index);
  else if (typeof value === 'boolean') duckdb.bind_boolean(statement, index, value);
  else if (typeof value === 'string') duckdb.bind_varchar(statement, index, value);
  else if (typeof value === 'number' && !Number.isSafeInteger(value)) duckdb.bind_double(statement, index, value);
  else if (BigInt(value) >= 2n ** 63n) duckdb.bind_uint64(statement, index, BigInt(value));
  else duckdb.bind_int64(statement, index, BigInt(value));
}

async function collect(plan: Plan, maxRows: number, stop: Stop): Promise<StoreQueryResult> {
  // Not streaming: with one thread a UNION ALL over the hot rows stalled in it for ever, deaf even to interrupts
  // (open-store.test.ts has one). What maxRows asks for is cut in SQL, so that no more is held than is given.
  const result = await duckdb.execute_prepared(plan.statement);
  const columns: ColumnData[] = columnsOf(result, plan.names ?? undefined);
  let rows = 0;
  for (;;) {
    stop.check();
    const chunk = await duckdb.fetch_chunk(result);
    const size = chunk ? duckdb.data_chunk_get_size(chunk) : 0;
    if (!chunk || size === 0) return new StoreQueryResult(columns, rows, false);
    const taken = Math.min(size, maxRows - rows);
    if (taken > 0) takeChunk(columns, chunk, taken);
    rows += taken;
    if (taken < size) return new StoreQueryResult(columns, rows, true);
  }
}

function errorOf(cause: unknown, stop: Stop): FaultlineError {
  if (stop.reason)
    return new FaultlineError(
      stop.reason,
      stop.reason === 'cancelled' ? 'The query was cancelled.' : 'The query ran into its time limit.',
      { cause },
    );
  if (cause instanceof FaultlineError) return cause;
  const full = orNoRoom(cause);
  if (full instanceof FaultlineError) return full;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/^INTERRUPT/.test(message)) return new FaultlineError('cancelled', 'The store is closing.', { cause });
  if (isFatal(message)) return new FaultlineError('internal', message, { cause });
  return new FaultlineError('query_failed', message, { cause });
}
