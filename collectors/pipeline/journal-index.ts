import { readdirSync } from 'node:fs';
import path from 'node:path';
import { type JournalPosition, offsetOf, positionOf, segmentOf } from '#contracts/journal.ts';
import { closeFile, openFile } from './disk-file.ts';
import { SEGMENT_HEADER_BYTES, segmentFileName, sequenceOfFileName } from './journal-format.ts';
import { addAmount, addRecord, type JournalAmount, noAmount, walkHeaders } from './journal-walk.ts';

interface Walked {
  readonly sequence: number;
  offset: number;
  readonly amount: JournalAmount;
}
/**
 * How much lies in the journal from a position on, kept up with headers only. For queues that read later than they count:
 * during an outage of a destination nothing else looks at what arrives.
 */
export class JournalIndex {
  private readonly dir: string;
  private segments: Walked[] = [];
  private updating: Promise<void> = Promise.resolve();

  constructor(dir: string) {
    this.dir = dir;
  }
  /** Takes in what was written since, and forgets segments before `needed`. Calls wait for each other: nothing is counted twice. */
  update(needed: JournalPosition): Promise<void> {
    const done = this.updating.then(() => this.look(needed));
    this.updating = done.catch(() => undefined);
    return done;
  }
  private async look(needed: JournalPosition): Promise<void> {
    const present = readdirSync(this.dir)
      .map(sequenceOfFileName)
      .filter((sequence): sequence is number => sequence !== null && sequence >= segmentOf(needed))
      .sort((a, b) => a - b);
    const known = new Map(this.segments.map((segment) => [segment.sequence, segment]));
    const newest = this.segments.at(-1)?.sequence ?? -1;
    const segments = present.map((sequence) => known.get(sequence) ?? { sequence, offset: SEGMENT_HEADER_BYTES, amount: noAmount() });
    // Only what was last, or came after it, can have grown.
    for (const segment of segments) if (segment.sequence >= newest) await this.walk(segment);
    this.segments = segments;
  }
  private async walk(segment: Walked): Promise<void> {
    let fd: number;
    try {
      fd = await openFile(path.join(this.dir, segmentFileName(segment.sequence)), 'r');
    } catch {
      return;
    }
    try {
      segment.offset = await walkHeaders(fd, segment.sequence, segment.offset, (header) => addRecord(segment.amount, header));
    } finally {
      await closeFile(fd);
    }
  }
  /** End of what was walked. */
  get end(): JournalPosition {
    const last = this.segments.at(-1);
    return last ? positionOf(last.sequence, last.offset) : 0;
  }
  /** @param passed what lies between the start of the position's segment and the position */
  after(position: JournalPosition, passed: JournalAmount): { readonly bytes: number; readonly amount: JournalAmount } {
    const amount = noAmount();
    let bytes = 0;
    for (const segment of this.segments) {
      if (segment.sequence < segmentOf(position)) continue;
      const same = segment.sequence === segmentOf(position);
      addAmount(amount, segment.amount);
      if (same) addAmount(amount, passed, -1);
      bytes += Math.max(0, segment.offset - (same ? offsetOf(position) : SEGMENT_HEADER_BYTES));
    }
    return { bytes, amount };
  }
}
