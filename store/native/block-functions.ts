import duckdb from '@duckdb/node-bindings';
import { restOf } from '../blocks/rest.ts';
import { decodeRest, decodeTimes, decodeValues, MAX_BLOCK_SAMPLES } from '../blocks/sample-block.ts';

/** The SQL functions the view `samples` reads blocks with: a list per block. Not for users; what they give is rows. */
export const TIMES_FUNCTION = 'block_times';
export const VALUES_FUNCTION = 'block_values';
export const REST_FUNCTION = 'block_rest';

/** Series whose blocks the statements of a connection need, by its id; absent: all. */
export type WantedSeries = Map<number, ReadonlySet<number>>;
interface Bound {
  readonly wanted: ReadonlySet<number> | null;
}

/** One memory for the lists of all: the functions run on the JavaScript thread, one at a time. It grows to a million samples. */
let scratch = new ArrayBuffer(65_536);
function reserve(samples: number): ArrayBuffer {
  if (scratch.byteLength < samples * 8) scratch = new ArrayBuffer(samples * 8);
  return scratch;
}
const halvesOf = (column: Uint8Array): Uint32Array => new Uint32Array(column.buffer, column.byteOffset, column.byteLength >>> 2);

/** What a call is given: its rows, their sample counts, and where each row's samples begin in the list. */
interface Call {
  readonly rows: number;
  readonly counts: Uint32Array;
  readonly starts: Uint32Array;
  readonly total: number;
  argument(index: number, width: number): Uint8Array;
}
/** @param wanted rows of other series are given no samples */
function callOf(input: duckdb.DataChunk, wanted: ReadonlySet<number> | null): Call {
  const rows = duckdb.data_chunk_get_size(input);
  const argument = (index: number, width: number): Uint8Array =>
    duckdb.vector_get_data(duckdb.data_chunk_get_vector(input, index), rows * width);
  const counts = halvesOf(argument(1, 4));
  if (wanted) {
    const ids = halvesOf(argument(0, 4));
    for (let i = 0; i < rows; i++) if (!wanted.has(ids[i]!)) counts[i] = 0;
  }
  const starts = new Uint32Array(rows + 1);
  for (let i = 0; i < rows; i++) {
    if (counts[i]! > MAX_BLOCK_SAMPLES) throw new Error(`a block of ${counts[i]} samples`);
    starts[i + 1] = starts[i]! + counts[i]!;
  }
  return { rows, counts, starts, total: starts[rows]!, argument };
}
/** Bytes of row i of a BLOB column in DuckDB's layout: inline up to 12, else behind an address. */
function blobAt(cells: Uint8Array, words: Uint32Array, i: number): Uint8Array {
  const length = words[i * 4]!;
  return length <= 12
    ? cells.subarray(i * 16 + 4, i * 16 + 4 + length)
    : duckdb.get_data_from_pointer(cells.buffer as ArrayBuffer, cells.byteOffset + i * 16 + 8, length);
}
const sameCell = (words: Uint32Array, a: number, b: number): boolean =>
  words[a * 4] === words[b * 4] &&
  words[a * 4 + 1] === words[b * 4 + 1] &&
  words[a * 4 + 2] === words[b * 4 + 2] &&
  words[a * 4 + 3] === words[b * 4 + 3];

/** Makes the list vector of `call` and gives its child, with room for all samples. */
function listOf(output: duckdb.Vector, call: Call, lengthOf: (row: number) => number): duckdb.Vector {
  const entries = new Uint32Array(call.rows * 4);
  let at = 0;
  for (let i = 0; i < call.rows; i++) {
    entries[i * 4] = at;
    entries[i * 4 + 2] = lengthOf(i);
    at += lengthOf(i);
  }
  duckdb.list_vector_reserve(output, Math.max(1, at));
  duckdb.list_vector_set_size(output, at);
  duckdb.copy_data_to_vector(output, 0, entries.buffer, 0, entries.byteLength);
  return duckdb.list_vector_get_child(output);
}

function writeTimes(input: duckdb.DataChunk, output: duckdb.Vector, wanted: ReadonlySet<number> | null): void {
  const call = callOf(input, wanted);
  const first = halvesOf(call.argument(2, 8));
  const cells = call.argument(3, 16);
  const words = halvesOf(cells);
  const halves = new Uint32Array(reserve(call.total));
  for (let i = 0; i < call.rows; i++) {
    if (call.counts[i] === 0) continue;
    const at = call.starts[i]!;
    const [low, high] = [first[i * 2]!, first[i * 2 + 1]!];
    // Series of one target have the same times, and DuckDB keeps them once: they are read once.
    if (
      i > 0 &&
      low === first[i * 2 - 2] &&
      high === first[i * 2 - 1] &&
      call.counts[i] === call.counts[i - 1] &&
      sameCell(words, i, i - 1)
    )
      halves.copyWithin(at * 2, call.starts[i - 1]! * 2, at * 2);
    else {
      const bytes = blobAt(cells, words, i);
      decodeTimes(bytes, 0, bytes.length, low, high, halves, at, call.counts[i]!);
    }
  }
  const child = listOf(output, call, (i) => call.counts[i]!);
  duckdb.copy_data_to_vector(child, 0, scratch, 0, call.total * 8);
}

