import duckdb from '@duckdb/node-bindings';
import { readTypeOf } from './read-vector.ts';

const WHOLE_OR_DECIMAL: ReadonlySet<duckdb.Type> = new Set([
  duckdb.Type.HUGEINT,
  duckdb.Type.UHUGEINT,
  duckdb.Type.DECIMAL,
  duckdb.Type.BIGNUM,
]);
const NESTED: ReadonlySet<duckdb.Type> = new Set([
  duckdb.Type.LIST,
  duckdb.Type.STRUCT,
  duckdb.Type.MAP,
  duckdb.Type.ARRAY,
  duckdb.Type.UNION,
  duckdb.Type.VARIANT,
]);

/**
 * The same statement with every column in a type that is read as it is: wide integers and decimals as DOUBLE, UUIDs
 * as 32 hex digits, lists, structs and maps as JSON text, the rest as DuckDB prints it.
 * @param maxRows one row more than this is asked for: it tells that there are more
 */
export function readableSql(
  sql: string,
  columns: readonly { readonly name: string; readonly type: duckdb.Type }[],
  maxRows?: number,
): string {
  const casts = columns.map(({ type }, i) => {
    if (readTypeOf(type)) return `c${i}`;
    if (WHOLE_OR_DECIMAL.has(type)) return `c${i}::DOUBLE AS c${i}`;
    if (type === duckdb.Type.UUID) return `replace(c${i}::VARCHAR, '-', '') AS c${i}`;
    if (NESTED.has(type)) return `to_json(c${i})::VARCHAR AS c${i}`;
    return `c${i}::VARCHAR AS c${i}`;
  });
  const limit = maxRows === undefined ? '' : limitSql(maxRows);
  return `SELECT ${casts.join(', ')} FROM ${inner(sql)} AS q(${columns.map((_, i) => `c${i}`).join(', ')})${limit}`;
}
/** One more than is wanted. */
const limitSql = (maxRows: number): string => ` LIMIT ${Math.max(0, Math.trunc(maxRows)) + 1}`;
/** The same statement with no more rows than that. */
export const cutSql = (sql: string, maxRows: number): string => `SELECT * FROM ${inner(sql)} AS q${limitSql(maxRows)}`;
/** The columns of a statement and none of its rows. */
export const noRowsSql = (sql: string): string => `SELECT * FROM ${inner(sql)} AS q LIMIT 0`;
// A line break before the parenthesis: the statement may end in a comment.
const inner = (sql: string): string => `(${sql}\n)`;

/**
 * Prepares a statement built around another one that is known to be a single statement. An ending semicolon, also one
 * with a comment behind it, cannot stand inside of parentheses: it is cut off, the last first.
 */
export async function prepareAround(
  connection: duckdb.Connection,
  sql: string,
  build: (sql: string) => string,
): Promise<duckdb.PreparedStatement> {
  for (let text = sql; ; text = text.slice(0, text.lastIndexOf(';'))) {
    try {
      return await duckdb.prepare(connection, build(text));
    } catch (cause) {
      if (!text.includes(';') || !(cause as Error).message.startsWith('Parser Error')) throw cause;
    }
  }
}
