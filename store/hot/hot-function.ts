import duckdb from '@duckdb/node-bindings';
import { logicalTypeOf } from '../native/column-shape.ts';
import { writeVector } from '../native/write-vector.ts';
import type { HotRows } from './hot-rows.ts';
import type { BlockView, HotTableSpec } from './hot-table.ts';

interface Scan {
  readonly views: readonly BlockView[];
  readonly columns: readonly number[];
  at: number;
}
export const hotFunctionName = (table: string): string => `hot_${table}`;

/**
 * Registers hot_TABLE(): the hot rows of a table as DuckDB sees them, one block a chunk, only the columns asked for.
 * The callbacks run on the JavaScript thread, about 30 us a chunk; an error in them fails the statement, not us.
 */
export function registerHotFunction(connection: duckdb.Connection, spec: HotTableSpec, hot: HotRows, direct: boolean): void {
  const types = spec.columns.map(logicalTypeOf);
  const table = duckdb.create_table_function();
  duckdb.table_function_set_name(table, hotFunctionName(spec.name));
  duckdb.table_function_supports_projection_pushdown(table, true);
  duckdb.table_function_set_bind(table, (info) => {
    const views = hot.viewsFor(duckdb.client_context_get_connection_id(duckdb.table_function_get_client_context(info)), spec.name);
    if (!views) {
      duckdb.bind_set_error(info, 'BUG: this connection reads hot rows without a snapshot');
      return;
    }
    spec.columns.forEach((column, i) => {
      duckdb.bind_add_result_column(info, column.name, types[i]!);
    });
    let rows = 0;
    for (const view of views) rows += view.rows;
    duckdb.bind_set_cardinality(info, rows, true);
    duckdb.bind_set_bind_data(info, { views });
  });
  duckdb.table_function_set_init(table, (info) => {
    const { views } = duckdb.init_get_bind_data(info) as Pick<Scan, 'views'>;
    const columns = Array.from({ length: duckdb.init_get_column_count(info) }, (_, i) => duckdb.init_get_column_index(info, i));
    duckdb.init_set_max_threads(info, 1);
    duckdb.init_set_init_data(info, { views, columns, at: 0 } satisfies Scan);
  });
  duckdb.table_function_set_function(table, (info, output) => {
    try {
      fill(duckdb.function_get_init_data(info) as Scan, output, direct);
    } catch (cause) {
      duckdb.function_set_error(info, `hot rows of ${spec.name}: ${String(cause)}`);
    }
  });
  duckdb.register_table_function(connection, table);
}

function fill(scan: Scan, output: duckdb.DataChunk, direct: boolean): void {
  let view = scan.views[scan.at++];
  while (view && view.rows === 0) view = scan.views[scan.at++];
  duckdb.data_chunk_set_size(output, view?.rows ?? 0);
  if (!view) return;
  for (let i = 0; i < scan.columns.length; i++) {
    const column = view.block.columns[scan.columns[i]!];
    // The row id and the empty column are asked for by numbers beyond the last column; nothing reads them.
    if (column)
      writeVector(
        duckdb.data_chunk_get_vector(output, i),
        column,
        view.rows,
        direct ? null : { heaps: view.block.heaps, isLayoutKnown: false },
      );
  }
}
