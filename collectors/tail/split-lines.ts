/** Lines of a file that is read in pieces. Nothing of it is kept between two pieces but the head of a line longer than the limit. */
export interface SplitLine {
  /** Without line feed and carriage return; a view into the piece. */
  readonly bytes: Buffer;
  /** Offset of the byte after the line. */
  readonly end: number;
  /** Bytes of it beyond the limit. */
  readonly cutBytes: number;
}
/** A line whose end is not there yet, and that is over the limit already. */
interface LongLine {
  readonly head: Buffer;
  scanned: number;
  lastByte: number;
}
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class LineSplitter {
  /** Where the next line begins. */
  start: number;
  /** NUL bytes passed over between lines: what a writer without O_APPEND leaves in front after a truncation. */
  nulBytes = 0;
  private long: LongLine | null = null;
  private readonly maxLineBytes: number;

  /** @param start offset of a line's first byte */
  constructor(start: number, maxLineBytes: number) {
    this.start = start;
    this.maxLineBytes = maxLineBytes;
  }
  /** Where the next piece must begin. */
  get readFrom(): number {
    return this.start + (this.long?.scanned ?? 0);
  }
  /** @param piece the bytes at `readFrom`, more than the limit of a line unless the file ends there */
  split(piece: Buffer, onLine: (line: SplitLine) => void): void {
    let at = this.long ? this.endLong(this.long, piece, onLine) : 0;
    while (at < piece.length) {
      const begin = at;
      while (at < piece.length && piece[at] === 0) at++;
      this.nulBytes += at - begin;
      this.start += at - begin;
      const feed = piece.indexOf(LINE_FEED, at);
      if (feed < 0) {
        // Shorter ones are read again when their end is there.
        if (piece.length - at > this.maxLineBytes) {
          const head = Buffer.from(piece.subarray(at, at + this.maxLineBytes));
          this.long = { head, scanned: piece.length - at, lastByte: piece.at(-1) as number };
        }
        return;
      }
      this.start += feed + 1 - at;
      const length = feed - at - (feed > at && piece[feed - 1] === CARRIAGE_RETURN ? 1 : 0);
      const cutBytes = Math.max(0, length - this.maxLineBytes);
      onLine({ bytes: piece.subarray(at, at + length - cutBytes), end: this.start, cutBytes });
      at = feed + 1;
    }
  }
  /** @returns where in the piece the next line begins */
  private endLong(long: LongLine, piece: Buffer, onLine: (line: SplitLine) => void): number {
    const feed = piece.indexOf(LINE_FEED);
    if (feed < 0) {
      long.scanned += piece.length;
      long.lastByte = piece.at(-1) ?? long.lastByte;
      return piece.length;
    }
    const length = long.scanned + feed;
    const ends = (feed > 0 ? piece[feed - 1] : long.lastByte) === CARRIAGE_RETURN ? 1 : 0;
    this.long = null;
    this.start += length + 1;
    onLine({ bytes: long.head, end: this.start, cutBytes: length - ends - long.head.length });
    return feed + 1;
  }
  /** The last line of a file that will not grow any more. @param rest the bytes from `readFrom` to the end, not longer than a line's limit */
  finish(rest: Buffer, onLine: (line: SplitLine) => void): void {
    const { long } = this;
    const length = (long?.scanned ?? 0) + rest.length;
    if (length === 0) return;
    this.start += length;
    this.long = null;
    if (long) onLine({ bytes: long.head, end: this.start, cutBytes: length - long.head.length });
    else onLine({ bytes: rest.subarray(0, this.maxLineBytes), end: this.start, cutBytes: Math.max(0, length - this.maxLineBytes) });
  }
}
