import type { ColumnBatch } from '#contracts/columns.ts';
import { invariant } from '#contracts/errors.ts';
import type { JournalPosition } from '#contracts/journal.ts';
import { TABLES, type TableName } from '#contracts/tables.ts';
import type { Consumed, TimeSpan } from '../database/day-files.ts';
import type { HotRows } from '../hot/hot-rows.ts';
import type { BatchHeap } from '../hot/hot-table.ts';
import { type Day, dayAt } from './day-of.ts';

export interface AppendContext {
  readonly hot: HotRows;
  /** What the day's file already holds of a table. */
  readonly consumed: (day: Day, table: TableName) => Consumed | undefined;
  /** Rows of a pruned day that came before this position stay pruned. */
  readonly prunedUntil: ReadonlyMap<Day, JournalPosition>;
  /** Event times seen, by day; widened here. */
  readonly spans: Map<Day, TimeSpan>;
  readonly nowMs: number;
}
const TIME_COLUMNS = Object.fromEntries(
  Object.values(TABLES).map((table) => [table.name, table.columns.findIndex((column) => column.name === table.timeColumn)]),
) as Record<TableName, number>;

/** Makes the rows of one record hot, but for those a day file already holds (a replay) or retention took. */
export function appendRecord(context: AppendContext, position: JournalPosition, batches: readonly ColumnBatch[]): void {
  // A row's ordinal counts all rows of its table in the record, over days and batches: the same on every replay.
  const ordinals = new Map<TableName, number>();
  const heaps = new Map<Uint8Array, BatchHeap>();
  for (const batch of batches) {
    invariant(batch.columns.length === TABLES[batch.table].columns.length, `batch of ${batch.table} has ${batch.columns.length} columns`);
    const base = ordinals.get(batch.table) ?? 0;
    ordinals.set(batch.table, base + batch.rows);
    let heap = heaps.get(batch.heap);
    if (!heap) {
      heap = { bytes: batch.heap, copy: null };
      heaps.set(batch.heap, heap);
    }
    appendBatch(context, position, batch, base, heap);
  }
}

function appendBatch(context: AppendContext, position: JournalPosition, batch: ColumnBatch, base: number, heap: BatchHeap): void {
  const column = batch.columns[TIME_COLUMNS[batch.table]];
  invariant(
    column?.kind === 'i64' && column.data instanceof BigInt64Array && column.data.length >= batch.rows,
    `time column of ${batch.table}`,
  );
  const times = column.data;
  const halves = new Int32Array(times.buffer, times.byteOffset, times.length * 2);
  for (let from = 0; from < batch.rows; ) {
    const day = dayAt(times, halves, from);
    let to = from + 1;
    while (to < batch.rows && dayAt(times, halves, to) === day) to++;
    const first = firstNew(context, position, batch.table, day, base, from, to);
    if (first < to) {
      widen(context.spans, day, halves, first, to);
      context.hot.table(batch.table).append(day, batch.columns, first, to, { position, ordinal: base + first }, heap, context.nowMs);
    }
    from = to;
  }
}

/** First row of [from, to) that is not stored yet; `to` when there is none. */
function firstNew(
  context: AppendContext,
  position: JournalPosition,
  table: TableName,
  day: Day,
  base: number,
  from: number,
  to: number,
): number {
  if (position < (context.prunedUntil.get(day) ?? -1)) return to;
  const consumed = context.consumed(day, table);
  if (!consumed || position > consumed.position) return from;
  if (position < consumed.position) return to;
  return Math.min(to, Math.max(from, consumed.ordinal - base));
}

function widen(spans: Map<Day, TimeSpan>, day: Day, halves: Int32Array, from: number, to: number): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) {
    const time = halves[i * 2 + 1]! * 4294967296 + (halves[i * 2]! >>> 0);
    if (time < min) min = time;
    if (time > max) max = time;
  }
  const known = spans.get(day);
  spans.set(day, { minMs: Math.min(known?.minMs ?? min / 1e6, min / 1e6), maxMs: Math.max(known?.maxMs ?? max / 1e6, max / 1e6) });
}
