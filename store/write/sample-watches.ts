import type { ColumnBatch } from '#contracts/columns.ts';
import { invariant } from '#contracts/errors.ts';
import type { SampleWatch } from '#contracts/store.ts';
import { TABLES } from '#contracts/tables.ts';

const { columns, timeColumn } = TABLES.samples;
const TIME = columns.findIndex(({ name }) => name === timeColumn);

/** Tells readers that keep samples since when theirs may be others. */
export class SampleWatches {
  /** Earliest time that came since each watch was asked, milliseconds. */
  private readonly sinceMs = new Map<SampleWatch, number>();
  private readonly shown: () => number;

  /** @param shown grows with each change of the days that are shown */
  constructor(shown: () => number) {
    this.shown = shown;
  }
  open(): SampleWatch {
    let shown = this.shown();
    const watch: SampleWatch = {
      changedSinceMs: () => {
        const sinceMs = this.shown() === shown ? (this.sinceMs.get(watch) ?? Number.NEGATIVE_INFINITY) : Number.NEGATIVE_INFINITY;
        shown = this.shown();
        this.sinceMs.set(watch, Number.POSITIVE_INFINITY);
        return sinceMs;
      },
      end: () => void this.sinceMs.delete(watch),
    };
    this.sinceMs.set(watch, Number.POSITIVE_INFINITY);
    return watch;
  }
  /** Rows of one record, stored before or not. */
  appended(batches: readonly ColumnBatch[]): void {
    if (this.sinceMs.size === 0) return;
    for (const batch of batches) {
      if (batch.table !== 'samples' || batch.rows === 0) continue;
      const firstMs = firstOf(batch);
      for (const [watch, sinceMs] of this.sinceMs) if (firstMs < sinceMs) this.sinceMs.set(watch, firstMs);
    }
  }
}
/** A millisecond too early: where a time is made a whole millisecond it may be rounded up. */
function firstOf({ columns, rows }: ColumnBatch): number {
  const column = columns[TIME];
  invariant(column?.kind === 'i64' && column.data instanceof BigInt64Array, 'time column of samples');
  const halves = new Int32Array(column.data.buffer, column.data.byteOffset, rows * 2);
  let first = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rows; i++) first = Math.min(first, halves[i * 2 + 1]! * 4294967296 + (halves[i * 2]! >>> 0));
  return Math.floor(first / 1e6) - 1;
}
