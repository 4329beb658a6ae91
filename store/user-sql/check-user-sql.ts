import duckdb from '@duckdb/node-bindings';
import { FaultlineError } from '#contracts/errors.ts';
import type { Connection } from '../database/database.ts';
import { isFatal } from '../database/fatal-error.ts';
import { readRows } from '../run/read-chunk.ts';
import {
  ALLOWED_FUNCTIONS,
  ALLOWED_TABLE_FUNCTIONS,
  ALLOWED_VIEWS,
  GROWING_FUNCTIONS,
  LENGTH_FUNCTIONS,
  MAX_GROWTH,
  MAX_LENGTH,
  SERIES_FUNCTIONS,
} from './allowed-functions.ts';

const MAX_SQL_LENGTH = 100_000;
const NODES = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE']);
const TABLES = new Set(['BASE_TABLE', 'SUBQUERY', 'JOIN', 'TABLE_FUNCTION', 'EXPRESSION_LIST', 'EMPTY', 'SHOW_REF', 'PIVOT']);
const EXPRESSIONS = new Set(
  'BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION OPERATOR STAR SUBQUERY WINDOW LAMBDA LAMBDA_REF POSITIONAL_REFERENCE'.split(
    ' ',
  ),
);
/** Where the tree holds what: a word of the user's own, such as an alias or a constant, is never taken for a node. */
const TABLE_KEYS = new Set(['from_table', 'source']);
type Json = { readonly [key: string]: unknown };
type Names = ReadonlySet<string>;

/**
 * Throws sql_refused unless the text is exactly one SELECT that reads only the documented views and calls only
 * allowed functions. Judged on DuckDB's own parse tree (json_serialize_sql), so that what is judged is what is run.
 */
export async function checkUserSql(connection: Connection, sql: string): Promise<void> {
  if (sql.length > MAX_SQL_LENGTH) refuse(`The statement is longer than ${MAX_SQL_LENGTH} characters.`);
  const tree = await parse(connection, sql);
  if (tree['error'] === true) refuse(`The statement cannot be read as one SELECT: ${String(tree['error_message'])}`);
  const statements = tree['statements'] as Json[];
  if (statements.length !== 1) refuse('Exactly one statement is allowed.');
  checkNode(statements[0]!['node'] as Json, new Set());
  // One cell is filled outside the database's memory limit and deaf to interrupts: what multiplies is bounded before it runs.
  if (growthOf(statements[0]) > MAX_GROWTH) refuse(`The lengths of repeat, list_resize and range multiply to more than ${MAX_GROWTH}.`);
}

function refuse(message: string): never {
  throw new FaultlineError('sql_refused', message);
}
async function parse(connection: Connection, sql: string): Promise<Json> {
  const statement = await duckdb.prepare(connection.raw, 'SELECT json_serialize_sql($1::VARCHAR)::VARCHAR AS tree');
  try {
    duckdb.bind_varchar(statement, 1, sql);
    const [row] = await readRows(await duckdb.execute_prepared(statement));
    return JSON.parse(row?.['tree'] as string) as Json;
  } catch (cause) {
    const { message } = cause as Error;
    if (isFatal(message)) throw new FaultlineError('internal', message, { cause });
    return refuse(`The statement cannot be read: ${message}`);
  } finally {
    duckdb.destroy_prepare_sync(statement);
  }
}

/** A query node: its common table expressions are names in everything below it. */
function checkNode(node: Json, outer: Names): void {
  if (!NODES.has(node['type'] as string)) refuse(`${String(node['type'])} is not allowed.`);
  const names = new Set(outer);
  // A name is known to the expressions after it, and to itself only when recursive. Taking all of them as known could
  // let a name stand for a real table where it is not in scope; so a name may not be that of anything real.
  for (const entry of ((node['cte_map'] as Json | undefined)?.['map'] as Json[] | undefined) ?? []) names.add(cteName(entry['key']));
  if (typeof node['cte_name'] === 'string' && node['cte_name'] !== '') names.add(cteName(node['cte_name']));
  if (typeof node['ctename'] === 'string' && node['ctename'] !== '') names.add(cteName(node['ctename']));
  checkChildren(node, names);
}
function cteName(key: unknown): string {
  const name = String(key).toLowerCase();
  if (
    !/^[a-z_][a-z0-9_]*$/.test(name) ||
    /^(duckdb_|pragma_|sqlite_|pg_|information_schema|main|temp|system|memory|catalog$|d\d{8}$)/.test(name)
  ) {
    refuse(`"${name}" cannot be the name of a common table expression.`);
  }
  return name;
}

