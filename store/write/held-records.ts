import type { JournalPosition } from '#contracts/journal.ts';
import type { AppendedRecord } from '#contracts/store.ts';

/** Records whose rows come of earlier ones as well (contracts/store.ts AppendedRecord.needs): the journal keeps those until the rows are stored. */
export class HeldRecords {
  private written: { readonly position: JournalPosition; readonly from: JournalPosition }[] = [];
  private open: JournalPosition | null = null;

  append(position: JournalPosition, needs: AppendedRecord['needs']): void {
    this.open = needs?.open ?? null;
    if (needs && needs.rows !== null) this.written.push({ position, from: needs.rows });
  }
  /** @param stored everything before it is in its files. @returns how far the journal is no longer needed */
  before(stored: JournalPosition): JournalPosition {
    this.written = this.written.filter(({ position }) => position >= stored);
    return this.written.reduce((least, { from }) => Math.min(least, from), Math.min(stored, this.open ?? stored));
  }
}
