import { type JournalPosition, positionOf, RecordKind } from '#contracts/journal.ts';
import { readAt } from './disk-file.ts';
import { alignedBytes, RECORD_HEADER_BYTES, type RecordHeader, readRecordHeader, SEAL_KIND } from './journal-format.ts';

/** Records and items of a part of the journal by kind, without having read a body. A scrape counts as one item. */
export interface JournalAmount {
  traces: { requests: number; items: number };
  logs: { requests: number; items: number };
  metrics: { requests: number; items: number };
}
export const noAmount = (): JournalAmount => ({
  traces: { requests: 0, items: 0 },
  logs: { requests: 0, items: 0 },
  metrics: { requests: 0, items: 0 },
});
const SIGNAL: Readonly<Record<number, keyof JournalAmount>> = {
  [RecordKind.traces]: 'traces',
  [RecordKind.logs]: 'logs',
  [RecordKind.metrics]: 'metrics',
  [RecordKind.scrape]: 'metrics',
  [RecordKind.write1]: 'metrics',
  [RecordKind.write2]: 'metrics',
};
export function addRecord(amount: JournalAmount, { kind, items }: { readonly kind: number; readonly items: number }): void {
  const signal = SIGNAL[kind];
  if (signal === undefined) return;
  amount[signal].requests++;
  amount[signal].items += kind === RecordKind.scrape ? 1 : items;
}
export function addAmount(to: JournalAmount, from: JournalAmount, times = 1): void {
  for (const signal of ['traces', 'logs', 'metrics'] as const) {
    to[signal].requests += from[signal].requests * times;
    to[signal].items += from[signal].items * times;
  }
}

const WINDOW_BYTES = 64 * 1024;
/**
 * Walks the record headers of an open segment from `offset` on, over the bodies.
 * @returns where it stopped: at the seal, or where no valid header stands (the tail, or damage)
 */
export async function walkHeaders(
  fd: number,
  sequence: number,
  offset: number,
  onRecord: (header: RecordHeader, position: JournalPosition) => void,
): Promise<number> {
  const window = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  let from = offset;
  let held = window.subarray(0, await readAt(fd, window, from));
  for (let at = offset; ; ) {
    if (at < from || at + RECORD_HEADER_BYTES > from + held.length) {
      from = at;
      held = window.subarray(0, await readAt(fd, window, from));
    }
    const header = readRecordHeader(held, at - from, sequence, at);
    if (header === null || header.kind === SEAL_KIND) return at;
    onRecord(header, positionOf(sequence, at));
    at += alignedBytes(header.lengthBytes);
  }
}
