import type { Multiline } from '#contracts/tailing.ts';

/** Lines put together to records. */
export interface JoinedRecord {
  readonly text: string;
  /** Offset of the byte after its last line. */
  readonly end: number;
  readonly lines: number;
}
/** Beyond it the next line begins a record of its own: nothing is left out. */
export const MAX_RECORD_LINES = 1_000;
/** What a pattern gets to see of a line. */
const PATTERN_CHARS = 1_024;

export class LineJoiner {
  private readonly begins: ((line: string) => boolean) | null;
  private readonly maxChars: number;
  private parts: string[] = [];
  private chars = 0;
  private end = 0;
  /** When the last line of the record that waits came, Unix milliseconds. */
  private sinceMs = 0;

  constructor(multiline: Multiline, maxChars: number) {
    this.maxChars = maxChars;
    this.begins = beginsBy(multiline);
  }
  /** A record waits for its next line. */
  get waits(): boolean {
    return this.parts.length > 0;
  }
  add(line: string, end: number, nowMs: number, onRecord: (record: JoinedRecord) => void): void {
    if (this.begins === null) {
      onRecord({ text: line, end, lines: 1 });
      return;
    }
    const full = this.parts.length >= MAX_RECORD_LINES || this.chars + line.length > this.maxChars;
    if (this.waits && (full || this.begins(line))) this.flush(onRecord);
    this.parts.push(line);
    this.chars += line.length + 1;
    this.end = end;
    this.sinceMs = nowMs;
  }
  /** Ends the record that waits. */
  flush(onRecord: (record: JoinedRecord) => void): void {
    if (!this.waits) return;
    const record = { text: this.parts.join('\n'), end: this.end, lines: this.parts.length };
    this.parts = [];
    this.chars = 0;
    onRecord(record);
  }
  /** Waiting since before `ms`. */
  waitsSince(ms: number): boolean {
    return this.waits && this.sinceMs <= ms;
  }
}
/** @returns null when every line does */
function beginsBy(multiline: Multiline): ((line: string) => boolean) | null {
  if (multiline.by === 'line') return null;
  if (multiline.by === 'indent') return (line) => line !== '' && line[0] !== ' ' && line[0] !== '\t';
  const pattern = new RegExp(multiline.pattern);
  return (line) => pattern.test(line.length > PATTERN_CHARS ? line.slice(0, PATTERN_CHARS) : line);
}