function checkValue(key: string, value: unknown, names: Names): void {
  if (Array.isArray(value)) {
    for (const item of value) checkValue(key, item, names);
    return;
  }
  if (value === null || typeof value !== 'object') return;
  const json = value as Json;
  if ('cte_map' in json) checkNode(json, names);
  else if (typeof json['class'] === 'string' && 'query_location' in json) checkExpression(json, names);
  else if (TABLE_KEYS.has(key) || isTable(json)) checkTable(json, names);
  else checkChildren(json, names);
}
function checkChildren(json: Json, names: Names): void {
  for (const [key, value] of Object.entries(json)) checkValue(key, value, names);
}
const isTable = (json: Json): boolean => typeof json['type'] === 'string' && 'sample' in json && 'alias' in json;

function checkTable(json: Json, names: Names): void {
  const type = String(json['type']);
  if (!TABLES.has(type)) refuse(`${type} is not allowed as a table.`);
  if (type === 'BASE_TABLE') checkName(json, names);
  if (type === 'SHOW_REF' && !json['query']) refuse('Only DESCRIBE and SUMMARIZE of a view are allowed.');
  const call = type === 'TABLE_FUNCTION' ? (json['function'] as Json) : null;
  if (call) checkCall(call, ALLOWED_TABLE_FUNCTIONS);
  checkChildren(call ?? json, names);
}
function checkName(json: Json, names: Names): void {
  const name = String(json['table_name']).toLowerCase();
  const qualified = json['catalog_name'] !== '' || json['schema_name'] !== '';
  if (json['at_clause']) refuse('AT is not allowed.');
  if (qualified || !(ALLOWED_VIEWS.has(name) || names.has(name)))
    refuse(`There is no view "${name}" here. Views: ${[...ALLOWED_VIEWS].join(', ')}.`);
}

function checkExpression(json: Json, names: Names): void {
  const kind = String(json['class']);
  if (!EXPRESSIONS.has(kind)) refuse(`${kind} is not allowed.`);
  if (kind === 'FUNCTION' || kind === 'WINDOW') checkCall(json, ALLOWED_FUNCTIONS);
  checkChildren(json, names);
}
const constantOf = (json: Json | undefined): unknown => (json?.['value'] as Json | undefined)?.['value'];
/** How many times over one cell can grow: the product of all lengths in the statement, nested or passed on. */
function growthOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1;
  const json = value as Json;
  if (json['type'] === 'TABLE_FUNCTION') return growthOf((json['function'] as Json)['children']);
  let growth = 1;
  for (const child of Object.values(value)) growth *= growthOf(child);
  if (json['class'] !== 'FUNCTION' || !GROWING_FUNCTIONS.has(String(json['function_name']).toLowerCase())) return growth;
  const lengths = (json['children'] as Json[]).map(constantOf);
  if (!SERIES_FUNCTIONS.has(String(json['function_name']).toLowerCase())) return growth * Math.max(1, Number(lengths[1]));
  // Bounds that come from rows are what the screens' own statements have; only constants are known here.
  if (!lengths.every((length) => typeof length === 'number')) return growth;
  const [first = 0, last, step = 1] = lengths as number[];
  return growth * Math.max(1, Math.abs((last === undefined ? first : last - first) / (step || 1)));
}
function checkCall(json: Json, allowed: ReadonlySet<string>): void {
  const name = String(json['function_name']).toLowerCase();
  const qualified = (json['catalog'] ?? '') !== '' || !['', 'main'].includes(String(json['schema'] ?? ''));
  if (qualified || !allowed.has(name)) refuse(`The function ${name} is not allowed.`);
  if (!LENGTH_FUNCTIONS.has(name)) return;
  const length = constantOf((json['children'] as Json[])[1]);
  if (typeof length !== 'number' || length > MAX_LENGTH) refuse(`${name} needs a constant length of at most ${MAX_LENGTH}.`);
}
