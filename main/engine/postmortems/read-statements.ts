import { FaultlineError } from '#contracts/errors.ts';
import { type FigureValue, POSTMORTEM_LIMITS, type UnverifiedReason } from '#contracts/postmortem.ts';
import type { QueryResult, Store } from '#contracts/store.ts';

/** What one statement gave: its first row, or why there is none. */
export type Reading =
  | { readonly row: Readonly<Record<string, FigureValue>>; readonly columns: readonly string[]; readonly error: null }
  | {
      readonly row: null;
      readonly columns: readonly string[];
      readonly error: { readonly reason: UnverifiedReason; readonly says: string };
    };
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Statements not begun by then are not run (performance.now()). */
  readonly deadlineMs?: number;
}
/** Statements at once: the rest of the store's readers are for those who look at screens meanwhile. */
const AT_ONCE = 2;
const MAX_TEXT = 1_000;
export const OUT_OF_TIME = 'The time for all statements together was used up.';

function reasonOf(error: unknown): { reason: UnverifiedReason; says: string } {
  const says = error instanceof Error ? error.message : String(error);
  if (!(error instanceof FaultlineError)) return { reason: 'failed', says };
  if (error.code === 'sql_refused') return { reason: 'refused', says };
  return { reason: error.code === 'query_timeout' ? 'timeout' : 'failed', says };
}
/** First row, JSON-safe: whole numbers of 64 bits as numbers where they are exact. */
export function firstRow(result: QueryResult): Record<string, FigureValue> {
  const [plain = {}] = result.rows().slice(0, 1);
  const row: Record<string, FigureValue> = {};
  for (const { name, type } of result.columns) {
    const value = plain[name];
    const isWhole = typeof value === 'string' && /^U?(BIG|HUGE)INT$/.test(type) && Number.isSafeInteger(Number(value));
    if (isWhole) row[name] = Number(value);
    else if (typeof value === 'number') row[name] = Number.isFinite(value) ? value : null;
    else row[name] = value === null || value === undefined ? null : String(value).slice(0, MAX_TEXT);
  }
  return row;
}
async function read(store: Pick<Store, 'userQuery'>, sql: string, { signal, deadlineMs }: ReadOptions): Promise<Reading> {
  if (deadlineMs !== undefined && performance.now() > deadlineMs)
    return { row: null, columns: [], error: { reason: 'timeout', says: OUT_OF_TIME } };
  try {
    const result = await store.userQuery(sql, { timeoutMs: POSTMORTEM_LIMITS.figureMs, maxRows: 1, ...(signal ? { signal } : {}) });
    const columns = result.columns.map(({ name }) => name);
    if (result.rowCount === 0) return { row: null, columns, error: { reason: 'no_value', says: 'The statement gives no row.' } };
    return { row: firstRow(result), columns, error: null };
  } catch (error) {
    if (error instanceof FaultlineError && error.code === 'cancelled') throw error;
    return { row: null, columns: [], error: reasonOf(error) };
  }
}

/** Runs `work` over all items, a few at once, in order. @throws what work throws */
export async function overAll<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const runner = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
}
/** Each statement once, through the bounded path for statements of users. @throws FaultlineError cancelled */
export async function readStatements(
  store: Pick<Store, 'userQuery'>,
  statements: Iterable<string>,
  options: ReadOptions = {},
): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  await overAll(new Set(statements), async (sql) => void readings.set(sql, await read(store, sql, options)));
  return readings;
}
