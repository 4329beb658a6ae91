import duckdb from '@duckdb/node-bindings';
import { invariant } from '#contracts/errors.ts';
import type { ColumnSpec } from '#contracts/tables.ts';

/** How a column lies in memory: bytes per row and, for lists, what is under them. */
export interface ColumnShape {
  readonly kind: 'fixed' | 'uuid' | 'string' | 'list';
  /** Bytes per row in a DuckDB vector; a list row is its entry {offset u64, length u64}. */
  readonly width: number;
  /** plain: children[0] is the element. struct, map: children are the struct's fields. */
  readonly wrap: 'plain' | 'struct' | 'map';
  readonly children: readonly ColumnShape[];
}
const leaf = (kind: ColumnShape['kind'], width: number): ColumnShape => ({ kind, width, wrap: 'plain', children: [] });
const STRING = leaf('string', 16);
const LEAVES: Readonly<Record<string, ColumnShape>> = {
  u8: leaf('fixed', 1),
  u32: leaf('fixed', 4),
  u64: leaf('fixed', 8),
  i64: leaf('fixed', 8),
  f64: leaf('fixed', 8),
  uuid: leaf('uuid', 16),
  string: STRING,
};
const MAP: ColumnShape = { kind: 'list', width: 16, wrap: 'map', children: [STRING, STRING] };

function kindShape(kind: string): ColumnShape {
  const shape = kind === 'map' ? MAP : LEAVES[kind];
  invariant(shape, `no memory shape for column kind ${kind}`);
  return shape;
}
export function shapeOf(spec: ColumnSpec): ColumnShape {
  if (spec.kind !== 'list') return kindShape(spec.kind);
  const element = spec.element;
  invariant(element, `list column ${spec.name} names no element`);
  if (typeof element === 'string') return { kind: 'list', width: 16, wrap: 'plain', children: [kindShape(element)] };
  return { kind: 'list', width: 16, wrap: 'struct', children: element.map(shapeOf) };
}

const SQL_TYPES: Readonly<Record<string, duckdb.Type>> = {
  BOOLEAN: duckdb.Type.BOOLEAN,
  UTINYINT: duckdb.Type.UTINYINT,
  UINTEGER: duckdb.Type.UINTEGER,
  UBIGINT: duckdb.Type.UBIGINT,
  BIGINT: duckdb.Type.BIGINT,
  DOUBLE: duckdb.Type.DOUBLE,
  TIMESTAMP_NS: duckdb.Type.TIMESTAMP_NS,
  UUID: duckdb.Type.UUID,
  VARCHAR: duckdb.Type.VARCHAR,
  BLOB: duckdb.Type.BLOB,
};
function sqlType(sql: string): duckdb.LogicalType {
  const type = SQL_TYPES[sql];
  invariant(type !== undefined, `no DuckDB type for ${sql}`);
  return duckdb.create_logical_type(type);
}
/** The DuckDB type of a column, equal to its DDL. */
export function logicalTypeOf(spec: ColumnSpec): duckdb.LogicalType {
  if (spec.kind === 'map') return duckdb.create_map_type(sqlType('VARCHAR'), sqlType('VARCHAR'));
  if (spec.kind !== 'list') return sqlType(spec.sql);
  if (typeof spec.element === 'string') return duckdb.create_list_type(sqlType(spec.sql.replace('[]', '')));
  const fields = spec.element ?? [];
  return duckdb.create_list_type(
    duckdb.create_struct_type(
      fields.map(logicalTypeOf),
      fields.map((field) => field.name),
    ),
  );
}
