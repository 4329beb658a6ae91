import duckdb from '@duckdb/node-bindings';
import { readTypeOf } from './column-data.ts';

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
 */
export function readableSql(sql: string, columns: readonly { readonly name: string; readonly type: duckdb.Type }[]): string {
  const casts = columns.map(({ type }, i) => {
    if (readTypeOf(type)) return `c${i}`;
    if (WHOLE_OR_DECIMAL.has(type)) return `c${i}::DOUBLE AS c${i}`;
    if (type === duckdb.Type.UUID) return `replace(c${i}::VARCHAR, '-', '') AS c${i}`;
    if (NESTED.has(type)) return `to_json(c${i})::VARCHAR AS c${i}`;
    return `c${i}::VARCHAR AS c${i}`;
  });
  // A line break before the parenthesis: the statement may end in a comment.
  return `SELECT ${casts.join(', ')} FROM (${sql.trim().replace(/;+$/, '')}\n) AS q(${columns.map((_, i) => `c${i}`).join(', ')})`;
}
