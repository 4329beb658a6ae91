import { spanEventsReader } from '#collectors/otlp/decode-events.ts';
import type { Column, ColumnBatch, DecodedRecord, StringColumn } from '#contracts/columns.ts';
import { type ColumnSpec, EVENT_FIELDS, TABLES, type TableName } from '#contracts/tables.ts';

/** Reads batches back into plain rows, by the layout contracts/columns.ts promises and nothing else. For tests. */
export type Value = null | number | bigint | string | readonly Value[] | { readonly [name: string]: Value };
export type Row = Readonly<Record<string, Value>>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

function cellText({ cells }: StringColumn, heap: Uint8Array, i: number): string {
  const length = cells[i * 4] as number;
  const cell = new Uint8Array(cells.buffer, cells.byteOffset + i * 16, 16);
  if (length <= 12) {
    if (cell.subarray(4 + length).some((byte) => byte !== 0)) throw new Error('an inline cell is not zero padded');
    return utf8.decode(cell.subarray(4, 4 + length));
  }
  const offset = cells[i * 4 + 2] as number;
  if (offset + length > heap.length) throw new Error(`a cell points to ${offset}+${length}, the heap has ${heap.length} bytes`);
  const bytes = heap.subarray(offset, offset + length);
  if (Buffer.compare(cell.subarray(4, 8), bytes.subarray(0, 4)) !== 0) throw new Error('the prefix of a long cell differs from its text');
  return utf8.decode(bytes);
}

function valueAt(column: Column, spec: ColumnSpec | null, heap: Uint8Array, i: number): Value {
  if ('present' in column && column.present && column.present[i] === 0) {
    if (spec && !spec.nullable) throw new Error(`${spec.name} is NULL but must not be`);
    return null;
  }
  switch (column.kind) {
    case 'string':
      return spec?.sql === 'BLOB' ? Buffer.from(bytesAt(column, heap, i)).toString('base64') : cellText(column, heap, i);
    case 'uuid':
      return Buffer.from(column.data.subarray(i * 16, i * 16 + 16)).toString('hex');
    case 'map': {
      const entries: Value[] = [];
      for (let at = column.offsets[i] as number; at < (column.offsets[i + 1] as number); at++)
        entries.push([cellText(column.keys, heap, at), cellText(column.values, heap, at)]);
      return entries;
    }
    case 'list': {
      const element = Array.isArray(spec?.element) ? (spec.element as readonly ColumnSpec[]) : null;
      const items: Value[] = [];
      for (let at = column.offsets[i] as number; at < (column.offsets[i + 1] as number); at++)
        items.push(element ? rowAt(column.children, element, heap, at) : valueAt(column.children[0] as Column, null, heap, at));
      return items;
    }
    default:
      return column.data[i] as number | bigint;
  }
}

function rowAt(columns: readonly Column[], specs: readonly ColumnSpec[], heap: Uint8Array, i: number): Row {
  return Object.fromEntries(
    specs.map((spec, c) => {
      const column = columns[c] as Column;
      return spec.shownAs ? [spec.shownAs.name, eventsAt(column as StringColumn, heap, i)] : [spec.name, valueAt(column, spec, heap, i)];
    }),
  );
}
const readEvents = spanEventsReader();
/** The events a span shows, made of what is stored of them. */
function eventsAt(stored: StringColumn, heap: Uint8Array, i: number): Value {
  const wire = bytesAt(stored, heap, i);
  const { column, heap: eventHeap } = readEvents(wire, [0, wire.length]);
  return valueAt(column, EVENTS, eventHeap, 0);
}
function bytesAt({ cells, present }: StringColumn, heap: Uint8Array, i: number): Uint8Array {
  if (present?.[i] === 0) return new Uint8Array(0);
  const [length, , start] = cells.subarray(i * 4, i * 4 + 3) as unknown as [number, number, number];
  return length <= 12 ? new Uint8Array(cells.buffer, cells.byteOffset + i * 16 + 4, length) : heap.subarray(start, start + length);
}
/** What is stored of the events of a record's first span. */
export function firstStoredEvents(record: DecodedRecord): Uint8Array {
  const batch = record.batches.find(({ table }) => table === 'spans');
  const at = TABLES.spans.columns.findIndex(({ name }) => name === 'events_wire');
  return batch ? bytesAt(batch.columns[at] as StringColumn, batch.heap, 0) : new Uint8Array(0);
}
const EVENTS: ColumnSpec = { name: 'events', kind: 'list', sql: '', element: EVENT_FIELDS, about: '' };

/** Rows of one batch. Throws when the layout is broken: a bad offset, padding or prefix, invalid UTF-8. */
export function rowsOf(batch: ColumnBatch): Row[] {
  const specs = TABLES[batch.table].columns;
  if (batch.columns.length !== specs.length) throw new Error(`${batch.table} has ${batch.columns.length} columns`);
  return Array.from({ length: batch.rows }, (_, i) => rowAt(batch.columns, specs, batch.heap, i));
}
/** Rows of a table in a record; none when it has no batch. */
export function tableRows(record: DecodedRecord, table: TableName): Row[] {
  return record.batches.filter((batch) => batch.table === table).flatMap(rowsOf);
}
/** Items a record accounts for: rows of everything but exemplars, plus what was dropped. */
export function itemsOf(record: DecodedRecord): number {
  let items = 0;
  for (const { table, rows } of record.batches) if (table !== 'exemplars' && table !== 'profile_samples') items += rows;
  for (const count of record.dropped.values()) items += count;
  return items;
}