function writeValues(input: duckdb.DataChunk, output: duckdb.Vector, wanted: ReadonlySet<number> | null): void {
  const call = callOf(input, wanted);
  const cells = call.argument(2, 16);
  const words = halvesOf(cells);
  const memory = reserve(call.total);
  const values = new Float64Array(memory);
  const bits = new Uint32Array(memory);
  for (let i = 0; i < call.rows; i++) {
    if (call.counts[i] === 0) continue;
    const bytes = blobAt(cells, words, i);
    decodeValues(bytes, 0, bytes.length, values, bits, call.starts[i]!, call.counts[i]!);
  }
  const child = listOf(output, call, (i) => call.counts[i]!);
  duckdb.copy_data_to_vector(child, 0, memory, 0, call.total * 8);
}

/** Empty for a block without any: its rows have NULL there. */
function writeRest(input: duckdb.DataChunk, output: duckdb.Vector, wanted: ReadonlySet<number> | null): void {
  const call = callOf(input, wanted);
  const rest = duckdb.data_chunk_get_vector(input, 4);
  const valid = duckdb.vector_get_validity(rest, Math.ceil(call.rows / 64) * 8) as Uint8Array | null;
  const has = (row: number): boolean => valid === null || ((valid[row >> 3]! >> (row & 7)) & 1) === 1;
  const child = listOf(output, call, (i) => (has(i) ? call.counts[i]! : 0));
  let total = 0;
  for (let i = 0; i < call.rows; i++) total += has(i) ? call.counts[i]! : 0;
  if (total === 0) return;
  const start = call.argument(2, 8);
  const first = new BigInt64Array(start.buffer, start.byteOffset, call.rows);
  const [times, rests] = [call.argument(3, 16), call.argument(4, 16)];
  const [timeWords, restWords] = [halvesOf(times), halvesOf(rests)];
  const out = restOf(total);
  let at = 0;
  for (let i = 0; i < call.rows; i++) {
    if (!has(i) || call.counts[i] === 0) continue;
    decodeRest(blobAt(rests, restWords, i), blobAt(times, timeWords, i), first[i]!, out, at, call.counts[i]!);
    at += call.counts[i]!;
  }
  const fields = [
    { data: out.ints, present: out.intPresent },
    { data: out.starts, present: out.startPresent },
    { data: out.flags, present: null },
  ];
  fields.forEach(({ data, present }, i) => {
    const vector = duckdb.struct_vector_get_child(child, i);
    duckdb.copy_data_to_vector(vector, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    if (present) setPresent(vector, present);
  });
}
function setPresent(vector: duckdb.Vector, present: Uint8Array): void {
  if (!present.includes(0)) return;
  const mask = new Uint32Array(Math.ceil(present.length / 64) * 2);
  for (let i = 0; i < present.length; i++) if (present[i] === 1) mask[i >>> 5]! |= 1 << (i & 31);
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, mask.buffer, 0, mask.byteLength);
}

const { UINTEGER, TIMESTAMP_NS, BLOB, DOUBLE, BIGINT } = duckdb.Type;
const type = (of: duckdb.Type): duckdb.LogicalType => duckdb.create_logical_type(of);
/**
 * Registers the functions with the database of the connection. Their work is done on the JavaScript thread, for at most 2,048
 * blocks at a time. They lean on DuckDB's string layout for reading only, which is fixed by its own interface.
 */
export function registerBlockFunctions(connection: duckdb.Connection, series: WantedSeries): void {
  const register = (
    name: string,
    parameters: readonly duckdb.Type[],
    returns: duckdb.LogicalType,
    work: (input: duckdb.DataChunk, output: duckdb.Vector, wanted: ReadonlySet<number> | null) => void,
  ): void => {
    const scalar = duckdb.create_scalar_function();
    duckdb.scalar_function_set_name(scalar, name);
    for (const parameter of parameters) duckdb.scalar_function_add_parameter(scalar, type(parameter));
    duckdb.scalar_function_set_return_type(scalar, duckdb.create_list_type(returns));
    // A block without a rest has an empty list of it, not none.
    duckdb.scalar_function_set_special_handling(scalar);
    duckdb.scalar_function_set_bind(scalar, (info) => {
      const id = duckdb.client_context_get_connection_id(duckdb.scalar_function_get_client_context(info));
      duckdb.scalar_function_set_bind_data(info, { wanted: series.get(id) ?? null } satisfies Bound);
    });
    duckdb.scalar_function_set_function(scalar, (info, input, output) => {
      try {
        work(input, output, (duckdb.scalar_function_get_bind_data(info) as Bound | undefined)?.wanted ?? null);
      } catch (cause) {
        duckdb.scalar_function_set_error(info, `samples: ${cause instanceof Error ? cause.message : cause}`);
      }
    });
    duckdb.register_scalar_function(connection, scalar);
  };
  register(TIMES_FUNCTION, [UINTEGER, UINTEGER, TIMESTAMP_NS, BLOB], type(TIMESTAMP_NS), writeTimes);
  register(VALUES_FUNCTION, [UINTEGER, UINTEGER, BLOB], type(DOUBLE), writeValues);
  const rest = duckdb.create_struct_type([type(BIGINT), type(TIMESTAMP_NS), type(UINTEGER)], ['value_int', 'start_time', 'flags']);
  register(REST_FUNCTION, [UINTEGER, UINTEGER, TIMESTAMP_NS, BLOB, BLOB], rest, writeRest);
}
