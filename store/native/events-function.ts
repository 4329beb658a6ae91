import duckdb from '@duckdb/node-bindings';
import type { SpanEvents } from '#contracts/columns.ts';
import { type ColumnSpec, EVENT_FIELDS } from '#contracts/tables.ts';
import { BlockColumn } from '../hot/block-column.ts';
import { readText } from '../run/read-vector.ts';
import { logicalTypeOf, shapeOf } from './column-shape.ts';
import { writeVector } from './write-vector.ts';

/** Reads the events of some rows: row i is [offsets[i], offsets[i + 1]) of `wire`. What it gives is lent until its next call. */
export type ReadSpanEvents = (wire: Uint8Array, offsets: ArrayLike<number>) => SpanEvents;

const EVENTS: ColumnSpec = { name: 'events', kind: 'list', sql: '', element: EVENT_FIELDS, about: '' };
const SHAPE = shapeOf(EVENTS);
/** The SQL function that makes `events` of what was sent; the views call it, and nothing is read where nobody asks. */
export const EVENTS_FUNCTION = 'span_events_of';

/** Registers the function with the database of the connection. Its work is done on the JavaScript thread, 2,048 rows at a time. */
export function registerEventsFunction(connection: duckdb.Connection, read: ReadSpanEvents, isLayoutKnown: boolean): void {
  const scalar = duckdb.create_scalar_function();
  duckdb.scalar_function_set_name(scalar, EVENTS_FUNCTION);
  duckdb.scalar_function_add_parameter(scalar, duckdb.create_logical_type(duckdb.Type.BLOB));
  duckdb.scalar_function_set_return_type(scalar, logicalTypeOf(EVENTS));
  // A span without events has an empty list, not none.
  duckdb.scalar_function_set_special_handling(scalar);
  duckdb.scalar_function_set_function(scalar, (info, input, output) => {
    try {
      fill(read, input, output, isLayoutKnown);
    } catch (cause) {
      duckdb.scalar_function_set_error(info, `events of spans: ${cause instanceof Error ? cause.message : cause}`);
    }
  });
  duckdb.register_scalar_function(connection, scalar);
}

function fill(read: ReadSpanEvents, input: duckdb.DataChunk, output: duckdb.Vector, isLayoutKnown: boolean): void {
  const rows = duckdb.data_chunk_get_size(input);
  const vector = duckdb.data_chunk_get_vector(input, 0);
  const valid = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8) as Uint8Array | null;
  const wire = readText(duckdb.vector_get_data(vector, rows * 16), rows, valid);
  const { column, heap } = read(wire.bytes, wire.offsets);
  const block = new BlockColumn(SHAPE, rows);
  block.append(column, 0, rows, { address: () => ({ arena: null, bytes: heap, baseLow: 0, baseHigh: 0 }) });
  writeVector(output, block, rows, { heaps: [heap], isLayoutKnown });
}
